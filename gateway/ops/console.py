"""The console: its pages, their door, and what all of them have in common."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from gateway.ops import (
    barometer,
    books,
    broadcasts,
    calls,
    dead,
    door,
    halls,
    look_up,
    overview,
    page,
    promises,
    providers,
    replies,
    reviews,
    visits,
)
from gateway.runtime import Runtime

NAME = "ops"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask, runtime: Runtime) -> None:
    """Mount the console under ``/ops``."""
    routes = Blueprint(
        NAME, __name__, url_prefix=door.PATH, static_folder="static", static_url_path="/static"
    )
    door.guard(routes, runtime)
    for room in (
        door,
        overview,
        providers,
        broadcasts,
        dead,
        look_up,
        calls,
        promises,
        reviews,
        visits,
        halls,
        replies,
        books,
        barometer,
    ):
        room.add(routes, runtime)
    app.register_blueprint(routes)
    app.jinja_env.filters.update(page.FILTERS)
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    if request.blueprint == NAME:
        response.headers.setdefault("Content-Security-Policy", POLICY)
    return response

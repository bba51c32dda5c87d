"""The citizens' pages: server-made, working without JavaScript, one question on each."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from gateway.runtime import Runtime
from gateway.web import (
    actions,
    check,
    checkin,
    home,
    look_up,
    myself,
    page,
    password,
    proof,
    questions,
    status,
    unsubscribe,
    visit,
    where,
)

NAME = "web"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask, runtime: Runtime) -> None:
    """Mount the pages, their files under ``/static``, and what every page has in common."""
    routes = Blueprint(NAME, __name__, static_folder="static", static_url_path="/static")
    visit.guard(routes, runtime)
    for room in (home, where, look_up, questions, proof, password, myself, check, status, actions):
        room.add(routes, runtime)
    app.register_blueprint(routes)
    app.register_blueprint(unsubscribe.blueprint(runtime))
    app.register_blueprint(checkin.blueprint(runtime))
    app.context_processor(
        lambda: {"page": page.current(runtime), "token": lambda: visit.token(runtime.clock())}
    )
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    """A strict policy for these pages, and for the error pages that belong to no room."""
    if request.blueprint in (None, NAME, unsubscribe.NAME, checkin.NAME):
        response.headers.setdefault("Content-Security-Policy", POLICY)
    return response

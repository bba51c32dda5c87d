"""How the sandbox is steered: JSON in, JSON out; the page's forms say the same and come back to the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


async def read(request: web.Request) -> Mapping[str, Any]:
    """What a JSON object or a form says; a form's empty fields were not filled in."""
    if by_form(request):
        try:
            return {name: value for name, value in (await request.post()).items() if value}
        except (ValueError, LookupError):
            raise web.HTTPBadRequest(text="a form in UTF-8, please") from None
    try:
        values = json.loads(await request.read())
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair can be said, but not sent
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise web.HTTPBadRequest(text="a JSON object in UTF-8, please")
    return values


def by_form(request: web.Request) -> bool:
    """Whether it came from the page."""
    return request.content_type == "application/x-www-form-urlencoded"


def done(request: web.Request, value: Any) -> web.Response:
    """The value as JSON; a form goes back to the page."""
    if by_form(request):
        raise web.HTTPSeeOther(_back(request))
    return as_json(value)


def _back(request: web.Request) -> str:
    """The part of the page it came from, if it says so."""
    place = request.query.get("back", "")
    return f"/#{place}" if place.isascii() and place.isalnum() else "/"


def as_json(value: Any) -> web.Response:
    """JSON that people can read."""
    return web.json_response(value, dumps=lambda value: json.dumps(value, ensure_ascii=False))

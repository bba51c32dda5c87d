"""How the sandbox is steered: JSON in, JSON out; the page's forms say the same and come back to the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


async def read(request: web.Request) -> Mapping[str, Any]:
    """What a JSON object or a form says; a form's empty fields were not filled in."""
    if by_form(request):
        return {name: value for name, value in (await request.post()).items() if value}
    try:
        values = await request.json()
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise web.HTTPBadRequest(text="a JSON object, please")
    return values


def by_form(request: web.Request) -> bool:
    """Whether it came from the page."""
    return request.content_type == "application/x-www-form-urlencoded"


def done(request: web.Request, value: Any) -> web.Response:
    """The value as JSON; a form goes back to the page."""
    if by_form(request):
        raise web.HTTPSeeOther("/")
    return as_json(value)


def as_json(value: Any) -> web.Response:
    """JSON that people can read."""
    return web.json_response(value, dumps=lambda value: json.dumps(value, ensure_ascii=False))

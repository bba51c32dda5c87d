"""A telephone on a page, for the demo: the same dialogue as by telephone, driven over JSON.

One call for each visit. Its key stands in the signed cookie, so nobody can go on
with somebody else's call; every request carries the page's token.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from gateway.phone import calls
from gateway.phone.calls import Reply
from gateway.phone.keypad import digits
from gateway.phone.signals import Answered, Collect, Event, HangUp, Hangup, NoInput, Say, Transfer
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import devices

KEY = "phone"  # what is ours in the session cookie
TOKEN, CALL = "token", "call"
HEADER = "X-Token"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add(door: Blueprint, runtime: Runtime) -> None:
    """``GET /phone`` and ``POST /phone/calls``; only where the demo city is played."""

    @door.get("")
    def page() -> ResponseReturnValue:
        _only_in_the_demo(runtime)
        return render_template("phone.html", phone_token=_token())

    @door.post("/calls")
    def step() -> ResponseReturnValue:
        """{"event": call | keys | silence | hang_up, "keys", "terminator", "step"} → what is heard."""
        _only_in_the_demo(runtime)
        _refuse_strangers()
        given = _given()
        if given.get("event") == "call":
            return jsonify(_shown(_dial(runtime)))
        key, number = _values().get(CALL), given.get("step")
        if not key or not isinstance(number, int):
            abort(400)
        here = devices.of_address(runtime, request.remote_addr)
        return jsonify(_shown(calls.step(runtime, key, _event(given), number, here)))

    @door.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


def _only_in_the_demo(runtime: Runtime) -> None:
    if not runtime.settings.demo:
        abort(404)


def _values() -> dict[str, Any]:
    values: dict[str, Any] = session.get(KEY, {})
    return values


def _token() -> str:
    """The token of this visit; the first look at the page makes it."""
    if TOKEN not in _values():
        session[KEY] = {TOKEN: secrets.token_urlsafe(24)}
    return str(_values()[TOKEN])


def _refuse_strangers() -> None:
    """Only this visit's own page may speak; ``Sec-Fetch-Site`` is what browsers say of another's."""
    token = str(_values().get(TOKEN, ""))
    ours = bool(token) and same(token.encode(), request.headers.get(HEADER, "").encode())
    if not ours or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403)


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        abort(400)
    return given


def _dial(runtime: Runtime) -> Reply:
    """A new call; one that still runs in this visit has been dropped."""
    earlier = _values().get(CALL)
    if earlier:
        calls.step(runtime, earlier, Hangup("dialled again"), 0)
    key = f"simulator-{secrets.token_urlsafe(16)}"
    session[KEY] = {**_values(), CALL: key}
    return calls.step(runtime, key, Answered(), 0)


def _event(given: dict[str, Any]) -> Event:
    match given.get("event"):
        case "keys":
            return digits(str(given.get("keys", "")), str(given.get("terminator", "")))
        case "silence":
            return NoInput()
        case "hang_up":
            return Hangup("hung up")
        case _:
            raise BadRequest


def _shown(reply: Reply) -> dict[str, Any]:
    """What the page needs: lines to say, what to wait for, or how the call ended."""
    lines: list[Say] = []
    waits: dict[str, Any] | None = None
    end = None
    for action in reply.actions:
        match action:
            case Say():
                lines.append(action)
            case Collect():
                lines += action.prompt
                times = {"first": action.first, "between": action.between}
                waits = {"max": action.max, "terminator": action.terminator, **times}
            case Transfer():
                end = "transfer"
            case HangUp():
                end = "hang_up"
    said = [{"zh": line.text, "en": line.en, "rate": line.rate} for line in lines]
    return {"step": reply.step, "say": said, "waits": waits, "end": end}

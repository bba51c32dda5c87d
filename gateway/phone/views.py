"""The doors of the telephone: a switch that speaks TwiML, and the simulator's pages.

``POST /phone/twilio/<secret>/voice`` is the number's voice address,
``/phone/twilio/<secret>/ended`` its status callback. The path's secret keeps
strangers out; the vendor's signature is checked beside it.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, abort, request

from gateway.phone import calls, simulator, twiml
from gateway.phone.keypad import digits
from gateway.phone.signals import Answered, Event, Hangup, NoInput
from gateway.providers import Callback, Reporter
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import devices

PROVIDER, KIND = "twilio_voice", "voice"
AGENT = "HOTLINE_AGENT_NUMBER"  # setting: the number people are put through to
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
log = structlog.get_logger()


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/phone`` for this process's Runtime."""
    door = Blueprint("phone", __name__, url_prefix="/phone")

    @door.post("/twilio/<secret>/voice")
    def voice(secret: str) -> Response:
        _authenticate(runtime, secret)
        return _document(runtime)

    @door.post("/twilio/<secret>/ended")
    def ended(secret: str) -> Response:
        """However the call ended: whoever had proven who they are is told how to go on."""
        _authenticate(runtime, secret)
        if _call():
            calls.step(runtime, _call(), Hangup(request.form.get("CallStatus", "")[:20]), 0)
        return _xml(twiml.render((), "", ""))

    simulator.add(door, runtime)
    return door


def _authenticate(runtime: Runtime, secret: str) -> None:
    """A wrong secret and a provider that is not configured look the same."""
    known = runtime.providers.get(PROVIDER)
    right = same(secret.encode(), runtime.settings.callback_secret.encode())
    if not right or not isinstance(known, Reporter):
        abort(404)
    url = runtime.settings.public_url + request.full_path.rstrip("?")
    body = request.get_data(cache=True)
    callback = Callback(KIND, url, dict(request.headers), body, request.remote_addr or "")
    if not known.verify(callback):
        log.warning("call_refused", provider=PROVIDER)
        abort(403)


def _document(runtime: Runtime) -> Response:
    """Always TwiML: an error of ours is an apology and a person, never silence on the line."""
    agent, key = runtime.settings.environment.get(AGENT, ""), _call()
    if not key:
        return _xml(twiml.sorry(agent))
    try:
        caller = devices.of_number(runtime, request.form.get("From", "")[:64])
        reply = calls.step(runtime, key, _event(), _number(), caller, request.form.get("From", "")[:64])
    except Exception as error:  # noqa: BLE001 - a caller must not hear a machine's error
        log.error("call_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold keys
        return _xml(twiml.sorry(agent))
    return _xml(twiml.render(reply.actions, f"voice?step={reply.step}", agent))


def _call() -> str:
    return request.form.get("CallSid", "")[:64]


def _number() -> int:
    given = request.args.get("step", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0


def _event() -> Event:
    """What the webhook tells. ``FinishedOnKey`` sets a # pressed alone apart from silence."""
    if request.form.get("CallStatus") in OVER:
        return Hangup(request.form["CallStatus"])
    pressed = digits(request.form.get("Digits", ""), request.form.get("FinishedOnKey", ""))
    if pressed.text or pressed.terminator:
        return pressed
    return NoInput() if "step" in request.args else Answered()


def _xml(document: str) -> Response:
    return Response(document, content_type="text/xml; charset=utf-8")

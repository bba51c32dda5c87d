"""The link in a notice that stops such notices (RFC 8058): no sign-in, no cookie, one press.

Asking for the page changes nothing, for mail scanners follow every link. A POST does what it says,
at once and without a redirect: mailbox providers send one with ``List-Unsubscribe=One-Click`` when
somebody presses their own button. The address is never shown; the link does not hold it.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway import audit
from gateway.notifications import suppression, unsubscribe
from gateway.runtime import Runtime

NAME = "unsubscribe"
ONE_CLICK = "one_click"  # through whom it was said, where a text message has its provider
START = "start"  # the form that undoes it says so in ``wish``; whatever else is posted means stop


def blueprint(runtime: Runtime) -> Blueprint:
    """``/u/<token>``. It takes forms from anywhere: the token is the proof, there is no session to misuse."""
    routes = Blueprint(NAME, __name__)

    @routes.get(f"{unsubscribe.PATH}<token>")
    def consider(token: str) -> ResponseReturnValue:
        index = unsubscribe.index_of(runtime.vault, token)
        if index is None:
            return _page("unknown"), 404
        with runtime.db.read() as tx:
            return _page("stopped" if _is_stopped(tx, index) else "asked")

    @routes.post(f"{unsubscribe.PATH}<token>")
    def act(token: str) -> ResponseReturnValue:
        index = unsubscribe.index_of(runtime.vault, token)
        if index is None:
            return _page("unknown"), 404
        start = request.form.get("wish") == START
        with runtime.db.write() as tx:
            if _is_stopped(tx, index) == start:
                _heed(tx, runtime, index, start=start)
        return _page("resumed" if start else "stopped")

    return routes


def _is_stopped(tx: Connection, index: bytes) -> bool:
    return bool(suppression.among(tx, {index}))


def _heed(tx: Connection, runtime: Runtime, index: bytes, *, start: bool) -> None:
    """Write the wish down, and in the audit chain, where the address is its blind index as well."""
    now = runtime.clock()
    if start:
        suppression.lift(tx, [index])
    else:
        suppression.suppress(tx, [(index, ONE_CLICK, now)])
    action = "notices.start" if start else "notices.stop"
    audit.record(tx, runtime.vault, now, "recipient", action, f"address {index.hex()}")


def _page(state: str) -> str:
    return render_template("unsubscribe.html", state=state)

"""Proof by a code to the registered mobile.

The pages say the same to a registered person and to anybody else.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import engine, identity
from gateway.transactions.identity import Limit, Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import State, Words
from gateway.transactions.store import Transaction
from gateway.web import inputs, steps, visit, words
from gateway.web.page import rules_of_today
from gateway.web.questions import AGAIN_AT

CODE_DIGITS = 6
SAID = "said"  # what the next code page tells once
SENT_AGAIN, TOO_SOON = "sent_again", "too_soon"
NOT_SIX = Words(
    "验证码是6位数字。请看手机短信，再填一次。",
    "The code has 6 digits. Look at the text message and type it again.",
)


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/code`` and ``/t/<name>/code/resend``."""

    @routes.get("/t/<name>/code")
    def code(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if steps.elsewhere(transaction, "code"):
                return steps.go(steps.onward(transaction))
            return _code_page(tx, runtime, transaction, "", None)

    @routes.post("/t/<name>/code")
    def prove(name: str) -> ResponseReturnValue:
        steps.kind(name)
        given = request.form.get("code", "")[: inputs.LONGEST]
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            if steps.elsewhere(transaction, "code"):
                return steps.go(steps.onward(transaction))
            now, error = _try(tx, runtime, transaction, inputs.digits(given))
        if error is None:
            return steps.go(steps.onward(now))
        with runtime.db.read() as tx:
            return _code_page(tx, runtime, now, given, error)

    @routes.post("/t/<name>/code/resend")
    def resend(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            if steps.elsewhere(transaction, "code"):
                return steps.go(steps.onward(transaction))
            result = engine.send_code(tx, runtime, transaction)
        runtime.wake_all(result.lanes)
        if isinstance(result.value, Sent | TooSoon):
            visit.put(AGAIN_AT, int(result.value.again_at.timestamp()))
            visit.put(SAID, SENT_AGAIN if isinstance(result.value, Sent) else TOO_SOON)
        return steps.go(steps.onward(result.transaction))


def _try(
    tx: Connection, runtime: Runtime, transaction: Transaction, code: str
) -> tuple[Transaction, Words | None]:
    """Try a code; what was wrong with it, where it may be tried again on the same page."""
    if not is_code(code):
        return transaction, NOT_SIX  # a slip of the finger is no try
    result = engine.prove(tx, runtime, transaction, code)
    if isinstance(result.value, Proven):
        visit.put(visit.PROVEN, str(transaction.id))
    return result.transaction, wrong(result.value) if isinstance(result.value, Wrong) else None


def wrong(said: Wrong) -> Words:
    left = words.tries_left(said.left)
    return Words(
        f"验证码不对，或者已过5分钟。{left.zh}", f"The code is not right, or older than 5 minutes. {left.en}"
    )


def is_code(given: str) -> bool:
    return len(given) == CODE_DIGITS and given.isascii() and given.isdigit()


def _code_page(
    tx: Connection, runtime: Runtime, transaction: Transaction, value: str, error: Words | None
) -> ResponseReturnValue:
    kind, now = steps.kind(transaction.row.type), runtime.clock()
    locked = until(tx, runtime, transaction, identity.PROOFS)
    if locked:
        return render_template("locked.html", kind=kind, until=locked), 429
    return render_template(
        "code.html",
        kind=kind,
        sent=transaction.state is State.IDENTITY_PENDING,
        wait=words.seconds_until(visit.get(AGAIN_AT) or 0, now),
        used_up=until(tx, runtime, transaction, identity.CODES),
        said=visit.take(SAID),
        attributes=inputs.CODE,
        value=value,
        error=error,
        step=steps.proof(kind.name),
    ), (422 if error else 200)


def until(tx: Connection, runtime: Runtime, transaction: Transaction, limit: Limit) -> Words | None:
    """Until when a limit is closed for this ID number, in words."""
    now = runtime.clock()
    held = identity.locked(tx, limit, transaction.row.subject, now)
    return words.moment(held.until, now, rules_of_today(runtime).zone) if held else None

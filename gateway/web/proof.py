"""Proof of who is asking by a code: to the registered mobile, or to the registered e-mail address.

The pages say the same to a registered person and to anybody else, until a code has told them apart.
The same page takes the code that a new number or address must give back.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import mask_email, mask_mobile
from gateway.transactions import codes, engine, helping, identity
from gateway.transactions.engine import NotOpen, Result
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import State, Words
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from gateway.web import device, inputs, questions, steps, visit, words
from gateway.web.page import rules_of_today
from gateway.web.questions import AGAIN_AT

CODE_DIGITS = 6
SAID = "said"  # what the next code page tells once
SENT_AGAIN, TOO_SOON = "sent_again", "too_soon"
NOT_SIX = Words(
    "验证码是6位数字。请看手机短信，再填一次。",
    "The code has 6 digits. Look at the text message and type it again.",
)
Said = Result[Proven | Wrong | Locked | NotOpen]


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/code`` and ``/code/email`` under it, each with ``/resend``."""

    @routes.get("/t/<name>/code")
    def code(name: str) -> ResponseReturnValue:
        return _shown(runtime, name, None)

    @routes.post("/t/<name>/code")
    def prove(name: str) -> ResponseReturnValue:
        return _tried(runtime, name, None)

    @routes.post("/t/<name>/code/resend")
    def resend(name: str) -> ResponseReturnValue:
        return _resent(runtime, name, None)

    @routes.get("/t/<name>/code/email")
    def email(name: str) -> ResponseReturnValue:
        return _shown(runtime, name, Factor.EMAIL)

    @routes.post("/t/<name>/code/email")
    def prove_by_email(name: str) -> ResponseReturnValue:
        return _tried(runtime, name, Factor.EMAIL)

    @routes.post("/t/<name>/code/email/resend")
    def resend_email(name: str) -> ResponseReturnValue:
        return _resent(runtime, name, Factor.EMAIL)


def _factor(transaction: Transaction, by: Factor | None) -> Factor | None:
    """The factor a code page is for: the one asked for by its address, else a mobile's."""
    wanted = (by,) if by else (Factor.CODE, Factor.NEW)
    return next((factor for factor in wanted if steps.may_prove(transaction, factor)), None)


def _shown(runtime: Runtime, name: str, by: Factor | None) -> ResponseReturnValue:
    steps.kind(name)
    with runtime.db.read() as tx:
        transaction = visit.transaction(tx, runtime, kind=name)
        factor = _factor(transaction, by)
        if factor is None:
            return steps.go(steps.onward(transaction))
        return _code_page(tx, runtime, transaction, factor, "", None)


def _tried(runtime: Runtime, name: str, by: Factor | None) -> ResponseReturnValue:
    steps.kind(name)
    given = request.form.get("code", "")[: inputs.LONGEST]
    with runtime.db.write() as tx:
        transaction = visit.transaction(tx, runtime, kind=name, change=True)
        factor = _factor(transaction, by)
        if factor is None:
            return steps.go(steps.onward(transaction))
        now, lanes, error = _try(tx, runtime, transaction, factor, inputs.digits(given))
    runtime.wake_all(lanes)
    if error is None:
        return steps.go(steps.onward(now))
    with runtime.db.read() as tx:
        return _code_page(tx, runtime, now, factor, given, error)


def _try(
    tx: Connection, runtime: Runtime, transaction: Transaction, factor: Factor, code: str
) -> tuple[Transaction, set[str], Words | None]:
    """Try a code; what was wrong with it, where it may be tried again on the same page."""
    if not is_code(code):
        return transaction, set(), NOT_SIX  # a slip of the finger is no try
    result = engine.prove(tx, runtime, transaction, code, device.here(runtime), factor)
    if isinstance(result.value, Wrong):
        return result.transaction, set(), wrong(result.value)
    return *proven(tx, runtime, result), None


def proven(tx: Connection, runtime: Runtime, result: Said) -> tuple[Transaction, set[str]]:
    """Remember in this visit what was proven; where a new number must be confirmed, its code goes out."""
    if not isinstance(result.value, Proven):
        return result.transaction, set()
    visit.proved(result.transaction)
    sent = questions.send(tx, runtime, result.transaction)
    return sent.transaction, sent.lanes


def _resent(runtime: Runtime, name: str, by: Factor | None) -> ResponseReturnValue:
    steps.kind(name)
    with runtime.db.write() as tx:
        transaction = visit.transaction(tx, runtime, kind=name, change=True)
        factor = _factor(transaction, by)
        if factor is None:
            return steps.go(steps.onward(transaction))
        result = engine.send_code(tx, runtime, transaction, device.here(runtime), factor)
    runtime.wake_all(result.lanes)
    if isinstance(result.value, Sent | TooSoon):
        visit.put(AGAIN_AT, int(result.value.again_at.timestamp()))
        visit.put(SAID, SENT_AGAIN if isinstance(result.value, Sent) else TOO_SOON)
    return steps.go(steps.page_of(result.transaction, factor))


def wrong(said: Wrong) -> Words:
    left = words.tries_left(said.left)
    return Words(
        f"验证码不对，或者已过5分钟。{left.zh}", f"The code is not right, or older than 5 minutes. {left.en}"
    )


def is_code(given: str) -> bool:
    return len(given) == CODE_DIGITS and given.isascii() and given.isdigit()


def _code_page(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    factor: Factor,
    value: str,
    error: Words | None,
) -> ResponseReturnValue:
    kind, now = steps.kind(transaction.row.type), runtime.clock()
    purpose = codes.purpose(runtime, transaction, factor)
    held = identity.closed(tx, purpose.wrong, purpose.subject, now, device.here(runtime))
    instead = factor is Factor.CODE and steps.may_prove(transaction, Factor.PASSWORD)
    if held:
        return locked_page(runtime, transaction, held, password=instead)
    used_up = identity.used_up(tx, purpose, now, device.here(runtime))
    sent = factor is not Factor.EMAIL or identity.awaited(tx, purpose, now)
    return render_template(
        "code.html",
        kind=kind,
        factor=factor,
        to=_to(tx, runtime, transaction, factor),
        helped=helping.helped(transaction),
        password=instead,
        back=steps.last_question(transaction),
        first=steps.first_question(transaction),
        here=steps.page_of(transaction, factor),
        sent=sent and transaction.state is State.IDENTITY_PENDING,
        wait=words.seconds_until(visit.get(AGAIN_AT) or 0, now),
        used_up=used_up and moment(runtime, used_up),
        said=visit.take(SAID),
        attributes=inputs.CODE,
        value=value,
        error=error,
        step=steps.proof(transaction),
    ), (422 if error else 200)


def _to(tx: Connection, runtime: Runtime, transaction: Transaction, factor: Factor) -> str:
    """Where the code went, masked; of a registered mobile nothing is said."""
    if factor is Factor.NEW:
        new = codes.new_address(transaction) or ""
        return mask_email(new) if "@" in new else mask_mobile(new)
    if factor is Factor.EMAIL:
        who = transaction.row.helper_id or transaction.row.citizen_id
        return mask_email(register.addresses(tx, runtime.vault, "email", [who]).get(who, ""))
    return ""


def locked_page(
    runtime: Runtime, transaction: Transaction, held: Locked, *, password: bool = False
) -> ResponseReturnValue:
    """Closed for a while, and what there is instead."""
    page = render_template(
        "locked.html",
        kind=steps.kind(transaction.row.type),
        until=moment(runtime, held),
        password=password,
        first=steps.first_question(transaction),
    )
    return page, 429


def moment(runtime: Runtime, held: Locked) -> Words:
    return words.moment(held.until, runtime.clock(), rules_of_today(runtime).zone)

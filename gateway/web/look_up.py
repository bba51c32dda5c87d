"""Progress by reference: the number first, then the last four digits of the registered mobile.

An unknown reference, one without a proven citizen and wrong digits are answered
alike, and the tries of each reference are limited.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import identity, store
from gateway.transactions.identity import LOOK_UPS, Locked
from gateway.transactions.model import REFERENCE_DIGITS, Words, is_reference
from gateway.web import inputs, steps, visit, words
from gateway.web.page import rules_of_today

ASKED = "asked"  # the reference given on the first of the two pages
TAIL = 4

EMPTY = Words("请填写您的编号，一共14位数字。", "Type your number; it has 14 digits.")
NOT_DIGITS = Words(
    "编号只有数字，一共14位。请再看一看您记下的编号。",
    "The number has digits only, 14 of them. Look at your note again.",
)
MISTYPED = Words(
    "这个编号里有数字写错了，或者两位写反了。请逐位对照，再填一次。",
    "A digit in this number is wrong, or two are swapped. Compare digit by digit and type it again.",
)
NOT_FOUR = Words(
    "请填4位数字：登记手机号的最后四位。", "Type 4 digits: the last four of the registered mobile."
)


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Reference and digits do not belong together; ``left`` tries remain."""

    left: int


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/progress`` and ``/progress/mobile``."""

    @routes.get("/progress")
    def progress() -> ResponseReturnValue:
        return _reference_page(str(visit.get(ASKED) or ""), None)

    @routes.post("/progress")
    def give_reference() -> ResponseReturnValue:
        given = request.form.get("reference", "")[: inputs.LONGEST]
        reference = inputs.digits(given)
        error = wrong_with(reference)
        if error:
            return _reference_page(given, error)
        visit.put(ASKED, reference)
        return steps.go(url_for("web.progress_mobile"))

    @routes.get("/progress/mobile")
    def progress_mobile() -> ResponseReturnValue:
        reference = visit.get(ASKED)
        if reference is None:
            return steps.go(url_for("web.progress"))
        with runtime.db.read() as tx:
            held = identity.locked(tx, LOOK_UPS, _subject(runtime, reference), runtime.clock())
        return _held_page(runtime, held) if held else _mobile_page(reference, None)

    @routes.post("/progress/mobile")
    def give_mobile() -> ResponseReturnValue:
        reference = visit.get(ASKED)
        if reference is None:
            return steps.go(url_for("web.progress"))
        tail = inputs.digits(request.form.get("mobile", "")[: inputs.LONGEST])
        if len(tail) != TAIL or not (tail.isascii() and tail.isdigit()):
            return _mobile_page(reference, NOT_FOUR)
        with runtime.db.write() as tx:
            found = _find(tx, runtime, reference, tail)
        return _answer(runtime, reference, found)


def wrong_with(reference: str) -> Words | None:
    """What is wrong with a reference, as far as its digits alone tell."""
    if not reference:
        return EMPTY
    if not (reference.isascii() and reference.isdigit()):
        return NOT_DIGITS
    if len(reference) != REFERENCE_DIGITS:
        count = len(reference)
        return Words(
            f"编号一共14位，您填了{count}位。请再对照一次。",
            f"The number has 14 digits; you typed {count}. Compare it once more.",
        )
    return None if is_reference(reference) else MISTYPED


def _subject(runtime: Runtime, reference: str) -> bytes:
    return runtime.vault.index("reference", reference)


def _find(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | NoMatch | Locked:
    """Count the try, then look: guesses made at once must not share one."""
    now, subject = runtime.clock(), _subject(runtime, reference)
    held = identity.locked(tx, LOOK_UPS, subject, now)
    if held:
        return held
    tried = identity.count(tx, LOOK_UPS, subject, now)
    if tried > LOOK_UPS.most:
        return Locked(now + LOOK_UPS.closed)
    found = _matching(tx, runtime, reference, tail)
    if found:
        identity.forget(tx, LOOK_UPS, subject)
        return found
    left = LOOK_UPS.most - tried
    return NoMatch(left) if left else Locked(now + LOOK_UPS.closed)


def _matching(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | None:
    transaction = store.find(tx, runtime, reference)
    if transaction is None or transaction.row.citizen_id is None:
        return None
    citizen = transaction.row.citizen_id
    mobile = register.mobiles(tx, runtime.vault, [citizen]).get(citizen, "")
    return transaction.id if same(mobile[-TAIL:].encode(), tail.encode()) else None


def _answer(runtime: Runtime, reference: str, found: UUID | NoMatch | Locked) -> ResponseReturnValue:
    match found:
        case NoMatch(left):
            again = words.tries_left(left)
            return _mobile_page(
                reference,
                Words(
                    f"编号和手机号后四位对不上。{again.zh}",
                    f"The number and the four digits do not belong together. {again.en}",
                ),
            )
        case Locked():
            return _held_page(runtime, found)
        case key:
            visit.take(ASKED)
            visit.put(visit.FOUND, str(key))
            return steps.go(url_for("web.status"))


def _reference_page(value: str, error: Words | None) -> ResponseReturnValue:
    page = render_template("progress.html", value=value, error=error, attributes=inputs.DIGITS)
    return page, (422 if error else 200)


def _mobile_page(reference: str, error: Words | None) -> ResponseReturnValue:
    page = render_template(
        "progress_mobile.html", groups=words.groups(reference), error=error, attributes=inputs.DIGITS
    )
    return page, (422 if error else 200)


def _held_page(runtime: Runtime, held: Locked) -> ResponseReturnValue:
    until = words.moment(held.until, runtime.clock(), rules_of_today(runtime).zone)
    return render_template("locked.html", kind=None, until=until), 429

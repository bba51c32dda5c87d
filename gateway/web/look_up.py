"""Progress by reference: the number first, then the last four digits of the registered mobile."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.runtime import Runtime
from gateway.transactions import look_up
from gateway.transactions.look_up import TAIL, NoMatch
from gateway.transactions.model import Words
from gateway.transactions.references import REFERENCE_DIGITS, is_reference
from gateway.transactions.tallies import Locked
from gateway.web import device, inputs, steps, visit, words
from gateway.web.page import rules_of_today

ASKED = "asked"  # the reference given on the first of the two pages

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
            held = look_up.held(tx, runtime, reference, device.here(runtime))
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
            found = look_up.find(tx, runtime, reference, tail, device.here(runtime))
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

"""Checking in at a hall by oneself, at a kiosk or on one's own telephone.

The number and the last four digits of the mobile are the proof. There is no visit, for many people
use one kiosk, and it may stand idle for hours; nothing of anybody is shown or kept. With ``?kiosk`` in
its address the page shows keys to press, and what it says is gone after a while, for whoever is next.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from gateway.appointments import checkin
from gateway.appointments.checkin import AtTheDesk, Here, TooEarly
from gateway.cities import Hall
from gateway.runtime import Runtime
from gateway.transactions.look_up import TAIL, NoMatch
from gateway.transactions.model import Words
from gateway.transactions.tallies import Locked
from gateway.web import device, inputs, words
from gateway.web.page import rules_of_today

NAME = "checkin"
KIOSK = "kiosk"  # in the query: a machine for everybody
SECONDS = 15  # what a kiosk said stays so long; what is being typed four times as long

NOT_A_NUMBER = Words(
    "预约号是一个字母和几位数字，比如A023，在预约短信里。只填数字也可以。",
    "The number is a letter and some digits, like A023; it is in your text. The digits alone will do.",
)
NOT_FOUR = Words(
    "请填4位数字：登记手机号的最后四位。", "Type 4 digits: the last four of the registered mobile."
)


def blueprint(runtime: Runtime) -> Blueprint:
    """``/checkin/<hall>``."""
    routes = Blueprint(NAME, __name__)

    @routes.get("/checkin/<hall>")
    def ask(hall: str) -> ResponseReturnValue:
        return _form(_hall(runtime, hall), "", None, "")

    @routes.post("/checkin/<hall>")
    def here(hall: str) -> ResponseReturnValue:
        place = _hall(runtime, hall)
        given = request.form.get("number", "")[: inputs.LONGEST]
        number, tail = checkin.plain(given), inputs.digits(request.form.get("mobile", "")[: inputs.LONGEST])
        if not number:
            return _form(place, given, NOT_A_NUMBER, "number")
        if not (len(tail) == TAIL and tail.isascii() and tail.isdecimal()):
            return _form(place, given, NOT_FOUR, "mobile")
        with runtime.db.write() as tx:
            rules, machine = rules_of_today(runtime), device.here(runtime)
            said = checkin.self_check_in(tx, runtime, rules, place.id, number, tail, machine)
        return _answer(runtime, place, given, said)

    return routes


def _answer(
    runtime: Runtime, hall: Hall, given: str, said: Here | TooEarly | AtTheDesk | NoMatch | Locked
) -> ResponseReturnValue:
    match said:
        case NoMatch(left):
            return _form(hall, given, _no_match(left), "number")
        case Here(number, starts_at):
            return _said(hall, "here", number=number, at=_clock(runtime, starts_at))
        case TooEarly(at):
            return _said(hall, "early", at=_clock(runtime, at))
        case AtTheDesk():
            return _said(hall, "desk")
        case Locked(until):
            until_words = words.moment(until, runtime.clock(), rules_of_today(runtime).zone)
            return _said(hall, "locked", until=until_words), 429


def _no_match(left: int) -> Words:
    again = words.tries_left(left)
    return Words(
        f"今天这个大厅没有这个号，或者手机号后四位不对。请对照预约短信上的大厅、日期和号。{again.zh}",
        "There is no such number at this hall today, or the four digits are others. Compare hall, day "
        f"and number with your text. {again.en}",
    )


def _clock(runtime: Runtime, at: datetime) -> str:
    return f"{at.astimezone(rules_of_today(runtime).zone):%H:%M}"


def _hall(runtime: Runtime, name: str) -> Hall:
    hall = next((hall for hall in rules_of_today(runtime).halls if hall.id == name), None)
    if hall is None:
        abort(404)
    return hall


def _form(hall: Hall, value: str, error: Words | None, wrong: str) -> ResponseReturnValue:
    page = render_template(
        "checkin.html", hall=hall, value=value, error=error, wrong_field=wrong, **_kiosk(4 * SECONDS)
    )
    return page, 422 if error else 200


def _said(hall: Hall, said: str, **values: object) -> str:
    return render_template("checked_in.html", hall=hall, said=said, **values, **_kiosk(SECONDS))


def _kiosk(seconds: int) -> dict[str, object]:
    """Whether a machine for everybody shows it, and after how many seconds it begins anew."""
    return {"kiosk": KIOSK in request.args, "seconds": seconds}

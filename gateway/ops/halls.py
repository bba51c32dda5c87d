"""The halls: how today goes in each, and the day of one of them for its desk, to work with and to print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Row

from gateway import cities
from gateway.appointments import bookings, checkin, offers
from gateway.appointments import day as days
from gateway.appointments.bookings import Standing
from gateway.appointments.checkin import Deed, Excuse
from gateway.appointments.day import Day, Guest
from gateway.cities import Hall, Rules
from gateway.levers import desk
from gateway.ops import page
from gateway.runtime import Runtime
from gateway.transactions.model import Words

SECONDS = 10  # between two questions of an open page
AHEAD = timedelta(days=366)  # nothing is booked further from today than this
STANDINGS: Mapping[Standing, Words] = {
    Standing.BOOKED: Words("未到", "not here yet"),
    Standing.CHECKED_IN: Words("已签到", "here"),
    Standing.SERVED: Words("已办理", "seen"),
    Standing.NO_SHOW: Words("没有来", "did not come"),
    Standing.EXCUSED: Words("没有来，不计", "did not come, excused"),
}
QUOTAS: Mapping[str, Words] = {"web": Words("网上", "web"), "phone": Words("电话", "phone")}
EXCUSES: Mapping[Excuse, Words] = {
    Excuse.ILL: Words("生病", "ill"),
    Excuse.EMERGENCY: Words("天气、交通等意外", "an emergency"),
    Excuse.OURS: Words("我们的差错", "our mistake"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/halls`` and ``/ops/halls/<hall>``, with what its desk can do."""

    @routes.get("/halls")
    def halls() -> ResponseReturnValue:
        rules = _rules(runtime)
        day = _day(runtime, rules)
        with runtime.db.read() as tx:
            counted, walked_in = days.figures(tx, rules, day), days.walk_ins_of(tx, rules, day)
        return page.show(
            "halls.html", rules=rules, counted=counted, walked_in=walked_in, **_about(runtime, rules, day)
        )

    @routes.get("/halls/<name>")
    def halls_day(name: str) -> ResponseReturnValue:
        rules = _rules(runtime)
        hall, day = _hall(rules, name), _day(runtime, rules)
        asked = request.args.get("number", "")
        with runtime.db.read() as tx:
            shown = days.of_hall(tx, runtime, rules, hall.id, day)
        found = _asked_for(shown, asked)
        about = _about(runtime, rules, day)
        return page.show("hall.html", hall=hall, shown=shown, asked=asked[:12], found=found, **about)

    _levers(routes, runtime)


def _levers(routes: Blueprint, runtime: Runtime) -> None:
    @routes.post("/halls/<name>/number")
    def halls_number(name: str) -> ResponseReturnValue:
        """Somebody is here: their number was typed. The page then shows whoever has it."""
        rules = _rules(runtime)
        hall, today = _hall(rules, name), _today(runtime, rules)
        number = checkin.plain(request.form.get("number", ""))
        with runtime.db.write() as tx:
            row = checkin.find(tx, rules, hall.id, today, number) if number else None
            if row:
                desk.do(tx, runtime, row.transaction_id, Deed.CHECK_IN, g.operator)
        return _back(hall, today, row.number if row else number or "?")

    @routes.post("/halls/<name>/walk-in")
    def halls_walk_in(name: str) -> ResponseReturnValue:
        rules = _rules(runtime)
        hall, matter = _hall(rules, name), request.form.get("matter", "")
        if matter not in {one.id for one in rules.appointment.matters}:
            abort(400)
        with runtime.db.write() as tx:
            if "less" in request.form:
                desk.take_back_walk_in(tx, runtime, rules, hall.id, matter, g.operator)
            else:
                desk.walk_in(tx, runtime, hall.id, matter, g.operator)
        return _back(hall, _today(runtime, rules), "")

    @routes.post("/halls/<name>/<deed>")
    def halls_do(name: str, deed: str) -> ResponseReturnValue:
        """Where it cannot be done any more, the page shows how it stands."""
        rules = _rules(runtime)
        hall = _hall(rules, name)
        if deed not in list(Deed):
            abort(404)
        why = request.form.get("why")
        if why is not None and why not in list(Excuse):
            abort(400)
        with runtime.db.write() as tx:
            row = _booking(tx, hall)
            desk.do(tx, runtime, row.transaction_id, Deed(deed), g.operator, Excuse(why) if why else None)
        return _back(hall, row.starts_at.astimezone(rules.zone).date(), row.number)


def _booking(tx: Connection, hall: Hall) -> Row[Any]:
    """The one the form names, if it is this hall's."""
    try:
        row = bookings.of(tx, UUID(request.form.get("key", "")))
    except ValueError:
        abort(400)
    if row is None or row.hall != hall.id or row.number is None:
        abort(404)
    return row


def _back(hall: Hall, day: date, number: str) -> ResponseReturnValue:
    """To the day's page, with that booking on top."""
    return redirect(url_for("ops.halls_day", name=hall.id, day=day, number=number or None), 303)


def _rules(runtime: Runtime) -> Rules:
    return cities.of(runtime).rules_now(runtime.clock())


def _hall(rules: Rules, name: str) -> Hall:
    hall = next((hall for hall in rules.halls if hall.id == name), None)
    if hall is None:
        abort(404)
    return hall


def _today(runtime: Runtime, rules: Rules) -> date:
    return runtime.clock().astimezone(rules.zone).date()


def _day(runtime: Runtime, rules: Rules) -> date:
    """The day the address names; today where it names none that can be."""
    today = _today(runtime, rules)
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today
    return day if abs(day - today) <= AHEAD else today


def _about(runtime: Runtime, rules: Rules, day: date) -> dict[str, object]:
    """What both pages say of the day, and of the others one may go to."""
    today = _today(runtime, rules)
    return {
        "seconds": SECONDS,
        "reload": request.full_path.rstrip("?"),
        "day": day,
        "said": offers.a_day(day),
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "working": rules.calendar.is_working_day(day),
        "standings": STANDINGS,
        "quotas": QUOTAS,
        "excuses": EXCUSES,
        "matters": {one.id: Words(one.name, one.name_en) for one in rules.appointment.matters},
        "zone": rules.zone,
        "clock": page.clock_time,
    }


def _asked_for(shown: Day, asked: str) -> Guest | None:
    """Whoever has the number the address names, with or without its letter."""
    number = checkin.plain(asked)
    return next((one for one in shown.guests if number and number in (one.number, one.number[1:])), None)

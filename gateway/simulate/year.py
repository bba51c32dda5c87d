"""The year: each day what happens in the town, what people do, and all the work that follows."""

from __future__ import annotations

import time as clock_of_the_machine
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from gateway import cities
from gateway.citizens import register
from gateway.citizens.register import citizens as people_table
from gateway.delivery import ledger
from gateway.instance.scratch import scratch
from gateway.levers import years
from gateway.levers.accounts import Desk
from gateway.pensions.planning import plan_pensioners
from gateway.simulate import checks, lives, town, work
from gateway.simulate.acts import Acts
from gateway.simulate.checks import Seen
from gateway.simulate.lives import Life
from gateway.simulate.staff import Staff
from gateway.simulate.town import Town
from gateway.transactions.promises import promises
from gateway.transactions.reminders import reminders
from gateway.transactions.replanning import replannings
from gateway.transactions.store import transactions

BEGINS = date(2026, 1, 1)  # a year whose working days are announced, with a next one that is not
DAYS = 365
# Hours at which work is looked at; reminders go from 9 to 11:30, halls and registries write before.
MORNING, HOURS = (
    time(7),
    (time(9), time(9, 45), time(10, 30), time(11, 30), time(12), time(16), time(20), time(23, 30)),
)
ACTING = time(9, 45)
ANNOUNCED = (11, 10)  # the day the next year's notice is loaded: made up, as nobody knows it yet
NOTICE = """[[notice]]
year = {year}
source = "made up for the simulated year"
holidays = [
    {{ from = {year}-01-01, to = {year}-01-03 }}, {{ from = {year}-02-05, to = {year}-02-12 }},
    {{ from = {year}-04-03, to = {year}-04-05 }}, {{ from = {year}-05-01, to = {year}-05-05 }},
    {{ from = {year}-10-01, to = {year}-10-08 }},
]
workdays = []
"""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Year:
    """What is played: its town, its drawn lives by ID number, its people's acts."""

    town: Town
    lives: Mapping[str, Life]
    acts: Acts
    staff: Staff


def play(citizens: int, seed: int, days: int, say: Say) -> dict[str, Any]:
    """A year in a fresh place; the result is what happened and whether all was as it must be."""
    began = clock_of_the_machine.monotonic()
    zone = cities.shipped()["changde"].rules_at(BEGINS).zone
    with (
        scratch("huiyin-year-") as folder,
        town.built(Path(folder), citizens, seed, datetime.combine(BEGINS, MORNING, zone)) as place,
    ):
        say(f"{len(place.people):,} pensioners, {days} days from {BEGINS}")
        year = Year(place, _drawn(place, seed, days), Acts(Random(f"{seed} acts")), Staff(seed))
        _register_standing(year)
        turns = lives.by_day(year.lives)
        for number in range(days):
            _day(year, BEGINS + timedelta(days=number), turns)
            if number % 30 == 29:
                spent = clock_of_the_machine.monotonic() - began
                say(f"{place.clock():%Y-%m-%d}  {spent:5.0f} s  {len(year.acts.done):,} matters")
        result = _judged(year)
    spent = clock_of_the_machine.monotonic() - began
    return {"seed": seed, "citizens": citizens, "days": days, "seconds": round(spent, 1), **result}


def _drawn(place: Town, seed: int, days: int) -> Mapping[str, Life]:
    rule = cities.of(place.runtime).rules_at(BEGINS).pension_auth
    luck, ends = Random(f"{seed} lives"), BEGINS + timedelta(days=days)
    return {one.id_number: lives.draw(luck, rule, BEGINS, ends) for one in place.people}


def _register_standing(year: Year) -> None:
    """The registry as it stands on the evening before."""
    rows = [
        {"id_number": number, "status": "not_due", "last_done": life.last_done.isoformat()}
        for number, life in year.lives.items()
    ]
    pensions = year.town.offices.pensions

    def write() -> None:
        pensions.load(
            {
                "id_number": row["id_number"],
                "pension_status": row["status"],
                "pension_last_done": row["last_done"],
            }
            for row in rows
        )

    year.town.offices.call(write)


def _day(year: Year, day: date, turns: Mapping[date, list[tuple[str, lives.Turn]]]) -> None:
    place, zone = year.town, year.town.clock().tzinfo
    place.clock.now = datetime.combine(day, MORNING, zone)
    _registry(year, turns.get(day, []))
    if day.day == 1:
        _import_states(year)
        plan_pensioners(place.runtime, len(place.people))
    if (day.month, day.day) == ANNOUNCED:
        _announce(place, day.year + 1)
    work.daily(place)
    for hour in HOURS:
        place.clock.now = datetime.combine(day, hour, zone)
        work.until_quiet(place)
        year.staff.work(place)
        if hour == ACTING:
            place.clock.now += timedelta(minutes=1)  # what is done at one moment has no order
            year.acts.day(place)


def _registry(year: Year, turns: Sequence[tuple[str, lives.Turn]]) -> None:
    """What the registry writes today, in the diary too."""
    now, pensions = year.town.clock(), year.town.offices.pensions

    def write() -> None:
        for number, turn in turns:
            pensions.change({"id_number": number, **turn.values})

    year.town.offices.call(write)
    for number, turn in turns:
        year.lives[number].write(now, turn.values)


def _import_states(year: Year) -> None:
    """Once a month our register hears how everybody stands; what happens meanwhile it does not know."""
    place = year.town
    with place.runtime.db.write() as tx:
        ids = register.ids(tx, place.runtime.vault, year.lives)
        change = update(people_table).where(people_table.c.id == bindparam("key"))
        now = place.clock()
        rows = [{"key": ids[number], "state": life.stood(now)[0]} for number, life in year.lives.items()]
        tx.execute(change.values(pension_state=bindparam("state")), rows)


def _announce(place: Town, year: int) -> None:
    with place.runtime.db.write() as tx:
        desk = Desk(tx, place.runtime.vault, place.clock(), "simulate")
        years.load(desk, NOTICE.format(year=year), f"{year}.toml")
    place.clock.now += timedelta(seconds=10)


# --- what came of it -------------------------------------------------------------------------


def _judged(year: Year) -> dict[str, Any]:
    place = year.town
    runtime = place.runtime
    rules = cities.of(runtime).rules_now(place.clock())
    with runtime.db.read() as tx:
        ids = register.ids(tx, runtime.vault, year.lives)
        by_citizen: dict[UUID, Life] = {ids[number]: life for number, life in year.lives.items()}
        rows = tx.execute(select(reminders)).all()
        seen = Seen(rules, place.clock(), by_citizen, year.acts.done, rows)
        found = checks.all_of(tx, seen)
        figures = _figures(tx, year, rows)
    return {
        "ok": all(check.told()["ok"] for check in found),
        "checks": [check.told() for check in found],
        **figures,
    }


def _figures(tx: Any, year: Year, rows: Sequence[Any]) -> dict[str, Any]:
    months = [f"{BEGINS.year}-{month:02}" for month in range(1, 13)]
    told, dropped = (
        Counter(f"{row.planned_for:%Y-%m}" for row in rows if row.state == state)
        for state in ("told", "dropped")
    )
    matters = tx.execute(
        select(transactions.c.type, transactions.c.state, func.count()).group_by(
            transactions.c.type, transactions.c.state
        )
    )
    kept = tx.execute(
        select(promises.c.state, promises.c.late, func.count()).group_by(promises.c.state, promises.c.late)
    )
    again = tx.execute(select(func.count(), func.sum(replannings.c.moved)).select_from(replannings)).one()
    return {
        "months": months,
        "reminders": {
            "told": [told[month] for month in months],
            "dropped": [dropped[month] for month in months],
            "why_dropped": dict(Counter(row.reason for row in rows if row.state == "dropped").most_common()),
        },
        "messages": {one.channel: [one.arrived[month] for month in months] for one in year.town.carriers},
        "taken": sum(account.taken for account in ledger.accounts(tx)),
        "matters": {f"{kind} {state}": count for kind, state, count in matters},
        "called": dict(year.staff.called),
        "not_begun": dict(year.acts.refused),
        "promises": {f"{state}{' late' if late else ''}": count for state, late, count in kept},
        "planned_again": {"times": again[0], "moved": int(again[1] or 0)},
    }

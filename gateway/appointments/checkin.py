"""What happens to a booking once its day has come: they came, they were seen, they did not come.

The desk may do all of it at any hour of the day. At a kiosk, or on their own telephone, people
check themselves in with their number and the last four digits of their mobile, shortly before
their time; an unknown number and wrong digits hear the same, and the tries of each, and from each
place, are limited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from string import ascii_uppercase
from typing import Any
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update
from sqlalchemy import delete as remove

from gateway.appointments.bookings import TAKING, Standing, bookings, of, slots, walk_ins
from gateway.cities import Rules
from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import look_up, store
from gateway.transactions.devices import Device
from gateway.transactions.look_up import TAIL, NoMatch
from gateway.transactions.tallies import Locked

_NUMBER = re.compile(r"[A-Z]?[0-9]{2,7}")


class Deed(StrEnum):
    """What the desk does with a booking; each with its one line of meaning."""

    CHECK_IN = "check-in"  # they are here; also who was taken for absent
    SERVE = "serve"  # they were seen
    UNDO = "undo"  # the wrong number was keyed: not here yet
    EXCUSE = "excuse"  # they did not come, for a reason, and it does not count


class Excuse(StrEnum):
    """Why it does not count that somebody did not come; each with its one line of meaning."""

    ILL = "ill"  # they were ill, or had to look after somebody who was
    EMERGENCY = "emergency"  # weather, traffic, a fire
    OURS = "ours"  # our mistake: we were closed, late, or forgot to check them in


MOVES: Mapping[Deed, tuple[frozenset[Standing], Standing]] = {
    Deed.CHECK_IN: (frozenset({Standing.BOOKED, Standing.NO_SHOW}), Standing.CHECKED_IN),
    Deed.SERVE: (frozenset({Standing.CHECKED_IN}), Standing.SERVED),
    Deed.UNDO: (frozenset({Standing.CHECKED_IN}), Standing.BOOKED),
    Deed.EXCUSE: (frozenset({Standing.NO_SHOW}), Standing.EXCUSED),
}
"""From where each leads, and to where."""


def do(tx: Connection, runtime: Runtime, key: UUID, deed: Deed, by: str) -> bool:
    """Move a booking, its transaction and its timeline; False where it stands so that this cannot be done.

    Nothing can be done before its day has come. Repeating it changes nothing and is True.
    """
    rules = store.load(tx, runtime, key, hold=True).rules  # first of all: the order of locks
    booking, (sources, target) = of(tx, key), MOVES[deed]
    if booking is None or booking.starts_at >= span(rules, _today(rules, runtime))[1]:
        return False
    if booking.state == target:
        return True
    if booking.state not in sources:
        return False
    values = _new(target, runtime.clock())
    tx.execute(update(bookings).where(bookings.c.transaction_id == key).values(**values))
    store.change(tx, runtime, key, stage=target)
    store.note(tx, runtime, key, target if deed is not Deed.UNDO else "check_in_undone", by)
    return True


def _today(rules: Rules, runtime: Runtime) -> date:
    return runtime.clock().astimezone(rules.zone).date()


def _new(target: Standing, now: datetime) -> dict[str, Any]:
    match target:
        case Standing.CHECKED_IN:
            return {"state": target, "checked_in_at": now}
        case Standing.SERVED:
            return {"state": target, "served_at": now}
        case Standing.BOOKED:
            return {"state": target, "checked_in_at": None}
        case _:
            return {"state": target}


# --- by its number -----------------------------------------------------------------------------


def plain(given: str) -> str:
    """A number as it is kept, or its digits where no letter was given: a 023 → A023; "" for none."""
    number = "".join(normalize("NFKC", given).split()).upper()
    return number if _NUMBER.fullmatch(number) else ""


def find(tx: Connection, rules: Rules, hall: str, day: date, number: str) -> Row[Any] | None:
    """The booking people are called by this number for, at this hall on this day.

    The letter may be left out: no two of a hall's day share their digits.
    """
    query = select(bookings, slots.c.hall, slots.c.starts_at).join(slots, slots.c.id == bookings.c.slot_id)
    columns = bookings.c
    asked = columns.number == number if number[:1].isalpha() else func.substr(columns.number, 2) == number
    on_that_day = query.where(within(rules, hall, day), columns.state.in_(TAKING))
    return tx.execute(on_that_day.where(asked)).one_or_none()


def within(rules: Rules, hall: str, day: date) -> ColumnElement[bool]:
    """The slots of a hall on a day of the city's."""
    begins, ends = span(rules, day)
    return (slots.c.hall == hall) & (slots.c.starts_at >= begins) & (slots.c.starts_at < ends)


def span(rules: Rules, day: date) -> tuple[datetime, datetime]:
    """From the midnight a day of the city's begins with to the next."""
    begins, ends = (datetime.combine(one, time(), rules.zone) for one in (day, day + timedelta(days=1)))
    return begins, ends


# --- at the kiosk ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Here:
    """They are checked in, now or already, and are called by ``number``."""

    number: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class TooEarly:
    """It can be done from ``at`` on."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AtTheDesk:
    """Their time has passed, or they were seen already: the desk looks after it."""


def self_check_in(
    tx: Connection,
    runtime: Runtime,
    rules: Rules,
    hall: str,
    number: str,
    tail: str,
    device: Device | None = None,
) -> Here | TooEarly | AtTheDesk | NoMatch | Locked:
    """Check in whoever holds this number today."""
    now = runtime.clock()
    today = _today(rules, runtime)
    subject = runtime.vault.index("check_in", f"{hall} {today} {number.lstrip(ascii_uppercase)}")

    def look() -> Row[Any] | None:
        booking = find(tx, rules, hall, today, number)
        return booking if booking is not None and _theirs(tx, runtime, booking, tail) else None

    found = look_up.guess(tx, subject, now, device, look)
    return found if isinstance(found, NoMatch | Locked) else _arrive(tx, runtime, rules, found, now)


def _theirs(tx: Connection, runtime: Runtime, booking: Row[Any], tail: str) -> bool:
    citizen = booking.citizen_id
    mobile = register.addresses(tx, runtime.vault, "mobile", [citizen]).get(citizen, "")
    return len(tail) == TAIL and same(mobile[-TAIL:].encode(), tail.encode())


def _arrive(
    tx: Connection, runtime: Runtime, rules: Rules, booking: Row[Any], now: datetime
) -> Here | TooEarly | AtTheDesk:
    if booking.state == Standing.CHECKED_IN:
        return Here(booking.number, booking.starts_at)
    opens, closes = open_span(rules, booking.starts_at)
    if now < opens:
        return TooEarly(opens)
    if now > closes or booking.state != Standing.BOOKED:
        return AtTheDesk()
    if not do(tx, runtime, booking.transaction_id, Deed.CHECK_IN, "kiosk"):
        return AtTheDesk()
    return Here(booking.number, booking.starts_at)


def open_span(rules: Rules, starts_at: datetime) -> tuple[datetime, datetime]:
    """From when to when people may check themselves in."""
    booking = rules.appointment
    early, late = timedelta(minutes=booking.early_minutes), timedelta(minutes=booking.late_minutes)
    return starts_at - early, starts_at + late


# --- without a booking -------------------------------------------------------------------------


def walk_in(tx: Connection, hall: str, matter: str, now: datetime) -> None:
    """Count one who came without a booking."""
    tx.execute(insert(walk_ins).values(hall=hall, matter=matter, at=now))


def take_back_walk_in(tx: Connection, rules: Rules, hall: str, matter: str, now: datetime) -> bool:
    """Count the last one of today no more; whether there was one."""
    begins, ends = span(rules, now.astimezone(rules.zone).date())
    columns = walk_ins.c
    ours = (columns.hall == hall) & (columns.matter == matter) & (columns.at >= begins) & (columns.at < ends)
    newest = select(func.max(columns.id)).where(ours).scalar_subquery()
    return bool(tx.execute(remove(walk_ins).where(columns.id == newest)).rowcount)

"""A hall closed for a day or some hours, and opened again. Each pull is on record; citizens are told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Connection

from gateway import audit, cities
from gateway.appointments import closures
from gateway.appointments.closures import LONGEST, Closure, Touched
from gateway.errors import UnknownNameError
from gateway.levers.holding import NotNowError
from gateway.rules.model import Rules
from gateway.runtime import Runtime

REASON = re.compile(r"[^\W_][^\x00-\x1f\x7f【】<>()]{0,29}")
MIDNIGHT = time()
NOBODY = Touched(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hall is to be closed: whole days, both included, or hours of one; why, as citizens read it."""

    hall: str
    day: date
    until: date | None
    opens: time | None  # the hours it is closed, of one day
    closes: time | None
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A closure, and how many are told. ``changed`` false: it was closed so already, or is not done."""

    id: UUID | None
    hall: str
    from_at: datetime
    to_at: datetime
    reason: str
    touched: Touched
    changed: bool


def close(tx: Connection, runtime: Runtime, wanted: Wanted, actor: str, *, dry_run: bool = False) -> Closed:
    """Close a hall; with ``dry_run`` only count whom it reaches. The same closure again changes nothing."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    closure = _closure(rules, wanted, now)
    there = _there(tx, closure, now)
    if there or dry_run:
        return there or _closed(None, closure, closures.touched(tx, rules, closure), changed=False)
    key = runtime.new_id()
    touched = closures.close(tx, rules, key, closure, actor, now)
    if touched is None:  # somebody closed it between the look and now
        return _there(tx, closure, now) or _closed(None, closure, NOBODY, changed=False)
    span = f"{closure.from_at.isoformat(timespec='minutes')} {closure.to_at.isoformat(timespec='minutes')}"
    audit.record(tx, runtime.vault, now, actor, "hall.close", f"{closure.hall} {span}")
    return _closed(key, closure, touched, changed=True)


def _there(tx: Connection, closure: Closure, now: datetime) -> Closed | None:
    """The closure of the same hall and span that holds already."""
    for row in closures.ahead(tx, now):
        if (row.hall, row.from_at, row.to_at) == (closure.hall, closure.from_at, closure.to_at):
            return _closed(row.id, closures.of_row(row), NOBODY, changed=False)
    return None


def _closed(key: UUID | None, closure: Closure, touched: Touched, *, changed: bool) -> Closed:
    span = (closure.hall, closure.from_at, closure.to_at, closure.reason)
    return Closed(key, *span, touched=touched, changed=changed)


def _closure(rules: Rules, wanted: Wanted, now: datetime) -> Closure:
    if wanted.hall not in (known := [hall.id for hall in rules.halls]):
        raise UnknownNameError(f"There is no hall called {wanted.hall[:40]!r}; there are {', '.join(known)}.")
    if not REASON.fullmatch(wanted.reason):
        raise NotNowError("Give a reason of 1 to 30 characters, as citizens are to read it: 停电, 节前盘点.")
    last = wanted.until or wanted.day
    if last.year == MAXYEAR:  # its end is in no calendar
        raise NotNowError(f"{last} is no day a hall is closed for; name one of the days to come.")
    if wanted.until and (wanted.opens or wanted.closes):
        raise NotNowError("Name hours of one day, or several whole days, not both; close each day by itself.")
    begins = datetime.combine(wanted.day, wanted.opens or MIDNIGHT, rules.zone)
    whole = datetime.combine(last + timedelta(days=1), MIDNIGHT, rules.zone)
    ends = datetime.combine(wanted.day, wanted.closes, rules.zone) if wanted.closes else whole
    if ends <= begins or ends <= now or ends - begins > LONGEST:
        raise NotNowError(
            f"A closure ends after it begins, is not over yet, and lasts {LONGEST.days} days at most; "
            f"this one is from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M}. Name other days or hours."
        )
    return Closure(wanted.hall, begins, ends, wanted.reason)


def reopen(tx: Connection, runtime: Runtime, key: UUID, actor: str) -> bool:
    """Open a hall again; false where it is. Bookings taken back stay so: their citizens were told."""
    now = runtime.clock()
    row = closures.find(tx, key)
    if row is None:
        raise UnknownNameError(f"There is no closure {key}; the list of closures names those there are.")
    if row.reopened_at:
        return False
    closures.reopen(tx, cities.of(runtime).rules_now(now), row, now)
    audit.record(tx, runtime.vault, now, actor, "hall.reopen", f"{row.hall} {key}")
    return True

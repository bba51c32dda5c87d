"""Hours a hall is closed though its timetable says otherwise: no place is given then, and those given are
taken back with a notice.

Closing marks every slot of the span, under its lock: whoever takes a place at the same moment either sees
the mark or is seen, and loses the place again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update

from gateway.appointments.book import NO_PLACE, in_order
from gateway.appointments.bookings import Standing, bookings, closures, slots
from gateway.appointments.slots import Slot, of_day
from gateway.cities import Rules
from gateway.db import upsert

LONGEST = timedelta(days=92)
AT_ONCE = (Standing.BOOKED, Standing.OFFERED)


@dataclass(frozen=True, slots=True)
class Closure:
    """From when to when a hall is closed, and why, as citizens read it."""

    hall: str
    from_at: datetime
    to_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Touched:
    """How many are told that the hall is closed: who had a place, who was offered one, who waited."""

    booked: int
    offered: int
    waiting: int


def touched(tx: Connection, rules: Rules, closure: Closure) -> Touched:
    """Whom closing would reach."""
    columns = bookings.c
    there = select(columns.state, func.count()).select_from(bookings.join(slots))
    there = there.where(_within(rules, closure), columns.state.in_(AT_ONCE)).group_by(columns.state)
    found: dict[str, int] = {row[0]: row[1] for row in tx.execute(there)}
    waiting = tx.execute(select(func.count()).where(_waits_within(closure))).scalar_one()
    return Touched(found.get(Standing.BOOKED, 0), found.get(Standing.OFFERED, 0), waiting)


def close(
    tx: Connection, rules: Rules, key: UUID, closure: Closure, by: str, now: datetime
) -> Touched | None:
    """Close the hall: nothing is given any more, what was given is taken back; they are told soon after.

    None where it is closed for this span already, perhaps since this moment.
    """
    values = {"hall": closure.hall, "from_at": closure.from_at, "to_at": closure.to_at}
    made = {"id": key, "reason": closure.reason, "made_at": now, "made_by": by}
    one = upsert(tx, closures).values(**values, **made).on_conflict_do_nothing()
    closed = tx.execute(one.returning(closures.c.id)).first()
    return apply(tx, rules, closure, now) if closed else None


def apply(tx: Connection, rules: Rules, closure: Closure, now: datetime) -> Touched:
    """Mark the slots of a closure, those nobody has asked for too, and take back what was given in them."""
    _mark(tx, rules, closure)
    reached = touched(tx, rules, closure)
    columns, inside = bookings.c, select(slots.c.id).where(_within(rules, closure))
    given = and_(columns.slot_id.in_(inside), columns.state.in_(AT_ONCE))
    gone = {**NO_PLACE, "state": Standing.CANCELLED_BY_HALL, "due_at": now}
    for whom, order in ((given, columns.transaction_id), (_waits_within(closure), columns.wait_since)):
        keys = in_order(tx, whom, order)
        tx.execute(update(bookings).where(columns.transaction_id.in_(keys)).values(**gone))
    return reached


def _mark(tx: Connection, rules: Rules, closure: Closure) -> None:
    quotas = rules.appointment.quotas
    rows = [
        {"hall": slot.hall, "starts_at": slot.starts_at, "web": quotas.web, "phone": quotas.phone}
        for slot in _slots(rules, closure)
    ]
    if rows:
        tx.execute(upsert(tx, slots).on_conflict_do_nothing(), rows)
    there = (
        select(slots.c.id).where(_within(rules, closure)).order_by(slots.c.id).with_for_update(key_share=True)
    )
    ids = tx.execute(there).scalars().all()
    tx.execute(update(slots).where(slots.c.id.in_(ids)).values(closed=True))


def _slots(rules: Rules, closure: Closure) -> Sequence[Slot]:
    """The slots of the timetable that a closure touches."""
    first, last = (at.astimezone(rules.zone).date() for at in (closure.from_at, closure.to_at))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    found = (slot for day in days for slot in of_day(rules, closure.hall, day))
    return [slot for slot in found if slot.starts_at < closure.to_at and slot.ends_at > closure.from_at]


def _within(rules: Rules, closure: Closure) -> ColumnElement[bool]:
    """The rows of slots that a closure touches; a slot lasts as long as it does today."""
    length = timedelta(minutes=rules.appointment.slot_minutes)
    columns = slots.c
    during = and_(columns.starts_at < closure.to_at, columns.starts_at > closure.from_at - length)
    return and_(columns.hall == closure.hall, during)


def _waits_within(closure: Closure) -> ColumnElement[bool]:
    """Those who wait for nothing but what is closed."""
    columns = bookings.c
    inside = and_(columns.wait_from >= closure.from_at, columns.wait_to <= closure.to_at)
    return and_(columns.wait_hall == closure.hall, inside)


def reopen(tx: Connection, rules: Rules, row: Row[Any], now: datetime) -> None:
    """Give places again, but where another closure holds. What was taken back stays so: they were told."""
    tx.execute(update(closures).where(closures.c.id == row.id).values(reopened_at=now))
    closure = of_row(row)
    tx.execute(update(slots).where(_within(rules, closure)).values(closed=False))
    overlap = and_(closures.c.from_at < row.to_at, closures.c.to_at > row.from_at)
    ours = and_(closures.c.hall == row.hall, closures.c.reopened_at.is_(None), overlap)
    others = [of_row(other) for other in tx.execute(select(closures).where(ours)).all()]
    if others:
        still = or_(*(_within(rules, other) for other in others))
        tx.execute(update(slots).where(still).values(closed=True))


def of_row(row: Row[Any]) -> Closure:
    return Closure(row.hall, row.from_at, row.to_at, row.reason)


def find(tx: Connection, key: UUID) -> Row[Any] | None:
    return tx.execute(select(closures).where(closures.c.id == key).with_for_update()).one_or_none()


def ahead(tx: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The closures that hold now or later, in order of time."""
    columns = closures.c
    query = select(closures).where(columns.to_at > now, columns.reopened_at.is_(None))
    return tx.execute(query.order_by(columns.from_at, columns.hall)).all()


def why(tx: Connection, rules: Rules, hall: str, starts_at: datetime, *, whenever: bool = False) -> str:
    """Why a hall is closed in the slot that begins then, as citizens read it; "" where it is not.

    ``whenever``: also why it was to be, though it is open again.
    """
    columns = closures.c
    ends_at = starts_at + timedelta(minutes=rules.appointment.slot_minutes)
    then = and_(columns.hall == hall, columns.from_at < ends_at, columns.to_at > starts_at)
    query = select(columns.reason).where(then if whenever else and_(then, columns.reopened_at.is_(None)))
    return tx.execute(query.order_by(columns.made_at.desc()).limit(1)).scalar_one_or_none() or ""

"""The waiting list: first come, first served, for the places of a hall's day that are given back.

A waiter is a booking without a slot. While they wait they count against everybody who comes
later (``book``), so nobody has to hand a freed place over in the moment it is freed: it cannot
be had by others, and a few seconds later it is offered to whoever waited longest. An offer is a
booking with an end, like a hold; it is taken under the lock of its slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from gateway import cities
from gateway.appointment_rules import QUOTA_OF
from gateway.appointments import book, counting, limits
from gateway.appointments.book import NO_WAIT
from gateway.appointments.bookings import Standing, bookings, of, slots
from gateway.appointments.limits import Refusal, Wish
from gateway.appointments.slots import Slot, Wait, of_day, offer_until, offered_from
from gateway.cities import Rules
from gateway.runtime import Runtime

FACE_OF = {quota: face for face, quota in QUOTA_OF.items()}


def join(tx: Connection, rules: Rules, wish: Wish, wait: Wait, now: datetime) -> Refusal | None:
    """Wait for a place; None once they do, also repeated. ``wish.slot`` is the first they would take."""
    refusal = may_join(tx, rules, wish, wait, now)
    if refusal or of(tx, wish.transaction_id):
        return refusal
    tx.execute(
        insert(bookings).values(
            transaction_id=wish.transaction_id,
            quota=QUOTA_OF[wish.face],
            matter=wish.matter.id,
            subject=wish.subject,
            citizen_id=wish.citizen_id,
            state=Standing.WAITING,
            wait_hall=wish.slot.hall,
            wait_from=wait.starts_at,
            wait_to=wait.ends_at,
            wait_since=now,
        )
    )
    return None


def may_join(tx: Connection, rules: Rules, wish: Wish, wait: Wait, now: datetime) -> Refusal | None:
    """Why they may not wait: their own limits, a closed hall, a long list. What they held is let go."""
    book.alone(tx, wish.subject)
    book.let_go(tx, wish, now)
    refusal = limits.limit(tx, rules, wish, now) if wish.citizen_id else None
    if refusal:
        return refusal
    book.locked(tx, rules, wish.slot)  # who joins at the same moment is counted
    if _closed(tx, wait) >= len(wait.slots):
        return Refusal.CLOSED
    return Refusal.LIST_FULL if _waiting(tx, wait) >= rules.appointment.waiting.longest else None


def _closed(tx: Connection, wait: Wait) -> int:
    ours = and_(slots.c.hall == wait.slots[0].hall, slots.c.starts_at.between(wait.starts_at, wait.ends_at))
    return int(tx.execute(select(func.count()).where(ours, slots.c.closed)).scalar_one())


def _waiting(tx: Connection, wait: Wait) -> int:
    """How many wait for any of these slots."""
    columns = bookings.c
    overlap = and_(columns.wait_from < wait.ends_at, columns.wait_to > wait.starts_at)
    query = select(func.count()).where(columns.wait_hall == wait.slots[0].hall, overlap)
    return int(tx.execute(query).scalar_one())


# --- offering ----------------------------------------------------------------------------------


def run_due(runtime: Runtime) -> int:
    """End what has run out, then offer what is free to whoever waited longest; returns how many moved."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    with runtime.db.read() as tx:
        ended, waiters = _ended(tx, rules, now), _waiters(tx)
    moved = 0
    if ended:
        with runtime.db.write() as tx:
            moved += _end(tx, rules, now)
    for quota, wanted in _wanted(rules, waiters, now).items():
        with runtime.db.read() as tx:
            free = counting.free(tx, rules, wanted, FACE_OF[quota], now, to_all=False)
        for slot in [slot for slot in wanted if free[slot]]:
            with runtime.db.write() as tx:  # a commit each: nobody waits for more than one slot
                moved += offer(tx, rules, slot, quota, now)
    return moved


def _ended(tx: Connection, rules: Rules, now: datetime) -> bool:
    found = (
        tx.execute(select(bookings.c.transaction_id).where(one).limit(1)).first() for one in _over(rules, now)
    )
    return any(found)


def _over(rules: Rules, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Offers nobody took in time, of those they were told of; and those whom nothing can reach any more."""
    columns = bookings.c
    told = and_(columns.state == Standing.OFFERED, columns.due_at.is_(None))
    last = offered_from(rules, now) + timedelta(minutes=rules.appointment.slot_minutes)
    return and_(told, columns.held_until <= now), columns.wait_to < last


def _end(tx: Connection, rules: Rules, now: datetime) -> int:
    columns, (lapsed, over) = bookings.c, _over(rules, now)
    ends: list[tuple[ColumnElement[bool], ColumnElement[Any], Standing]] = [
        (lapsed, columns.transaction_id, Standing.LAPSED),
        (over, columns.wait_since, Standing.NOT_REACHED),
    ]
    number = 0
    for whom, order, state in ends:
        keys = book.in_order(tx, whom, order)
        values = {**book.NO_PLACE, "state": state, "due_at": now}
        tx.execute(update(bookings).where(columns.transaction_id.in_(keys)).values(**values))
        number += len(keys)
    return number


def _waiters(tx: Connection) -> Sequence[Row[Any]]:
    """What is waited for, each once."""
    columns = bookings.c
    query = select(columns.wait_hall, columns.quota, columns.wait_from, columns.wait_to)
    rows: Sequence[Any] = tx.execute(query.where(columns.wait_from.is_not(None)).distinct()).all()
    return rows


def _wanted(rules: Rules, waiters: Sequence[Row[Any]], now: datetime) -> dict[str, list[Slot]]:
    """The slots that are waited for and can be offered now, by quota, in order of time."""
    found: dict[str, set[Slot]] = {}
    for row in waiters:
        day = row.wait_from.astimezone(rules.zone).date()
        inside = (slot for slot in of_day(rules, row.wait_hall, day) if slot.starts_at >= row.wait_from)
        able = {slot for slot in inside if offered_from(rules, now) <= slot.starts_at < row.wait_to}
        found.setdefault(row.quota, set()).update(able)
    return {
        quota: sorted(wanted, key=lambda slot: (slot.starts_at, slot.hall)) for quota, wanted in found.items()
    }


def offer(tx: Connection, rules: Rules, slot: Slot, quota: str, now: datetime) -> int:
    """Offer what is free in a slot to those who waited longest for it; returns how many got one."""
    row, columns = book.locked(tx, rules, slot), bookings.c
    taken = select(func.count()).where(columns.slot_id == row.id, counting.counts(quota, now))
    left = 0 if row.closed else getattr(row, quota) - tx.execute(taken).scalar_one()
    if left <= 0:
        return 0
    theirs = and_(columns.wait_hall == slot.hall, columns.quota == quota)
    then = and_(columns.wait_from <= slot.starts_at, columns.wait_to > slot.starts_at)
    keys = book.in_order(tx, and_(theirs, then), columns.wait_since)[:left]
    offered = {"state": Standing.OFFERED, "slot_id": row.id, "held_until": offer_until(rules, now)}
    ours = columns.transaction_id.in_(keys)
    tx.execute(update(bookings).where(ours).values(**offered, due_at=now, **NO_WAIT))
    return len(keys)


def wait_on(tx: Connection, booking: Row[Any], from_at: datetime, to_at: datetime, since: datetime) -> None:
    """Back to the place in the list of whoever was offered something and never told: that was our fault."""
    waits = {"wait_hall": booking.hall, "wait_from": from_at, "wait_to": to_at, "wait_since": since}
    columns = bookings.c
    ours = and_(columns.transaction_id == booking.transaction_id, columns.state == Standing.OFFERED)
    back = {**book.NO_PLACE, "state": Standing.WAITING, "slot_id": None, **waits}
    tx.execute(update(bookings).where(ours).values(**back))


def accept(
    tx: Connection, rules: Rules, transaction_id: UUID, letter: str, now: datetime
) -> tuple[Slot, str] | None:
    """Take the place that is offered; its slot and number, or None where the time has run out."""
    offered = of(tx, transaction_id)
    slot = offered and slot_of(rules, offered)
    if offered is None or slot is None:
        return None
    row, columns = book.locked(tx, rules, slot), bookings.c
    theirs = and_(columns.transaction_id == transaction_id, columns.state == Standing.OFFERED)
    lasting = and_(columns.held_until > now, columns.slot_id == row.id)
    if not tx.execute(update(bookings).where(theirs, lasting).values(due_at=None)).rowcount:
        return None
    return slot, book.give(tx, row.id, transaction_id, letter, slot)


def slot_of(rules: Rules, offered: Row[Any]) -> Slot | None:
    """The slot of a booking, by the timetable."""
    day = offered.starts_at.astimezone(rules.zone).date()
    return next((one for one in of_day(rules, offered.hall, day) if one.starts_at == offered.starts_at), None)

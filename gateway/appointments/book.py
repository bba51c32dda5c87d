"""The book of places: what is free, holding one for a few minutes, booking it, giving it back.

A hold is a row with its end, counted only while it lasts: nothing has to clean up
after it. Whoever takes a place first locks its slot, so a quota is never exceeded;
who takes it stands alone for that person, so limits cannot be run around. Whoever waits
for a place counts against those who come later, so a freed one is theirs first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from gateway.appointment_rules import QUOTA_OF
from gateway.appointments import limits
from gateway.appointments.bookings import TAKING, Standing, bookings, of, slots
from gateway.appointments.limits import Refusal, Wish
from gateway.appointments.slots import Slot, number, offered_from
from gateway.cities import Rules
from gateway.db import Utc, upsert

KEPT = timedelta(days=1)  # a hold that ran out is forgotten after this
AHEAD = (Standing.BOOKED, Standing.OFFERED, Standing.WAITING)
NO_WAIT: dict[str, Any] = {"wait_hall": None, "wait_from": None, "wait_to": None, "wait_since": None}
NO_PLACE: dict[str, Any] = {"place": None, "held_until": None, "due_at": None, **NO_WAIT}


# --- what is free ----------------------------------------------------------------------------


def free(
    tx: Connection,
    rules: Rules,
    wanted: Sequence[Slot],
    face: str,
    now: datetime,
    besides: UUID | None = None,
    *,
    to_all: bool = True,
) -> Mapping[Slot, int]:
    """How many places each slot has left for a face; one query for all, in the order given.

    What the transaction ``besides`` holds itself is free for it. What is kept for those who wait
    is not, unless it is asked for them (``to_all`` false).
    """
    if not wanted:
        return {}
    starts = [slot.starts_at for slot in wanted]
    when = {"first": min(starts), "last": max(starts), "now": now, "soon": offered_from(rules, now)}
    who = {"halls": {slot.hall for slot in wanted}, "besides": besides}
    rows = tx.execute(_counted(QUOTA_OF[face], to_all=to_all), {**when, **who}).all()
    left = {(hall, starts_at): _left(*numbers) for hall, starts_at, *numbers in rows}
    fresh = rules.appointment.quotas.of(face)  # of a slot nobody has asked for yet
    return {slot: left.get((slot.hall, slot.starts_at), fresh) for slot in wanted}


@cache
def _counted(quota: str, *, to_all: bool) -> Select[Any]:
    """The query for it: many look at the same moment, and to put it together costs more than to ask it."""
    first, last, now, soon = (bindparam(name, type_=Utc) for name in ("first", "last", "now", "soon"))
    columns, besides = bookings.c, bindparam("besides", type_=Uuid)
    waiting = _waiting(quota, slots.c.hall, slots.c.starts_at)
    ahead = case((slots.c.starts_at < soon, 0), else_=waiting) if to_all else literal(0)
    taken = and_(columns.slot_id == slots.c.id, counts(quota, now))
    own = func.count().filter(columns.transaction_id == besides)
    return (
        select(slots.c.hall, slots.c.starts_at, slots.c[quota], slots.c.closed)
        .add_columns(func.count(columns.transaction_id), own, ahead)
        .select_from(slots.outerjoin(bookings, taken))
        .where(slots.c.hall.in_(bindparam("halls", expanding=True)), slots.c.starts_at.between(first, last))
        .group_by(slots.c.id)
    )


def closed(tx: Connection, wanted: Sequence[Slot]) -> set[Slot]:
    """Those of these slots when their hall is closed; one query."""
    if not wanted:
        return set()
    starts = [slot.starts_at for slot in wanted]
    query = select(slots.c.hall, slots.c.starts_at).where(slots.c.closed)
    query = query.where(slots.c.starts_at.between(min(starts), max(starts)))
    found = {(row.hall, row.starts_at) for row in tx.execute(query)}
    return {slot for slot in wanted if (slot.hall, slot.starts_at) in found}


def _left(places: int, closed: bool, taken: int, own: int, waiting: int) -> int:
    return 0 if closed else max(own, places - taken + own - waiting)


def counts(quota: str, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a booking takes a place of this quota now."""
    columns = bookings.c
    lasting = and_(columns.state.in_((Standing.HELD, Standing.OFFERED)), columns.held_until > now)
    return and_(columns.quota == quota, or_(columns.state.in_(TAKING), lasting))


def _waiting(quota: str, hall: Any, starts_at: Any) -> ScalarSelect[int]:
    """How many wait for a place of this quota in a slot."""
    waiter = bookings.alias("waiter")
    columns = waiter.c
    theirs = and_(columns.wait_hall == hall, columns.quota == quota)
    then = and_(columns.wait_from <= starts_at, columns.wait_to > starts_at)
    query = select(func.count()).select_from(waiter).where(theirs, then)
    return query.correlate(slots).scalar_subquery()


# --- taking a place --------------------------------------------------------------------------


def hold(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Keep a place for the minutes the rules give; None when it is kept, or may still be had.

    A person holds one place: what they held before is let go, also when this one
    is refused. Who has not proven who they are lets go what this transaction held
    alone, and is not measured by the person's limits: else anybody who knows an ID
    number could take a place from that person, or learn what they have booked.
    """
    alone(tx, wish.subject)
    return None if _still_held(tx, rules, wish, now) else _anew(tx, rules, wish, now)


def _anew(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    kept = let_go(tx, wish, now)
    refusal = limits.limit(tx, rules, wish, now) if wish.citizen_id else None
    return refusal or _take(tx, rules, wish, now, kept)


def _still_held(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> bool:
    """Whether this transaction holds this very place for this person already; then it does so longer.

    Whatever they had taken since would have let it go: there is nothing to measure anew, no slot to lock.
    """
    if wish.citizen_id is None:
        return False
    columns, slot = bookings.c, wish.slot
    there = select(slots.c.id).where(slots.c.hall == slot.hall, slots.c.starts_at == slot.starts_at)
    mine = and_(columns.transaction_id == wish.transaction_id, columns.slot_id.in_(there))
    same = and_(
        columns.citizen_id == wish.citizen_id,
        columns.subject == wish.subject,
        columns.quota == QUOTA_OF[wish.face],
        columns.matter == wish.matter.id,
    )
    lasting = and_(columns.state == Standing.HELD, columns.held_until > now)
    longer = update(bookings).where(mine, same, lasting)
    return bool(tx.execute(longer.values(held_until=_held_until(rules, now))).rowcount)


def _held_until(rules: Rules, now: datetime) -> datetime:
    return now + timedelta(minutes=rules.appointment.hold_minutes)


def let_go(tx: Connection, wish: Wish, now: datetime) -> set[int]:
    """End what the person holds, as ``hold`` says; the slots this one held."""
    columns = bookings.c
    ours = columns.transaction_id == wish.transaction_id
    theirs = or_(ours, columns.subject == wish.subject) if wish.citizen_id else ours
    ended = delete(bookings).where(columns.state == Standing.HELD, theirs)
    rows = tx.execute(ended.returning(columns.transaction_id, columns.slot_id, columns.held_until)).all()
    return {row.slot_id for row in rows if row.transaction_id == wish.transaction_id and row.held_until > now}


def _take(tx: Connection, rules: Rules, wish: Wish, now: datetime, kept: set[int]) -> Refusal | None:
    """Take a place that is free; of a slot in ``kept`` they had one: nobody who waits comes before them.

    Those not proven hold half of a slot at most, since ID numbers can be made up. The
    next of them goes on without a hold, and has a place once it is proven, if there is one.
    """
    slot, quota = locked(tx, rules, wish.slot), QUOTA_OF[wish.face]
    if slot.closed:
        return Refusal.CLOSED
    places = getattr(slot, quota)
    unproven = func.count().filter(bookings.c.citizen_id.is_(None))
    counted = select(func.count(), unproven, _waiting(quota, slot.hall, slot.starts_at))
    taken, held_by_anybody, waiting = tx.execute(
        counted.where(bookings.c.slot_id == slot.id, counts(quota, now))
    ).one()
    first = slot.id in kept or slot.starts_at < offered_from(rules, now)
    if taken + (0 if first else waiting) >= places:
        return Refusal.TAKEN
    if wish.citizen_id is None and held_by_anybody >= (places + 1) // 2:
        return None
    tx.execute(
        insert(bookings).values(
            transaction_id=wish.transaction_id,
            slot_id=slot.id,
            quota=quota,
            matter=wish.matter.id,
            subject=wish.subject,
            citizen_id=wish.citizen_id,
            state=Standing.HELD,
            held_until=_held_until(rules, now),
        )
    )
    return None


def alone(tx: Connection, subject: bytes) -> None:
    """Until commit nobody else takes a place for this person. SQLite's writers queue as it is."""
    if tx.dialect.name == "postgresql":
        key = int.from_bytes(subject[:8], signed=True)
        tx.execute(select(func.pg_advisory_xact_lock(key)))


def locked(tx: Connection, rules: Rules, slot: Slot) -> Row[Any]:
    """The slot's row, made at its first use with the numbers of the rules; nobody else takes from it.

    ``key_share``: a booking that names the slot holds its key, and whoever books must not wait for that.
    """
    ours = (slots.c.hall == slot.hall) & (slots.c.starts_at == slot.starts_at)
    query = select(slots).where(ours).with_for_update(key_share=True)
    if known := tx.execute(query).one_or_none():
        return known
    quotas = rules.appointment.quotas
    made = upsert(tx, slots).values(
        hall=slot.hall, starts_at=slot.starts_at, web=quotas.web, phone=quotas.phone
    )
    tx.execute(made.on_conflict_do_nothing())
    return tx.execute(query).one()


# --- booking and giving back -------------------------------------------------------------------


def book(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> str | Refusal:
    """Book the place, held or not; the number the citizen is called by.

    Repeating it gives the same number. A hold that ran out is taken anew, if the
    place is still free.
    """
    alone(tx, wish.subject)
    if not _still_held(tx, rules, wish, now):
        booked = of(tx, wish.transaction_id)
        if booked and booked.state in TAKING:
            return str(booked.number)
        if refusal := _anew(tx, rules, wish, now):
            return refusal
    row = locked(tx, rules, wish.slot)
    if row.closed:  # since it was held
        return Refusal.CLOSED
    return give(tx, row.id, wish.transaction_id, wish.matter.letter, wish.slot)


def give(tx: Connection, slot_id: int, transaction_id: UUID, letter: str, slot: Slot) -> str:
    """Turn what is held into a booking with the lowest number free in its slot, whose lock we have."""
    columns = bookings.c
    given = select(columns.place).where(columns.slot_id == slot_id, columns.place.is_not(None))
    taken = set(tx.execute(given).scalars())
    place = next(place for place in range(1, len(taken) + 2) if place not in taken)
    called = number(letter, slot, place)
    booked = {"state": Standing.BOOKED, "held_until": None, "place": place, "number": called}
    tx.execute(update(bookings).where(columns.transaction_id == transaction_id).values(**booked))
    return called


def cancel(tx: Connection, transaction_id: UUID, subject: bytes) -> bool:
    """Give back what this person has booked, is offered or waits for; whether there was anything."""
    columns = bookings.c
    theirs = and_(columns.transaction_id == transaction_id, columns.subject == subject)
    given_back = update(bookings).where(theirs, columns.state.in_(AHEAD))
    return bool(tx.execute(given_back.values(state=Standing.CANCELLED, **NO_PLACE)).rowcount)


def in_order(tx: Connection, whom: ColumnElement[bool], order: ColumnElement[Any]) -> Sequence[UUID]:
    """Hold these bookings until commit, in one order, so that nobody who does the same waits in a circle."""
    query = select(bookings.c.transaction_id).where(whom)
    return tx.execute(query.order_by(order, bookings.c.transaction_id).with_for_update()).scalars().all()


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop holds that ran out long ago."""
    columns = bookings.c
    tx.execute(delete(bookings).where(columns.state == Standing.HELD, columns.held_until < now - KEPT))

"""The book of places: holding one for a few minutes, booking it, giving it back.

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
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.appointment_rules import QUOTA_OF
from gateway.appointments import counting, limits
from gateway.appointments.bookings import TAKING, Standing, bookings, of, slots
from gateway.appointments.limits import Refusal, Wish
from gateway.appointments.slots import Slot, number, offered_from
from gateway.cities import Rules
from gateway.db import upsert

KEPT = timedelta(days=1)  # a hold that ran out is forgotten after this
AHEAD = (Standing.BOOKED, Standing.OFFERED, Standing.WAITING)
NO_WAIT: dict[str, Any] = {"wait_hall": None, "wait_from": None, "wait_to": None, "wait_since": None}
NO_PLACE: dict[str, Any] = {"place": None, "held_until": None, "due_at": None, **NO_WAIT}


# --- taking a place --------------------------------------------------------------------------


def hold(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Keep a place for the minutes the rules give; None when it is kept, or may still be had.

    A person holds one place: what they held before is let go, also when this one
    is refused. Who has not proven who they are lets go what this transaction held
    alone, and is not measured by the person's limits: else anybody who knows an ID
    number could take a place from that person, or learn what they have booked. They
    hold half of a slot at most, since ID numbers can be made up: the next of them goes
    on without a hold, and has a place once it is proven, if there is one.
    """
    if _still_held(tx, rules, wish, now):
        return None
    found = _room(tx, rules, wish, now)
    if isinstance(found, Refusal):
        return found
    row, unproven = found
    if wish.citizen_id is None and unproven >= (getattr(row, QUOTA_OF[wish.face]) + 1) // 2:
        return None
    _put(tx, row.id, wish, {"state": Standing.HELD, "held_until": _held_until(rules, now)})
    return None


def _still_held(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> bool:
    """Whether this transaction holds this very place for this person already; then it does so longer.

    Whatever they had taken since would have let it go: there is nothing to measure anew, no slot to lock.
    """
    if wish.citizen_id is None:
        return False
    whose = {"key": wish.transaction_id, "whose": wish.subject, "who": wish.citizen_id}
    what = {"hall": wish.slot.hall, "at": wish.slot.starts_at, "for": wish.matter.id}
    until = {"now": now, "until": _held_until(rules, now), "from": QUOTA_OF[wish.face]}
    return bool(tx.execute(_longer(), {**whose, **what, **until}).rowcount)


@cache
def _longer() -> Update:
    columns, given = bookings.c, bindparam
    there = select(slots.c.id).where(slots.c.hall == given("hall"), slots.c.starts_at == given("at"))
    mine = and_(columns.transaction_id == given("key"), columns.slot_id.in_(there))
    whose = and_(columns.citizen_id == given("who"), columns.subject == given("whose"))
    what = and_(columns.quota == given("from"), columns.matter == given("for"))
    lasting = and_(columns.state == Standing.HELD, columns.held_until > given("now"))
    return update(bookings).where(mine, whose, what, lasting).values(held_until=given("until"))


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


def _room(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> tuple[Row[Any], int] | Refusal:
    """The slot, locked, where it has a place for them; and how many hold one of it who are not proven.

    What they held is let go. Of a slot where they held one nobody who waits comes before them.
    """
    alone(tx, wish.subject)
    kept = let_go(tx, wish, now)
    if refusal := limits.limit(tx, rules, wish, now) if wish.citizen_id else None:
        return refusal
    slot, quota = locked(tx, rules, wish.slot), QUOTA_OF[wish.face]
    if slot.closed:
        return Refusal.CLOSED
    which = {"slot": slot.id, "hall": slot.hall, "at": slot.starts_at, "now": now}
    taken, unproven, waiting = tx.execute(counting.standing(quota), which).one()
    first = slot.id in kept or slot.starts_at < offered_from(rules, now)
    if taken + (0 if first else waiting) >= getattr(slot, quota):
        return Refusal.TAKEN
    return slot, unproven


def _put(tx: Connection, slot_id: int, wish: Wish, how: Mapping[str, Any]) -> None:
    tx.execute(
        insert(bookings).values(
            transaction_id=wish.transaction_id,
            slot_id=slot_id,
            quota=QUOTA_OF[wish.face],
            matter=wish.matter.id,
            subject=wish.subject,
            citizen_id=wish.citizen_id,
            **how,
        )
    )


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
    booked = of(tx, wish.transaction_id)
    if booked and booked.state in TAKING:
        return str(booked.number)
    if booked and _still_held(tx, rules, wish, now):
        row = locked(tx, rules, wish.slot)
        if row.closed:  # since it was held
            return Refusal.CLOSED
        return give(tx, row.id, wish.transaction_id, wish.matter.letter, wish.slot)
    found = _room(tx, rules, wish, now)
    if isinstance(found, Refusal):
        return found
    how = _numbered(tx, found[0].id, wish.matter.letter, wish.slot)
    _put(tx, found[0].id, wish, how)
    return str(how["number"])


def give(tx: Connection, slot_id: int, transaction_id: UUID, letter: str, slot: Slot) -> str:
    """Turn what is held into a booking of its slot, whose lock we have; its number."""
    how = _numbered(tx, slot_id, letter, slot)
    tx.execute(update(bookings).where(bookings.c.transaction_id == transaction_id).values(**how))
    return str(how["number"])


def _numbered(tx: Connection, slot_id: int, letter: str, slot: Slot) -> dict[str, Any]:
    """A booking with the lowest number free in its slot."""
    columns = bookings.c
    given = select(columns.place).where(columns.slot_id == slot_id, columns.place.is_not(None))
    taken = set(tx.execute(given).scalars())
    place = next(place for place in range(1, len(taken) + 2) if place not in taken)
    booked = {"state": Standing.BOOKED, "held_until": None}
    return {**booked, "place": place, "number": number(letter, slot, place)}


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

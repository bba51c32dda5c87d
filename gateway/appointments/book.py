"""The book of places: what is free, holding one for a few minutes, booking it, giving it back.

A hold is a row with its end, counted only while it lasts: nothing has to clean up
after it. Whoever takes a place first locks its slot, so a quota is never exceeded;
who takes it stands alone for that person, so limits cannot be run around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.appointment_rules import QUOTA_OF, Matter
from gateway.appointments.bookings import TAKING, Standing, bookings, of, slots, whole
from gateway.appointments.slots import Slot, number
from gateway.cities import Rules
from gateway.db import upsert

KEPT = timedelta(days=1)  # a hold that ran out is forgotten after this


class Refusal(StrEnum):
    """Why a place is not given."""

    TAKEN = "slot_taken"  # the quota is used up
    PER_MATTER = "one_per_matter"
    PER_DAY = "one_per_day"
    PER_WEEK = "too_many_per_week"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which place for what. ``citizen_id`` is null until they have proven who they are.

    ``replaces`` is the transaction whose booking will be given back for this one.
    """

    transaction_id: UUID
    subject: bytes
    slot: Slot
    face: str
    matter: Matter
    citizen_id: UUID | None = None
    replaces: UUID | None = None


# --- what is free ----------------------------------------------------------------------------


def free(
    tx: Connection,
    rules: Rules,
    wanted: Sequence[Slot],
    face: str,
    now: datetime,
    besides: UUID | None = None,
) -> Mapping[Slot, int]:
    """How many places each slot has left for a face; one query for all, in the order given.

    What the transaction ``besides`` holds itself does not count.
    """
    if not wanted:
        return {}
    starts, quota = [slot.starts_at for slot in wanted], QUOTA_OF[face]
    taken = and_(bookings.c.slot_id == slots.c.id, _counts(quota, now), bookings.c.transaction_id != besides)
    rows = tx.execute(
        select(slots.c.hall, slots.c.starts_at, slots.c[quota], func.count(bookings.c.transaction_id))
        .select_from(slots.outerjoin(bookings, taken))
        .where(slots.c.hall.in_({slot.hall for slot in wanted}))
        .where(slots.c.starts_at.between(min(starts), max(starts)))
        .group_by(slots.c.id)
    ).all()
    left = {(row[0], row[1]): max(0, row[2] - row[3]) for row in rows}
    fresh = rules.appointment.quotas.of(face)  # of a slot nobody has asked for yet
    return {slot: left.get((slot.hall, slot.starts_at), fresh) for slot in wanted}


def _counts(quota: str, now: datetime) -> ColumnElement[bool]:
    """Whether a booking takes a place of this quota now."""
    columns = bookings.c
    lasting = and_(columns.state == Standing.HELD, columns.held_until > now)
    return and_(columns.quota == quota, or_(columns.state.in_(TAKING), lasting))


# --- taking a place --------------------------------------------------------------------------


def hold(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Keep a place for the minutes the rules give; None when it is kept, or may still be had.

    A person holds one place: what they held before is let go, also when this one
    is refused. Who has not proven who they are lets go what this transaction held
    alone, and is not measured by the person's limits: else anybody who knows an ID
    number could take a place from that person, or learn what they have booked.
    """
    _alone(tx, wish.subject)
    columns = bookings.c
    ours = columns.transaction_id == wish.transaction_id
    theirs = or_(ours, columns.subject == wish.subject) if wish.citizen_id else ours
    tx.execute(delete(bookings).where(columns.state == Standing.HELD, theirs))
    refusal = _limit(tx, rules, wish, now) if wish.citizen_id else None
    return refusal or _take(tx, rules, wish, now)


def _take(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Take a place that is free.

    Those not proven hold half of a slot at most, since ID numbers can be made up. The
    next of them goes on without a hold, and has a place once it is proven, if there is one.
    """
    slot, quota = _locked(tx, rules, wish.slot), QUOTA_OF[wish.face]
    places = getattr(slot, quota)
    unproven = func.count().filter(bookings.c.citizen_id.is_(None))
    counted = select(func.count(), unproven).where(bookings.c.slot_id == slot.id, _counts(quota, now))
    taken, held_by_anybody = tx.execute(counted).one()
    if taken >= places:
        return Refusal.TAKEN
    if wish.citizen_id is None and held_by_anybody >= (places + 1) // 2:
        return None
    held_until = now + timedelta(minutes=rules.appointment.hold_minutes)
    tx.execute(
        insert(bookings).values(
            transaction_id=wish.transaction_id,
            slot_id=slot.id,
            quota=quota,
            matter=wish.matter.id,
            subject=wish.subject,
            citizen_id=wish.citizen_id,
            state=Standing.HELD,
            held_until=held_until,
        )
    )
    return None


def _alone(tx: Connection, subject: bytes) -> None:
    """Until commit nobody else takes a place for this person. SQLite's writers queue as it is."""
    if tx.dialect.name == "postgresql":
        key = int.from_bytes(subject[:8], signed=True)
        tx.execute(select(func.pg_advisory_xact_lock(key)))


def _locked(tx: Connection, rules: Rules, slot: Slot) -> Row[Any]:
    """The slot's row, made at its first use with the numbers of the rules; nobody else takes from it."""
    quotas = rules.appointment.quotas
    made = upsert(tx, slots).values(
        hall=slot.hall, starts_at=slot.starts_at, web=quotas.web, phone=quotas.phone
    )
    tx.execute(made.on_conflict_do_nothing())
    ours = (slots.c.hall == slot.hall) & (slots.c.starts_at == slot.starts_at)
    return tx.execute(select(slots).where(ours).with_for_update()).one()


def _limit(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Which limit of the person this booking would break."""
    limits, day = rules.appointment.limits, wish.slot.day
    booked = _of_person(tx, wish, now)
    dates = [starts_at.astimezone(rules.zone).date() for _, starts_at in booked]
    ahead = [matter for matter, starts_at in booked if starts_at > now]
    if ahead.count(wish.matter.id) >= limits.per_matter:
        return Refusal.PER_MATTER
    if dates.count(day) >= limits.per_day:
        return Refusal.PER_DAY
    week = day.isocalendar()[:2]
    if sum(date.isocalendar()[:2] == week for date in dates) >= limits.per_week:
        return Refusal.PER_WEEK
    return None


def _of_person(tx: Connection, wish: Wish, now: datetime) -> Sequence[Row[str, datetime]]:
    """What the person has booked ahead or in the week of this wish, but for what it replaces."""
    columns = bookings.c
    query = select(columns.matter, slots.c.starts_at).join(slots, slots.c.id == columns.slot_id)
    theirs = and_(columns.subject == wish.subject, columns.state.in_(TAKING))
    recent = slots.c.starts_at > min(now, wish.slot.starts_at - timedelta(weeks=1))
    return tx.execute(query.where(theirs, recent, columns.transaction_id != wish.replaces)).all()


# --- booking and giving back -------------------------------------------------------------------


def book(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Row[Any] | Refusal:
    """Book the place, held or not; the booking as ``of`` gives it.

    Repeating it gives the same booking. A hold that ran out is taken anew, if the
    place is still free.
    """
    booked = of(tx, wish.transaction_id)
    if booked and booked.state in TAKING:
        return booked
    refusal = hold(tx, rules, wish, now)
    if refusal:
        return refusal
    _give(tx, wish)
    return tx.execute(whole(wish.transaction_id)).one()


def _give(tx: Connection, wish: Wish) -> None:
    """Turn the hold into a booking with the lowest number that is free in its slot, whose lock we have."""
    columns = bookings.c
    ours = tx.execute(whole(wish.transaction_id)).one()
    given = select(columns.place).where(columns.slot_id == ours.slot_id, columns.place.is_not(None))
    taken = set(tx.execute(given).scalars())
    place = next(place for place in range(1, len(taken) + 2) if place not in taken)
    tx.execute(
        update(bookings)
        .where(columns.transaction_id == wish.transaction_id)
        .values(
            state=Standing.BOOKED,
            held_until=None,
            place=place,
            number=number(wish.matter.letter, wish.slot, place),
        )
    )


def cancel(tx: Connection, transaction_id: UUID, subject: bytes) -> bool:
    """Give a booked place of this person back; whether there was one."""
    columns = bookings.c
    theirs = and_(columns.transaction_id == transaction_id, columns.subject == subject)
    given_back = update(bookings).where(theirs, columns.state == Standing.BOOKED)
    return bool(tx.execute(given_back.values(state=Standing.CANCELLED, place=None)).rowcount)


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop holds that ran out long ago."""
    columns = bookings.c
    tx.execute(delete(bookings).where(columns.state == Standing.HELD, columns.held_until < now - KEPT))

"""How many places are free, taken, waited for: counted, nothing is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from gateway.appointment_rules import QUOTA_OF
from gateway.appointments.bookings import TAKING, Standing, bookings, slots
from gateway.appointments.slots import Slot, offered_from
from gateway.cities import Rules
from gateway.db import Utc


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
    rows = tx.execute(_of_slots(QUOTA_OF[face], to_all=to_all), {**when, **who}).all()
    left = {(hall, starts_at): _left(*numbers) for hall, starts_at, *numbers in rows}
    fresh = rules.appointment.quotas.of(face)  # of a slot nobody has asked for yet
    return {slot: left.get((slot.hall, slot.starts_at), fresh) for slot in wanted}


@cache
def _of_slots(quota: str, *, to_all: bool) -> Select[Any]:
    """The query for it: many look at the same moment, and to put it together costs more than to ask it."""
    first, last, now, soon = (bindparam(name, type_=Utc) for name in ("first", "last", "now", "soon"))
    columns, besides = bookings.c, bindparam("besides", type_=Uuid)
    waiting = _waiters(quota, slots.c.hall, slots.c.starts_at)
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


def _waiters(quota: str, hall: Any, starts_at: Any) -> ScalarSelect[int]:
    """How many wait for a place of this quota in a slot."""
    waiter = bookings.alias("waiter")
    columns = waiter.c
    theirs = and_(columns.wait_hall == hall, columns.quota == quota)
    then = and_(columns.wait_from <= starts_at, columns.wait_to > starts_at)
    query = select(func.count()).select_from(waiter).where(theirs, then)
    return query.correlate(slots).scalar_subquery()


@cache
def standing(quota: str) -> Select[int, int, int]:
    """How many places of a slot are taken, by how many not proven, and how many wait for one."""
    now, hall, at = bindparam("now", type_=Utc), bindparam("hall", type_=String), bindparam("at", type_=Utc)
    unproven = func.count().filter(bookings.c.citizen_id.is_(None))
    counted = select(func.count(), unproven, _waiters(quota, hall, at))
    return counted.where(bookings.c.slot_id == bindparam("slot"), counts(quota, now))

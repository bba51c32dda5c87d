"""How much one person may have: by matter, day, week and month; and who did not come too often.

Who waits for a place, or is offered one, counts like who has one, so that accepting never breaks a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, or_, select

from gateway import calendars
from gateway.appointment_rules import Matter, NoShows
from gateway.appointments.bookings import TAKING, Standing, bookings, slots
from gateway.appointments.slots import Slot
from gateway.cities import Rules
from gateway.citizens import easing

LONGEST_MONTH = timedelta(days=31)


class Refusal(StrEnum):
    """Why a place is not given; each with its one line of meaning."""

    TAKEN = "slot_taken"  # the quota is used up, or kept for those who wait
    CLOSED = "hall_closed"  # nobody is served then
    PER_MATTER = "one_per_matter"  # they have one for this matter ahead
    PER_DAY = "one_per_day"
    PER_WEEK = "too_many_per_week"
    PER_MONTH = "too_many_per_month"
    OFF = "did_not_come"  # so often that they cannot book for a while
    LIST_FULL = "waiting_list_full"


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


def limit(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Refusal | None:
    """Which limit of the person this booking would break."""
    booking, day = rules.appointment, wish.slot.day
    known = _of_person(tx, rules, wish, now)
    if _off_until(tx, rules, known, wish.citizen_id, now):
        return Refusal.OFF
    dates = [row.at.astimezone(rules.zone).date() for row in known]
    ahead = [row.matter for row in known if row.at > now]
    if ahead.count(wish.matter.id) >= booking.limits.per_matter:
        return Refusal.PER_MATTER
    if dates.count(day) >= booking.limits.per_day:
        return Refusal.PER_DAY
    if sum(date.isocalendar()[:2] == day.isocalendar()[:2] for date in dates) >= booking.limits.per_week:
        return Refusal.PER_WEEK
    month = (day.year, day.month)
    if sum((date.year, date.month) == month for date in dates) >= booking.limits.per_month:
        return Refusal.PER_MONTH
    return None


def _of_person(tx: Connection, rules: Rules, wish: Wish, now: datetime) -> Sequence[Row[Any]]:
    """What the person has ahead, or had in the month of this wish, and where they did not come.

    Not what this one replaces.
    """
    looked_back = _looked_back(rules.appointment.no_shows)
    since = min(now - looked_back, wish.slot.starts_at - LONGEST_MONTH)
    return _rows(tx, wish.subject, since, now, besides=(wish.replaces, wish.transaction_id))


def _looked_back(rules: NoShows) -> timedelta:
    return timedelta(days=rules.within_days + rules.off_days)


def _rows(
    tx: Connection, subject: bytes, since: datetime, now: datetime, besides: Sequence[UUID | None] = ()
) -> Sequence[Row[Any]]:
    asked = {"subject": subject, "since": since, "now": now, "besides": [key for key in besides if key]}
    rows: Sequence[Any] = tx.execute(_known(), asked).all()
    return rows


@cache
def _known() -> Select[Any]:
    columns, at = bookings.c, func.coalesce(slots.c.starts_at, bookings.c.wait_from).label("at")
    query = select(columns.matter, columns.state, at)
    query = query.select_from(bookings.outerjoin(slots, slots.c.id == columns.slot_id))
    others = columns.transaction_id.not_in(bindparam("besides", expanding=True))
    offered = and_(columns.state == Standing.OFFERED, columns.held_until > bindparam("now"))
    counted = or_(columns.state.in_((*TAKING, Standing.WAITING)), offered)
    return query.where(columns.subject == bindparam("subject"), counted, at > bindparam("since"), others)


# --- who did not come --------------------------------------------------------------------------


def off_until(
    tx: Connection, rules: Rules, subject: bytes, citizen_id: UUID | None, now: datetime
) -> datetime | None:
    """Until when a person cannot book because they did not come too often; None: they can."""
    rows = _rows(tx, subject, now - _looked_back(rules.appointment.no_shows), now)
    return _off_until(tx, rules, rows, citizen_id, now)


def _off_until(
    tx: Connection, rules: Rules, rows: Sequence[Row[Any]], citizen_id: UUID | None, now: datetime
) -> datetime | None:
    missed = [row.at for row in rows if row.state == Standing.NO_SHOW]
    until = counted_off(rules.appointment.no_shows, missed)
    if until is None or until <= now or is_exempt(tx, rules, citizen_id, now):
        return None
    return until


def counted_off(rules: NoShows, missed: Sequence[datetime]) -> datetime | None:
    """Until when whoever missed these is off; None where they were never too many."""
    within, off = timedelta(days=rules.within_days), timedelta(days=rules.off_days)
    too_many = [
        last for last in missed if 0 < rules.count <= sum(last - within < one <= last for one in missed)
    ]
    return max(too_many) + off if too_many else None


def is_exempt(tx: Connection, rules: Rules, citizen_id: UUID | None, now: datetime) -> bool:
    """Whether this person is old or disabled, so that not having come has no consequence."""
    today = now.astimezone(rules.zone).date()
    born_by = calendars.years_before(today, rules.appointment.walk_in_age)
    return citizen_id is not None and easing.is_eased(tx, citizen_id, born_by)

"""The day of a hall as its desk sees it: who comes when, who is there, who was seen, who walked in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from gateway.appointments import checkin
from gateway.appointments.bookings import TAKING, Standing, bookings, slots, walk_ins
from gateway.appointments.slots import Slot, of_day
from gateway.cities import Rules
from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import mask_name


@dataclass(frozen=True, slots=True)
class Guest:
    """One booking as the desk may see it: the name is masked. ``matter`` is the rules' id."""

    key: UUID
    number: str
    name: str
    matter: str
    quota: str
    standing: Standing
    starts_at: datetime
    checked_in_at: datetime | None
    served_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A slot with those who booked it, by number, and the places a face can still give away."""

    starts_at: datetime
    ends_at: datetime
    guests: Sequence[Guest]
    free: int


@dataclass(frozen=True, slots=True)
class Day:
    """A hall's day. ``walked_in`` counts by matter."""

    spans: Sequence[Span]
    walked_in: Mapping[str, int]

    @property
    def guests(self) -> Sequence[Guest]:
        return [guest for span in self.spans for guest in span.guests]

    @property
    def waiting(self) -> Sequence[Guest]:
        """Who is here and was not seen yet: by the time booked, then by the time they came."""
        here = [guest for guest in self.guests if guest.standing is Standing.CHECKED_IN]
        return sorted(here, key=lambda guest: (guest.starts_at, guest.checked_in_at or guest.starts_at))

    def count(self, *standings: Standing) -> int:
        return sum(guest.standing in standings for guest in self.guests)


def of_hall(tx: Connection, runtime: Runtime, rules: Rules, hall: str, day: date) -> Day:
    """Everything of one day, in a few queries. A slot the timetable has no more is shown while booked."""
    guests: dict[datetime, list[Guest]] = defaultdict(list)
    for guest in _guests(tx, runtime, _booked(tx, rules, hall, day)):
        guests[guest.starts_at].append(guest)
    known = {slot.starts_at.astimezone(UTC): slot for slot in of_day(rules, hall, day)}
    quotas = _quotas(tx, rules, hall, day)
    spans = [
        _span(rules, at, known.get(at), guests.get(at, []), quotas.get(at))
        for at in sorted({*known, *guests})
    ]
    return Day(spans, _walked_in(tx, rules, hall, day))


def _booked(tx: Connection, rules: Rules, hall: str, day: date) -> Sequence[Row[Any]]:
    query = select(bookings, slots.c.starts_at).join(slots, slots.c.id == bookings.c.slot_id)
    ours = query.where(checkin.within(rules, hall, day), bookings.c.state.in_(TAKING))
    return tx.execute(ours.order_by(slots.c.starts_at, bookings.c.place)).all()


def _guests(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> Sequence[Guest]:
    """Them with their names; one query. Whose name cannot be opened is a star."""
    who = register.people(tx, runtime.vault, [row.citizen_id for row in rows])
    return [
        Guest(
            key=row.transaction_id,
            number=row.number,
            name=mask_name(who[row.citizen_id].name) if row.citizen_id in who else "*",
            matter=row.matter,
            quota=row.quota,
            standing=Standing(row.state),
            starts_at=row.starts_at,
            checked_in_at=row.checked_in_at,
            served_at=row.served_at,
        )
        for row in rows
    ]


def _quotas(tx: Connection, rules: Rules, hall: str, day: date) -> Mapping[datetime, int]:
    """The places of each slot somebody has asked for."""
    query = select(slots.c.starts_at, slots.c.web + slots.c.phone)
    return {row[0]: row[1] for row in tx.execute(query.where(checkin.within(rules, hall, day)))}


def _span(rules: Rules, at: datetime, slot: Slot | None, guests: Sequence[Guest], places: int | None) -> Span:
    quotas, length = rules.appointment.quotas, rules.appointment.slot_minutes
    ends_at = slot.ends_at if slot else at.astimezone(rules.zone) + timedelta(minutes=length)
    all_places = places if places is not None else quotas.web + quotas.phone
    return Span(at.astimezone(rules.zone), ends_at, guests, max(0, all_places - len(guests)))


def _walked_in(tx: Connection, rules: Rules, hall: str, day: date) -> Mapping[str, int]:
    begins, ends = checkin.span(rules, day)
    columns = walk_ins.c
    ours = (columns.hall == hall) & (columns.at >= begins) & (columns.at < ends)
    query = select(columns.matter, func.count()).where(ours).group_by(columns.matter)
    return {row[0]: row[1] for row in tx.execute(query)}


def figures(tx: Connection, rules: Rules, day: date) -> Mapping[str, Mapping[Standing, int]]:
    """How many bookings of each hall stand where on a day; one query."""
    begins, ends = checkin.span(rules, day)
    query = select(slots.c.hall, bookings.c.state, func.count())
    query = query.join(slots, slots.c.id == bookings.c.slot_id)
    query = query.where(slots.c.starts_at >= begins, slots.c.starts_at < ends, bookings.c.state.in_(TAKING))
    found: dict[str, dict[Standing, int]] = {}
    for hall, state, number in tx.execute(query.group_by(slots.c.hall, bookings.c.state)):
        found.setdefault(hall, {})[Standing(state)] = number
    return found


def walk_ins_of(tx: Connection, rules: Rules, day: date) -> Mapping[str, int]:
    """How many came to each hall without a booking on a day; one query."""
    begins, ends = checkin.span(rules, day)
    columns = walk_ins.c
    query = select(columns.hall, func.count()).where(columns.at >= begins, columns.at < ends)
    return {row[0]: row[1] for row in tx.execute(query.group_by(columns.hall))}

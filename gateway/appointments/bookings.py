"""The rows of the book of places: slots, bookings with where each stands, closed hours, walk-ins."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    select,
)

from gateway.db import Utc, metadata, sparse_index

slots = Table(
    "slots",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("hall", String(32), nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("web", Integer, nullable=False),
    Column("phone", Integer, nullable=False),
    Column("closed", Boolean, nullable=False, default=False),  # the hall is, then: nothing is given
    UniqueConstraint("hall", "starts_at"),
)
bookings = Table(
    "bookings",
    metadata,
    Column("transaction_id", Uuid, primary_key=True),
    Column("slot_id", ForeignKey(slots.c.id)),  # null while they wait for a place
    Column("quota", String(8), nullable=False),  # web, phone
    Column("matter", String(32), nullable=False),
    Column("subject", LargeBinary(16), nullable=False, index=True),  # blind index of the ID number
    Column("citizen_id", Uuid),
    Column("state", String(24), nullable=False),
    Column("held_until", Utc),
    Column("place", Integer),  # within the slot, from 1; null unless booked
    Column("number", String(8)),
    Column("checked_in_at", Utc),
    Column("served_at", Utc),
    Column("wait_hall", String(32)),  # these four: null unless they wait for a place
    Column("wait_from", Utc),  # when the first slot they would take begins
    Column("wait_to", Utc),  # when the last one ends
    Column("wait_since", Utc),
    Column("due_at", Utc),  # when their transaction is to be told how the booking stands; null: it knows
    UniqueConstraint("slot_id", "place"),
)
sparse_index("ix_bookings_waiting", bookings.c.wait_hall, bookings.c.wait_from)
sparse_index("ix_bookings_held", bookings.c.held_until)
sparse_index("ix_bookings_due", bookings.c.due_at)
closures = Table(
    "hall_closures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("hall", String(32), nullable=False),
    Column("from_at", Utc, nullable=False),
    Column("to_at", Utc, nullable=False),
    Column("reason", String(80), nullable=False),  # as citizens read it
    Column("made_at", Utc, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("reopened_at", Utc),
    Index("ix_hall_closures_to_at", "to_at"),
)
_is_closed = closures.c.reopened_at.is_(None)
Index(
    "ix_hall_closures_span",  # of two who close the same hours at once, one does
    closures.c.hall,
    closures.c.from_at,
    closures.c.to_at,
    unique=True,
    postgresql_where=_is_closed,
    sqlite_where=_is_closed,
)
walk_ins = Table(
    "walk_ins",  # who came without a booking: counted, not known
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("hall", String(32), nullable=False),
    Column("matter", String(32), nullable=False),
    Column("at", Utc, nullable=False),
    Index("ix_walk_ins_hall_at", "hall", "at"),
)


class Standing(StrEnum):
    """Where a booking stands; each with its one line of meaning."""

    HELD = "held"  # kept for a few minutes while the citizen proves who they are
    WAITING = "waiting"  # on the waiting list; no place yet
    OFFERED = "offered"  # a freed place is kept for who waited longest, until they take it or time runs out
    LAPSED = "offer_lapsed"  # they did not take it in time; an end
    NOT_REACHED = "not_reached"  # nothing became free for them; an end
    BOOKED = "booked"  # confirmed
    CHECKED_IN = "checked_in"  # they are at the hall, waiting to be called
    SERVED = "served"  # they were seen; an end
    CANCELLED = "cancelled_by_citizen"  # given back, or changed for another; an end
    CANCELLED_BY_HALL = "cancelled_by_hall"  # the hall is closed then; an end
    NO_SHOW = "no_show"  # their time passed and nobody checked them in
    EXCUSED = "excused"  # they did not come, and it does not count against them; an end


TAKING = (Standing.BOOKED, Standing.CHECKED_IN, Standing.SERVED, Standing.NO_SHOW, Standing.EXCUSED)
"""What keeps its place and its number: nobody else gets the same on that day."""


def of(tx: Connection, transaction_id: UUID) -> Row[Any] | None:
    """The booking of a transaction with its slot's hall and time; null where it waits for one."""
    query = select(bookings, slots.c.hall, slots.c.starts_at)
    query = query.select_from(bookings.outerjoin(slots, slots.c.id == bookings.c.slot_id))
    return tx.execute(query.where(bookings.c.transaction_id == transaction_id)).one_or_none()

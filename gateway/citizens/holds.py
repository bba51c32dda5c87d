"""Holds: for a while nothing risky is done for somebody, because how they are reached has changed.

Whoever has a stolen telephone can make another one the registered one. The owner learns of it on the
old number and has until the hold's end to say so; until then what cannot be taken back waits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Connection, String, Table, Uuid, delete, func, insert, select

from gateway.db import Utc, metadata
from gateway.runtime import Runtime

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("citizen_id", Uuid, nullable=False, index=True),
    Column("reason", String(40), nullable=False),  # our word for why: mobile_changed
    Column("placed_at", Utc, nullable=False),
    Column("until", Utc, nullable=False),
)


def place(tx: Connection, runtime: Runtime, citizen_id: UUID, until: datetime, reason: str) -> None:
    """Hold back what is risky for this citizen until then; of several holds the longest counts."""
    tx.execute(
        insert(holds).values(
            id=runtime.new_id(),
            citizen_id=citizen_id,
            reason=reason,
            placed_at=runtime.clock(),
            until=until,
        )
    )


def until(tx: Connection, citizen_id: UUID, now: datetime) -> datetime | None:
    """Until when this citizen's risky transactions are held back; None where they are not."""
    query = select(func.max(holds.c.until)).where(holds.c.citizen_id == citizen_id, holds.c.until > now)
    latest: datetime | None = tx.execute(query).scalar_one()
    return latest


def lift(tx: Connection, runtime: Runtime, citizen_id: UUID) -> int:
    """End them now: a person has checked who it is. Returns how many there were."""
    here = (holds.c.citizen_id == citizen_id) & (holds.c.until > runtime.clock())
    return int(tx.execute(delete(holds).where(here)).rowcount)


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop holds that have ended."""
    tx.execute(delete(holds).where(holds.c.until <= now))

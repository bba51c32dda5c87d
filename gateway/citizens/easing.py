"""Who is spared what others must keep to: the old, and whoever is registered as disabled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select, update

from gateway.citizens.register import citizens


def is_eased(tx: Connection, citizen_id: UUID, born_by: date) -> bool:
    """Whether this citizen was born by that day, or is disabled."""
    columns = citizens.c
    kindly = (columns.birth_date <= born_by) | columns.disabled
    return tx.execute(select(columns.id).where(columns.id == citizen_id, kindly)).first() is not None


def born_after(tx: Connection, day: date, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these citizens who were born after that day; one query."""
    columns = citizens.c
    query = select(columns.id).where(columns.id.in_(ids), columns.birth_date > day)
    return set(tx.execute(query).scalars()) if ids else set()


def mark(tx: Connection, citizen_id: UUID, *, disabled: bool) -> bool:
    """Register somebody as disabled, or no longer so; False where it was like that."""
    columns = citizens.c
    others = (columns.id == citizen_id) & (columns.disabled != disabled)
    return bool(tx.execute(update(citizens).where(others).values(disabled=disabled)).rowcount)

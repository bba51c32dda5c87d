"""Who may act for whom: guardians of children, and relatives with a mandate written down at a counter.

A helper proves who *they* are, with a code to their own registered mobile; the mandate says that this
counts for the other. It names two people of the register, the kind, and the matters it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Date, Row, String, Table, Uuid, insert, or_, select, update

from gateway import audit
from gateway.db import Utc, metadata
from gateway.runtime import Runtime

LONGEST_MATTERS = 200  # characters


class Kind(StrEnum):
    """What ties the two; each with its one line of meaning."""

    GUARDIAN = "guardian"  # of a child; it ends with the birthday from which they act for themselves
    RELATIVE = "relative"  # of an adult, who gave the mandate


mandates = Table(
    "mandates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("citizen_id", Uuid, nullable=False, index=True),  # whose matters they are
    Column("helper_id", Uuid, nullable=False, index=True),  # who may act
    Column("kind", String(8), nullable=False),
    Column("matters", String(LONGEST_MATTERS), nullable=False),  # types by comma; empty: every one
    Column("last_day", Date),  # null: until it is revoked
    Column("given_at", Utc, nullable=False),
    Column("given_by", String(80), nullable=False),  # the operator who saw the papers
    Column("revoked_at", Utc),
)


def add(
    tx: Connection,
    runtime: Runtime,
    citizen_id: UUID,
    helper_id: UUID,
    kind: Kind,
    actor: str,
    *,
    matters: Sequence[str] = (),
    last_day: date | None = None,
) -> UUID:
    """Write a mandate down, on record; it takes the place of an earlier one of the same two and kind."""
    key, now, columns = runtime.new_id(), runtime.clock(), mandates.c
    same = (columns.citizen_id == citizen_id) & (columns.helper_id == helper_id) & (columns.kind == kind)
    tx.execute(update(mandates).where(same, columns.revoked_at.is_(None)).values(revoked_at=now))
    tx.execute(
        insert(mandates).values(
            id=key,
            citizen_id=citizen_id,
            helper_id=helper_id,
            kind=kind,
            matters=",".join(matters),
            last_day=last_day,
            given_at=now,
            given_by=actor,
        )
    )
    audit.record(tx, runtime.vault, now, actor, "mandate.add", f"{key} {kind}")
    return key


def revoke(tx: Connection, runtime: Runtime, key: UUID, actor: str) -> bool:
    """End a mandate now, on record; False where there is none in force with this id."""
    now = runtime.clock()
    in_force = (mandates.c.id == key) & mandates.c.revoked_at.is_(None)
    if not tx.execute(update(mandates).where(in_force).values(revoked_at=now)).rowcount:
        return False
    audit.record(tx, runtime.vault, now, actor, "mandate.revoke", str(key))
    return True


def of(tx: Connection, citizen_id: UUID) -> Sequence[Row[Any]]:
    """The mandates that concern somebody on either side and were not revoked, oldest first."""
    columns = mandates.c
    theirs = or_(columns.citizen_id == citizen_id, columns.helper_id == citizen_id)
    query = select(mandates).where(theirs, columns.revoked_at.is_(None))
    return tx.execute(query.order_by(columns.given_at, columns.id)).all()


def holds(tx: Connection, citizen_id: UUID, helper_id: UUID, kind: Kind, matter: str, today: date) -> bool:
    """Whether the helper may act in this matter (the name of a transaction type) on this day."""
    columns = mandates.c
    query = select(columns.matters).where(
        columns.citizen_id == citizen_id,
        columns.helper_id == helper_id,
        columns.kind == kind,
        columns.revoked_at.is_(None),
        or_(columns.last_day.is_(None), columns.last_day >= today),
    )
    given = tx.execute(query).scalars().all()
    return any(not matters or matter in matters.split(",") for matters in given)

"""Wishes to be called or visited, which a person fulfils; one open wish of a kind for each citizen.

The rows hold ids alone: who it is and what it is about stands in the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Index, Row, String, Table, Uuid, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db import Utc, metadata
from gateway.runtime import Runtime

OPEN, DONE = "open", "done"

call_backs = Table(
    "call_backs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, nullable=False),
    Column("citizen_id", Uuid, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("state", String(8), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("done_at", Utc),
)
_is_open = call_backs.c.state == OPEN
Index(
    "ix_call_backs_open",
    call_backs.c.citizen_id,
    call_backs.c.kind,
    unique=True,
    postgresql_where=_is_open,
    sqlite_where=_is_open,
)


def ask(tx: Connection, runtime: Runtime, transaction_id: UUID, citizen_id: UUID, kind: str) -> bool:
    """Write a wish down; False where the same one is open already, which then stays the only one."""
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = upsert(call_backs).values(
        id=runtime.new_id(),
        transaction_id=transaction_id,
        citizen_id=citizen_id,
        kind=kind,
        state=OPEN,
        created_at=runtime.clock(),
    )
    return bool(tx.execute(statement.on_conflict_do_nothing()).rowcount)


def open_ones(tx: Connection, limit: int = 100) -> Sequence[Row[Any]]:
    """The open wishes, oldest first: who waits longest is called first."""
    columns = call_backs.c
    query = select(call_backs).where(_is_open).order_by(columns.created_at, columns.id)
    return tx.execute(query.limit(limit)).all()


def done(tx: Connection, runtime: Runtime, key: UUID) -> bool:
    """It was fulfilled; False where it is not open any more."""
    where = (call_backs.c.id == key) & _is_open
    values = {"state": DONE, "done_at": runtime.clock()}
    return bool(tx.execute(update(call_backs).where(where).values(**values)).rowcount)

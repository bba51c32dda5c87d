"""Wishes to be called or visited, which a person fulfils; one open wish of a kind for each citizen.

The rows hold ids alone: who it is and what it is about stands in the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Index, Row, String, Table, Uuid, select, update

from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.transactions import store
from gateway.transactions.store import Transaction, transactions

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
    statement = upsert(tx, call_backs).values(
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
    """It was fulfilled, and the transaction's facts say on which day; False where it is not open any more."""
    where = (call_backs.c.id == key) & _is_open
    values = {"state": DONE, "done_at": runtime.clock()}
    about = select(call_backs.c.transaction_id).where(where).scalar_subquery()
    held = select(transactions).where(transactions.c.id == about).with_for_update()
    row = tx.execute(held).one_or_none()  # held first: the order of locks
    kept = bool(tx.execute(update(call_backs).where(where).values(**values)).rowcount)
    if row and kept:
        _say_done(tx, runtime, store.opened(runtime, row), key)
    return kept


def _say_done(tx: Connection, runtime: Runtime, about: Transaction, key: UUID) -> None:
    kind = tx.execute(select(call_backs.c.kind).where(call_backs.c.id == key)).scalar_one()
    day = runtime.clock().astimezone(about.rules.zone).date()
    facts = {**about.facts, done_fact(kind): day.isoformat()}
    store.change(tx, runtime, about.id, facts=store.sealed(runtime, about.id, "facts", facts))
    store.note(tx, runtime, about.id, done_fact(kind))


def done_fact(kind: str) -> str:
    """The fact that holds the day on which a wish of this kind was fulfilled."""
    return f"{kind}_done"

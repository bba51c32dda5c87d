"""People to be called or visited by a person: by their own wish, or because no message reached them.

A wish belongs to a transaction, and one of a kind is open for each citizen. A *ticket* belongs to
somebody whom a broadcast did not reach: to the first message that went to them, which says what it was
about and, for people the register does not know, holds their address. There is one for each, ever.
The rows hold ids alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Index, Row, String, Table, Uuid, select, update

from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.transactions import store
from gateway.transactions.store import Transaction, transactions

OPEN, DONE, WITHDRAWN = "open", "done", "withdrawn"
UNREACHED = "unreached"  # the kind of every ticket

call_backs = Table(
    "call_backs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("transaction_id", Uuid),  # a wish's
    Column("broadcast_id", Uuid),  # a ticket's
    Column("notification_id", Uuid),  # a ticket's: the first message to that person
    Column("citizen_id", Uuid),  # null where the register does not know them
    Column("kind", String(24), nullable=False),
    Column("state", String(9), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("done_at", Utc),
)
_is_open = call_backs.c.state == OPEN
_is_wish = call_backs.c.broadcast_id.is_(None)
_is_ticket = call_backs.c.broadcast_id.is_not(None)
Index(
    "ix_call_backs_wish",
    call_backs.c.citizen_id,
    call_backs.c.kind,
    unique=True,
    postgresql_where=_is_open & _is_wish,
    sqlite_where=_is_open & _is_wish,
)
Index(
    "ix_call_backs_ticket",
    call_backs.c.broadcast_id,
    call_backs.c.notification_id,
    unique=True,
    postgresql_where=_is_ticket,
    sqlite_where=_is_ticket,
)
Index(
    "ix_call_backs_open", call_backs.c.created_at, postgresql_where=_is_open, sqlite_where=_is_open
)  # for the list


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
    made = statement.on_conflict_do_nothing().returning(call_backs.c.id)  # psycopg counts -1 rows here
    return tx.execute(made).first() is not None


def open_tickets(
    tx: Connection, runtime: Runtime, broadcast_id: UUID, unreached: Sequence[tuple[UUID, UUID | None]]
) -> None:
    """Write down whom a broadcast did not reach: pairs of their first message and the citizen, if known.

    Whoever had a ticket of it before has that one.
    """
    now = runtime.clock()
    rows = [
        {
            "id": runtime.new_id(),
            "broadcast_id": broadcast_id,
            "notification_id": notification,
            "citizen_id": citizen,
            "kind": UNREACHED,
            "state": OPEN,
            "created_at": now,
        }
        for notification, citizen in unreached
    ]
    tx.execute(upsert(tx, call_backs).on_conflict_do_nothing(), rows)


def withdraw(tx: Connection, runtime: Runtime, ids: Collection[UUID]) -> None:
    """Nobody need call any more; a ticket that is done stays done."""
    values = {"state": WITHDRAWN, "done_at": runtime.clock()}
    tx.execute(update(call_backs).where(call_backs.c.id.in_(ids), _is_open).values(**values))


def withdraw_all(tx: Connection, runtime: Runtime, broadcast_id: UUID) -> None:
    """The broadcast was called off, and so are the calls."""
    values = {"state": WITHDRAWN, "done_at": runtime.clock()}
    mine = call_backs.c.broadcast_id == broadcast_id
    tx.execute(update(call_backs).where(mine, _is_open).values(**values))


def open_ones(tx: Connection, limit: int = 100) -> Sequence[Row[Any]]:
    """The open ones, oldest first: who waits longest is called first."""
    columns = call_backs.c
    query = select(call_backs).where(_is_open).order_by(columns.created_at, columns.id)
    return tx.execute(query.limit(limit)).all()


def done(tx: Connection, runtime: Runtime, key: UUID) -> bool:
    """It was fulfilled, and a wish's transaction says on which day; False where it is not open any more."""
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

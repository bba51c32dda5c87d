"""People to be called or visited by a person: by their own wish, or because no message reached them.

A wish belongs to a transaction, and one of a kind is open for each citizen; of ``OF_EACH`` for each
transaction, where whoever asks does so once. A *ticket* belongs to somebody whom a broadcast did not
reach: to the first message that went to them, which says what it was about and, for people the register
does not know, holds their address. There is one for each, ever.
Whoever wants a call at a number need not be known: one of a kind is open for each number.

All wait in one line: ``call_from`` is when their turn comes, those who asked before those we could not
reach. Somebody *takes* one for a while, so that no two people call, and says what came of it; nobody
reached is *missed*. The rows hold ids and a blind index alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Uuid,
    case,
    func,
    literal,
    select,
    tuple_,
    update,
)

from gateway.db import Utc, metadata, upsert
from gateway.errors import TamperedError
from gateway.runtime import Runtime
from gateway.transactions import store
from gateway.transactions.store import Transaction, transactions

OPEN, DONE, WITHDRAWN = "open", "done", "withdrawn"
MISSED = "missed"  # tried often enough, or a wrong number
TAKEN_FOR = timedelta(minutes=30)  # then somebody else may take it
UNREACHED = "unreached"  # the kind of every ticket
RETURN_VISIT = "return_visit"  # after a bad grade
UNDELIVERED = "result_undelivered"  # a result that reached nobody
OF_EACH = (RETURN_VISIT, UNDELIVERED)  # owed for each transaction: one call does not tell of another's

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
    Column("created_at", Utc, nullable=False, index=True),
    Column("done_at", Utc),
    Column("number_index", LargeBinary(16)),  # blind index of the number, of whoever need not be known
    Column("call_from", Utc, nullable=False),  # not before then
    Column("call_by", Utc),  # what was promised
    Column("tries", Integer, nullable=False),
    Column("last", String(12)),  # what came of the last try
    Column("taken_by", String(64)),  # who calls now
    Column("taken_until", Utc),
)
_is_open = call_backs.c.state == OPEN
_is_wish = call_backs.c.broadcast_id.is_(None)
_is_general = call_backs.c.kind.not_in(OF_EACH)
_is_ticket = call_backs.c.broadcast_id.is_not(None)
Index(
    "ix_call_backs_wish",
    call_backs.c.citizen_id,
    call_backs.c.kind,
    unique=True,
    postgresql_where=_is_open & _is_wish & _is_general,
    sqlite_where=_is_open & _is_wish & _is_general,
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
    "ix_call_backs_number",
    call_backs.c.number_index,
    call_backs.c.kind,
    unique=True,
    postgresql_where=_is_open,
    sqlite_where=_is_open,
)
Index(
    "ix_call_backs_open", call_backs.c.call_from, postgresql_where=_is_open, sqlite_where=_is_open
)  # for the list


def ask(tx: Connection, runtime: Runtime, transaction_id: UUID, citizen_id: UUID, kind: str) -> bool:
    """Write a wish down; False where the same one is open already, which then stays the only one."""
    now = runtime.clock()
    statement = upsert(tx, call_backs).values(
        **_fresh(runtime, kind, now, now), transaction_id=transaction_id, citizen_id=citizen_id
    )
    made = statement.on_conflict_do_nothing().returning(call_backs.c.id)  # psycopg counts -1 rows here
    return tx.execute(made).first() is not None


def ask_for_number(
    tx: Connection,
    runtime: Runtime,
    transaction_id: UUID,
    number_index: bytes,
    kind: str,
    call_from: datetime,
    call_by: datetime,
) -> tuple[Row[Any], int]:
    """Write down that a number is to be called; the row that waits for it now, and how many are ahead of it.

    Where one was open already it is that one, whose transaction is another.
    """
    statement = upsert(tx, call_backs).values(
        **_fresh(runtime, kind, runtime.clock(), call_from),
        transaction_id=transaction_id,
        number_index=number_index,
        call_by=call_by,
    )
    tx.execute(statement.on_conflict_do_nothing())
    mine = (call_backs.c.number_index == number_index) & (call_backs.c.kind == kind) & _is_open
    row = tx.execute(select(call_backs).where(mine)).one()
    return row, _ahead(tx, row)


def _fresh(runtime: Runtime, kind: str, now: datetime, call_from: datetime) -> dict[str, Any]:
    return {
        "id": runtime.new_id(),
        "kind": kind,
        "state": OPEN,
        "created_at": now,
        "call_from": call_from,
        "tries": 0,
    }


def _ahead(tx: Connection, row: Row[Any]) -> int:
    """How many who asked are called before this one."""
    columns = call_backs.c
    order = (columns.call_from, columns.created_at, columns.id)
    mine = tuple_(*(literal(getattr(row, column.name), column.type) for column in order))
    ahead = select(func.count()).select_from(call_backs).where(_is_open, _is_wish, tuple_(*order) < mine)
    return int(tx.execute(ahead).scalar_one())


def open_tickets(
    tx: Connection, runtime: Runtime, broadcast_id: UUID, unreached: Sequence[tuple[UUID, UUID | None]]
) -> None:
    """Write down whom a broadcast did not reach: pairs of their first message and the citizen, if known.

    Whoever had a ticket of it before has that one.
    """
    now = runtime.clock()
    rows = [
        {
            **_fresh(runtime, UNREACHED, now, now),
            "broadcast_id": broadcast_id,
            "notification_id": notification,
            "citizen_id": citizen,
        }
        for notification, citizen in unreached
    ]
    tx.execute(upsert(tx, call_backs).on_conflict_do_nothing(), rows)


def withdraw(tx: Connection, runtime: Runtime, ids: Collection[UUID]) -> None:
    """Nobody need call any more; a ticket that is done stays done."""
    withdraw_where(tx, runtime, call_backs.c.id.in_(ids))


def withdraw_where(tx: Connection, runtime: Runtime, whose: ColumnElement[bool]) -> None:
    """The same of all those for which this is true."""
    values = {"state": WITHDRAWN, "done_at": runtime.clock()}
    tx.execute(update(call_backs).where(whose, _is_open).values(**values))


def withdraw_all(tx: Connection, runtime: Runtime, broadcast_id: UUID) -> None:
    """The broadcast was called off, and so are the calls."""
    withdraw_where(tx, runtime, call_backs.c.broadcast_id == broadcast_id)


def open_ones(tx: Connection, limit: int = 100, now: datetime | None = None) -> Sequence[Row[Any]]:
    """The open ones in their order: whose turn has come by ``now``, and of these those who asked first."""
    columns = call_backs.c
    later = [case((columns.call_from > now, 1), else_=0)] if now else []
    unasked = case((_is_wish, 0), else_=1)
    query = select(call_backs).where(_is_open)
    query = query.order_by(*later, unasked, columns.call_from, columns.created_at, columns.id)
    return tx.execute(query.limit(limit)).all()


def about(tx: Connection, runtime: Runtime, key: UUID) -> Transaction | None:
    """The transaction a wish belongs to, held until commit: before the wish itself, the order of locks.

    None for one that cannot be opened: the call can still be made or closed.
    """
    mine = select(call_backs.c.transaction_id).where(call_backs.c.id == key).scalar_subquery()
    row = tx.execute(select(transactions).where(transactions.c.id == mine).with_for_update()).one_or_none()
    try:
        return store.opened(runtime, row) if row else None
    except TamperedError:
        return None


def held(tx: Connection, key: UUID) -> Row[Any] | None:
    """An open one, held until commit."""
    query = select(call_backs).where(call_backs.c.id == key, _is_open)
    return tx.execute(query.with_for_update()).one_or_none()


def take(tx: Connection, runtime: Runtime, key: UUID, who: str) -> None:
    """Somebody calls now; whoever holds the row has looked that nobody else does."""
    values = {"taken_by": who, "taken_until": runtime.clock() + TAKEN_FOR}
    tx.execute(update(call_backs).where(call_backs.c.id == key, _is_open).values(**values))


def tried(
    tx: Connection, runtime: Runtime, key: UUID, result: str, again_at: datetime | None, *, reached: bool
) -> None:
    """What came of a call: it waits for another from ``again_at``, or has ended, reached or missed."""
    columns, now = call_backs.c, runtime.clock()
    then = {"call_from": again_at} if again_at else {"state": DONE if reached else MISSED, "done_at": now}
    values = {"tries": columns.tries + 1, "last": result, "taken_by": None, "taken_until": None, **then}
    tx.execute(update(call_backs).where(columns.id == key, _is_open).values(**values))


def withdraw_of(tx: Connection, runtime: Runtime, transaction_id: UUID, kind: str) -> bool:
    """Whoever asked for it wants none any more; False where none is open that nobody has taken."""
    now, columns = runtime.clock(), call_backs.c
    free = columns.taken_until.is_(None) | (columns.taken_until <= now)
    mine = (columns.transaction_id == transaction_id) & (columns.kind == kind) & _is_open & free
    values = {"state": WITHDRAWN, "done_at": now}
    return bool(tx.execute(update(call_backs).where(mine).values(**values)).rowcount)


def done(tx: Connection, runtime: Runtime, key: UUID) -> bool:
    """It was fulfilled, and a wish's transaction says on which day; False where it is not open any more."""
    transaction = about(tx, runtime, key)
    kept = held(tx, key) is not None
    if kept:
        tried(tx, runtime, key, "talked", None, reached=True)
    if transaction and kept:
        kind = tx.execute(select(call_backs.c.kind).where(call_backs.c.id == key)).scalar_one()
        say_done(tx, runtime, transaction, kind)
    return kept


def say_done(tx: Connection, runtime: Runtime, about: Transaction, kind: str) -> None:
    """Its transaction tells that the wish was fulfilled, and on which day.

    Whoever looks at it just now has not seen that, and finds its lease gone: it is looked at again.
    """
    day = runtime.clock().astimezone(about.rules.zone).date()
    facts = store.sealed(runtime, about.id, "facts", {**about.facts, done_fact(kind): day.isoformat()})
    store.change(tx, runtime, about.id, lease=None, calling=False, facts=facts)
    store.note(tx, runtime, about.id, done_fact(kind))


def done_fact(kind: str) -> str:
    """The fact that holds the day on which a wish of this kind was fulfilled."""
    return f"{kind}_done"

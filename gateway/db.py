"""The database: engine, transactions, column types, and the claim with a lease.

SQLite and PostgreSQL run the same code. A room declares its tables on
``metadata``; nobody opens a transaction but through ``Db.read`` and ``Db.write``,
and nobody holds one over a network call.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.array import ListBinaryDumper
from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Index,
    MetaData,
    NullPool,
    Row,
    Select,
    Table,
    TypeDecorator,
    create_engine,
    event,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.autocommit import Autocommit
from gateway.pinging import ping_the_idle
from gateway.planning import look_up_by_index, plan_anew
from gateway.security import chance

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """An aware time in UTC on both databases (SQLite would hand back naive ones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """PostgreSQL's connections speak UTC already: nothing is left to do for each of many values."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)


def sparse_index(name: str, *columns: ColumnElement[Any], **how: Any) -> Index:
    """An index over those rows alone whose last column is not null: small where few rows are due."""
    present = columns[-1].is_not(None)
    return Index(name, *columns, postgresql_where=present, sqlite_where=present, **how)


class Db:
    """One engine and the two ways to use it.

    ``by_index`` is for those who work on few rows of large tables, again and again: PostgreSQL then
    looks them up by index. Else the plan of a statement prepared while a table was small would go on
    reading it whole when it is large.
    """

    def __init__(self, url: str, *, by_index: bool = False) -> None:
        self.engine = _engine(url)
        self.one_writer = url.startswith("sqlite")  # everybody waits for it: commits are to be short
        if by_index and not self.one_writer:
            look_up_by_index(self.engine)
        self._reader, self._writer = _roles(self.engine)
        self._aside, _ = _roles(_engine(url, poolclass=NullPool))
        self._single = None if url.startswith("sqlite") else Autocommit(self.engine.url)
        self._queues = _queues(self.engine.url.database) if self.one_writer else ()

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads, all of it at one moment: what it counts adds up."""
        return self._reader.begin()

    def read_aside(self) -> AbstractContextManager[Connection]:
        """The same on a connection opened for it alone, for what a caller reads who may hold one already.

        Were it one of the same pool, callers who hold them all would wait for each other.
        """
        return self._aside.begin()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; SQLite takes its lock at the start, so no update is lost."""
        with ExitStack() as turns:
            for queue in self._queues:
                turns.enter_context(_in_turn(queue))
            yield turns.enter_context(self._writer.begin())

    def execute_single(self, statement: str, values: Mapping[str, Any]) -> list[Any] | None:
        """Run one statement that is a transaction of its own, in a single round trip, and give its rows.

        None on SQLite. It must be harmless when repeated: it is, where the connection was lost under
        it. So nobody need ask beforehand whether the connection still lives.
        """
        return self._single.run(statement, values) if self._single else None

    def close(self) -> None:
        self.engine.dispose()
        if self._single:
            self._single.close()


def _queues(database: str | None) -> Sequence[str]:
    """Where to queue before writing to SQLite: those that yield the processor (``nice``) among themselves
    first, so that whoever does not waits behind one of them, however many there are.
    """
    modest = os.getpriority(os.PRIO_PROCESS, 0) > 0
    return (f"{database}-queue-modest", f"{database}-queue") if modest else (f"{database}-queue",)


@contextmanager
def _in_turn(path: str) -> Iterator[None]:
    """Wait for one's turn to write to SQLite, in the kernel.

    SQLite lets waiting writers poll, each time more slowly, so that one code could
    wait for seconds behind a mass mailing's many short writes. Whoever waits here is
    woken as soon as the file is free. The lock ends with its process.
    """
    turn = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
    finally:
        os.close(turn)


def _engine(url: str, **pool: Any) -> Engine:
    if not url.startswith("sqlite"):
        pool = pool or {"pool_size": 20, "max_overflow": 20, "pool_use_lifo": True}
        engine = create_engine(url, hide_parameters=True, **pool)
        event.listen(engine, "connect", _prepare_postgresql)
        plan_anew(engine)
        ping_the_idle(engine)
        return engine
    patient = {"timeout": 30, "check_same_thread": False}
    engine = create_engine(url, connect_args=patient, hide_parameters=True, **(pool or {"pool_size": 20}))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _roles(engine: Engine) -> tuple[Engine, Engine]:
    """The engine as readers and as writers use it."""
    if engine.dialect.name == "postgresql":
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return engine.execution_options(**snapshot), engine
    return engine, engine.execution_options(write=True)


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """Times come in UTC; lists go as they are: written out, a thousand keys cost 20 ms."""
    connection.adapters.register_dumper(list, ListBinaryDumper)
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


# --- claim with lease and fencing token -----------------------------------------------
#
# A row of work has two columns: ``due_at`` (when somebody should look at it; null
# when nobody need) and ``lease`` (the fencing token of whoever looks now). A claim
# moves ``due_at`` to the lease's end, so the row of a worker that died is simply
# due again: there is no second mechanism that frees leases.


SPENT = 2 / 3  # of a lease, after which nothing is begun under it: that must end before the lease does


def begin_until(claimed_at: datetime, seconds: float) -> datetime:
    """Until when something may be begun under a lease of so many seconds."""
    return claimed_at + timedelta(seconds=seconds * SPENT)


def new_lease() -> int:
    """A fencing token: random, so two claims never share one."""
    return secrets.randbits(62)


def claim(
    tx: Connection,
    table: Table,
    *,
    now: datetime,
    seconds: float,
    limit: int,
    lease: int,
    where: Sequence[ColumnElement[bool]] = (),
) -> Sequence[Row[Any]]:
    """Lease up to ``limit`` due rows of ``table`` to the caller; oldest due first.

    Rows another transaction is claiming are passed over. Works alike on SQLite
    (whose writers queue) and PostgreSQL (SKIP LOCKED, the pick materialised so
    that the plan cannot run it per row).
    """
    key = table.c.id
    picked = (
        select(key)
        .where(table.c.due_at <= now, *where)
        .order_by(table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    statement = (
        update(table)
        .where(key.in_(select(picked.c.id)))
        .values(due_at=now + timedelta(seconds=seconds), lease=lease)
        .returning(*table.c)
    )
    return tx.execute(statement).all()


def due(
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    *,
    now: datetime,
    limit: int,
    where: Sequence[ColumnElement[bool]] = (),
) -> Select[Any]:
    """Up to ``limit`` due rows, oldest due first, held until commit; what others hold is passed over.

    For whoever leaves none of them as it is: each gets its next ``due_at``, or none, in this transaction.
    """
    query = select(*columns).where(table.c.due_at <= now, *where).order_by(table.c.due_at).limit(limit)
    return query.with_for_update(skip_locked=True)


def upsert(tx: Connection, table: Table) -> Any:
    """An INSERT that may say ON CONFLICT, as this database spells it."""
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)


def is_due(tx: Connection, table: Table, now: datetime) -> bool:
    """Whether any row of this queue is due."""
    return tx.execute(select(table.c.due_at).where(table.c.due_at <= now).limit(1)).first() is not None


# --- identifiers ----------------------------------------------------------------------


def uuid7() -> UUID:
    """A UUID in time order (RFC 9562, version 7): new rows land at the end of the index."""
    milliseconds, bits = time.time_ns() // 1_000_000, int.from_bytes(chance()[:10])
    value = milliseconds << 80 | 0x7 << 76 | (bits >> 68) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    return UUID(int=value)

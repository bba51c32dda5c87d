"""The promises made to people: until when something is answered, whether it was, and what is said meanwhile.

One of a kind runs for each transaction at a time. A type that works at a back office *declares* its
promises (``TransactionType.promised``): they are written down with what a step or a later look found.
Whoever works in our own database calls ``make``, ``kept``, ``extend`` and ``drop`` in their commit.
``due_at`` is when the next point is reached; the room ``gateway.promises`` then says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    select,
    update,
)

from gateway import cities
from gateway.calendars import Unit
from gateway.db import Utc, metadata, sparse_index, upsert
from gateway.rows import update_each
from gateway.runtime import Runtime
from gateway.transactions import store
from gateway.transactions.promise import Clock, Point, Promised, clock, reached

RUNNING, KEPT, DROPPED = "running", "kept", "dropped"

promises = Table(
    "promises",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", String(12), nullable=False),  # hour, day, working_day
    Column("due_on", Date, nullable=False),  # the last day, by the city's calendar
    Column("ends_at", Utc, nullable=False),  # from then on it is late
    Column("provisional", Boolean, nullable=False),  # a year on the way is not announced yet
    Column("extended", Integer, nullable=False),  # how often
    Column("said", String(8)),  # the last point that was said
    Column("state", String(8), nullable=False),  # running, kept, dropped
    Column("kept_at", Utc),
    Column("late", Boolean, nullable=False),  # kept after its end
    Column("due_at", Utc),
    Column("lease", BigInteger),
    UniqueConstraint("transaction_id", "kind", "made_at"),
)
_runs = promises.c.state == RUNNING
sparse_index("ix_promises_due", promises.c.due_at)
Index(
    "ix_promises_running",
    promises.c.transaction_id,
    promises.c.kind,
    unique=True,
    postgresql_where=_runs,
    sqlite_where=_runs,
)
Index("ix_promises_ends_at", promises.c.ends_at, postgresql_where=_runs, sqlite_where=_runs)  # for the list


# --- made, kept, extended --------------------------------------------------------------------


def make(
    tx: Connection,
    runtime: Runtime,
    transaction_id: UUID,
    kind: str,
    amount: int,
    unit: Unit,
    now: datetime,
) -> bool:
    """Promise an answer within so much time from now; False where one of that kind runs already."""
    found = _clock(runtime, now, amount, unit)
    _, due_at = reached(found, None, now)
    values = {
        "id": runtime.new_id(),
        "transaction_id": transaction_id,
        "kind": kind,
        "made_at": now,
        "amount": amount,
        "unit": unit,
        **_ends(found),
        "extended": 0,
        "state": RUNNING,
        "late": False,
        "due_at": due_at,
    }
    statement = upsert(tx, promises).values(**values).on_conflict_do_nothing().returning(promises.c.id)
    made = tx.execute(statement).first() is not None  # PostgreSQL counts no rows of an INSERT
    if made:
        store.note(tx, runtime, transaction_id, "promised", f"{kind} {found.due_on}")
    return made


def kept(tx: Connection, runtime: Runtime, transaction_id: UUID, kind: str, now: datetime) -> bool:
    """It was kept at this moment, in time or late; False where none of that kind runs."""
    values = {"state": KEPT, "kept_at": now, "late": promises.c.ends_at <= now, "due_at": None, "lease": None}
    done = bool(tx.execute(update(promises).where(_running(transaction_id, kind)).values(**values)).rowcount)
    if done:
        store.note(tx, runtime, transaction_id, "promise_kept", kind)
    return done


def extend(
    tx: Connection,
    runtime: Runtime,
    transaction_id: UUID,
    kind: str,
    amount: int,
    unit: Unit,
    now: datetime,
) -> bool:
    """So much time from when it was made, instead of what was promised then; False where none runs.

    Its points are said anew from here on; those that were reached before now are not.
    """
    running = select(promises).where(_running(transaction_id, kind))
    row = tx.execute(running.with_for_update()).one_or_none()
    if row is None or (row.amount, row.unit) == (amount, unit):
        return False
    found = _clock(runtime, row.made_at, amount, unit)
    given = {"amount": amount, "unit": unit, "extended": row.extended + 1}
    values = {**given, **_ends(found), **_next(found, now)}
    tx.execute(update(promises).where(promises.c.id == row.id).values(**values))
    store.note(tx, runtime, transaction_id, "promise_extended", f"{kind} {found.due_on}")
    return True


def drop(tx: Connection, runtime: Runtime, transaction_id: UUID, kind: str) -> bool:
    """It need not be kept any more: withdrawn, or nobody is left to keep it to. False where none runs."""
    values = {"state": DROPPED, "due_at": None, "lease": None}
    done = bool(tx.execute(update(promises).where(_running(transaction_id, kind)).values(**values)).rowcount)
    if done:
        store.note(tx, runtime, transaction_id, "promise_dropped", kind)
    return done


def stand(
    tx: Connection, runtime: Runtime, transaction_id: UUID, declared: Sequence[Promised], now: datetime
) -> None:
    """Write down what a type says of its promises, as often as it likes: what is known changes nothing."""
    if not declared:
        return
    known = {(row.kind, row.made_at): row for row in of(tx, transaction_id)}
    for one in declared:
        row = known.get((one.kind, one.made_at))
        if row is None:
            make(tx, runtime, transaction_id, one.kind, one.amount, one.unit, one.made_at)
        elif row.state != RUNNING:
            continue
        elif (row.amount, row.unit) != (one.amount, one.unit):
            extend(tx, runtime, transaction_id, one.kind, one.amount, one.unit, now)
        if one.kept_at is not None:
            kept(tx, runtime, transaction_id, one.kind, one.kept_at)
        elif one.dropped:
            drop(tx, runtime, transaction_id, one.kind)


def recompute(
    tx: Connection, runtime: Runtime, after: UUID | None = None, limit: int = 500
) -> tuple[int, UUID | None]:
    """Count provisional ones again, a page by id: how many have another day now, and the page's last id.

    For when a year's notice was entered; no id means that it was the last page. Whether one stays
    provisional may change without another day. What its new day has reached and nobody said is due at once.
    """
    columns, now = promises.c, runtime.clock()
    query = select(promises).where(_runs, columns.provisional).order_by(columns.id).limit(limit)
    query = query if after is None else query.where(columns.id > after)
    rows = tx.execute(query.with_for_update()).all()
    counted = [(row, clock_of(runtime, row)) for row in rows]
    other = [(row, it) for row, it in counted if (row.due_on, row.provisional) != (it.due_on, it.provisional)]
    values = [{**_ends(it), **_unsaid(row, it, now)} for row, it in other]
    if values:
        by_column = {name: [one[name] for one in values] for name in values[0]}
        update_each(tx, promises, {"id": [row.id for row, _ in other]}, by_column)
    moved = [(row, it) for row, it in other if row.due_on != it.due_on]
    notes = [(row.transaction_id, "promise_moved", f"{row.kind} {it.due_on}") for row, it in moved]
    store.note_all(tx, runtime, notes)
    return len(moved), rows[-1].id if len(rows) == limit else None


# --- looked at ---------------------------------------------------------------------------------


def of(tx: Connection, transaction_id: UUID) -> Sequence[Row[Any]]:
    """A transaction's promises, the first one first."""
    query = select(promises).where(promises.c.transaction_id == transaction_id)
    return tx.execute(query.order_by(promises.c.made_at, promises.c.id)).all()


def clock_of(runtime: Runtime, row: Row[Any]) -> Clock:
    """A row's clock, by the calendar as it now is."""
    return _clock(runtime, row.made_at, row.amount, row.unit)


def _running(transaction_id: UUID, kind: str) -> ColumnElement[bool]:
    return (promises.c.transaction_id == transaction_id) & (promises.c.kind == kind) & _runs


def _clock(runtime: Runtime, made_at: datetime, amount: int, unit: Unit) -> Clock:
    rules = cities.of(runtime).rules_now(runtime.clock())
    return clock(made_at, amount, unit, rules.calendar, rules.zone)


def _ends(found: Clock) -> dict[str, Any]:
    return {"due_on": found.due_on, "ends_at": found.ends_at, "provisional": found.provisional}


def _next(found: Clock, now: datetime) -> dict[str, Any]:
    """From which point on it is said: what was reached before is past."""
    over, due_at = reached(found, None, now)
    return {"said": over[-1] if over else None, "due_at": due_at, "lease": None}


def _unsaid(row: Row[Any], found: Clock, now: datetime) -> dict[str, Any]:
    """The same where nobody chose another day: what was said and still holds stays said, the rest is due."""
    said, _ = reached(found, None, now)
    known = [point for point in said if row.said and list(Point).index(point) <= list(Point).index(row.said)]
    last = known[-1] if known else None
    over, due_at = reached(found, last, now)
    return {"said": last, "due_at": now if over else due_at, "lease": None}

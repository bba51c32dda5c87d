"""What is forgotten of old messages, and when: first what they said, then how they were tried, then the row.

Three walks over tables in the order of their ids, which is that of time: each goes on where it stopped,
by the primary key, so a batch costs the same however many rows are older or younger. Every batch
is a commit of its own, and the mark where a walk stands is in it: two at once take turns.

How long each is kept are settings (``docs/reference/settings.md`` tells the sources).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    String,
    Table,
    Uuid,
    delete,
    func,
    insert,
    null,
    select,
    true,
    update,
)

from gateway.db import Utc, metadata, upsert
from gateway.delivery.store import attempts, digests
from gateway.notifications import store
from gateway.notifications.entries import TAKEN, ledger
from gateway.notifications.request import Class
from gateway.notifications.store import FORGOTTEN, notifications
from gateway.rows import one_of
from gateway.runtime import Runtime

AT_ONCE = 2_000  # rows looked at in one commit: nobody waits for long

tidied = Table(
    "tidied",
    metadata,
    Column("walk", String(40), primary_key=True),
    Column("upto", Uuid),  # the last id that was looked at; null for a table that is not walked
    Column("rows", BigInteger, nullable=False),  # forgotten so far
    Column("at", Utc),  # when it last went on
)


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: what it forgets once it is ``keep`` old, and how it forgets some.

    ``forget`` looks at some rows after the mark and returns the new mark and how many it forgot;
    ``which`` are the rows it is for.
    """

    name: str
    table: Table
    keep: timedelta
    which: ColumnElement[bool]
    forget: Callable[[Connection, UUID | None, datetime, datetime], Step]


@dataclass(frozen=True, slots=True)
class Step:
    """How far a batch came, and what it forgot; ``more`` where it looked at as many as it may."""

    upto: UUID | None
    forgotten: int
    more: bool


def walks(runtime: Runtime) -> Iterator[Walk]:
    """What is forgotten here, in order: content of each class, attempts, the rows themselves."""
    keep = runtime.settings.keep
    for klass in Class:
        mine = (notifications.c.klass == klass) & (notifications.c.personalisation != FORGOTTEN)
        yield Walk(klass, notifications, timedelta(days=keep[klass]), mine, _content_of(klass))
    yield Walk("attempts", attempts, timedelta(days=keep["attempts"]), true(), _attempts)
    yield Walk("history", notifications, timedelta(days=keep["history"]), true(), _rows)


def tidy(runtime: Runtime) -> dict[str, int]:
    """Forget what is old enough; returns how many rows by walk."""
    forgotten: Counter[str] = Counter()
    for walk in walks(runtime):
        more = True
        while more:
            with runtime.db.write() as tx:
                step = _go_on(tx, walk, runtime.clock())
            forgotten[walk.name] += step.forgotten
            more = step.more
    return dict(forgotten)


def _go_on(tx: Connection, walk: Walk, now: datetime) -> Step:
    columns = tidied.c
    first = upsert(tx, tidied).values(walk=walk.name, rows=0)
    tx.execute(first.on_conflict_do_nothing(index_elements=[columns.walk]))
    mine = columns.walk == walk.name
    mark = tx.execute(select(columns.upto).where(mine).with_for_update()).scalar_one()
    step = walk.forget(tx, mark, now - walk.keep, now)
    values = {"upto": step.upto or mark, "rows": columns.rows + step.forgotten, "at": now}
    tx.execute(update(tidied).where(mine).values(**values))
    return step


# --- how ---------------------------------------------------------------------------------------


def _content_of(klass: Class) -> Callable[[Connection, UUID | None, datetime, datetime], Step]:
    """Empty what the old ones of a class said and to which address; none that may still go out."""

    def forget(tx: Connection, mark: UUID | None, before: datetime, now: datetime) -> Step:
        columns = notifications.c
        rows = _after(tx, mark, columns.id, columns.klass, columns.created_at, columns.expires_at)
        old = list(
            takewhile(
                lambda row: row.created_at < before and (row.klass != klass or row.expires_at <= now), rows
            )
        )
        mine = [row.id for row in old if row.klass == klass]
        store.hold(tx, mine)
        some = one_of(tx, columns.id, mine) & (columns.personalisation != FORGOTTEN)
        values = {"personalisation": FORGOTTEN, "address": null(), "unsubscribe": null()}
        gone = tx.execute(update(notifications).where(some).values(**values)).rowcount if mine else 0
        return _step(rows, old, gone)

    return forget


def _attempts(tx: Connection, mark: UUID | None, before: datetime, _now: datetime) -> Step:
    """Drop how old messages were tried; those of one message go together."""
    columns = attempts.c
    rows = _after(tx, mark, columns.notification_id.label("id"), columns.started_at)
    young = next((row.id for row in rows if row.started_at >= before), None)
    old = list(takewhile(lambda row: row.id != young, rows))
    some = _between(columns.notification_id, mark, old[-1].id) if old else None
    gone = tx.execute(delete(attempts).where(some)).rowcount if some is not None else 0
    if old:
        tx.execute(delete(digests).where(_between(digests.c.notification_id, mark, old[-1].id)))
    return _step(rows, old, gone)


def _rows(tx: Connection, mark: UUID | None, before: datetime, _now: datetime) -> Step:
    """Drop the rows, and enter that in the ledger: it speaks of what is kept.

    Into their lanes' accounts alone: what became of a broadcast stays to be told.
    """
    columns = notifications.c
    rows = _after(tx, mark, columns.id, columns.created_at)
    old = list(takewhile(lambda row: row.created_at < before, rows))
    if not old:
        return _step(rows, old, 0)
    store.hold(tx, [row.id for row in old])
    some = one_of(tx, columns.id, [row.id for row in old])
    gone = tx.execute(delete(notifications).where(some).returning(columns.lane, columns.status)).all()
    entries = Counter((row.lane, entry) for row in gone for entry in (TAKEN, row.status))
    tx.execute(
        insert(ledger),
        [{"lane": lane, "entry": entry, "difference": -n} for (lane, entry), n in entries.items()],
    )
    return _step(rows, old, len(gone))


def _after(tx: Connection, mark: UUID | None, key: Any, *columns: Any) -> Sequence[Row[Any]]:
    query = select(key, *columns).order_by(key).limit(AT_ONCE)
    return tx.execute(query.where(key > mark) if mark else query).all()


def _between(key: ColumnElement[Any], mark: UUID | None, last: UUID) -> ColumnElement[bool]:
    return (key > mark) & (key <= last) if mark else key <= last


def _step(rows: Sequence[Row[Any]], old: Sequence[Row[Any]], gone: int) -> Step:
    return Step(old[-1].id if old else None, gone, len(old) == len(rows) == AT_ONCE)


# --- for people ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a walk is: forgotten so far, when it last went on, and how many are due now."""

    walk: str
    keep_days: int
    forgotten: int
    at: datetime | None
    due: int


def standing(tx: Connection, runtime: Runtime) -> Iterator[Standing]:
    """Every walk, counting what is due: it reads on from the marks, as a walk would."""
    marks = {row.walk: row for row in tx.execute(select(tidied))}
    now = runtime.clock()
    for walk in walks(runtime):
        mark = marks.get(walk.name)
        due = _due(tx, walk, mark.upto if mark else None, now - walk.keep)
        yield Standing(walk.name, walk.keep.days, mark.rows if mark else 0, mark.at if mark else None, due)


def _due(tx: Connection, walk: Walk, mark: UUID | None, before: datetime) -> int:
    columns = walk.table.c
    key, at = (
        (columns.notification_id, columns.started_at)
        if walk.table is attempts
        else (columns.id, columns.created_at)
    )
    after = key > mark if mark else true()
    query = select(func.count()).select_from(walk.table).where(walk.which, at < before, after)
    return tx.execute(query).scalar_one()

"""The office's list of promises that run, by their end: what is late comes first. Ids and words, no names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from gateway import cities
from gateway.runtime import Runtime
from gateway.transactions.promises import promises
from gateway.transactions.store import transactions

SHOWN = 100  # of a list at once


@dataclass(frozen=True, slots=True)
class Running:
    """A promise that runs; ``said`` is the last point the office was told of ("": none yet)."""

    reference: str
    type: str
    stage: str
    kind: str
    made_at: datetime
    due_on: date
    provisional: bool
    extended: int
    said: str
    late: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How many run, and of these how many are late or have their last day; how many were kept, and late."""

    running: int
    late: int
    due: int
    kept: int
    kept_late: int


def running(tx: Connection, runtime: Runtime, *, late: bool = False, limit: int = SHOWN) -> Sequence[Running]:
    """Those that run, by their end; with ``late`` only those whose end is past."""
    columns, now = promises.c, runtime.clock()
    about = (transactions.c.reference, transactions.c.type, transactions.c.stage)
    query = select(promises, *about).join(transactions, transactions.c.id == columns.transaction_id)
    query = query.where(columns.state == "running", *([columns.ends_at <= now] if late else []))
    rows = tx.execute(query.order_by(columns.ends_at, columns.id).limit(limit)).all()
    return [
        Running(
            row.reference,
            row.type,
            row.stage,
            row.kind,
            row.made_at,
            row.due_on,
            row.provisional,
            row.extended,
            row.said or "",
            row.ends_at <= now,
        )
        for row in rows
    ]


def standing(tx: Connection, runtime: Runtime) -> Standing:
    """The sums; one query. A call promised for today has its last day, whatever was warned of."""
    columns, now = promises.c, runtime.clock()
    today = now.astimezone(cities.of(runtime).rules_now(now).zone).date()
    runs, was_kept = columns.state == "running", columns.state == "kept"
    parts: dict[str, ColumnElement[bool]] = {
        "running": runs,
        "late": runs & (columns.ends_at <= now),
        "due": runs & (columns.ends_at > now) & (columns.due_on <= today),
        "kept": was_kept,
        "kept_late": was_kept & columns.late,
    }
    sums = [func.count().filter(part).label(name) for name, part in parts.items()]
    return Standing(**tx.execute(select(*sums)).mappings().one())

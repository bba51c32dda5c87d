"""Counts of what happened, right with any number of processes: differences in a table, summed when asked.

Like the ledger it is a list, so that nobody waits for anybody else's counter.
Each entry says its minute; ``compact`` keeps the minutes of the last hours apart
and sums up everything older, so the list stays short.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    delete,
    func,
    select,
)

from gateway.db import metadata
from gateway.rows import insert_many

ATTEMPTS, RECEIPTS = "attempts", "receipts"  # labelled provider and outcome
UNKNOWN_CODES = (
    "unknown_codes"  # labelled provider and where: outcome or receipt; the codes stand in attempts
)
INQUIRIES = "inquiries"  # labelled provider and finding
HELD_BACK = "held_back"  # labelled provider and reason: messages that found no room there
HANDOVER, HANDOVER_SUM = "handover_le", "handover_sum"  # labelled lane, and the bucket's bound
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)  # seconds
UNITS = "units"  # labelled provider and accepted, unknown or found: messages as the vendor counts them
BLOCK = 8 * 60  # minutes; a day of UTC and one of UTC+8 both begin with a block
DAYS_KEPT = 4  # of units
COMPACT = 20_000
LONG = 10_000  # entries; summing that many takes some milliseconds
MINUTES_KEPT = 70  # an hour to look back on, and a little

measures = Table(
    "measures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name", String(16), nullable=False),
    Column("label", String(40), nullable=False),
    Column("detail", String(24), nullable=False),
    Column("minute", Integer, nullable=False),  # since 1970; 0 for what is older than all that are kept
    Column("difference", Float, nullable=False),
    Column("summed", Boolean),  # true for an old sum, null for what one commit counted
)
FRESH = measures.c.summed.is_(None)
Index("ix_measures_fresh", measures.c.id, postgresql_where=FRESH, sqlite_where=FRESH)

Key = tuple[str, str, str]  # name, label, detail


def minute(at: datetime) -> int:
    """Which minute since 1970 this is."""
    return int(at.timestamp()) // 60


def add(tx: Connection, counted: Mapping[Key, float], now: datetime) -> None:
    """Enter what was counted in this commit."""
    _enter(tx, {(*key, minute(now)): n for key, n in counted.items()}, summed=None)


def _enter(
    tx: Connection, counted: Mapping[tuple[str, str, str, int], float], *, summed: bool | None
) -> None:
    made = [(*key, float(n), summed) for key, n in counted.items() if n]
    if made:
        names = ("name", "label", "detail", "minute", "difference", "summed")
        insert_many(tx, measures, dict(zip(names, zip(*made, strict=True), strict=True)))


def handovers(lane: str, waited: Mapping[float, int]) -> Mapping[Key, float]:
    """How many waited so many seconds from being taken to being handed over, as a histogram's entries."""
    places: Counter[int] = Counter()
    for seconds, n in waited.items():
        places[bisect_left(BOUNDS, seconds)] += n
    bounds = {place: str(BOUNDS[place]) if place < len(BOUNDS) else "+Inf" for place in places}
    counted: dict[Key, float] = {(HANDOVER, lane, bounds[place]): n for place, n in places.items()}
    return counted | {(HANDOVER_SUM, lane, ""): sum(seconds * n for seconds, n in waited.items())}


def totals(tx: Connection) -> dict[Key, float]:
    """All counts since the beginning."""
    columns = measures.c
    query = select(columns.name, columns.label, columns.detail, func.sum(columns.difference))
    grouped = query.group_by(columns.name, columns.label, columns.detail)
    return {(name, label, detail): total for name, label, detail, total in tx.execute(grouped)}


def by_minute(tx: Connection, since: datetime, *names: str) -> dict[tuple[Key, int], float]:
    """Counts of these names in each minute from ``since`` on; it reaches back an hour."""
    columns = measures.c
    query = select(
        columns.name, columns.label, columns.detail, columns.minute, func.sum(columns.difference)
    ).where(columns.minute >= minute(since), columns.name.in_(names))
    grouped = query.group_by(columns.name, columns.label, columns.detail, columns.minute)
    return {((name, label, detail), at): total for name, label, detail, at, total in tx.execute(grouped)}


def in_between(tx: Connection, name: str, label: str, since: datetime, until: datetime) -> dict[str, float]:
    """Units by their detail between the beginnings of two blocks; they reach back ``DAYS_KEPT`` days."""
    columns = measures.c
    mine = (columns.name == name) & (columns.label == label)
    query = select(columns.detail, func.sum(columns.difference)).where(
        mine, columns.minute >= minute(since), columns.minute < minute(until)
    )
    return dict(tx.execute(query.group_by(columns.detail)).all())


def is_long(tx: Connection) -> bool:
    """Whether compacting is worth it."""
    return tx.execute(select(measures.c.id).where(FRESH).offset(LONG).limit(1)).first() is not None


def compact(tx: Connection) -> int:
    """Sum up old entries, minute by minute for the last ones; returns how many rows that saved."""
    newest = tx.execute(select(func.max(measures.c.minute))).scalar() or 0
    oldest = select(measures.c.id).where(FRESH).order_by(measures.c.id).limit(COMPACT)
    columns: Any = [measures.c[name] for name in ("name", "label", "detail", "minute", "difference")]
    gone = tx.execute(
        delete(measures).where(measures.c.id.in_(oldest) | measures.c.summed.is_not(None)).returning(*columns)
    ).all()
    sums: dict[tuple[str, str, str, int], float] = {}
    for name, label, detail, at, difference in gone:
        key = (name, label, detail, _kept(name, at, newest))
        sums[key] = sums.get(key, 0.0) + difference
    _enter(tx, sums, summed=True)
    return len(gone) - len(sums)


def _kept(name: str, at: int, newest: int) -> int:
    """Which minute an entry is summed up under."""
    if at >= newest - MINUTES_KEPT:
        return at
    in_blocks = name == UNITS and at >= newest - DAYS_KEPT * 24 * 60
    return at - at % BLOCK if in_blocks else 0

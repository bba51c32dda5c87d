"""Counts of what happened, right with any number of processes: differences in a table, summed when asked.

Like the ledger it is a list, so that nobody waits for anybody else's counter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from gateway.db import metadata

ATTEMPTS, RECEIPTS = "attempts", "receipts"  # labelled provider and outcome
HANDOVER, HANDOVER_SUM = "handover_le", "handover_sum"  # labelled lane, and the bucket's bound
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)  # seconds
COMPACT = 20_000

measures = Table(
    "measures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("name", String(16), nullable=False),
    Column("label", String(40), nullable=False),
    Column("detail", String(24), nullable=False),
    Column("difference", Float, nullable=False),
)

Key = tuple[str, str, str]  # name, label, detail


def add(tx: Connection, counted: Mapping[Key, float]) -> None:
    """Enter what was counted in this commit."""
    rows = [
        {"name": name, "label": label, "detail": detail, "difference": n}
        for (name, label, detail), n in counted.items()
        if n
    ]
    if rows:
        tx.execute(insert(measures), rows)


def handovers(lane: str, seconds: Iterable[float]) -> Mapping[Key, float]:
    """Times from being taken to being handed over, as a histogram's entries."""
    counted: Counter[Key] = Counter()
    for value in seconds:
        bound = next((str(bound) for bound in BOUNDS if value <= bound), "+Inf")
        counted[HANDOVER, lane, bound] += 1
        counted[HANDOVER_SUM, lane, ""] += value  # type: ignore[assignment]
    return counted


def totals(tx: Connection) -> dict[Key, float]:
    """All counts since the beginning."""
    columns = measures.c
    query = select(columns.name, columns.label, columns.detail, func.sum(columns.difference))
    grouped = query.group_by(columns.name, columns.label, columns.detail)
    return {(name, label, detail): total for name, label, detail, total in tx.execute(grouped)}


def compact(tx: Connection) -> int:
    """Sum up old entries; returns how many rows that saved."""
    oldest = select(measures.c.id).order_by(measures.c.id).limit(COMPACT)
    columns: Any = (measures.c.name, measures.c.label, measures.c.detail, measures.c.difference)
    gone = tx.execute(delete(measures).where(measures.c.id.in_(oldest)).returning(*columns)).all()
    sums: dict[Key, float] = {}
    for name, label, detail, difference in gone:
        sums[name, label, detail] = sums.get((name, label, detail), 0.0) + difference
    add(tx, sums)
    return len(gone) - len(sums)

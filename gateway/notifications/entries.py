"""The ledger's entries: a list of small differences, so that nobody waits for anybody else's counter.

``taken`` is written by the doors, the statuses by whatever moves them, each in the transaction that
changes the rows. ``delivery.ledger`` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, String, Table, Uuid

from gateway.db import metadata
from gateway.rows import insert_many

TAKEN = "taken"

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("lane", String(16), nullable=False),
    Column("broadcast_id", Uuid, index=True),
    Column("entry", String(12), nullable=False),  # taken, or a Status
    Column("difference", BigInteger, nullable=False),
    Column("summed", Boolean),  # true for an old sum, null for the difference of one commit
)
FRESH = ledger.c.summed.is_(None)
Index("ix_ledger_fresh", ledger.c.id, postgresql_where=FRESH, sqlite_where=FRESH)

Entry = tuple[str, UUID | None, str]  # lane, broadcast, entry


def enter(tx: Connection, differences: Mapping[Entry, int]) -> None:
    """Write down by how much each account changes."""
    made = [(*where, str(entry), n) for (*where, entry), n in differences.items() if n]
    if made:
        names = ("lane", "broadcast_id", "entry", "difference")
        insert_many(tx, ledger, dict(zip(names, zip(*made, strict=True), strict=True)))

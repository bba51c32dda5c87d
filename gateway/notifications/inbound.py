"""What people send to us: kept sealed, once, and heeded where it is a wish to stop.

A provider may push the same message twice: its id counts once. Anything but a
stop or start word is kept for people to read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, String, Table, UniqueConstraint, Uuid, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db import Utc, metadata
from gateway.notifications import suppression
from gateway.providers import Inbound
from gateway.runtime import Runtime

inbound = Table(
    "inbound",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("provider_id", String(64), nullable=False),
    Column("address_index", LargeBinary(16), nullable=False, index=True),
    Column("address", LargeBinary, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("wish", String(8)),  # stop, start; null: for people to read
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("provider", "provider_id"),
)


def receive(tx: Connection, runtime: Runtime, said: Sequence[tuple[str, Inbound]]) -> int:
    """Keep what came in from each provider, and heed it in the order it came; returns how many were new."""
    rows = {(provider, message.id): _row(runtime, provider, message) for provider, message in said}
    if not rows:
        return 0
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = upsert(inbound).values(list(rows.values())).on_conflict_do_nothing().returning(inbound.c.id)
    new = set(tx.execute(statement).scalars())
    _heed(tx, runtime, [row for row in rows.values() if row["id"] in new])
    return len(new)


def _row(runtime: Runtime, provider: str, message: Inbound) -> dict[str, Any]:
    key = runtime.new_id()
    return {
        "id": key,
        "provider": provider,
        "provider_id": message.id[:64],
        "address_index": runtime.vault.index("mobile", message.address),
        "address": runtime.vault.seal("inbound.address", key, message.address),
        "text": runtime.vault.seal("inbound.text", key, message.text),
        "wish": suppression.wish(message.text),
        "received_at": message.at or runtime.clock(),
    }


def _heed(tx: Connection, runtime: Runtime, rows: Sequence[dict[str, Any]]) -> None:
    """The last wish of each person counts."""
    last = {row["address_index"]: row for row in rows if row["wish"]}
    stops = [(row["address_index"], row["provider"]) for row in last.values() if row["wish"] == "stop"]
    suppression.suppress(tx, stops, runtime.clock())
    suppression.lift(tx, [index for index, row in last.items() if row["wish"] == "start"])


def wishes(tx: Connection, address: bytes) -> Sequence[str | None]:
    """What somebody asked for so far, oldest first."""
    query = select(inbound.c.wish).where(inbound.c.address_index == address)
    return tx.execute(query.order_by(inbound.c.received_at)).scalars().all()

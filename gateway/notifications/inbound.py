"""What people send to us: kept sealed, once, and heeded where it is a wish to stop.

A provider may push the same message twice: its id counts once. Anything but a
stop or start word is kept for people to read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, String, Table, UniqueConstraint, Uuid, select, update

from gateway.db import Utc, metadata, upsert
from gateway.notifications import suppression
from gateway.providers import Inbound
from gateway.runtime import Runtime

KEPT = timedelta(days=90)

inbound = Table(
    "inbound",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("provider_id", String(64), nullable=False),
    Column("address_index", LargeBinary(16), nullable=False, index=True),
    Column("address", LargeBinary),  # null once forgotten, like the text
    Column("text", LargeBinary),
    Column("wish", String(8)),  # stop, start; null: for people to read
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("provider", "provider_id"),
)


def receive(tx: Connection, runtime: Runtime, said: Sequence[tuple[str, Inbound]]) -> int:
    """Keep what came in from each provider, and heed it in the order it came; returns how many were new."""
    rows = {
        (provider, message.id): _row(runtime, provider, message, place)
        for place, (provider, message) in enumerate(said)
    }
    if not rows:
        return 0
    ordered = sorted(rows.values(), key=itemgetter("provider", "provider_id"))
    statement = upsert(tx, inbound).values(ordered).on_conflict_do_nothing()
    new = set(tx.execute(statement.returning(inbound.c.address_index)).scalars())
    _heed(tx, new)
    return len(new)


def _row(runtime: Runtime, provider: str, message: Inbound, place: int) -> dict[str, Any]:
    key = runtime.new_id()
    sent_at = message.at or runtime.clock()  # vendors' clocks count seconds: their order tells the rest
    return {
        "id": key,
        "provider": provider,
        "provider_id": message.id[:64],
        "address_index": runtime.vault.index("mobile", message.address),
        "address": runtime.vault.seal("inbound.address", key, message.address),
        "text": runtime.vault.seal("inbound.text", key, message.text),
        "wish": suppression.wish(message.text),
        "received_at": sent_at + timedelta(microseconds=place),
    }


def _heed(tx: Connection, addresses: Collection[bytes]) -> None:
    """The last wish of each of these people counts, in whatever order their messages came to us."""
    columns = inbound.c
    query = select(columns.address_index, columns.provider, columns.wish, columns.received_at)
    wished = query.where(columns.address_index.in_(addresses), columns.wish.is_not(None))
    last = {row.address_index: row for row in tx.execute(wished.order_by(columns.received_at, columns.id))}
    stops = [row for row in last.values() if row.wish == "stop"]
    suppression.suppress(tx, [(row.address_index, row.provider, row.received_at) for row in stops])
    suppression.lift(tx, [row.address_index for row in last.values() if row.wish == "start"])


def forget_old(tx: Connection, now: datetime) -> None:
    """Empty what was said long ago; that it was said, and the wish, stay."""
    columns = inbound.c
    old = (columns.received_at < now - KEPT) & columns.text.is_not(None)
    tx.execute(update(inbound).where(old).values(text=None, address=None))

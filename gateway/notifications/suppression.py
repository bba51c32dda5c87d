"""Addresses that get no notices: their owners said stop.

Results, codes and reminders of what somebody began go on (domain.md,
"Compliance"). An address stands here as its blind index alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db import Utc, metadata

OPTED_OUT = "opted_out"
# MIIT order 31/2015 asks that a refusal be heeded; the words are those carriers know.
STOP = frozenset({"R", "TD", "T", "N", "退订", "STOP", "拒收"})
START = frozenset({"START", "恢复", "恢复订阅"})

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_index", LargeBinary(16), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("provider", String(40), nullable=False),  # through whom it was said
    Column("since", Utc, nullable=False),
)


def wish(text: str) -> str | None:
    """``stop``, ``start``, or nothing of the kind, from what somebody replied."""
    plain = unicodedata.normalize("NFKC", text).upper()
    word = "".join(character for character in plain if character.isalnum())
    if word in STOP:
        return "stop"
    return "start" if word in START else None


def suppress(tx: Connection, said: Sequence[tuple[bytes, str]], now: datetime) -> None:
    """Send no more notices to these addresses, each with the provider it was said through."""
    rows = [
        {"address_index": address, "reason": OPTED_OUT, "provider": provider, "since": now}
        for address, provider in said
    ]
    if rows:
        upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        tx.execute(upsert(suppressions).on_conflict_do_nothing(), rows)


def lift(tx: Connection, addresses: Collection[bytes]) -> None:
    """Send notices there again."""
    if addresses:
        tx.execute(delete(suppressions).where(suppressions.c.address_index.in_(addresses)))


def among(tx: Connection, addresses: Collection[bytes]) -> set[bytes]:
    """Those of these addresses that get no notices; one query."""
    if not addresses:
        return set()
    column = suppressions.c.address_index
    return set(tx.execute(select(column).where(column.in_(addresses))).scalars())


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(suppressions)).scalar_one()

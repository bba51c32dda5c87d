"""Addresses that get no notices: their owners said stop.

Results, codes and reminders of what somebody began go on (domain.md,
"Compliance"). An address stands here as its blind index alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, func, select

from gateway.db import Utc, metadata, upsert

OPTED_OUT = "opted_out"
# MIIT order 31/2015 asks that a refusal be heeded; the words are those carriers know.
STOP = frozenset({"R", "TD", "T", "N", "STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL"})
STOP_WITHIN = ("退订", "拒收", "取消订阅")  # also inside a short text: TD退订, 回复退订, 退订谢谢
NOT_MEANT = ("不", "别", "没")  # 请不要退订 is no refusal
SHORT = 10  # characters
START = frozenset({"START", "UNSTOP", "恢复", "恢复订阅"})

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
    within = len(word) <= SHORT and any(one in word for one in STOP_WITHIN)
    if word in STOP or (within and not any(one in word for one in NOT_MEANT)):
        return "stop"
    return "start" if word in START else None


def suppress(tx: Connection, said: Sequence[tuple[bytes, str, datetime]]) -> None:
    """Send no more notices to these addresses, each with the provider it was said through and when."""
    rows = [
        {"address_index": address, "reason": OPTED_OUT, "provider": provider, "since": at}
        for address, provider, at in sorted(said)
    ]
    if rows:
        tx.execute(upsert(tx, suppressions).on_conflict_do_nothing(), rows)


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

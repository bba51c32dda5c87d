"""The audit chain: who did what to which thing, each row sealed to the one before.

Rows hold ids and words, no personal data, so erasing a citizen leaves the chain
whole. ``broken`` finds the first row that was changed, removed or put in.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, insert, select

from gateway.db import Utc, metadata

START = bytes(32)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)


def record(tx: Connection, now: datetime, actor: str, action: str, subject: str) -> None:
    """Append a row. Two writers at once: the primary key lets one through, the other's commit fails."""
    last = tx.execute(select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.digest) if last else (1, START)
    values = {"number": number, "at": now, "actor": actor, "action": action, "subject": subject}
    tx.execute(insert(audit).values(**values, digest=_digest(before, number, now, actor, action, subject)))


def broken(tx: Connection) -> int | None:
    """The number of the first row that does not follow from the one before; None when all do."""
    before = START
    for expected, row in enumerate(tx.execute(select(audit).order_by(audit.c.number)), start=1):
        digest = _digest(before, row.number, row.at, row.actor, row.action, row.subject)
        if row.number != expected or row.digest != digest:
            return expected
        before = row.digest
    return None


def _digest(before: bytes, number: int, at: datetime, *words: str) -> bytes:
    text = "\x1f".join((str(number), at.isoformat(), *words))
    return hashlib.sha256(before + text.encode()).digest()

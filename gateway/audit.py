"""The audit chain: who did what to which thing, each row sealed to the one before.

Rows hold ids and words, no personal data, so erasing a citizen leaves the chain
whole. The seals are keyed and the last one is kept apart, so a row that was
changed, removed, put in or cut off the end shows, unless whoever did it holds the
master key or put an older copy of both tables back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, insert, select, update

from gateway.db import Utc, metadata, upsert
from gateway.security import Vault

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
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)


def record(tx: Connection, vault: Vault, now: datetime, actor: str, action: str, subject: str) -> None:
    """Append a row; writers at the same time wait for each other at the head."""
    head = tx.execute(select(audit_head).with_for_update()).one_or_none()
    if head is None:  # whoever writes the first row at the same moment waits here, and finds it below
        tx.execute(upsert(tx, audit_head).values(id=1, number=0, digest=START).on_conflict_do_nothing())
        head = tx.execute(select(audit_head).with_for_update()).one()
    number = head.number + 1
    digest = _digest(vault, head.digest, number, now, actor, action, subject)
    row = {"number": number, "at": now, "actor": actor, "action": action, "subject": subject}
    tx.execute(insert(audit).values(**row, digest=digest))
    tx.execute(update(audit_head).values(number=number, digest=digest))


def broken(tx: Connection, vault: Vault) -> int | None:
    """The number of the first row that does not follow from the one before; None when all do."""
    before, expected = START, 0
    for expected, row in enumerate(tx.execute(select(audit).order_by(audit.c.number)), start=1):
        digest = _digest(vault, before, row.number, row.at, row.actor, row.action, row.subject)
        if row.number != expected or row.digest != digest:
            return expected
        before = row.digest
    head = tx.execute(select(audit_head)).one_or_none()
    ends_well = (head.number, head.digest) == (expected, before) if head else expected == 0
    return None if ends_well else expected + 1


def _digest(vault: Vault, before: bytes, number: int, at: datetime, *words: str) -> bytes:
    text = "\x1f".join((str(number), at.isoformat(), *words))
    return vault.digest("audit", before + text.encode())

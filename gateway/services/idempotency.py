"""``Idempotency-Key``: the same key and body get the stored answer, once, whatever happened between.

The key's row is written in the same transaction as the work it guards, so a
crash leaves neither, and nothing has to be cleaned up. While that transaction
runs, PostgreSQL's advisory lock tells a second caller so; SQLite's writers queue.
Either the work is done first and its answer ``store``d, or, where the answer is known
beforehand, an ``entry`` goes in with the work itself (``notifications.at_once``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    delete,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql

from gateway.db import Utc, metadata
from gateway.runtime import Runtime
from gateway.security import Vault

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
LONGEST_KEY = 255
KEPT = timedelta(hours=48)  # promised: 24 at least

answers = Table(
    "idempotency",
    metadata,
    Column("service_id", Uuid, primary_key=True),
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
)
Index("ix_idempotency_created_at", answers.c.created_at)


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer given before."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class OtherBody:
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Running:
    """The same request is being worked on at this moment."""


def request_digest(vault: Vault, asked: str, path: str, body: bytes) -> bytes:
    """What two requests are compared by; keyed, since a body holds personal data."""
    return vault.digest("idempotency", f"{asked} {path}\n".encode() + body)


Repeated = Stored | OtherBody | Running


def look_up(tx: Connection, runtime: Runtime, service_id: UUID, key: str, digest: bytes) -> Repeated | None:
    """What is known of this key; None means that the caller holds it and shall do the work."""
    if not _locked(tx, service_id, key):
        return Running()
    return known(tx, runtime, service_id, key, digest)


def known(
    tx: Connection, runtime: Runtime, service_id: UUID, key: str, digest: bytes
) -> Stored | OtherBody | None:
    """What stands under this key already."""
    columns = answers.c
    row = tx.execute(
        select(answers).where(columns.service_id == service_id, columns.key == key)
    ).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        return OtherBody()
    return Stored(row.status, runtime.vault.open("idempotency.body", f"{service_id}:{key}", row.body))


def store(
    tx: Connection, runtime: Runtime, service_id: UUID, key: str, digest: bytes, answer: Stored
) -> None:
    tx.execute(insert(answers).values(entry(runtime, service_id, key, digest, answer)))


def entry(runtime: Runtime, service_id: UUID, key: str, digest: bytes, answer: Stored) -> dict[str, Any]:
    """The row of a key: no two are sealed alike, so its ``body`` tells it from any other."""
    return {
        "service_id": service_id,
        "key": key,
        "digest": digest,
        "status": answer.status,
        "body": runtime.vault.seal("idempotency.body", f"{service_id}:{key}", answer.body),
        "created_at": runtime.clock(),
    }


def lock_number(service_id: UUID, key: str) -> int:
    """What PostgreSQL's advisory lock of a key is called."""
    return int.from_bytes(hashlib.sha256(f"{service_id}:{key}".encode()).digest()[:8], signed=True)


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop the answers nobody may ask for any more."""
    tx.execute(delete(answers).where(answers.c.created_at < now - KEPT))


def _locked(tx: Connection, service_id: UUID, key: str) -> bool:
    if tx.dialect.name != "postgresql":
        return True
    number = {"number": lock_number(service_id, key)}
    return bool(tx.execute(text("SELECT pg_try_advisory_xact_lock(:number)"), number).scalar_one())

"""API keys as whoever manages them sees them: never their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, select, update

from gateway.services.store import NewKey, api_keys


class State(StrEnum):
    """Where a key stands."""

    ACTIVE = "active"
    REPLACED = "replaced"  # works until its end
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Held:
    """A key of a service, without its secret."""

    id: UUID
    service_id: UUID
    allows: NewKey
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> State:
        if self.revoked_at:
            return State.REVOKED
        if self.expires_at is None:
            return State.ACTIVE
        return State.REPLACED if now < self.expires_at else State.ENDED


def of(tx: Connection, service_id: UUID) -> list[Held]:
    """All keys of a service, the oldest first."""
    return _read(tx, api_keys.c.service_id == service_id)


def find(tx: Connection, key: UUID) -> Held | None:
    found = _read(tx, api_keys.c.id == key)
    return found[0] if found else None


def end(tx: Connection, key: UUID, at: datetime) -> None:
    """Let a key work until then; never longer than it would have."""
    columns = api_keys.c
    longer = columns.expires_at.is_(None) | (columns.expires_at > at)
    tx.execute(update(api_keys).where(columns.id == key, longer).values(expires_at=at))


def revoke(tx: Connection, key: UUID, now: datetime) -> bool:
    """End a key at once; False when it was revoked."""
    columns = api_keys.c
    mine = (columns.id == key) & columns.revoked_at.is_(None)
    return bool(tx.execute(update(api_keys).where(mine).values(revoked_at=now)).rowcount)


def _read(tx: Connection, which: ColumnElement[bool]) -> list[Held]:
    columns = api_keys.c
    shown = [column for column in columns if column is not columns.secret]
    rows: Sequence[Row[Any]] = tx.execute(
        select(*shown).where(which).order_by(columns.created_at, columns.id)
    ).all()
    return [_held(row) for row in rows]


def _held(row: Row[Any]) -> Held:
    texts, senders = (tuple(map(UUID, listed.split())) for listed in (row.templates, row.senders))
    allows = NewKey(row.name, row.type, tuple(row.scopes.split()), texts, senders)
    return Held(row.id, row.service_id, allows, row.created_at, row.expires_at, row.revoked_at)

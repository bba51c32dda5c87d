"""Our versions as providers know them that review texts before they may go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Uuid,
    and_,
    insert,
    select,
    tuple_,
    update,
)

from gateway.db import Utc, metadata

provider_templates = Table(
    "provider_templates",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("code", String(80), nullable=False),
    Column("state", String(10), nullable=False),  # providers.ReviewState
    Column("reason", String(200), nullable=False),
    Column("updated_at", Utc, nullable=False),
    ForeignKeyConstraint(
        ["template_id", "version"], ["template_versions.template_id", "template_versions.version"]
    ),
)


_columns = tuple(
    provider_templates.c[name] for name in ("template_id", "version", "provider", "code", "state", "reason")
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A version as one provider knows it."""

    template_id: UUID
    version: int
    provider: str
    code: str
    state: str
    reason: str

    @property
    def key(self) -> tuple[UUID, int]:
        return self.template_id, self.version


def of(tx: Connection, template: UUID) -> list[Registration]:
    """What all providers know of a text, the newest version first."""
    columns = provider_templates.c
    query = select(*_columns).where(columns.template_id == template)
    return [
        Registration(*row) for row in tx.execute(query.order_by(columns.version.desc(), columns.provider))
    ]


def registrations(
    tx: Connection, provider: str, keys: Sequence[tuple[UUID, int]] | None = None
) -> Mapping[tuple[UUID, int], Registration]:
    """What this provider knows of our versions: all of them, or those named."""
    columns = provider_templates.c
    query = select(*_columns).where(columns.provider == provider)
    if keys is not None:
        query = query.where(tuple_(columns.template_id, columns.version).in_(keys))
    return {(row.template_id, row.version): Registration(*row) for row in tx.execute(query)}


def record_registration(tx: Connection, registration: Registration, now: datetime) -> None:
    columns = provider_templates.c
    values = {
        "code": registration.code,
        "state": registration.state,
        "reason": registration.reason[:200],
        "updated_at": now,
    }
    where = and_(
        columns.template_id == registration.template_id,
        columns.version == registration.version,
        columns.provider == registration.provider,
    )
    if not tx.execute(update(provider_templates).where(where).values(**values)).rowcount:
        key = {
            "template_id": registration.template_id,
            "version": registration.version,
            "provider": registration.provider,
        }
        tx.execute(insert(provider_templates).values(**key, **values))

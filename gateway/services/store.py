"""Services and their API keys.

A key is written ``{name}-{service id}-{secret}``, both UUIDs of version 4, as
GOV.UK Notify's clients expect. The secret is sealed, not hashed: HS256 needs it
to check a signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Uuid,
    insert,
    select,
)

from gateway.db import Utc, metadata
from gateway.security import Vault

NORMAL = "normal"
USUAL = ("broadcasts", "send", "transactions")  # what a key may do unless more is asked for
OPERATE = "operate"  # the levers: they reach every service's messages

services = Table(
    "services",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("active", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("service_id", ForeignKey("services.id"), nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("type", String(8), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("revoked_at", Utc),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of a service, its secret opened."""

    id: UUID
    service_id: UUID
    type: str
    scopes: frozenset[str]
    secret: str = field(repr=False)
    revoked: bool


@dataclass(frozen=True, slots=True)
class Service:
    id: UUID
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A service with all its keys, revoked ones too."""

    service: Service
    keys: tuple[ApiKey, ...]


def account(tx: Connection, vault: Vault, key: UUID) -> Account | None:
    row = tx.execute(select(services).where(services.c.id == key)).one_or_none()
    if row is None:
        return None
    return Account(Service(row.id, row.name, row.active), tuple(_keys(tx, vault, key)))


def ensure_service(tx: Connection, name: str, now: datetime) -> UUID:
    """The service of this name, made when it is new."""
    known = tx.execute(select(services.c.id).where(services.c.name == name)).scalar_one_or_none()
    if known:
        return UUID(str(known))
    key = uuid4()
    tx.execute(insert(services).values(id=key, name=name, active=True, created_at=now))
    return key


def create_key(
    tx: Connection,
    vault: Vault,
    service_id: UUID,
    name: str,
    now: datetime,
    *,
    scopes: Sequence[str] = USUAL,
) -> str:
    """Make a key and return it whole: the only time its secret is shown."""
    key, secret = uuid4(), str(uuid4())
    tx.execute(
        insert(api_keys).values(
            id=key,
            service_id=service_id,
            name=name,
            type=NORMAL,
            scopes=" ".join(sorted(scopes)),
            secret=vault.seal("api_keys.secret", key, secret),
            created_at=now,
        )
    )
    return f"{name}-{service_id}-{secret}"


def _keys(tx: Connection, vault: Vault, service_id: UUID) -> list[ApiKey]:
    rows = tx.execute(select(api_keys).where(api_keys.c.service_id == service_id))
    return [
        ApiKey(
            row.id,
            row.service_id,
            row.type,
            frozenset(row.scopes.split()),
            vault.open("api_keys.secret", row.id, row.secret),
            row.revoked_at is not None,
        )
        for row in rows
    ]

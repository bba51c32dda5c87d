"""Services and their API keys.

A key is written ``{name}-{service id}-{secret}``, both UUIDs of version 4, as
GOV.UK Notify's clients expect. The secret is sealed, not hashed: HS256 needs it
to check a signature.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
    update,
)

from gateway.db import Utc, metadata, upsert
from gateway.security import Vault
from gateway.services import senders
from gateway.services.senders import Sender

NORMAL, TEAM, TEST = "normal", "team", "test"
TYPES = {
    NORMAL: "sends to everybody",
    TEAM: "sends to the service's team and guest list only",
    TEST: "sends nothing and simulates what would become of it",
}
SEND, READ, TRANSACTIONS, BROADCASTS = "send", "read", "transactions", "broadcasts"
WEBHOOKS = "webhooks"  # where receipts and what people wrote go: whoever holds such a key can redirect them
OPERATE = "operate"  # the levers: they reach every service's messages
SCOPES = {
    SEND: "ask for messages",
    READ: "see messages, texts and what people replied",
    TRANSACTIONS: "begin and steer transactions",
    BROADCASTS: "push policy to many people",
    WEBHOOKS: "say where the service is told of its events",
    OPERATE: "pull the levers and manage services, over everybody's messages",
}
USUAL = (BROADCASTS, READ, SEND, TRANSACTIONS)  # what a key may do unless more is asked for

PER_MINUTE = 3_000  # requests of one type of key
PER_DAY = 250_000  # messages on one channel

services = Table(
    "services",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("active", Boolean, nullable=False),  # else it is archived
    Column("rate_limit", Integer, nullable=False),  # requests a minute, of each type of key
    Column("daily_limits", Text, nullable=False),  # JSON: messages a day by channel, where not PER_DAY
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
    Column("templates", Text, nullable=False),  # ids of those it may send, between spaces; empty: all
    Column("senders", Text, nullable=False),  # likewise
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),  # a key that was replaced works until then
    Column("revoked_at", Utc),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of a service, its secret opened. Empty ``templates`` or ``senders`` allow all."""

    id: UUID
    service_id: UUID
    type: str
    scopes: frozenset[str]
    templates: frozenset[UUID]
    senders: frozenset[UUID]
    secret: str = field(repr=False)
    revoked: bool
    expires_at: datetime | None

    def ended(self, now: datetime) -> bool:
        return self.revoked or (self.expires_at is not None and self.expires_at <= now)


@dataclass(frozen=True, slots=True)
class Service:
    id: UUID
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a service may ask for: requests a minute and type of key, messages a day and channel."""

    per_minute: int
    by_channel: Mapping[str, int]

    def per_day(self, channel: str) -> int:
        return self.by_channel.get(channel, PER_DAY)


@dataclass(frozen=True, slots=True)
class Account:
    """A service with all its keys, revoked ones too, what it may ask for, and whom its messages name."""

    service: Service
    keys: tuple[ApiKey, ...]
    limits: Limits
    senders: tuple[Sender, ...]


def account(tx: Connection, vault: Vault, key: UUID) -> Account | None:
    row = tx.execute(select(services).where(services.c.id == key)).one_or_none()
    if row is None:
        return None
    return Account(
        Service(row.id, row.name, row.active),
        tuple(_keys(tx, vault, key)),
        limits_of(row),
        senders.of(tx, vault, key),
    )


def listed(tx: Connection) -> Sequence[Row[Any]]:
    """All services by name, each with ``keys``: how many were not revoked."""
    held = select(func.count()).where(api_keys.c.service_id == services.c.id, api_keys.c.revoked_at.is_(None))
    query = select(services, held.scalar_subquery().label("keys")).order_by(services.c.name)
    return tx.execute(query).all()


def limits_of(row: Row[Any]) -> Limits:
    """The limits in a row of ``services``."""
    return Limits(row.rate_limit, json.loads(row.daily_limits))


def ensure_service(tx: Connection, name: str, now: datetime) -> UUID:
    """The service of this name, made when it is new."""
    known = tx.execute(select(services.c.id).where(services.c.name == name)).scalar_one_or_none()
    if known:
        return UUID(str(known))
    made = add_service(tx, name, now)
    return made or ensure_service(tx, name, now)  # somebody else made it meanwhile


def add_service(tx: Connection, name: str, now: datetime) -> UUID | None:
    """Make a service with the usual limits; None where one is called so."""
    key = uuid4()
    row = {"id": key, "name": name, "active": True, "rate_limit": PER_MINUTE, "daily_limits": "{}"}
    made = upsert(tx, services).values(**row, created_at=now).on_conflict_do_nothing()
    return key if tx.execute(made.returning(services.c.id)).first() else None


def set_limits(tx: Connection, service_id: UUID, limits: Limits) -> None:
    """Other limits for a service. Busy doors heed them within seconds."""
    values = {"rate_limit": limits.per_minute, "daily_limits": json.dumps(dict(limits.by_channel))}
    tx.execute(update(services).where(services.c.id == service_id).values(**values))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to make. Empty ``templates`` or ``senders`` allow all."""

    name: str
    type: str = NORMAL
    scopes: Collection[str] = USUAL
    templates: Collection[UUID] = ()
    senders: Collection[UUID] = ()


def issue(tx: Connection, vault: Vault, service_id: UUID, new: NewKey, now: datetime) -> tuple[UUID, str]:
    """Make a key; its id, and the whole of it: the only time its secret is shown."""
    key, secret = uuid4(), str(uuid4())
    tx.execute(
        insert(api_keys).values(
            id=key,
            service_id=service_id,
            name=new.name,
            type=new.type,
            scopes=" ".join(sorted(new.scopes)),
            templates=_listed(new.templates),
            senders=_listed(new.senders),
            secret=vault.seal("api_keys.secret", key, secret),
            created_at=now,
        )
    )
    return key, f"{new.name}-{service_id}-{secret}"


def create_key(
    tx: Connection,
    vault: Vault,
    service_id: UUID,
    name: str,
    now: datetime,
    *,
    type: str = NORMAL,  # noqa: A002  # the contract's word
    scopes: Collection[str] = USUAL,
    templates: Collection[UUID] = (),
    senders: Collection[UUID] = (),
) -> str:
    """The same for whoever needs the key alone."""
    return issue(tx, vault, service_id, NewKey(name, type, scopes, templates, senders), now)[1]


def _keys(tx: Connection, vault: Vault, service_id: UUID) -> list[ApiKey]:
    rows = tx.execute(select(api_keys).where(api_keys.c.service_id == service_id))
    return [
        ApiKey(
            row.id,
            row.service_id,
            row.type,
            frozenset(row.scopes.split()),
            frozenset(map(UUID, row.templates.split())),
            frozenset(map(UUID, row.senders.split())),
            vault.open("api_keys.secret", row.id, row.secret),
            row.revoked_at is not None,
            row.expires_at,
        )
        for row in rows
    ]


def _listed(ids: Collection[UUID]) -> str:
    return " ".join(sorted(map(str, ids)))

"""Whom a team key may write to: a service's team, and the guests it put on its list."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    insert,
    select,
)

from gateway.channels import email, sms
from gateway.db import Utc, metadata
from gateway.rows import one_of
from gateway.security import Vault
from gateway.services.store import TEAM

KINDS = ("team", "guest")

guests = Table(
    "guests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("address_index", LargeBinary(16), nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("service_id", "address_index"),
)


def allows(tx: Connection, vault: Vault, service_id: UUID, key_type: str, address: str) -> bool:
    """Whether a key of this type may write to this (normalised) mobile or e-mail address."""
    if key_type != TEAM:
        return True
    columns = guests.c
    mine = (columns.service_id == service_id) & (columns.address_index == _index(vault, address))
    return tx.execute(select(columns.id).where(mine)).first() is not None


def allowed(tx: Connection, vault: Vault, service_id: UUID, addresses: Collection[str]) -> frozenset[str]:
    """Those of many (normalised) addresses that are on a service's list."""
    columns, by_index = guests.c, {_index(vault, address): address for address in addresses}
    mine = (columns.service_id == service_id) & one_of(tx, columns.address_index, list(by_index))
    return frozenset(
        by_index[index] for index in tx.execute(select(columns.address_index).where(mine)).scalars()
    )


def add(tx: Connection, vault: Vault, service_id: UUID, kind: str, address: str, now: datetime) -> bool:
    """Put a (normalised) address on the list; False when it was there."""
    columns, index = guests.c, _index(vault, address)
    there = (columns.service_id == service_id) & (columns.address_index == index)
    if tx.execute(select(columns.id).where(there)).first():
        return False
    key = uuid4()
    row = {"id": key, "service_id": service_id, "kind": kind, "address_index": index, "created_at": now}
    tx.execute(insert(guests).values(**row, address=vault.seal("guests.address", key, address)))
    return True


def _index(vault: Vault, address: str) -> bytes:
    return vault.index(email.ADDRESS if "@" in address else sms.ADDRESS, address)

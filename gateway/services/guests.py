"""Whom a team key may write to: a service's team, and the guests it put on its list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
    delete,
    select,
)

from gateway.channels import email, sms
from gateway.db import Utc, metadata, upsert
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
    columns, indexes = guests.c, {address: _index(vault, address) for address in addresses}
    wanted = list(set(indexes.values()))  # two spellings of a mailbox have one
    mine = (columns.service_id == service_id) & one_of(tx, columns.address_index, wanted)
    found = set(tx.execute(select(columns.address_index).where(mine)).scalars())
    return frozenset(address for address, index in indexes.items() if index in found)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody on a service's list; the address is for its operators, to be shown masked."""

    id: UUID
    kind: str
    address: str
    created_at: datetime


def of(tx: Connection, vault: Vault, service_id: UUID) -> list[Guest]:
    """A service's whole list, the team first."""
    columns = guests.c
    query = select(guests).where(columns.service_id == service_id)
    rows = tx.execute(query.order_by(columns.kind.desc(), columns.created_at, columns.id))
    return [
        Guest(row.id, row.kind, vault.open("guests.address", row.id, row.address), row.created_at)
        for row in rows
    ]


def add(
    tx: Connection, vault: Vault, service_id: UUID, kind: str, address: str, now: datetime
) -> UUID | None:
    """Put a (normalised) address on the list; its id there, or None when it was there."""
    key, index = uuid4(), _index(vault, address)
    row = {"id": key, "service_id": service_id, "kind": kind, "address_index": index, "created_at": now}
    sealed = vault.seal("guests.address", key, address)
    put = upsert(tx, guests).values(**row, address=sealed).on_conflict_do_nothing()
    return key if tx.execute(put.returning(guests.c.id)).first() else None


def remove(tx: Connection, vault: Vault, service_id: UUID, address: str) -> UUID | None:
    """Take an address off the list; its id there, or None when it was not there."""
    columns = guests.c
    mine = (columns.service_id == service_id) & (columns.address_index == _index(vault, address))
    return tx.execute(delete(guests).where(mine).returning(columns.id)).scalar_one_or_none()


def _index(vault: Vault, address: str) -> bytes:
    return vault.index(email.ADDRESS if "@" in address else sms.ADDRESS, address)

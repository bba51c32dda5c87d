"""Under which name a service's messages go out: SMS signatures or numbers, e-mail reply-to addresses.

A sender that is taken back stays as a row: what was asked for under it still names it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    insert,
    select,
    update,
)

from gateway.db import Utc, metadata
from gateway.rows import one_of
from gateway.security import Vault

CHANNELS = ("sms", "email")

senders = Table(
    "senders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("value_index", LargeBinary(16), nullable=False, index=True),
    Column("is_default", Boolean, nullable=False),
    Column("inbound", Boolean, nullable=False),  # what people reply to it is this service's
    Column("created_at", Utc, nullable=False),
    Column("archived_at", Utc),
)
Index("ix_senders_service_id", senders.c.service_id, senders.c.channel)


@dataclass(frozen=True, slots=True)
class Sender:
    """One name of a service on a channel; ``value`` is the signature, number or address."""

    id: UUID
    channel: str
    value: str
    is_default: bool
    inbound: bool


def add(
    tx: Connection,
    vault: Vault,
    service_id: UUID,
    channel: str,
    value: str,
    now: datetime,
    *,
    default: bool = False,
    inbound: bool = False,
) -> UUID:
    """Give a service a sender; as the default it takes the place of the one before."""
    key = uuid4()
    if default:
        mine = (senders.c.service_id == service_id) & (senders.c.channel == channel)
        tx.execute(update(senders).where(mine).values(is_default=False))
    row = {"id": key, "service_id": service_id, "channel": channel, "is_default": default, "inbound": inbound}
    sealed = vault.seal("senders.value", key, value)
    tx.execute(insert(senders).values(**row, value=sealed, value_index=_index(vault, value), created_at=now))
    return key


def archive(tx: Connection, key: UUID, now: datetime) -> UUID | None:
    """Take a sender back; whose it was, or None where there is none in use by this id."""
    columns = senders.c
    mine = (columns.id == key) & columns.archived_at.is_(None)
    gone = update(senders).where(mine).values(archived_at=now, is_default=False)
    return tx.execute(gone.returning(columns.service_id)).scalar_one_or_none()


def of(tx: Connection, vault: Vault, service_id: UUID) -> tuple[Sender, ...]:
    """A service's senders, the oldest first."""
    columns = senders.c
    query = select(senders).where(columns.service_id == service_id, columns.archived_at.is_(None))
    rows: Sequence[Sender] = [
        Sender(
            row.id, row.channel, vault.open("senders.value", row.id, row.value), row.is_default, row.inbound
        )
        for row in tx.execute(query.order_by(columns.created_at, columns.id))
    ]
    return tuple(rows)


def values(tx: Connection, vault: Vault, ids: Collection[UUID]) -> dict[UUID, str]:
    """What these senders are called, those taken back too."""
    if not ids:
        return {}
    columns = senders.c
    rows = tx.execute(select(columns.id, columns.value).where(columns.id.in_(ids)))
    return {row.id: vault.open("senders.value", row.id, row.value) for row in rows}


def signature(sender: str | None, house: str) -> str:
    """What a text message is signed with: a sender's name; a number signs nothing, so the house does."""
    return sender if sender and not sender.removeprefix("+").isdecimal() else house


def owners(tx: Connection, vault: Vault, numbers: Collection[str]) -> dict[str, UUID]:
    """Those of these numbers that belong to a service, which gets what people send there."""
    if not numbers:
        return {}
    columns, indexes = senders.c, {_index(vault, number): number for number in numbers}
    mine = one_of(tx, columns.value_index, sorted(indexes)) & columns.inbound & columns.archived_at.is_(None)
    found = tx.execute(select(columns.value_index, columns.service_id).where(mine))
    return {indexes[index]: service for index, service in found}


def _index(vault: Vault, value: str) -> bytes:
    return vault.index("sender", value.lower())

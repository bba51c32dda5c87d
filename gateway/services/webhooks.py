"""Where services want to be told of what concerns them, and what is still to be told there.

Whoever ends a message, hears a text or moves a transaction calls ``tell`` in the commit that does
it. An event holds ids and words of ours, no personal data: what it says is looked up when it is
sent, by the room ``gateway.webhooks``. A subscription is also what a worker leases: two never
serve the same one, and one that does not answer holds up nobody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Exists,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gateway.db import Utc, metadata, sparse_index, upsert
from gateway.security import Vault
from gateway.services.store import services

LONGEST_URL = 2_000
DETAIL = 80
REMOVED = "removed"  # why what still waited for a removed one is not told
ARCHIVED = "archived"  # likewise, of a service that is archived


class Kind(StrEnum):
    """What a service may want to be told."""

    RECEIPT = "receipt"  # a message it asked for has ended
    INBOUND = "inbound"  # somebody wrote to it
    TRANSACTION = "transaction"  # a transaction it began has another state or stage


class State(StrEnum):
    """Where an event is."""

    WAITING = "waiting"  # to be told when due, for the first time or again
    DELIVERED = "delivered"  # the service answered that it has it
    FAILED = "failed"  # refused, or tried for a day: on the log, to be told anew on demand


webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("url", String(LONGEST_URL), nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("paused_at", Utc),
    Column("paused_why", String(80)),
    Column("removed_at", Utc),
    Column("failures", Integer, nullable=False),  # batches in a row in which it did not answer well
    Column("due_at", Utc),  # from when on it may be served; null while paused or removed
    Column("lease", BigInteger),
    UniqueConstraint("service_id", "kind"),
)
events = Table(
    "webhook_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),  # the notification, the inbound text, the transaction
    Column("detail", String(DETAIL), nullable=False),  # of a transaction: its state and stage then
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("status", Integer),  # of the last answer
    Column("cause", String(80)),
    Column("created_at", Utc, nullable=False),
    Column("since", Utc, nullable=False),  # from when its day of tries counts
    Column("due_at", Utc),
    Column("ended_at", Utc),
)
sparse_index("ix_webhook_events_due", events.c.webhook_id, events.c.due_at)
Index("ix_webhook_events_log", events.c.webhook_id, events.c.created_at, events.c.id)
LIVE = webhooks.c.removed_at.is_(None)
TOLD = exists().where(services.c.id == webhooks.c.service_id, services.c.active)
"""Whether its service is told anything: an archived one is not."""


# --- telling -----------------------------------------------------------------------------------


class Event(NamedTuple):
    """One thing to tell: its id, whose it is, what it is about, and what of that may change later."""

    id: UUID
    service_id: UUID
    subject: UUID
    detail: str = ""


def wanted(kind: Kind, service_id: ColumnElement[Any]) -> Exists:
    """Whether a service wants to be told of this."""
    return exists().where(webhooks.c.service_id == service_id, webhooks.c.kind == kind.value, LIVE, TOLD)


_INTO = ("id", "webhook_id", "subject", "detail", "state", "tries", "created_at", "since", "due_at")


def ended(pairs: Sequence[tuple[UUID, UUID]]) -> list[Event]:
    """Events by service and subject where a subject has only one: that one's id is the event's, too."""
    return [Event(subject, service, subject) for service, subject in pairs]


def tell(tx: Connection, kind: Kind, told: Sequence[Event], now: datetime) -> None:
    """Write down what is to be told, for services that want it; for others nothing is written.

    One statement. What is known already is left as it is.
    """
    if not told:
        return
    if tx.dialect.name == "postgresql":
        given = _as_arrays(told)
        query = _wanted(kind, now, given.c.id, given.c.subject, given.c.detail)
        tx.execute(_insert(tx, query.where(webhooks.c.service_id == given.c.service_id)))
        return
    parts = [bindparam("event", type_=Uuid), bindparam("about", type_=Uuid), bindparam("word", type_=String)]
    mine = webhooks.c.service_id == bindparam("service", type_=Uuid)
    rows = [
        {"event": one.id, "service": one.service_id, "about": one.subject, "word": one.detail} for one in told
    ]
    tx.execute(_insert(tx, _wanted(kind, now, *parts).where(mine)), rows)


def _as_arrays(told: Sequence[Event]) -> Any:
    """The events as a table, in as many parameters as it has columns."""
    types: Sequence[Any] = (Uuid(), Uuid(), Uuid(), String(DETAIL))
    lists = zip(zip(*told, strict=True), types, strict=True)
    columns: list[Any] = [bindparam(None, list(column), ARRAY(kind)) for column, kind in lists]
    return func.unnest(*columns).table_valued(*_typed(Event._fields, types)).render_derived()


def _typed(names: Sequence[str], types: Sequence[Any]) -> list[Any]:
    return [Column(name, kind) for name, kind in zip(names, types, strict=True)]


def _wanted(
    kind: Kind,
    now: datetime,
    key: ColumnElement[Any],
    subject: ColumnElement[Any],
    detail: ColumnElement[Any],
) -> Any:
    at = literal(now, Utc)
    fixed = (subject, detail, literal(State.WAITING.value), literal(0), at, at, at)
    return select(key, webhooks.c.id, *fixed).where(webhooks.c.kind == kind.value, LIVE, TOLD)


def _insert(tx: Connection, query: Any) -> Any:
    return upsert(tx, events).from_select(_INTO, query).on_conflict_do_nothing()


def is_due(tx: Connection, now: datetime) -> bool:
    """Whether anything is to be told now."""
    query = select(webhooks.c.id).where(webhooks.c.due_at <= now, waits(now)).limit(1)
    return tx.execute(query).first() is not None


def waits(now: datetime) -> ColumnElement[bool]:
    """Whether a subscription has something due: one step into the index for each of the few there are."""
    due = select(events.c.id).where(events.c.webhook_id == webhooks.c.id, events.c.due_at <= now)
    return due.exists() & TOLD


# --- subscriptions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription with its secrets opened."""

    id: UUID
    kind: Kind
    url: str
    token: str = field(repr=False)
    secret: str = field(repr=False)


def subscribe(
    tx: Connection,
    vault: Vault,
    service_id: UUID,
    kind: Kind,
    url: str,
    token: str,
    secret: str,
    now: datetime,
) -> UUID:
    """Tell a service of one kind of thing at this address; an earlier subscription gets these values.

    The row is there before its secrets are sealed to it: of two first ones at once the later holds.
    """
    place = {"id": uuid4(), "service_id": service_id, "kind": kind.value, "created_at": now}
    empty = {"url": "", "token": b"", "secret": b"", "failures": 0, "removed_at": now}
    tx.execute(upsert(tx, webhooks).values(**place, **empty).on_conflict_do_nothing())
    mine = (webhooks.c.service_id == service_id) & (webhooks.c.kind == kind.value)
    key = UUID(str(tx.execute(select(webhooks.c.id).where(mine).with_for_update()).scalar_one()))
    values = {
        "url": url,
        "token": vault.seal("webhooks.token", key, token),
        "secret": vault.seal("webhooks.secret", key, secret),
        "paused_at": None,
        "paused_why": None,
        "removed_at": None,
        "failures": 0,
        "due_at": now,
        "lease": None,
    }
    tx.execute(update(webhooks).where(webhooks.c.id == key).values(**values))
    return key


def opened(vault: Vault, row: Row[Any]) -> Webhook:
    """A row with its secrets; raises ``TamperedError``."""
    return Webhook(
        row.id,
        Kind(row.kind),
        row.url,
        vault.open("webhooks.token", row.id, row.token),
        vault.open("webhooks.secret", row.id, row.secret),
    )


def find(tx: Connection, service_id: UUID, kind: Kind) -> Row[Any] | None:
    """A service's subscription to a kind, removed ones not."""
    mine = (webhooks.c.service_id == service_id) & (webhooks.c.kind == kind.value)
    return tx.execute(select(webhooks).where(mine, LIVE)).one_or_none()


def listed(tx: Connection, service_id: UUID | None = None) -> Sequence[Row[Any]]:
    """The subscriptions of a service, or of all, in one order."""
    query = select(webhooks).where(LIVE).order_by(webhooks.c.service_id, webhooks.c.kind)
    return tx.execute(query if service_id is None else query.where(webhooks.c.service_id == service_id)).all()


def pause(tx: Connection, key: UUID, why: str, now: datetime) -> bool:
    """Tell it nothing for now; what happens meanwhile waits. False where it is paused already."""
    still = update(webhooks).where(webhooks.c.id == key, webhooks.c.paused_at.is_(None))
    return bool(
        tx.execute(still.values(paused_at=now, paused_why=why[:80], due_at=None, lease=None)).rowcount
    )


def resume(tx: Connection, key: UUID, now: datetime) -> bool:
    """Go on, beginning with what waited: it gets its day of tries from now. False where it was not paused."""
    values = {"paused_at": None, "paused_why": None, "failures": 0, "due_at": now}
    again = update(webhooks).where(webhooks.c.id == key, webhooks.c.paused_at.is_not(None), LIVE)
    if not tx.execute(again.values(**values)).rowcount:
        return False
    waiting = (events.c.webhook_id == key) & events.c.due_at.is_not(None)
    tx.execute(update(events).where(waiting).values(since=now, due_at=now))
    return True


def remove(tx: Connection, key: UUID, now: datetime) -> None:
    """Tell it nothing any more. Its log stays as long as any; its secrets do not."""
    gone = {"removed_at": now, "url": "", "token": b"", "secret": b"", "due_at": None, "lease": None}
    tx.execute(update(webhooks).where(webhooks.c.id == key).values(**gone))
    _give_up(tx, events.c.webhook_id == key, REMOVED, now)


def silence(tx: Connection, service_id: UUID, now: datetime) -> None:
    """Tell an archived service nothing of what still waits. Its subscriptions stand, should it come back."""
    theirs = select(webhooks.c.id).where(webhooks.c.service_id == service_id)
    _give_up(tx, events.c.webhook_id.in_(theirs), ARCHIVED, now)


def _give_up(tx: Connection, whose: ColumnElement[bool], why: str, now: datetime) -> None:
    waiting = whose & events.c.due_at.is_not(None)
    over = {"state": State.FAILED.value, "cause": why, "due_at": None, "ended_at": now}
    tx.execute(update(events).where(waiting).values(**over))

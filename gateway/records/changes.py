"""Changes of what is recorded of a person: the checks that may ask for a review, and writing them down.

A row stands for each change that was asked for; it holds words and ids, the new value is among
the transaction's sealed answers alone. One change of an item is under review for a person at a
time. The order of locks: the transaction, then its citizen, then the row here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Index, LargeBinary, Row, String, Table, Uuid, func, select, update

from gateway.citizens import register
from gateway.citizens.register import Record
from gateway.db import Utc, metadata, upsert
from gateway.information_rules import ADDRESS, EMAIL, EVER, MOBILE, PASSWORD
from gateway.rules.model import Rules
from gateway.security import Vault, same

APPROVED, PENDING, RETURNED, REJECTED = "approved", "pending", "returned", "rejected"
OFTEN_WITHIN = timedelta(days=30)
UNCHANGED = "unchanged"  # of the district

changes = Table(
    "information_changes",
    metadata,
    Column("transaction_id", Uuid, primary_key=True),
    Column("citizen_id", Uuid, nullable=False),
    Column("item", String(16), nullable=False),
    Column("state", String(9), nullable=False),
    Column("causes", String(80), nullable=False),  # why people look at it; words with spaces between
    Column("before", LargeBinary(32), nullable=False),  # digest of the value there was when it was asked for
    Column("asked_at", Utc, nullable=False),
    Column("due_at", Utc),  # when the review is to have ended
    Column("decided_at", Utc),
    Column("decided_by", String(80)),
)
_is_pending = changes.c.state == PENDING
Index(
    "ix_information_changes_pending",
    changes.c.citizen_id,
    changes.c.item,
    unique=True,
    postgresql_where=_is_pending,
    sqlite_where=_is_pending,
)
Index("ix_information_changes_item", changes.c.citizen_id, changes.c.item, changes.c.asked_at)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be recorded: an item of a person, its new value, and the district with an address."""

    item: str
    value: str
    district: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """By the register's columns."""
        named = {self.item: self.value}
        return {**named, "district": self.district} if self.district else named


def wanted(answers: Mapping[str, str]) -> Change:
    """The change that these answers ask for."""
    item = answers["item"]
    district = answers.get("district", UNCHANGED) if item == ADDRESS else UNCHANGED
    return Change(item, answers[item], "" if district == UNCHANGED else district)


def is_so(record: Record, change: Change) -> bool:
    """Whether it is recorded like that already."""
    if change.district and change.district != record.district:
        return False
    now = getattr(record, change.item) or ""
    return same(_written(change.item, now).encode(), _written(change.item, change.value).encode())


def _written(item: str, value: str) -> str:
    return value.lower() if item == EMAIL else value


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: how that was proven, and whether it is a relative of a grown-up."""

    proof: str
    relative: bool


def causes(
    tx: Connection, vault: Vault, rules: Rules, record: Record, change: Change, asker: Asker, now: datetime
) -> Sequence[str]:
    """Why people look at it before it counts; none where it counts at once."""
    rule, gives_power = rules.information_change, change.item in (MOBILE, EMAIL)
    found = {
        "password_alone": gives_power and asker.proof == PASSWORD,
        "by_helper": gives_power and asker.relative,
        "always": change.item in rule.review_items,
        "often": _counted(tx, record.id, change.item, now) >= rule.changes_per_30_days,
        "many_people": sharing(tx, vault, record, change) >= rule.people_per_address,
    }
    return [cause for cause in (*EVER, *rule.review) if found[cause]]


def sharing(tx: Connection, vault: Vault, record: Record, change: Change) -> int:
    """How many others have the new mobile or e-mail address already; of any other item none."""
    if change.item not in (MOBILE, EMAIL):
        return 0
    return register.sharing(tx, vault, change.item, change.value, record.id)


def _counted(tx: Connection, citizen: UUID, item: str, now: datetime) -> int:
    columns = changes.c
    mine = (columns.citizen_id == citizen) & (columns.item == item) & (columns.state == APPROVED)
    query = select(func.count()).select_from(changes).where(mine, columns.asked_at > now - OFTEN_WITHIN)
    return tx.execute(query).scalar_one()


# --- writing down ------------------------------------------------------------------------------


def keep(
    tx: Connection,
    vault: Vault,
    transaction_id: UUID,
    record: Record,
    change: Change,
    now: datetime,
    *,
    why: Collection[str] = (),
    due_at: datetime | None = None,
) -> bool:
    """Write a change down: as approved, or with ``why`` as pending until it is reviewed.

    What was sent back and is asked for anew has the same row. False where another change of
    this item is under review.
    """
    columns = changes.c
    values = {
        "citizen_id": record.id,
        "item": change.item,
        "state": PENDING if why else APPROVED,
        "causes": " ".join(why),
        "before": digest(vault, record, change.item),
        "asked_at": now,
        "due_at": due_at,
        "decided_at": None if why else now,
        "decided_by": None,
    }
    if under_review(tx, record.id, change.item, besides=transaction_id):
        return False  # the citizen's row is held: nobody writes another meanwhile
    statement = upsert(tx, changes).values(transaction_id=transaction_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=[columns.transaction_id], set_=values))
    return True


def under_review(tx: Connection, citizen: UUID, item: str, *, besides: UUID | None = None) -> bool:
    """Whether a change of this item waits for a review."""
    columns = changes.c
    query = select(columns.transaction_id).where(columns.citizen_id == citizen, columns.item == item)
    query = query.where(_is_pending)
    if besides is not None:
        query = query.where(columns.transaction_id != besides)
    return tx.execute(query).first() is not None


def pending(tx: Connection, limit: int, after: UUID | None = None) -> Sequence[Row[Any]]:
    """Those under review in the order of their transactions' ids, which is that of time."""
    columns = changes.c
    query = select(changes).where(_is_pending)
    if after is not None:
        query = query.where(columns.transaction_id > after)
    return tx.execute(query.order_by(columns.transaction_id).limit(limit)).all()


def waiting(tx: Connection, now: datetime) -> tuple[int, int]:
    """How many are under review, and how many of these longer than was promised."""
    late = func.count().filter(changes.c.due_at <= now)
    found = tx.execute(select(func.count(), late).select_from(changes).where(_is_pending)).one()
    return int(found[0]), int(found[1])


def of(tx: Connection, transaction_id: UUID) -> Row[Any] | None:
    """The change this transaction asked for."""
    return tx.execute(select(changes).where(changes.c.transaction_id == transaction_id)).one_or_none()


def decide(tx: Connection, transaction_id: UUID, state: str, actor: str, now: datetime) -> bool:
    """End its review; False where it is under review no more."""
    values = {"state": state, "decided_at": now, "decided_by": actor}
    mine = (changes.c.transaction_id == transaction_id) & _is_pending
    return bool(tx.execute(update(changes).where(mine).values(**values)).rowcount)


def digest(vault: Vault, record: Record, item: str) -> bytes:
    """What an item's value is compared by later, without keeping it."""
    return vault.digest("information_change", f"{record.id}:{item}:{getattr(record, item) or ''}".encode())


def unchanged_since(vault: Vault, row: Any, record: Record) -> bool:
    """Whether the item is recorded as it was when the change was asked for."""
    return same(row.before, digest(vault, record, row.item))

"""The rows of transactions and their timeline.

The form's answers and the facts told to the citizen are sealed. The timeline
holds event words and codes only, so erasing a citizen leaves it whole.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Uuid,
    insert,
    select,
    update,
)

from gateway import cities
from gateway.cities import Rules
from gateway.db import Utc, metadata, sparse_index
from gateway.runtime import Runtime
from gateway.services import webhooks
from gateway.services.webhooks import Event, Kind
from gateway.transactions.model import USUAL, WITH_BACK_OFFICE, Case, State, View
from gateway.transactions.references import REFERENCE_DIGITS, reference

LANE = "transactions"  # of those who ask the back offices
SYSTEM = "system"  # the face of what a result has opened

transactions = Table(
    "transactions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", String(REFERENCE_DIGITS), nullable=False, unique=True),
    Column("type", String(32), nullable=False),
    Column("face", String(8), nullable=False),  # web, phone, api, system
    Column("city", String(32), nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("service_id", Uuid),
    Column("citizen_id", Uuid),
    Column("subject", LargeBinary(16)),  # blind index of the ID number given; of an anonymous one, the number
    Column("answers", LargeBinary),
    Column("facts", LargeBinary),
    Column("state", String(20), nullable=False),
    Column("stage", String(24), nullable=False),  # the type's own word beside the state
    Column("replaces", Uuid),  # the transaction whose place this one takes
    Column("begun_by", Uuid),  # the transaction whose result opened this one
    Column("begun_as", String(64)),  # what that is about, or the name of its fact with this one's reference
    Column("proof", String(16)),  # how it was proven: code+password, attested; anonymous; null: not yet
    Column("factors", String(24), nullable=False),  # what was proven so far, joined by +
    Column("confirmed", Boolean, nullable=False),  # what is new (``confirms``) has given its code back
    Column("helped", Boolean, nullable=False),  # somebody acts for the citizen
    Column("helper_id", Uuid),  # who that is, once proven
    Column("reason", String(80)),
    Column("trouble", String(80)),  # what the back office's last silence or fault was
    Column("calling", Boolean, nullable=False),  # a call to the back office is under way, or was lost
    Column("tries", Integer, nullable=False),
    Column("told_waiting", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
    Column("submitted_at", Utc),
    Column("unanswered_since", Utc),  # from when on its back office has been asked without an answer
    Column("updated_at", Utc, nullable=False),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_transactions_due", transactions.c.due_at)
sparse_index("uq_transactions_begun", transactions.c.begun_as, transactions.c.begun_by, unique=True)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("transaction_id", Uuid, nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("event", String(32), nullable=False),
    Column("detail", String(120)),
)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A row, opened; ``rules`` are the city's that it began under."""

    row: Row[Any]
    answers: Mapping[str, str]
    facts: Mapping[str, str]
    rules: Rules

    @property
    def id(self) -> UUID:
        key: UUID = self.row.id
        return key

    @property
    def state(self) -> State:
        return State(self.row.state)

    @property
    def is_asked(self) -> bool:
        """Whether an answer of its back office is due any moment: not while people there work on it."""
        return self.state in WITH_BACK_OFFICE and self.row.unanswered_since is not None

    def case(self, now: datetime, answers: Mapping[str, str] | None = None) -> Case:
        """What its type works on; with ``answers`` as if these had been given."""
        return Case(
            id=self.id,
            reference=self.row.reference,
            answers=self.answers if answers is None else answers,
            rules=self.rules,
            now=now,
            face=self.row.face,
            citizen_id=self.row.citizen_id if self.row.proof else None,
            replaces=self.row.replaces,
            submitted_at=self.row.submitted_at,
        )

    def view(self, now: datetime) -> View:
        """What may be told of it at this moment."""
        since = self.row.unanswered_since
        return View(
            reference=self.row.reference,
            type=self.row.type,
            state=self.state,
            stage=self.row.stage,
            rules=self.rules,
            facts=self.facts,
            reason=self.row.reason,
            trouble=self.row.trouble,
            slow=since is not None and now - since > USUAL,
            created_at=self.row.created_at,
            updated_at=self.row.updated_at,
            now=now,
        )


def create(
    tx: Connection,
    runtime: Runtime,
    type_name: str,
    face: str,
    service_id: UUID | None,
    due_at: datetime,
    proof: str | None = None,
) -> Transaction:
    """A new draft under today's rules of the city; ``proof`` where it begins with one."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    key = runtime.new_id()
    values = {
        "id": key,
        "reference": reference(secrets.randbelow(10 ** (REFERENCE_DIGITS - 1))),
        "type": type_name,
        "face": face,
        "city": runtime.settings.city,
        "rules_version": rules.version,
        "service_id": service_id,
        "state": State.DRAFT,
        "stage": "",
        "proof": proof,
        "factors": "",
        "helped": False,
        "confirmed": False,
        "calling": False,
        "tries": 0,
        "told_waiting": False,
        "created_at": now,
        "updated_at": now,
        "due_at": due_at,
    }
    made = tx.execute(insert(transactions).values(**values).returning(transactions)).one()
    _held(tx)[key] = made
    note(tx, runtime, key, "created", face)
    return opened(runtime, made)


def load(tx: Connection, runtime: Runtime, key: UUID, *, hold: bool = False) -> Transaction:
    """The transaction as it now stands; with ``hold`` nobody else changes it until commit."""
    held = _held(tx)
    row = held.get(key) or tx.execute(_one(key, hold=hold)).one()
    if hold:
        held[key] = row
    return opened(runtime, row)


def _one(key: UUID, *, hold: bool) -> Select[Any]:
    query = select(transactions).where(transactions.c.id == key)
    return query.with_for_update() if hold else query


def row(tx: Connection, key: UUID, *, hold: bool = False) -> Row[Any] | None:
    """The row as it is, sealed; None for one that is forgotten."""
    return tx.execute(_one(key, hold=hold)).one_or_none()


def find(tx: Connection, runtime: Runtime, reference: str) -> Transaction | None:
    row = tx.execute(select(transactions).where(transactions.c.reference == reference)).one_or_none()
    return opened(runtime, row) if row else None


def opened(runtime: Runtime, row: Row[Any]) -> Transaction:
    rules = cities.begun_under(runtime, row.city, row.rules_version)
    return Transaction(row, _open(runtime, row, "answers"), _open(runtime, row, "facts"), rules)


def _open(runtime: Runtime, row: Row[Any], column: str) -> dict[str, str]:
    sealed = getattr(row, column)
    if not sealed:
        return {}
    values: dict[str, str] = json.loads(runtime.vault.open(f"transactions.{column}", row.id, sealed))
    return values


def answers(runtime: Runtime, row: Row[Any]) -> dict[str, str]:
    """A row's answers alone."""
    return _open(runtime, row, "answers")


def sealed(runtime: Runtime, key: UUID, column: str, values: Mapping[str, str]) -> bytes:
    return runtime.vault.seal(f"transactions.{column}", key, json.dumps(dict(values), ensure_ascii=False))


# --- changes -------------------------------------------------------------------------------

_HELD: WeakKeyDictionary[Connection, dict[UUID, Row[Any]]] = WeakKeyDictionary()


def _held(tx: Connection) -> dict[UUID, Row[Any]]:
    """The rows this commit made, changed or holds, as they stand: nobody else changes them meanwhile."""
    return _HELD.setdefault(tx, {})


def change(tx: Connection, runtime: Runtime, key: UUID, *, under: int | None = None, **values: Any) -> bool:
    """Set columns of one row; with ``under`` only while that lease still holds it.

    The service it was begun through is told of another state or stage, if it wants to be.
    """
    held, now, where = _held(tx), runtime.clock(), transactions.c.id == key
    before = held.get(key)
    if before is None and ("state" in values or "stage" in values):
        before = tx.execute(_one(key, hold=True)).one_or_none()
    if under is not None:
        where &= transactions.c.lease == under
    changing = update(transactions).where(where).values(updated_at=now, **values)
    row = tx.execute(changing.returning(transactions, _WANTED)).one_or_none()
    if row is None:
        return False
    held[key] = row
    if before and row.wanted and (row.state, row.stage) != (before.state, before.stage):
        event = Event(runtime.new_id(), row.service_id, key, f"{row.state} {row.stage}")
        webhooks.tell(tx, Kind.TRANSACTION, [event], now)
    return True


_WANTED = webhooks.wanted(Kind.TRANSACTION, transactions.c.service_id).correlate(transactions).label("wanted")


def change_all(tx: Connection, where: ColumnElement[bool], **values: Any) -> None:
    """Set columns of many rows, of which nobody is to be told: neither state nor stage."""
    tx.execute(update(transactions).where(where).values(**values))
    _HELD.pop(tx, None)


def note(tx: Connection, runtime: Runtime, key: UUID, event: str, detail: str | None = None) -> None:
    """Add a line to the timeline: an event's word and a code, never personal data."""
    line = {"transaction_id": key, "at": runtime.clock(), "event": event, "detail": detail}
    tx.execute(insert(timeline).inline(), line)


def note_all(tx: Connection, runtime: Runtime, notes: Sequence[tuple[UUID, str, str]]) -> None:
    """Several such lines, of any transactions, in one statement."""
    at = runtime.clock()
    rows = [
        {"transaction_id": key, "at": at, "event": event, "detail": detail} for key, event, detail in notes
    ]
    if rows:
        tx.execute(insert(timeline), rows)


def events(tx: Connection, key: UUID) -> Sequence[Any]:
    columns = timeline.c
    query = select(columns.at, columns.event, columns.detail).where(columns.transaction_id == key)
    return tx.execute(query.order_by(columns.id)).all()

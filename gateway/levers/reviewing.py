"""Changes of people's data that wait for a person: listed masked, opened with a reason, decided.

All is on record. What is decided is told to the citizen in the same commit. Whoever decides twice,
or about somebody who was erased meanwhile, is told how it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from gateway import audit
from gateway.back_offices import Done, Refused, Returned, StepOutcome
from gateway.citizens import register
from gateway.citizens.register import Record
from gateway.errors import TamperedError, UnknownNameError
from gateway.levers.accounts import WrongError
from gateway.levers.holding import NotNowError
from gateway.records import changes, reasons, recording
from gateway.records.changes import APPROVED, REJECTED, RETURNED, Change
from gateway.runtime import Runtime
from gateway.transactions import outcome, store
from gateway.transactions.desk import Desk
from gateway.transactions.model import State
from gateway.transactions.references import is_reference
from gateway.transactions.store import Transaction, transactions

SHOWN = 100  # of a list at once
WHYS = ("decide", "asked")  # why somebody looks: to decide about it, or because the citizen asks


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits; ``name`` and ``value`` are masked, ``causes`` are our words for why it waits."""

    id: UUID
    reference: str
    item: str
    causes: Sequence[str]
    name: str
    value: str
    asked_at: datetime
    due_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What is recorded and what is asked for, in full; ``sharing`` others have the new value already."""

    reference: str
    item: str
    now: str
    wanted: str
    district_now: str
    district_wanted: str
    sharing: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision, and the lanes to wake after commit; ``reason`` is the citizen's."""

    reference: str
    state: str
    reason: str | None
    lanes: set[str]


# --- to look at ------------------------------------------------------------------------------


def listed(tx: Connection, runtime: Runtime, after: UUID | None = None, limit: int = SHOWN) -> list[Waiting]:
    """What waits, oldest first, after that id."""
    rows = changes.pending(tx, limit, after)
    ids = [row.transaction_id for row in rows]
    query = select(transactions).where(transactions.c.id.in_(ids))
    known = {row.id: row for row in tx.execute(query)} if ids else {}
    now = runtime.clock()
    return [
        _waiting(runtime, row, known[row.transaction_id], now) for row in rows if row.transaction_id in known
    ]


def _waiting(runtime: Runtime, row: Any, transaction: Any, now: datetime) -> Waiting:
    try:
        facts = store.opened(runtime, transaction).facts
    except TamperedError:  # it can still be rejected
        facts = {}
    return Waiting(
        row.transaction_id,
        transaction.reference,
        row.item,
        row.causes.split(),
        facts.get("name", ""),
        facts.get("value", ""),
        row.asked_at,
        row.due_at,
        row.due_at is not None and row.due_at <= now,
    )


def opened(tx: Connection, runtime: Runtime, reference: str, why: str, actor: str) -> Opened:
    """The values in full; who looked, and why, goes into the audit chain first."""
    if why not in WHYS:
        raise WrongError(f"why must be one of {', '.join(WHYS)}: it is kept with your name")
    transaction, row = _under_review(tx, runtime, reference)
    audit.record(tx, runtime.vault, runtime.clock(), actor, "review.open", f"transaction {reference} {why}")
    record = register.record(tx, runtime.vault, row.citizen_id)
    if record is None:
        raise NotNowError(f"The person of {reference} is not in the register any more. Reject it.")
    change = changes.wanted(transaction.answers)
    shared = changes.sharing(tx, runtime.vault, record, change)
    return Opened(
        reference,
        change.item,
        getattr(record, change.item) or "",
        change.value,
        record.district,
        change.district or record.district,
        shared,
    )


# --- to decide -------------------------------------------------------------------------------


def approve(tx: Connection, runtime: Runtime, reference: str, actor: str) -> Decided:
    """Record the change. Where the record was changed in the meantime, or is gone, it ends as refused."""
    transaction, row = _under_review(tx, runtime, reference)
    record = register.record(tx, runtime.vault, row.citizen_id, hold=True)
    if record is None:
        return _decide(tx, runtime, transaction, actor, REJECTED, Refused("not_registered"))
    if not changes.unchanged_since(runtime.vault, row, record):
        return _decide(tx, runtime, transaction, actor, REJECTED, Refused("changed_meanwhile"))
    done = _written(tx, runtime, transaction, record, changes.wanted(transaction.answers))
    return _decide(tx, runtime, transaction, actor, APPROVED, done)


def _written(
    tx: Connection, runtime: Runtime, transaction: Transaction, record: Record, change: Change
) -> StepOutcome:
    case = transaction.case(runtime.clock())
    return Done(recording.write(Desk(tx, runtime), case, record, change), stage=reasons.APPROVED)


def send_back(tx: Connection, runtime: Runtime, reference: str, reason: str, actor: str) -> Decided:
    """Ask the citizen to correct the value; they go on with the same reference."""
    _must_be(reason, reasons.RETURNS)
    transaction, row = _under_review(tx, runtime, reference)
    return _decide(tx, runtime, transaction, actor, RETURNED, Returned(reason, (row.item,)))


def reject(tx: Connection, runtime: Runtime, reference: str, reason: str, actor: str) -> Decided:
    """Refuse it for good; what is recorded stays."""
    _must_be(reason, reasons.REFUSALS)
    transaction, _ = _under_review(tx, runtime, reference)
    return _decide(tx, runtime, transaction, actor, REJECTED, Refused(reason))


def _must_be(reason: str, known: Any) -> None:
    if reason not in known:
        raise WrongError(f"reason must be one of {', '.join(known)}")


def _under_review(tx: Connection, runtime: Runtime, reference: str) -> tuple[Transaction, Any]:
    """The transaction, held until commit, and its change; ``NotNowError`` where it waits for nobody."""
    found = store.find(tx, runtime, reference) if is_reference(reference) else None
    if found is None:
        raise UnknownNameError(f"There is no transaction {reference!r}. A reference has 14 digits.")
    transaction = store.load(tx, runtime, found.id, hold=True)
    row = changes.of(tx, transaction.id)
    if transaction.state is not State.SUBMITTED or row is None or row.state != changes.PENDING:
        how = f"{transaction.state} {transaction.row.stage}".strip()
        raise NotNowError(f"{reference} is not under review: it is {how}. See the list for those that are.")
    return transaction, row


def _decide(
    tx: Connection, runtime: Runtime, transaction: Transaction, actor: str, state: str, came: StepOutcome
) -> Decided:
    reference, now = transaction.row.reference, runtime.clock()
    changes.decide(tx, transaction.id, state, actor, now)
    reason = came.reason if isinstance(came, Refused | Returned) else None
    said = f"transaction {reference} {reason or ''}".strip()
    audit.record(tx, runtime.vault, now, actor, f"review.{state}", said)
    return Decided(reference, state, reason, outcome.record(tx, runtime, transaction, came))

"""Everything that happened to a transaction and its messages, in one line of time.

Made from what is stored anyway: the transaction's events, its notifications and
their attempts. Ids, words and codes only; no personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import cities
from gateway.delivery import acceptances, joined
from gateway.delivery.store import attempts
from gateway.notifications import store as notifications
from gateway.notifications.store import notifications as messages
from gateway.ops import words
from gateway.runtime import Runtime
from gateway.transactions import explaining, registry, reminders, store
from gateway.transactions.store import Transaction

MOST = 50  # messages of one address on a page


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    what: str
    detail: str


def of_reference(tx: Connection, runtime: Runtime, reference: str) -> Sequence[Line] | None:
    """The timeline behind a reference; None for an unknown one."""
    transaction = store.find(tx, runtime, reference)
    if transaction is None:
        return None
    lines = [Line(row.at, row.event, row.detail or "") for row in store.events(tx, transaction.id)]
    lines += _of_messages(tx, notifications.of_transaction(tx, transaction.id))
    lines += _of_reminders(tx, runtime, transaction)
    return sorted(lines, key=lambda line: line.at)


def _of_reminders(tx: Connection, runtime: Runtime, transaction: Transaction) -> Iterator[Line]:
    """Each reminder at its moment, in the sentences ``gateway reminders explain`` prints."""
    rules = cities.of(runtime).rules_now(runtime.clock())
    kind = registry.get(transaction.row.type)
    for row in reminders.of_transaction(tx, transaction.id):
        said = explaining.explained(kind, row, rules).sentences.values()
        yield Line(row.settled_at or row.planned_for, f"reminder_{row.state}", " ".join(map(str, said)))


def of_message(tx: Connection, key: UUID) -> Sequence[Line] | None:
    """What happened to one message; None for an unknown id."""
    rows = tx.execute(select(messages).where(messages.c.id == key)).all()
    return sorted(_of_messages(tx, rows), key=lambda line: line.at) if rows else None


@dataclass(frozen=True, slots=True)
class Found:
    """The newest messages that went to an address: whose they are, and what happened to each."""

    citizens: Sequence[UUID]
    messages: int
    lines: Sequence[Line]


def of_address(tx: Connection, runtime: Runtime, kind: str, address: str) -> Found:
    """What was tried at an address (``mobile`` in E.164, ``email``): its newest ``MOST`` messages."""
    index = runtime.vault.index(kind, address)
    tried = select(attempts.c.notification_id).where(attempts.c.address_index == index)
    query = select(messages).where(messages.c.id.in_(tried)).order_by(messages.c.created_at.desc())
    rows = tx.execute(query.limit(MOST)).all()
    citizens = list(dict.fromkeys(row.citizen_id for row in rows if row.citizen_id))
    return Found(citizens, len(rows), sorted(_of_messages(tx, rows), key=lambda line: line.at))


def _of_messages(tx: Connection, rows: Sequence[Row[Any]]) -> Iterator[Line]:
    for row in rows:
        yield from _message(row)
    mine = attempts.c.notification_id.in_([row.id for row in rows])
    tried = tx.execute(acceptances.seen().where(mine)).all()
    told = joined.counted(tx, {one.handover for one in tried} if any(row.digest for row in rows) else ())
    for attempt in tried:
        yield from _attempt(attempt, told.get((attempt.handover, attempt.address_index), 1))


def _message(row: Row[Any]) -> Iterator[Line]:
    name = f"{row.klass} {str(row.id)[-12:]}"
    again = f", replay of {str(row.replay_of)[-12:]}" if row.replay_of else ""
    kept = "" if row.personalisation else ", what it said is no longer kept"
    yield Line(row.created_at, "message_taken", f"{name} in lane {row.lane}{again}{kept}")
    if row.completed_at:
        told = words.too_much(row.reason or "")
        said = f"（{told.zh} {told.en}）" if told else None
        detail = " ".join(filter(None, (name, row.reason, said)))
        yield Line(row.completed_at, f"message_{row.status}", detail)


def _attempt(row: Row[Any], told: int) -> Iterator[Line]:
    """``told`` is how many notices its message told."""
    several = f", one message for {told} notices" if told > 1 else ""
    name = f"{row.provider} hand-over {row.handover} of {str(row.notification_id)[-12:]}{several}"
    yield Line(row.started_at, "handing_over", name)
    if row.finished_at:
        yield Line(row.finished_at, row.outcome, " ".join(filter(None, (name, row.code, row.provider_ref))))
    if row.receipt_at:
        at = max(row.receipt_at, row.finished_at or row.started_at)  # vendors' clocks count whole seconds
        yield Line(at, f"receipt_{row.receipt}", " ".join(filter(None, (name, row.receipt_code))))

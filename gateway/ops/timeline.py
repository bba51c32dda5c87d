"""Everything that happened to a transaction and its messages, in one line of time.

Made from what is stored anyway: the transaction's events, its notifications and
their attempts. Ids, words and codes only; no personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from gateway.delivery.store import attempts
from gateway.notifications import store as notifications
from gateway.runtime import Runtime
from gateway.transactions import store


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
    messages = notifications.of_transaction(tx, transaction.id)
    tried = tx.execute(
        select(attempts).where(attempts.c.notification_id.in_([message.id for message in messages]))
    ).all()
    lines = [Line(row.at, row.event, row.detail or "") for row in store.events(tx, transaction.id)]
    for message in messages:
        lines += _message(message)
    for attempt in tried:
        lines += _attempt(attempt)
    return sorted(lines, key=lambda line: line.at)


def _message(row: Row[Any]) -> Iterator[Line]:
    name = f"{row.klass} {str(row.id)[-12:]}"
    yield Line(row.created_at, "message_taken", f"{name} in lane {row.lane}")
    if row.completed_at:
        yield Line(row.completed_at, f"message_{row.status}", " ".join(filter(None, (name, row.reason))))


def _attempt(row: Row[Any]) -> Iterator[Line]:
    name = f"{row.provider} hand-over {row.handover}"
    yield Line(row.started_at, "handing_over", name)
    if row.finished_at:
        yield Line(row.finished_at, row.outcome, " ".join(filter(None, (name, row.code, row.provider_ref))))
    if row.receipt_at:
        at = max(row.receipt_at, row.finished_at or row.started_at)  # vendors' clocks count whole seconds
        yield Line(at, f"receipt_{row.receipt}", " ".join(filter(None, (name, row.receipt_code))))

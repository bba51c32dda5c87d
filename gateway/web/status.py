"""How a transaction stands: for whoever confirmed it here, and for whoever looked it up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.notifications import store as notifications
from gateway.notifications.request import Class
from gateway.notifications.status import ENDS as MESSAGE_ENDS
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.transactions.model import ENDS, OPEN
from gateway.transactions.store import Transaction
from gateway.web import steps, visit, words

REFRESH_SECONDS = 5
WATCH_RECEIPT = timedelta(minutes=3)  # after the end a receipt is looked out for this long


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/done`` and ``/status``."""

    @routes.get("/t/<name>/done")
    def done(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if transaction.state in OPEN:
                return steps.go(steps.onward(transaction))
            return _page(tx, runtime, transaction)

    @routes.get("/status")
    def status() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            return _page(tx, runtime, visit.transaction(tx, runtime, visit.FOUND))


def _page(tx: Connection, runtime: Runtime, transaction: Transaction) -> ResponseReturnValue:
    now = runtime.clock()
    view = transaction.view(now)
    kind = steps.kind(view.type)
    row = _message(tx, transaction.id)
    return render_template(
        "status.html",
        kind=kind,
        view=view,
        headline=words.headline(view),
        groups=words.groups(view.reference),
        sentences=kind.explain(view),
        message=words.message(row),
        message_status=row.status if row else "",
        at=words.date_and_time(view.updated_at, view.rules.zone),
        refresh=REFRESH_SECONDS if _moving(transaction, row, now) else 0,
    )


def _message(tx: Connection, key: UUID) -> Any | None:
    """The newest message that tells of the result."""
    rows = [row for row in notifications.of_transaction(tx, key) if row.klass == Class.RESULT]
    return rows[-1] if rows else None


def _moving(transaction: Transaction, message: Any | None, now: datetime) -> bool:
    """Whether the page may soon say something else."""
    if transaction.state not in ENDS:
        return transaction.state not in OPEN
    waiting = message is not None and Status(message.status) not in MESSAGE_ENDS
    return waiting and now - transaction.row.updated_at < WATCH_RECEIPT

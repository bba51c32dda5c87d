"""How a transaction stands: for whoever confirmed it here, and for whoever looked it up.

An unfinished one that was looked up is gone on with, begun here or by telephone: its
answers stay, and who is asking is proven anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway.notifications import store as notifications
from gateway.notifications.request import Class
from gateway.notifications.status import ENDS as MESSAGE_ENDS
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.transactions import afterwards, engine
from gateway.transactions.headlines import headline
from gateway.transactions.messages import CHANNEL
from gateway.transactions.model import ENDS, OPEN, Level
from gateway.transactions.store import Transaction
from gateway.web import questions, steps, visit, words

REFRESH_SECONDS = 5
WATCH_RECEIPT = timedelta(minutes=3)  # after the end a receipt is looked out for this long


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>/done``, ``/status`` and ``/progress/continue``."""

    @routes.get("/t/<name>/done")
    def done(name: str) -> ResponseReturnValue:
        steps.kind(name)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if transaction.state in OPEN:
                return steps.go(steps.onward(transaction))
            return _page(tx, runtime, transaction, url_for("web.done", name=name))

    @routes.get("/status")
    def status() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, visit.FOUND)
            if transaction.state in OPEN:
                kind, returned = steps.kind(transaction.row.type), steps.sent_back(runtime, transaction)
                return render_template("unfinished.html", kind=kind, returned=returned)
            return _page(tx, runtime, transaction, url_for("web.status"))

    @routes.post("/progress/continue")
    def go_on() -> ResponseReturnValue:
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, visit.FOUND, change=True)
            resumed = engine.resume(tx, runtime, transaction)
            if not resumed.value:
                return steps.go(url_for("web.status"))
            sent = questions.send(tx, runtime, resumed.transaction)  # all was answered: the proof is next
            now = sent.transaction
        runtime.wake_all(sent.lanes)
        visit.take(visit.FOUND)
        visit.put(visit.OWN, str(now.id))
        return steps.go(steps.onward(now))


def _page(tx: Connection, runtime: Runtime, transaction: Transaction, here: str) -> ResponseReturnValue:
    now = runtime.clock()
    view = transaction.view(now)
    kind = steps.kind(view.type)
    row = _message(tx, transaction.id)
    first, *rest = kind.explain(view)
    return render_template(
        "status.html",
        kind=kind,
        view=view,
        headline=headline(kind, view),
        groups=words.groups(view.reference),
        first=first,
        actions=afterwards.offered(runtime, view).items(),
        entry=kind.calendar(view),
        here=here,
        blocks=words.blocks(rest),
        message=words.message(row, registered=kind.level is not Level.ANONYMOUS),
        message_status=row.status if row else "",
        at=words.date_and_time(view.updated_at, view.rules.zone),
        refresh=REFRESH_SECONDS if _moving(transaction, row, now) else 0,
    )


def _message(tx: Connection, key: UUID) -> Any | None:
    """The newest message that tells of the result."""
    rows = [
        row
        for row in notifications.of_transaction(tx, key)
        if row.klass == Class.RESULT and row.channel == CHANNEL
    ]
    return rows[-1] if rows else None


def _moving(transaction: Transaction, message: Any | None, now: datetime) -> bool:
    """Whether the page may soon say something else: not while people are at work on it for days."""
    if transaction.state not in ENDS:
        return transaction.is_asked
    waiting = message is not None and Status(message.status) not in MESSAGE_ENDS
    return waiting and now - transaction.row.updated_at < WATCH_RECEIPT

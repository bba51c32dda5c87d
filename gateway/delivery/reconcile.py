"""Find out what became of a hand-over whose answer was lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, update

from gateway.delivery import receipts, retry
from gateway.delivery.claim import Claimed, Question, waits
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.store import moved
from gateway.providers import Absent, CannotTell, Finding, Found, Inquirer
from gateway.runtime import Runtime

CANNOT_ASK = "provider_cannot_be_asked"
log = structlog.get_logger()


def ask(runtime: Runtime, claimed: Claimed, question: Question) -> None:
    """Ask the provider, then act on what it says: accepted, sent again, or asked later."""
    if runtime.clock() >= claimed.until:
        return  # the lease is nearly over: whoever has the row next asks
    finding = _find(runtime, question)
    now, held = runtime.clock(), question.held
    then = retry.after_inquiry(finding, held.standing, now, waits(runtime, held.lane))
    with runtime.db.write() as tx:
        store.hold(tx, [held.id])
        if isinstance(finding, Found):
            _accept(tx, question, finding, now)
        elif isinstance(finding, Absent):
            _never_taken(tx, question, now)
        move = moved(held, then.status, then.due_at, then.reason)
        store.move(tx, [move], now, lease=claimed.lease)
    log.info("reconciled", provider=question.provider, finding=type(finding).__name__.lower())


def _accept(tx: Connection, question: Question, finding: Found, now: datetime) -> None:
    columns, inquiry = attempts.c, question.inquiry
    values: dict[str, Any] = {"outcome": "accepted", "finished_at": now}
    if finding.reference:  # not every inquiry tells it; one learnt meanwhile stays
        values["provider_ref"] = finding.reference
    mine = (columns.notification_id == question.held.id) & (columns.handover == inquiry.handover)
    tx.execute(update(attempts).where(mine).values(**values))
    if finding.reference:  # its receipt may have come, and been given up, before anybody knew of it
        receipts.look_again(tx, question.provider, inquiry.at, now)


def _never_taken(tx: Connection, question: Question, now: datetime) -> None:
    """No receipt will come for this try; one that a slow worker has recorded by now stands."""
    columns = attempts.c
    mine = (columns.notification_id == question.held.id) & (columns.handover == question.inquiry.handover)
    lost = mine & (columns.outcome == "unknown") & columns.receipt.is_(None)
    values = {"outcome": "unreachable", "code": retry.NEVER_TAKEN, "finished_at": now}
    tx.execute(update(attempts).where(lost).values(**values))


def _find(runtime: Runtime, question: Question) -> Finding:
    provider = runtime.providers.get(question.provider)
    if not isinstance(provider, Inquirer):
        return CannotTell(CANNOT_ASK)
    try:
        return provider.find(question.inquiry)
    except Exception as error:  # noqa: BLE001 - a bug in the provider: nothing was learnt
        log.error(  # noqa: TRY400 - a traceback may hold personal data
            "provider_bug", provider=question.provider, error=type(error).__name__
        )
        return CannotTell("provider_bug")

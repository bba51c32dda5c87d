"""Find out what became of a hand-over whose answer was lost.

Unknown notifications are a queue of their own: due when ``retry`` says, claimed by
``inquiring.claim_questions``, one inquiry for each message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, case, func, literal, select, update

from gateway.delivery import measures, receipts, retry
from gateway.delivery.claim import Claimed, Question, waits
from gateway.delivery.retry import Next
from gateway.delivery.store import CODE, REFERENCE, attempts, storable
from gateway.notifications import store
from gateway.notifications.reasons import Reason
from gateway.notifications.store import UNKNOWN, moved, notifications
from gateway.provider_books import DayCounter
from gateway.providers import Absent, CannotTell, Finding, Found, Inquirer
from gateway.runtime import Runtime

WORDS = {Found: "found", Absent: "absent", CannotTell: "cannot_tell"}
# How long something has been unknown, each up to its bound; the last is without one.
AGES: Mapping[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
OLDER = "older"
log = structlog.get_logger()


def ask(runtime: Runtime, claimed: Claimed, question: Question) -> None:
    """Ask the provider, then act on what it says: accepted, sent again, or asked later."""
    if runtime.clock() >= claimed.until:
        return  # the lease is nearly over: whoever has the row next asks
    provider = runtime.providers.get(question.provider)
    if not isinstance(provider, Inquirer):
        _wait_for_its_report(runtime, claimed, question)
        return
    finding = _find(provider, question)
    now, wait = runtime.clock(), waits(runtime, question.held.lane)
    thens = [
        retry.after_inquiry(finding, held.standing, question.inquiry.at, now, wait) for held in question.every
    ]
    with runtime.db.write() as tx:
        store.hold(tx, [held.id for held in question.every])
        if isinstance(finding, Found):
            _accept(tx, question, finding, now)
        elif isinstance(finding, Absent):
            _never_taken(tx, question, now)
        _move(tx, claimed, question, thens, now)
        measures.add(tx, _counted(provider, question, finding), now)
    log.info("reconciled", provider=question.provider, finding=WORDS[type(finding)])


def _counted(provider: Inquirer, question: Question, finding: Finding) -> Mapping[measures.Key, float]:
    counted: dict[measures.Key, float] = {
        (measures.INQUIRIES, question.provider, WORDS[type(finding)]): 1,
    }
    if isinstance(finding, Found) and isinstance(provider, DayCounter):
        units = provider.units(question.inquiry.text, question.inquiry.signature)
        counted[measures.UNITS, question.provider, "found"] = units
    return counted


def _wait_for_its_report(runtime: Runtime, claimed: Claimed, question: Question) -> None:
    now = runtime.clock()
    then = retry.without_inquiry(question.inquiry.at, now, waits(runtime, question.held.lane))
    with runtime.db.write() as tx:
        _move(tx, claimed, question, [then] * len(question.every), now)


def _move(tx: Connection, claimed: Claimed, question: Question, thens: Sequence[Next], now: datetime) -> None:
    moves = [
        moved(held, then.status, then.due_at, then.reason)
        for held, then in zip(question.every, thens, strict=True)
    ]
    store.move(tx, moves, now, lease=claimed.lease)


def _mine(question: Question) -> ColumnElement[bool]:
    """The attempts that were this message."""
    columns = attempts.c
    return columns.notification_id.in_([held.id for held in question.every]) & (
        columns.handover == question.inquiry.handover
    )


def _accept(tx: Connection, question: Question, finding: Found, now: datetime) -> None:
    values: dict[str, Any] = {"outcome": "accepted", "finished_at": now}
    if finding.reference:  # not every inquiry tells it; one learnt meanwhile stays
        values["provider_ref"] = finding.reference
    tx.execute(update(attempts).where(_mine(question)).values(**values))
    if finding.reference:  # its receipt may have come, and been given up, before anybody knew of it
        receipts.look_again(tx, question.provider, question.inquiry.at, now)


def _never_taken(tx: Connection, question: Question, now: datetime) -> None:
    """No receipt will come for this try; one that a slow worker has recorded by now stands."""
    lost = _mine(question) & (attempts.c.outcome == "unknown") & attempts.c.receipt.is_(None)
    values = {"outcome": "unreachable", "code": Reason.NEVER_TAKEN, "finished_at": now}
    tx.execute(update(attempts).where(lost).values(**values))


def _find(provider: Inquirer, question: Question) -> Finding:
    try:
        return _storable(provider.find(question.inquiry))
    except Exception as error:  # noqa: BLE001 - a bug in the provider: nothing was learnt
        log.error(  # noqa: TRY400 - a traceback may hold personal data
            "provider_bug", provider=question.provider, error=type(error).__name__
        )
        return CannotTell(Reason.PROVIDER_BUG)


def _storable(finding: Finding) -> Finding:
    """As it can be kept: one that cannot would be asked for again and again."""
    match finding:
        case Found(reference):
            return Found(storable(reference, REFERENCE))
        case CannotTell(code):
            return CannotTell(storable(code, CODE))
        case _:
            return finding


def standing(tx: Connection, now: datetime) -> Mapping[tuple[str, str], int]:
    """How many are being found out, by the provider tried last and the age in ``AGES``; one query.

    Reads the index of those alone: what was left unknown for good is counted by the ledger.
    """
    columns = notifications.c
    bounds = [(columns.handed_over_at > now - bound, literal(name)) for name, bound in AGES.items()]
    age = case(*bounds, else_=literal(OLDER)).label("age")
    query = select(columns.provider, age, func.count()).where(UNKNOWN, columns.due_at.is_not(None))
    found = tx.execute(query.group_by(columns.provider, "age"))
    return {(provider or "", name): number for provider, name, number in found}

"""What follows when a broadcast has taken its last: wait, climb to the next rung, finish; look after its
call-backs; and, once it is cancelled, withdraw what waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.broadcasts import coming_back, ladder, pages, tickets
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.step import Limits, Step
from gateway.broadcasts.store import State
from gateway.delivery.ledger import Account
from gateway.notifications import store as notifications
from gateway.notifications.status import Status
from gateway.runtime import Runtime

DRAIN_PAUSE = timedelta(seconds=2)  # before looking again whether all was handed over
DIGEST_PAUSE = timedelta(seconds=30)  # the same of what may wait for a day
RECEIPT_PAUSE = timedelta(seconds=5)  # before looking again whether all receipts came
REVIEW_PAUSE = timedelta(minutes=1)  # before looking again whether a call-back is still needed
REVIEWED_FOR = timedelta(hours=72)  # after the end: then no receipt comes any more, and no answer counts


def standing(accounts: Sequence[Account]) -> Counter[str]:
    """How many of these accounts' messages stand where."""
    return sum((Counter(one.standing) for one in accounts), Counter[str]())


def overdue(row: Any, definition: Definition, now: datetime) -> bool:
    """Whether its call-backs must be begun now: those of whoever was taken."""
    taken = row.stage > 1 or row.exhausted_at is not None
    return taken and ladder.overdue(definition.rungs, row.stage, _latest(row, definition), now)


def _latest(row: Any, definition: Definition) -> datetime | None:
    return ladder.latest(row.started_at, definition.within_seconds)


def settling(
    tx: Connection,
    runtime: Runtime,
    row: Any,
    definition: Definition,
    accounts: Sequence[Account],
    limits: Limits,
) -> Step:
    """Wait until all was handed over, for the next rung's time, and for calls; then climb or finish."""
    now = runtime.clock()
    needless = _needless(tx, row, definition, limits)
    stands = standing(accounts)
    if stands[Status.WAITING] + stands[Status.SENDING]:  # null again: calls wait again
        again = now + (DIGEST_PAUSE if definition.digest else DRAIN_PAUSE)
        return Step({"settled_at": None, "due_at": again}, needless=needless)
    settled = row.settled_at or now
    closed = [channel for channel in definition.channels if not runtime.weights(channel)]
    following = ladder.following(definition.rungs, row.stage, settled, _latest(row, definition), closed)
    awaited = stands[Status.ACCEPTED] + stands[Status.UNKNOWN]
    if awaited and following and now < following.begins:
        return Step({"settled_at": settled, "due_at": min(following.begins, now + RECEIPT_PAUSE)})
    if awaited and (calls := coming_back.calls(tx, row.id, [one.lane for one in accounts], limits.scan)):
        late = coming_back.late(calls, now)
        again = now if late else now + RECEIPT_PAUSE
        return Step({"settled_at": settled, "due_at": again}, end=late, needless=needless)
    if following:
        return climb(following.stage, now)
    review = now + REVIEW_PAUSE if definition.rungs[row.stage - 1].channel == CALL_BACK else None
    over = {"state": State.FINISHED, "settled_at": settled, "finished_at": now, "due_at": review}
    return Step(over, needless=needless)


def climb(stage: int, now: datetime) -> Step:
    afresh = {"cursor": None, "exhausted_at": None, "settled_at": None, "paced_until": None}
    return Step({"stage": stage, "due_at": now, **afresh})


def _needless(tx: Connection, row: Any, definition: Definition, limits: Limits) -> Sequence[UUID]:
    if definition.rungs[row.stage - 1].channel != CALL_BACK:
        return ()
    return tickets.reached_since(tx, row.id, limits.scan)


def review(tx: Connection, row: Any, now: datetime, limits: Limits) -> Step:
    """Withdraw the tickets of such as were reached after all, while that may still happen."""
    more = tickets.any_open(tx, row.id) and now < row.finished_at + REVIEWED_FOR
    return Step(
        {"due_at": now + REVIEW_PAUSE if more else None},
        needless=tickets.reached_since(tx, row.id, limits.scan),
    )


def withdrawal(tx: Connection, runtime: Runtime, row: Any, limits: Limits) -> Step:
    """Withdraw what waits among the next rows; at the end see whether anything may wait again."""
    now = runtime.clock()
    columns = notifications.notifications.c
    query = select(columns.id, columns.status).where(columns.broadcast_id == row.id)
    if row.cursor:
        query = query.where(columns.id > UUID(row.cursor))
    rows = tx.execute(query.order_by(columns.id).limit(limits.scan)).all()
    waiting = [one.id for one in rows if one.status == Status.WAITING]
    if len(rows) == limits.scan:
        return Step({"cursor": str(rows[-1].id), "due_at": now}, withdraw=waiting)
    if pages.are_open(tx, row.id) or coming_back.anything(tx, row.id):
        again = now + max(DRAIN_PAUSE, (now - row.exhausted_at) / 2)
        return Step({"cursor": None, "due_at": again}, withdraw=waiting)
    over = {"finished_at": now, "due_at": None}
    return Step(over, over=True)

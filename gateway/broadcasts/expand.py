"""Turn running broadcasts into notifications, and at the end into call-backs, a page of people at a time.

One claim cuts one page: in a short commit the cursor moves past it and the next is free for
others (``pages``). Then its messages are made, and taken in one commit, if the page is still ours
and nobody paused or cancelled meanwhile. So nobody is written to twice and nobody left out, whoever
dies when. Only a window of messages waits ahead: the rest stays in the register until there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection, update

from gateway.broadcasts import coming_back, cutting, ending, pages, recipients, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.pages import Cut
from gateway.broadcasts.step import USUAL, Limits, Step
from gateway.broadcasts.store import State, broadcasts
from gateway.db import claim, new_lease
from gateway.delivery import ledger, taking
from gateway.delivery.attempt import Calls
from gateway.delivery.claim import channel_of
from gateway.delivery.ledger import Account
from gateway.delivery.taking import OPEN
from gateway.errors import HuiyinError
from gateway.notifications import pauses
from gateway.notifications import store as notifications
from gateway.notifications.pauses import Kind
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Request
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.transactions import call_backs

LANE = "broadcasts"
LAST_PAGES = timedelta(seconds=1)  # before looking again whether the last pages are made
log = structlog.get_logger()


def run_due(runtime: Runtime, limits: Limits = USUAL, calls: Calls | None = None) -> int:
    """Work on what is due, each broadcast a page in turn; returns how many messages were taken.

    With ``calls`` they are handed over at once, where there is room; else their lane's worker does it.
    """
    ends, taken = monotonic() + limits.seconds, 0
    while True:
        room = calls is not None and calls.has_room(OPEN)  # another worker may have the next page meanwhile
        if due := _claimed(runtime):
            taken += _work(runtime, due, limits, calls if room else None)
        elif calls and calls.open:
            calls.settle()
        else:
            return taken
        if monotonic() > ends or (calls and calls.stopping()):
            runtime.wake(LANE)
            return taken


class Due(NamedTuple):
    """A broadcast to work on; or of one that goes on, a page that somebody cut and did not make."""

    row: Any
    page: Cut | None = None


def _claimed(runtime: Runtime) -> Due | None:
    """A broadcast; or, where none is due, a page that was left: without it its broadcast does not end."""
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        now = runtime.clock()
        if rows := claim(tx, broadcasts, now=now, seconds=seconds, limit=1, lease=new_lease()):
            return Due(rows[0])
        page = pages.left(tx, now, seconds)
        return Due(store.find(tx, page.broadcast_id), page) if page else None


def _work(runtime: Runtime, due: Due, limits: Limits, calls: Calls | None) -> int:
    """One step of a broadcast, or one page; returns how many messages were taken."""
    row, page = due
    try:
        if page is not None:
            with runtime.db.read() as tx:
                requests = cutting.requests(tx, runtime, row, page)
            return make(runtime, row, page, requests, calls)
        step = plan(runtime, row, limits)
        if (page := keep(runtime, row, step)) is None:
            return 0
        if calls and page.upto != pages.END:
            runtime.wake(LANE)  # whoever is idle makes the next page meanwhile
        return make(runtime, row, page, step.requests, calls)
    except Exception as error:  # noqa: BLE001 - one bad broadcast stops no other
        _stuck(runtime, row, error)
        return 0


def _stuck(runtime: Runtime, row: Any, error: Exception) -> None:
    """People must mend a text that is gone, so it waits for them; anything else is tried after the lease."""
    name = type(error).__name__
    log.error("broadcast_stuck", broadcast=str(row.id), error=name)  # and no traceback: personal data
    if isinstance(error, HuiyinError):
        with runtime.db.write() as tx:
            store.act(tx, runtime, row.id, store.PAUSE, f"itself: {name}")


def plan(runtime: Runtime, row: Any, limits: Limits) -> Step:
    """What to do with a claimed broadcast, read at one moment."""
    with runtime.db.read() as tx:
        if row.state == State.CANCELLED:
            return ending.withdrawal(tx, runtime, row, limits)
        definition = definitions.load(row.definition)
        if row.state == State.FINISHED:
            return ending.review(tx, row, runtime.clock(), limits)
        if ending.overdue(row, definition, runtime.clock()):
            return ending.climb(len(definition.rungs), runtime.clock())
        accounts = _accounts(tx, row, definition)
        if row.cursor == pages.END:
            return _exhausted(tx, row, runtime.clock())
        if row.exhausted_at is None:
            return cutting.expansion(tx, runtime, row, definition, ending.standing(accounts), limits)
        return ending.settling(tx, runtime, row, definition, accounts, limits)


def _exhausted(tx: Connection, row: Any, now: datetime) -> Step:
    """The last page was cut: this stage is through with its people when all pages are made."""
    if pages.are_open(tx, row.id):
        return Step({"due_at": now + LAST_PAGES})
    return Step({"cursor": None, "exhausted_at": now, "due_at": now})


def keep(runtime: Runtime, row: Any, step: Step) -> Cut | None:
    """Make the step in one commit; nothing of it where the broadcast is no longer ours.

    Returns the page it cut, for the caller to make.
    """
    columns = broadcasts.c
    ours = (columns.id == row.id) & (columns.lease == row.lease) & (columns.state == row.state)
    with runtime.db.write() as tx:
        if not tx.execute(update(broadcasts).where(ours).values(lease=None, **step.values)).rowcount:
            return None
        if row.state == State.CANCELLED or "stage" in step.values:
            pages.drop(tx, row.id)
        _follow(tx, runtime, row, step)
        return pages.cut(tx, runtime, row.id, row.cursor, step.values["cursor"]) if step.requests else None


def _follow(tx: Connection, runtime: Runtime, row: Any, step: Step) -> None:
    """What a step changes beside the broadcast itself."""
    if step.withdraw:
        _withdraw(tx, step.withdraw, runtime.clock())
    if step.end:
        coming_back.end(tx, step.end, runtime.clock())
    if step.unreached:
        call_backs.open_tickets(tx, runtime, row.id, step.unreached)
    if step.needless:
        call_backs.withdraw(tx, runtime, step.needless)
    if step.over:
        recipients.forget(tx, row.id)
        pauses.resume(tx, Kind.BROADCAST, str(row.id))


def make(
    runtime: Runtime, row: Any, page: Cut, requests: Sequence[Request], calls: Calls | None = None
) -> int:
    """Take a page's messages in one commit, and begin their calls; none where it is ours no more."""
    taken = taking.prepare(runtime, requests, calls)
    with runtime.db.write() as tx:
        if not pages.made(tx, page):
            pages.release(tx, page, runtime.clock())
            return 0
        taking.put(tx, runtime, taken)
        if row.stage == 1 and definitions.load(row.definition).audience is None:
            recipients.forget(tx, row.id, page.after, page.last)
    if calls and taken.claimed:
        calls.begin(taken.claimed)
    runtime.wake_all(set(taken.lanes))
    log.info("broadcast_page", broadcast=str(row.id), stage=row.stage, taken=len(requests))
    return len(requests)


def _withdraw(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    held = notifications.hold(tx, ids)
    moves = [
        notifications.moved(one, Status.CANCELLED, None, Reason.WITHDRAWN)
        for one in held.values()
        if one.status == Status.WAITING
    ]
    notifications.move(tx, moves, now)


def _accounts(tx: Connection, row: Any, definition: Definition) -> list[Account]:
    """How many of this stage's messages stand where: read from the ledger.

    The stage of call-backs has none of its own, and may have come before the others were through.
    """
    channel = definition.rungs[row.stage - 1].channel
    accounts = ledger.of_broadcast(tx, row.id)
    return [one for one in accounts if channel in (CALL_BACK, channel_of(one.lane))]

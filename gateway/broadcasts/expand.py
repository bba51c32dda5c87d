"""Turn running broadcasts into notifications, and at the end into call-backs, a page of people at a time.

One claim, one page: people are read and their names opened first; then, in one
commit, the notifications are taken and the cursor moves, if the lease is still
ours and nobody paused or cancelled meanwhile. So nobody is written to twice and
nobody left out, whoever dies when. Only a window of messages waits ahead: the
rest stays in the register until there is room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, update

from gateway.broadcasts import audience, coming_back, ending, follow_up, recipients, rehearsal, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.audience import Addressee, Page
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK
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
from gateway.notifications.check_codes import PLACEHOLDER
from gateway.notifications.pauses import Kind
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Class, Request
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.transactions import call_backs

LANE = "broadcasts"
FULL_PAUSE = timedelta(seconds=1)  # before looking again whether there is room
PACED_PAGE = 5.0  # seconds' worth of messages taken at once under a pace
CATCH_UP = timedelta(seconds=10)  # of the pace that a late worker makes good
log = structlog.get_logger()


def run_due(runtime: Runtime, limits: Limits = USUAL, calls: Calls | None = None) -> int:
    """Work on what is due, each broadcast a page in turn; returns how many messages were taken.

    With ``calls`` they are handed over at once, where there is room; else their lane's worker does it.
    """
    ends, taken = monotonic() + limits.seconds, 0
    while True:
        room = calls is not None and calls.has_room(OPEN)  # another worker may have the next page meanwhile
        if (row := _claimed(runtime)) is not None:
            try:
                taken += _keep(runtime, row, plan(runtime, row, limits), calls if room else None)
            except Exception as error:  # noqa: BLE001 - one bad broadcast stops no other
                _stuck(runtime, row, error)
        elif calls and calls.open:
            calls.settle()
        else:
            return taken
        if monotonic() > ends or (calls and calls.stopping()):
            runtime.wake(LANE)
            return taken


def _stuck(runtime: Runtime, row: Any, error: Exception) -> None:
    """People must mend a text that is gone, so it waits for them; anything else is tried after the lease."""
    name = type(error).__name__
    log.error("broadcast_stuck", broadcast=str(row.id), error=name)  # and no traceback: personal data
    if isinstance(error, HuiyinError):
        with runtime.db.write() as tx:
            store.act(tx, runtime, row.id, store.PAUSE, f"itself: {name}")


def _claimed(runtime: Runtime) -> Any:
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        now = runtime.clock()
        rows = claim(tx, broadcasts, now=now, seconds=seconds, limit=1, lease=new_lease())
    return rows[0] if rows else None


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
        if row.exhausted_at is None:
            return _expansion(tx, runtime, row, definition, ending.standing(accounts), limits)
        return ending.settling(tx, runtime, row, definition, accounts, limits)


def _keep(runtime: Runtime, row: Any, step: Step, calls: Calls | None = None) -> int:
    """Make the step in one commit; nothing of it where the broadcast is no longer ours."""
    columns = broadcasts.c
    ours = (columns.id == row.id) & (columns.lease == row.lease) & (columns.state == row.state)
    taken = taking.prepare(runtime, step.requests, calls)
    with runtime.db.write() as tx:
        if not tx.execute(update(broadcasts).where(ours).values(lease=None, **step.values)).rowcount:
            return 0
        taking.put(tx, runtime, taken)
        if step.forget is not None:
            recipients.forget(tx, row.id, step.forget)
        if step.withdraw:
            _withdraw(tx, step.withdraw, runtime.clock())
        if step.end:
            coming_back.end(tx, step.end, runtime.clock())
        if step.unreached:
            call_backs.open_tickets(tx, runtime, row.id, step.unreached)
        if step.needless:
            call_backs.withdraw(tx, runtime, step.needless)
        if step.over:
            pauses.resume(tx, Kind.BROADCAST, str(row.id))
    if calls and taken.claimed:
        calls.begin(taken.claimed)
    more = calls and step.values.get("cursor")  # whoever is idle makes the next page while we record this
    runtime.wake_all({*taken.lanes, *([LANE] if more else ())})
    if step.requests:
        log.info("broadcast_page", broadcast=str(row.id), stage=row.stage, taken=len(step.requests))
    return len(step.requests)


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


# --- taking people -----------------------------------------------------------------------


def _expansion(
    tx: Connection,
    runtime: Runtime,
    row: Any,
    definition: Definition,
    standing: Mapping[str, int],
    limits: Limits,
) -> Step:
    """The next page, where there is room for it."""
    now = runtime.clock()
    if definition.rungs[row.stage - 1].channel == CALL_BACK:
        return _ticketing(tx, runtime, row, definition, limits)
    size, window = _sizes(definition.pace, limits)
    # All of a digest waits ahead: else most of it would miss the hour.
    if not definition.digest and standing.get(Status.WAITING, 0) + size > window:
        return Step({"due_at": now + FULL_PAUSE})
    page = _page(tx, runtime, row, definition, size, limits)
    values: dict[str, Any] = {"cursor": page.cursor, "due_at": now}
    if page.cursor is None:
        values["exhausted_at"] = now
    elif definition.pace:
        values["paced_until"] = values["due_at"] = _paced(row.paced_until, len(page.people), definition, now)
    listed = definition.audience is None and row.stage == 1
    not_before = rehearsal.digest_at(runtime, definition)
    return Step(
        values,
        [_request(row, definition, person, not_before) for person in page.people],
        forget=_last_line(page) if listed else None,
    )


def _ticketing(tx: Connection, runtime: Runtime, row: Any, definition: Definition, limits: Limits) -> Step:
    """The next page of those whom nothing reached: nobody waits for them to be handed over."""
    now = runtime.clock()
    page = follow_up.page(tx, runtime, row, definition, limits.page, limits.scan)
    people = [(one.first_id, one.citizen_id) for one in page.people if one.first_id]
    exhausted = {} if page.cursor else {"exhausted_at": now}
    return Step({"cursor": page.cursor, "due_at": now, **exhausted}, unreached=people)


def _sizes(pace: int | None, limits: Limits) -> tuple[int, int]:
    """People in a page and messages ahead; under a pace no more ahead than a minute takes."""
    if pace is None:
        return limits.page, max(limits.page, limits.window)
    size = max(1, min(limits.page, math.ceil(pace * PACED_PAGE / 60)))
    return size, max(size, min(limits.window, pace))


def _paced(until: datetime | None, taken: int, definition: Definition, now: datetime) -> datetime:
    """Up to when this page uses up the pace."""
    begun = max(until or now, now - CATCH_UP)
    return begun + timedelta(seconds=taken * 60 / (definition.pace or 1))


def _page(
    tx: Connection, runtime: Runtime, row: Any, definition: Definition, size: int, limits: Limits
) -> Page:
    if row.stage > 1:
        return follow_up.page(tx, runtime, row, definition, size, limits.scan)
    if definition.audience is None:
        return recipients.page(tx, runtime, row.id, row.cursor, size)
    return audience.page(tx, runtime.vault, definition.audience, row.cursor, size)


def _last_line(page: Page) -> str | None:
    """The line up to which a list was taken; a last page takes all that is left."""
    return page.cursor if page.cursor is not None else str(recipients.LAST)


def _request(row: Any, definition: Definition, person: Addressee, not_before: datetime | None) -> Request:
    return Request(
        citizen_id=person.citizen_id,
        channel=definition.rungs[row.stage - 1].channel,
        klass=Class.NOTICE,
        template=definition.template,
        language=person.language,
        personalisation={"name": person.name, PLACEHOLDER: row.check_code},
        address=person.address,
        broadcast_id=row.id,
        first_id=person.first_id,
        not_before=not_before,
        asks=definition.asks,
        title=definition.titled(person.language),
        digest=definition.digest and person.citizen_id is not None,
    )

"""Telling services what is due: a subscription is leased, some of its events are posted, all is written down.

At least once and in no promised order: whoever dies between the call and the commit leaves the
event due, and it is told again under the same id. One subscription has one worker at a time, with
a few calls at once; where it ails it rests, and nobody else's events wait behind it.
"""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, select, update

from gateway.db import SPENT, claim, new_lease
from gateway.delivery import measures
from gateway.errors import TamperedError
from gateway.rows import update_each
from gateway.runtime import Runtime
from gateway.services import webhooks
from gateway.services.webhooks import State, Webhook, events
from gateway.webhooks import retry, signing
from gateway.webhooks.addresses import Target, UnusableUrlError, read
from gateway.webhooks.bodies import bodies
from gateway.webhooks.line import Line
from gateway.webhooks.retry import Answered, Barred, Lacking, Outcome

LANE = "webhooks"
SERVICES = 16  # subscriptions served at once by one worker
CALLS = 4  # to one of them at once
BATCH = 100  # events of one of them under a lease
LOOK_AGAIN = 0.25  # seconds between looks while some service keeps us waiting
CALLED = "webhook_calls"  # what is measured: by kind and outcome
_mine = webhooks.webhooks.c
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be told under one lease, each with its body; without one there is nothing to tell."""

    webhook: Webhook
    lease: int
    failures: int
    rows: Sequence[Row[Any]]
    bodies: Mapping[UUID, bytes]


Told = list[tuple[Row[Any], Outcome]]


def run_due(runtime: Runtime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Tell what is due; returns how many events were tried."""
    done, running = 0, set[Future[int]]()
    with ThreadPoolExecutor(SERVICES, thread_name_prefix="webhook") as pool:
        while True:
            if not stopping():
                for row in _claim(runtime, SERVICES - len(running)):
                    running.add(pool.submit(_served, runtime, row, stopping))
            if not running:
                return done
            ended, running = wait(running, LOOK_AGAIN, FIRST_COMPLETED)
            done += sum(one.result() for one in ended)


def _claim(runtime: Runtime, limit: int) -> Sequence[Row[Any]]:
    """Lease subscriptions that have something due, whoever was served longest ago first."""
    now = runtime.clock()
    with runtime.db.read() as tx:
        if not limit or not webhooks.is_due(tx, now):
            return ()
    with runtime.db.write() as tx:
        return claim(
            tx,
            webhooks.webhooks,
            now=now,
            seconds=runtime.settings.lease,
            limit=limit,
            lease=new_lease(),
            where=[webhooks.waits(now)],
        )


def _served(runtime: Runtime, row: Row[Any], stopping: Callable[[], bool]) -> int:
    """As ``_serve``; one that cannot be served is tried again when its lease ends, and stops no other."""
    try:
        return _serve(runtime, row, stopping)
    except Exception as error:  # noqa: BLE001 - see above
        name = type(error).__name__  # and no traceback: it may hold personal data
        log.error("webhook_not_served", webhook=str(row.id), error=name)  # noqa: TRY400
        return 0


def _serve(runtime: Runtime, row: Row[Any], stopping: Callable[[], bool]) -> int:
    """Tell one subscription what is due there, as far as its lease goes."""
    until = time.monotonic() + runtime.settings.lease * SPENT
    try:
        batch = _batch(runtime, row)
    except TamperedError:
        log.error("cell_cannot_be_opened", table="webhooks", row=str(row.id))  # noqa: TRY400 - nothing to see
        with runtime.db.write() as tx:
            webhooks.pause(tx, row.id, "cannot_be_opened", runtime.clock())
        return 0
    told = _post(runtime, batch, lambda: stopping() or time.monotonic() > until)
    with runtime.db.write() as tx:
        _record(tx, batch, told, runtime.clock())
    said = Counter(word for _, outcome in told for word in [_word(outcome)])
    log.info("webhooks_told", webhook=str(row.id), kind=row.kind, **said)
    return len(told)


def _batch(runtime: Runtime, row: Row[Any]) -> Batch:
    """Its due events, oldest first; of one that ailed a single one, to see whether it is well again."""
    webhook = webhooks.opened(runtime.vault, row)
    due = select(events).where(events.c.webhook_id == row.id, events.c.due_at <= runtime.clock())
    with runtime.db.read() as tx:
        rows = tx.execute(due.order_by(events.c.due_at).limit(1 if row.failures else BATCH)).all()
        return Batch(webhook, row.lease, row.failures, rows, bodies(tx, runtime, webhook.kind, rows))


# --- calling -----------------------------------------------------------------------------------


def _post(runtime: Runtime, batch: Batch, enough: Callable[[], bool]) -> Told:
    """Post the events until one shows that the service ails; what was not begun is left out."""
    told: Told = [(row, Lacking()) for row in batch.rows if row.id not in batch.bodies]
    left = deque(row for row in batch.rows if row.id in batch.bodies)
    if not left:
        return told
    try:
        target = read(batch.webhook.url)
    except UnusableUrlError:
        return [*told, *((row, Barred()) for row in left)]
    line = _line(runtime, target)

    def work() -> Told:
        mine: Told = []
        while left and not enough():
            try:
                row = left.popleft()
            except IndexError:
                break
            outcome = _call(runtime, batch, line, row)
            mine.append((row, outcome))
            if retry.ails(outcome):
                left.clear()
        return mine

    with ThreadPoolExecutor(min(CALLS, len(left))) as pool:
        parts = [pool.submit(work) for _ in range(min(CALLS, len(left)))]
    line.close()
    return [*told, *(one for part in parts for one in part.result())]


def _line(runtime: Runtime, target: Target) -> Line:
    settings = runtime.settings
    return Line(target, settings.webhooks_private, settings.environment.get("WEBHOOKS_CA_FILE"))


def _call(runtime: Runtime, batch: Batch, line: Line, row: Row[Any]) -> Outcome:
    webhook, body = batch.webhook, batch.bodies[row.id]
    return line.post(signing.headers(webhook.token, webhook.secret, row.id, runtime.clock(), body), body)


# --- writing it down ----------------------------------------------------------------------------


def _record(tx: Connection, batch: Batch, told: Told, now: datetime) -> None:
    """What came of each event, and when the subscription is served again.

    Where the lease is no longer ours it was paused, removed or set anew meanwhile, or is another's: then
    what was delivered was delivered, and all else is left to whoever serves it now.
    """
    outcomes = [outcome for _, outcome in told]
    rest = retry.rest(outcomes, batch.failures, now, random.random())
    ours = (_mine.id == batch.webhook.id) & (_mine.lease == batch.lease)
    again = {"lease": None, "due_at": rest.until, "failures": rest.failures}
    if not tx.execute(update(webhooks.webhooks).where(ours).values(**again)).rowcount:
        told = [one for one in told if retry.is_taken(one[1])]
    elif any(isinstance(one, Answered) and one.status == retry.GONE for one in outcomes):
        webhooks.pause(tx, batch.webhook.id, f"http_{retry.GONE}", now)
    if told:
        ordered = sorted(told, key=lambda one: one[0].id)
        thens = [
            retry.after(outcome, row.tries + 1, row.since, now, random.random()) for row, outcome in ordered
        ]
        values: dict[str, Sequence[Any]] = {
            "state": [then.state.value for then in thens],
            "tries": [row.tries + 1 for row, _ in ordered],
            "status": [then.status for then in thens],
            "cause": [then.cause for then in thens],
            "due_at": [then.due_at for then in thens],
            "ended_at": [None if then.state is State.WAITING else now for then in thens],
        }
        update_each(tx, events, {"id": [row.id for row, _ in ordered]}, values, unset="ended_at")
    counted = Counter((CALLED, batch.webhook.kind.value, _word(outcome)) for outcome in outcomes)
    measures.add(tx, counted, now)


def _word(outcome: Outcome) -> str:
    """What is counted: 2xx, 4xx, 5xx, or why there was no answer."""
    return f"http_{outcome.status // 100}xx" if isinstance(outcome, Answered) else outcome.code


def try_out(runtime: Runtime, webhook: Webhook, body: bytes) -> Outcome:
    """One call at once, with a body about nothing, which is on no log."""
    line = _line(runtime, read(webhook.url))
    said = signing.headers(webhook.token, webhook.secret, runtime.new_id(), runtime.clock(), body)
    try:
        return line.post(said, body)
    finally:
        line.close()

"""The promise clock ticks: half its time over, four fifths, the last day, overdue.

Each point is said once: on the timeline, to the service it was begun through, and on the office's list.
At half time the citizen hears as well, where the type says that nothing has moved. Who comes late says
the last point reached alone, and tells the citizen none the less.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, update

from gateway.db import claim, new_lease
from gateway.errors import TamperedError
from gateway.runtime import Runtime
from gateway.services import webhooks
from gateway.services.webhooks import Event, Kind
from gateway.transactions import outcome, promises, registry, reminders, store
from gateway.transactions.promise import Point, reached

LANE = reminders.LANE  # as few and as little urgent: one queue for both
CLAIM = 50
PAUSE = timedelta(minutes=10)  # after a fault of ours
log = structlog.get_logger()
_table = promises.promises


def run_due(runtime: Runtime) -> int:
    """Say what is due to be said; returns how many promises were looked at."""
    done = 0
    while rows := _claimed(runtime):
        for row in rows:
            _one(runtime, row)
        done += len(rows)
    return done


def _claimed(runtime: Runtime) -> Sequence[Row[Any]]:
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        now = runtime.clock()
        return claim(tx, _table, now=now, seconds=seconds, limit=CLAIM, lease=new_lease())


def _one(runtime: Runtime, row: Row[Any]) -> None:
    try:
        with runtime.db.write() as tx:
            lanes = _tick(tx, runtime, row)
        runtime.wake_all(lanes)
    except Exception as error:  # noqa: BLE001 - a bug in a plug-in, or one bad row, must not stop the others
        log.error("promise_bug", kind=row.kind, error=type(error).__name__)  # noqa: TRY400
        with runtime.db.write() as tx:
            _keep(tx, row, {"due_at": runtime.clock() + PAUSE})


def _keep(tx: Connection, row: Row[Any], values: dict[str, Any]) -> bool:
    """Where the lease is still ours: kept or extended meanwhile, it stands as that left it."""
    ours = (_table.c.id == row.id) & (_table.c.lease == row.lease)
    return bool(tx.execute(update(_table).where(ours).values(lease=None, **values)).rowcount)


def _tick(tx: Connection, runtime: Runtime, row: Row[Any]) -> set[str]:
    """Say the last point reached; returns the lanes to wake. Locks the transaction first."""
    about = store.row(tx, row.transaction_id, hold=True)
    if about is None or about.answers is None:  # forgotten, or erased at their wish: nobody waits
        promises.drop(tx, runtime, row.transaction_id, row.kind)
        return set()
    said = Point(row.said) if row.said else None
    over, due_at = reached(promises.clock_of(runtime, row), said, runtime.clock())
    if not _keep(tx, row, {"due_at": due_at, "said": over[-1] if over else row.said}) or not over:
        return set()
    store.note(tx, runtime, about.id, "promise_warned", f"{row.kind} {over[-1]}")
    _warn(tx, runtime, about, row.kind, over[-1])
    return _halfway(tx, runtime, about) if Point.HALF in over else set()


def _halfway(tx: Connection, runtime: Runtime, about: Row[Any]) -> set[str]:
    try:
        transaction = store.opened(runtime, about)
    except TamperedError:
        return set()  # nothing can be told of it; the office is warned all the same
    event = registry.get(about.type).halfway(transaction.view(runtime.clock()))
    return outcome.say(tx, runtime, transaction, event) if event else set()


def _warn(tx: Connection, runtime: Runtime, about: Row[Any], promise: str, point: str) -> None:
    """Tell the service a transaction was begun through how one of its promises fares."""
    if about.service_id is not None:
        detail = f"{about.state} {about.stage} {promise} {point}"
        told = Event(runtime.new_id(), about.service_id, about.id, detail)
        webhooks.tell(tx, Kind.TRANSACTION, [told], runtime.clock())

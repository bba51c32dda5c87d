"""What test keys asked for: nothing goes out, and what would become of it is played.

A message is *accepted* as soon as it is due, and a second later its address says how it ends, as a
receipt would. No provider, no attempt and no measure knows of it; its service is told as of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Row

from gateway import channels
from gateway.db import due
from gateway.delivery.addressing import addresses_of
from gateway.delivery.attempt import never
from gateway.delivery.claim import COLUMNS, channel_of
from gateway.notifications import store
from gateway.notifications.reasons import Reason
from gateway.notifications.request import TEST
from gateway.notifications.status import Status
from gateway.notifications.store import Move, moved, notifications
from gateway.providers import Cause
from gateway.runtime import Runtime

AT_ONCE = 500  # rows of one commit
RECEIPT_AFTER = timedelta(seconds=1)
# By the end of a number, or the whole address; GOV.UK Notify's, and numbers of the mainland's form beside.
ENDINGS: Mapping[str, Cause] = {
    "7700900003": Cause.AWAY,
    "13000000003": Cause.AWAY,
    "temp-fail@simulator.notify": Cause.AWAY,
    "7700900002": Cause.RECIPIENT,
    "13000000002": Cause.RECIPIENT,
    "perm-fail@simulator.notify": Cause.RECIPIENT,
}


def is_simulated(lane: str) -> bool:
    """Whether this lane's messages are played."""
    return lane.endswith(f".{TEST}")


def run_lane(
    runtime: Runtime, lane: str, *, seconds: float = 20.0, stopping: Callable[[], bool] = never
) -> int:
    """Play what is due in a lane of tests; returns how many rows were looked at.

    The receipts are due a second later: the sweep wakes the lane for them.
    """
    played, ends = 0, monotonic() + seconds
    while not stopping() and monotonic() < ends:
        with runtime.db.write() as tx:
            rows = _play(tx, runtime, lane, runtime.clock())
        played += rows
        if rows < AT_ONCE:
            return played
    runtime.wake(lane)
    return played


def ending(address: str) -> Cause | None:
    """Why a message to this (normalised) address does not arrive; None: it does."""
    return next((cause for end, cause in ENDINGS.items() if address.lower().endswith(end)), None)


def _play(tx: Connection, runtime: Runtime, lane: str, now: datetime) -> int:
    mine = [notifications.c.lane == lane]
    rows = tx.execute(due(notifications, COLUMNS, now=now, limit=AT_ONCE, where=mine)).all()
    waiting = [row for row in rows if row.status == Status.WAITING]
    late = [moved(row, Status.EXPIRED, None, Reason.TOO_LATE) for row in waiting if row.expires_at <= now]
    _accept(tx, [row for row in waiting if row.expires_at > now], now)
    accepted = [row for row in rows if row.status == Status.ACCEPTED]
    store.move(tx, [*late, *_receipts(tx, runtime, lane, accepted)], now)
    return len(rows)


def _accept(tx: Connection, rows: Sequence[Row[Any]], now: datetime) -> None:
    """By the same two moves as a hand-over."""
    sent = {"handed_over_at": now, "tries": 1}
    store.move(tx, (moved(row, Status.SENDING, now) for row in rows), now, extra=sent)
    later = now + RECEIPT_AFTER
    store.move(tx, (moved(row, Status.ACCEPTED, later, old=Status.SENDING) for row in rows), now)


def _receipts(tx: Connection, runtime: Runtime, lane: str, rows: Sequence[Row[Any]]) -> list[Move]:
    addresses = addresses_of(tx, runtime, channels.load(channel_of(lane)).ADDRESS, rows)
    return [_end(row, address) for row, address in zip(rows, addresses, strict=True)]


def _end(row: Row[Any], address: str | None) -> Move:
    if address is None:
        return moved(row, Status.UNDELIVERED, None, Reason.CANNOT_OPEN)
    cause = ending(address)
    return moved(row, Status.UNDELIVERED, None, cause.value) if cause else moved(row, Status.DELIVERED)

"""What of a broadcast may still wait again: calls nobody may have answered, and what is being found out.

A call's receipt that says so puts it back to wait (``delivery.retry``). Until it has come, or no
longer counts, that person is neither reached nor unreached.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from gateway import channels
from gateway.delivery import ledger
from gateway.delivery.claim import channel_of
from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status
from gateway.notifications.store import move, moved, notifications

REPORTED_WITHIN = timedelta(minutes=10)
"""After the hand-over. A call rings for a minute, and its receipt is pushed when it is over; one
that is later than this still tells the outcome, and makes no other call."""

_COLUMNS = notifications.c
_OPEN: tuple[ColumnElement[bool], ...] = (
    _COLUMNS.status.in_((Status.ACCEPTED, Status.UNKNOWN)),
    _COLUMNS.due_at.is_not(None),  # null: nothing but a last word may follow
)


def calls(tx: Connection, broadcast: UUID, lanes: Sequence[str], limit: int) -> Sequence[Any]:
    """Those made on these lanes that may wait again, oldest first; none on a lane that repeats nothing."""
    repeating = [lane for lane in lanes if channels.load(channel_of(lane)).RETRIES]
    if not repeating:
        return ()
    query = select(_COLUMNS.id, _COLUMNS.handed_over_at)
    mine = query.where(_COLUMNS.broadcast_id == broadcast, _COLUMNS.lane.in_(repeating), *_OPEN)
    return tx.execute(mine.order_by(_COLUMNS.handed_over_at).limit(limit)).all()


def late(calls: Sequence[Any], now: datetime) -> list[UUID]:
    """Those of them whose receipt is not waited for any longer."""
    return [one.id for one in calls if one.handed_over_at <= now - REPORTED_WITHIN]


def end(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Let those of them that are late still never wait again: whatever comes now is their last word."""
    query = select(_COLUMNS.id, _COLUMNS.lane, _COLUMNS.status, _COLUMNS.broadcast_id)
    held = query.where(_COLUMNS.id.in_(ids), _COLUMNS.handed_over_at <= now - REPORTED_WITHIN, *_OPEN)
    rows = tx.execute(held.order_by(_COLUMNS.id).with_for_update()).all()
    move(tx, [moved(row, Status(row.status), None, Reason.NO_RECEIPT) for row in rows], now)


def anything(tx: Connection, broadcast: UUID) -> bool:
    """Whether something of it waits, is being handed over, or may come back.

    What is being found out may, and a call whose receipt may say that nobody was there.
    """
    accounts = ledger.of_broadcast(tx, broadcast)
    left = sum(
        account.standing.get(status, 0) for account in accounts for status in (Status.WAITING, Status.SENDING)
    )
    repeated = [lane for lane in {one.lane for one in accounts} if channels.load(channel_of(lane)).RETRIES]
    asked = select(_COLUMNS.id).where(
        _COLUMNS.broadcast_id == broadcast,
        (_COLUMNS.status == Status.UNKNOWN) | _COLUMNS.lane.in_(repeated),
        *_OPEN,
    )
    return bool(left) or tx.execute(asked.limit(1)).first() is not None

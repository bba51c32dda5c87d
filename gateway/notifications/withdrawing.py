"""Withdraw what was to be said and is not true any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from gateway import channels
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import move, moved, notifications
from gateway.runtime import Runtime


def cancel_waiting(tx: Connection, runtime: Runtime, transaction_id: UUID, klass: Class, reason: str) -> None:
    """Withdraw a transaction's messages of this class that wait; what went out is not tried again."""
    columns, before = notifications.c, (Status.WAITING, Status.UNKNOWN, Status.ACCEPTED)
    mine = (columns.transaction_id == transaction_id) & (columns.klass == klass)
    query = select(notifications).where(mine, columns.status.in_(before), columns.due_at.is_not(None))
    withdraw(tx, runtime, tx.execute(query.order_by(columns.id).with_for_update()).all(), reason)


def withdraw(tx: Connection, runtime: Runtime, rows: Iterable[Any], reason: str) -> None:
    """Withdraw those of these held rows that wait; what went out is not tried again."""
    again = [row for row in rows if row.status != Status.ACCEPTED or channels.load(row.channel).RETRIES]
    ends = {Status.WAITING: Status.CANCELLED}
    moves = [moved(row, ends.get(row.status) or Status(row.status), None, reason) for row in again]
    move(tx, moves, runtime.clock())

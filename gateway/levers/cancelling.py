"""Withdrawing messages: one by its id, or whatever waits of a transaction. Each is on record.

What was handed over cannot be called back; what of it might go out once more does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from gateway import audit, channels
from gateway.errors import UnknownNameError
from gateway.notifications import store
from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.transactions.store import transactions

_mine = notifications.c


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many were withdrawn, how many went out and do not go out again, and how many are too late:
    they are with a provider, or ended.
    """

    withdrawn: int
    stopped: int
    too_late: int


def notification(tx: Connection, runtime: Runtime, name: str, actor: str) -> Cancelled:
    """The message with this id; ``UnknownNameError`` where there is none."""
    try:
        which = _mine.id == UUID(name)
    except ValueError:
        which = None
    found = _cancel(tx, runtime, which) if which is not None else Cancelled(0, 0, 0)
    return _said(tx, runtime, found, "notification", name, actor)


def reference(tx: Connection, runtime: Runtime, name: str, actor: str) -> Cancelled:
    """Whatever waits of the transaction with this reference; ``UnknownNameError`` where there is none."""
    about = select(transactions.c.id).where(transactions.c.reference == name).scalar_subquery()
    found = _cancel(tx, runtime, _mine.transaction_id == about)
    return _said(tx, runtime, found, "reference", name, actor)


def _cancel(tx: Connection, runtime: Runtime, which: ColumnElement[bool]) -> Cancelled:
    rows = tx.execute(select(notifications).where(which).order_by(_mine.id).with_for_update()).all()
    waiting = [row for row in rows if row.status == Status.WAITING]
    again = [row for row in rows if _may_go_again(row.status, row.channel) and row.due_at is not None]
    moves = [store.moved(row, Status.CANCELLED, None, Reason.OPERATOR_CANCELLED) for row in waiting]
    moves += [store.moved(row, Status(row.status), None, Reason.OPERATOR_CANCELLED) for row in again]
    store.move(tx, moves, runtime.clock())
    return Cancelled(len(waiting), len(again), len(rows) - len(moves))


def _may_go_again(status: str, channel: str) -> bool:
    """One being found out, and a call whose receipt may say that nobody was there."""
    return status == Status.UNKNOWN or (status == Status.ACCEPTED and bool(channels.load(channel).RETRIES))


def _said(tx: Connection, runtime: Runtime, found: Cancelled, kind: str, name: str, actor: str) -> Cancelled:
    if found == Cancelled(0, 0, 0):
        raise UnknownNameError(f"There is no message of the {kind} {name[:40]!r}.")
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"{kind}.cancel", name)
    return found

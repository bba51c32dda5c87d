"""A result that reached nobody becomes a call: once for each transaction, whatever its type.

Pulled from what delivery left, like a broadcast's tickets: a result of a transaction that ended without
reaching its citizen, where no other message about it did, is going to, or may have.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from gateway.notifications.request import Class
from gateway.notifications.status import DEAD, Status
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.transactions import call_backs, store
from gateway.transactions.store import timeline, transactions

KIND = call_backs.UNDELIVERED
BACK = timedelta(days=2)  # what ended longer ago was looked at often enough
AT_ONCE = 200
_NOWHERE = (*DEAD, Status.SUPPRESSED, Status.CANCELLED)


def run_due(runtime: Runtime) -> int:
    """Ask for the calls that are owed; returns how many transactions were noted."""
    done = asked = _some(runtime)
    while asked == AT_ONCE:
        done += (asked := _some(runtime))
    return done


def _some(runtime: Runtime) -> int:
    """A page in one commit, how many of it were noted; the line on the timeline is the once."""
    columns = notifications.c
    with runtime.db.write() as tx:
        query = select(columns.transaction_id, columns.citizen_id).where(_owed(runtime)).distinct()
        rows = tx.execute(query.order_by(columns.transaction_id).limit(AT_ONCE)).all()
        return sum(_ask(tx, runtime, row.transaction_id, row.citizen_id) for row in rows)


def _ask(tx: Connection, runtime: Runtime, about: UUID, citizen: UUID) -> bool:
    """Hold the transaction, so that of two workers one asks."""
    held = store.row(tx, about, hold=True)
    if held is None or tx.execute(select(timeline.c.id).where(_noted(held.id))).first():
        return False
    call_backs.ask(tx, runtime, held.id, citizen, KIND)
    store.note(tx, runtime, held.id, KIND)
    return True


def _noted(about: Any) -> ColumnElement[bool]:
    noted: ColumnElement[bool] = (timeline.c.transaction_id == about) & (timeline.c.event == KIND)
    return noted


def _owed(runtime: Runtime) -> ColumnElement[bool]:
    """The condition, on the index of dead letters."""
    columns, other = notifications.c, notifications.alias()
    reached = exists().where(
        other.c.transaction_id == columns.transaction_id,
        other.c.citizen_id == columns.citizen_id,
        other.c.klass == Class.RESULT,
        other.c.created_at >= columns.created_at,
        other.c.status.not_in(_NOWHERE),
    )
    dead = or_(*(columns.status == status for status in DEAD))
    return (
        dead
        & (columns.completed_at > runtime.clock() - BACK)
        & (columns.klass == Class.RESULT)
        & columns.transaction_id.is_not(None)
        & columns.citizen_id.is_not(None)
        & exists().where(transactions.c.id == columns.transaction_id)  # not forgotten meanwhile
        & ~reached
        & ~exists().where(_noted(columns.transaction_id))
    )

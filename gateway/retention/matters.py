"""Forgetting matters that are long over: a transaction with all that hangs on it alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from gateway.appointments.bookings import bookings
from gateway.records.changes import changes
from gateway.transactions.evaluations import evaluations
from gateway.transactions.model import ENDS
from gateway.transactions.promises import promises
from gateway.transactions.store import timeline, transactions

AT_ONCE = 500  # in one commit


def over(before: datetime) -> ColumnElement[bool]:
    """Those that ended, last moved before then, and are not looked at again."""
    columns = transactions.c
    ended = columns.state.in_(ENDS) & columns.due_at.is_(None)
    return (columns.created_at < before) & (columns.updated_at < before) & ended


def drop(tx: Connection, before: datetime) -> bool:
    """Delete some of them with their timelines, places and changes of data. True where there are more."""
    query = select(transactions.c.id).where(over(before)).limit(AT_ONCE)
    keys = list(tx.execute(query.with_for_update(skip_locked=True)).scalars())
    for table in (timeline, bookings, changes, promises, evaluations):
        tx.execute(delete(table).where(table.c.transaction_id.in_(keys)))
    tx.execute(delete(transactions).where(transactions.c.id.in_(keys)))
    return len(keys) == AT_ONCE

"""Every queue of work as it stands: messages by lane, back-office steps, receipts to apply."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.delivery import lanes, receipts
from gateway.delivery.lanes import Lane
from gateway.transactions.engine import LANE as TRANSACTIONS
from gateway.transactions.model import OPEN, WITH_BACK_OFFICE, State
from gateway.transactions.store import transactions

DONE = (State.SUCCEEDED, State.ALREADY_DONE)


def standing(tx: Connection, now: datetime) -> Sequence[Lane]:
    """The lanes of messages first, then transactions, then receipts."""
    return [*lanes.standing(tx, now), _transactions(tx, now), _receipts(tx, now)]


def _transactions(tx: Connection, now: datetime) -> Lane:
    """Depth counts what the back offices owe an answer; dead is what was given up."""
    columns = transactions.c
    rows = tx.execute(select(columns.state, func.count()).group_by(columns.state)).all()
    counts = {State(state): number for state, number in rows}
    oldest = tx.execute(
        select(func.min(columns.submitted_at)).where(columns.state.in_(WITH_BACK_OFFICE))
    ).scalar()
    calling = tx.execute(
        select(func.count()).where(columns.calling.is_(True), columns.state == State.SUBMITTED)
    ).scalar_one()
    return Lane(
        name=TRANSACTIONS,
        depth=counts.get(State.SUBMITTED, 0) - calling,
        oldest_s=round((now - oldest).total_seconds(), 1) if oldest else 0.0,
        in_flight=calling,
        unknown=counts.get(State.UPSTREAM_UNKNOWN, 0),
        dead=counts.get(State.FAILED, 0),
        accepted=0,
        delivered=sum(counts.get(state, 0) for state in DONE),
        other=sum(counts.get(state, 0) for state in (*OPEN, State.REJECTED, State.CANCELLED)),
        taken=sum(counts.values()),
    )


def _receipts(tx: Connection, now: datetime) -> Lane:
    """Depth counts callbacks not yet applied; unknown those without their message, dead the unreadable."""
    counts = receipts.waiting(tx)
    oldest = tx.execute(
        select(func.min(receipts.callbacks.c.received_at)).where(receipts.callbacks.c.state == "new")
    ).scalar()
    return Lane(
        name=receipts.LANE,
        depth=counts.get("new", 0),
        oldest_s=round((now - oldest).total_seconds(), 1) if oldest else 0.0,
        in_flight=0,
        unknown=counts.get("unmatched", 0),
        dead=counts.get("unreadable", 0),
        accepted=0,
        delivered=counts.get("applied", 0),
        other=0,
        taken=sum(counts.values()),
    )

"""Every queue of work as it stands: messages by lane, back-office steps, receipts to apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.delivery import lanes, receipts
from gateway.delivery.lanes import Lane
from gateway.delivery.receipts import LANE as RECEIPTS
from gateway.delivery.receipts import callbacks
from gateway.levers import holding
from gateway.runtime import Runtime
from gateway.transactions.engine import LANE as TRANSACTIONS
from gateway.transactions.model import OPEN, WITH_BACK_OFFICE, State
from gateway.transactions.store import transactions

DONE = (State.SUCCEEDED, State.ALREADY_DONE)


def standing(tx: Connection, now: datetime) -> Sequence[Lane]:
    """The lanes of messages first, then transactions, then receipts."""
    return [*lanes.standing(tx, now), _transactions(tx, now), _receipts(tx, now)]


def _transactions(tx: Connection, now: datetime) -> Lane:
    """Depth counts what the back offices owe an answer, not what people there have for days; dead is what
    was given up.
    """
    columns = transactions.c
    with_people = columns.state.in_(WITH_BACK_OFFICE) & columns.unanswered_since.is_(None)
    count, apart = func.count(), func.count().filter(with_people)
    rows = tx.execute(select(columns.state, count, apart).group_by(columns.state)).all()
    counts = {State(state): number for state, number, _ in rows}
    return _whole(
        _open_transactions(tx, now),
        dead=counts.get(State.FAILED, 0),
        delivered=sum(counts.get(state, 0) for state in DONE),
        other=sum(counts.get(state, 0) for state in (*OPEN, State.REJECTED, State.CANCELLED))
        + sum(number for _, _, number in rows),
        taken=sum(counts.values()),
    )


def _receipts(tx: Connection, now: datetime) -> Lane:
    """Depth counts callbacks not yet applied; unknown those without their message, dead the unreadable."""
    counts, work = receipts.waiting(tx), _open_receipts(tx, now)
    applied, taken = counts.get("applied", 0), sum(counts.values())
    return _whole(work, dead=work.dead, delivered=applied, other=0, taken=taken)


def _whole(work: Work, *, dead: int, delivered: int, other: int, taken: int) -> Lane:
    """What is open now, with what has ended beside it."""
    return Lane(
        name=work.name,
        depth=work.depth,
        oldest_s=work.oldest_s,
        in_flight=work.in_flight,
        unknown=work.unknown,
        dead=dead,
        accepted=0,
        delivered=delivered,
        other=other,
        taken=taken,
    )


# --- what is open now: read often, so nothing that ended is counted ---------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """What a lane has to do; of receipts, *unknown* are those without a message, *dead* the unreadable."""

    name: str
    depth: int
    oldest_s: float
    in_flight: int
    unknown: int
    dead: int = 0


def open_work(tx: Connection, runtime: Runtime) -> list[Work]:
    """Every lane, also those without work: messages, then transactions, then receipts.

    Reads the ledger and the indexes of due rows alone.
    """
    now = runtime.clock()
    stand = {lane.name: lane for lane in lanes.standing(tx, now)}
    names = list(dict.fromkeys([*holding.lanes(runtime), *stand]))
    messages = [
        Work(name, lane.depth, lane.oldest_s, lane.in_flight, lane.unknown)
        if lane
        else Work(name, 0, 0.0, 0, 0)
        for name in names
        for lane in [stand.get(name)]
    ]
    return [*messages, _open_transactions(tx, now), _open_receipts(tx, now)]


def _open_transactions(tx: Connection, now: datetime) -> Work:
    columns = transactions.c
    asked = columns.due_at.is_not(None) & columns.state.in_(WITH_BACK_OFFICE)
    asked &= columns.unanswered_since.is_not(None)
    since = func.min(columns.unanswered_since)
    query = select(columns.state, columns.calling, func.count(), since).where(asked)
    depth = in_flight = unknown = 0
    oldest = now
    for state, calling, number, since in tx.execute(query.group_by(columns.state, columns.calling)):
        if state == State.UPSTREAM_UNKNOWN:
            unknown += number
        elif calling:
            in_flight += number
        else:
            depth += number
        oldest = min(oldest, since or now)
    return Work(TRANSACTIONS, depth, round((now - oldest).total_seconds(), 1), in_flight, unknown)


def _open_receipts(tx: Connection, now: datetime) -> Work:
    columns = callbacks.c
    waiting = columns.due_at.is_not(None) & (columns.state == "new")
    depth, oldest = tx.execute(select(func.count(), func.min(columns.received_at)).where(waiting)).one()
    odd = (columns.state == "unmatched") | (columns.state == "unreadable")
    left: dict[str, int] = dict(
        tx.execute(select(columns.state, func.count()).where(odd).group_by(columns.state)).all()
    )
    age = round((now - oldest).total_seconds(), 1) if oldest else 0.0
    return Work(RECEIPTS, depth, age, 0, left.get("unmatched", 0), left.get("unreadable", 0))

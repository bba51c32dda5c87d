"""What is due where: for the sweep that wakes workers, and for the people who watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, union_all

from gateway.db import is_due
from gateway.delivery import ledger
from gateway.delivery.acceptances import acceptances
from gateway.delivery.ledger import Account
from gateway.delivery.receipts import LANE as RECEIPTS
from gateway.delivery.receipts import callbacks
from gateway.notifications.status import Status
from gateway.notifications.store import notifications


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as it stands; every row taken is counted in exactly one column."""

    name: str
    depth: int
    oldest_s: float
    in_flight: int
    unknown: int
    dead: int
    accepted: int
    delivered: int  # of messages; of other work: ended well
    other: int  # ended otherwise (expired, suppressed, cancelled, undelivered), or not begun
    taken: int  # all of the above but oldest_s


def due(tx: Connection, now: datetime) -> set[str]:
    """The lanes with something due."""
    names = set(_first_due(tx, [account.lane for account in ledger.accounts(tx)], now))
    if is_due(tx, callbacks, now) or is_due(tx, acceptances, now):
        names.add(RECEIPTS)
    return names


def standing(tx: Connection, now: datetime) -> Sequence[Lane]:
    """Every lane's figures: from the ledger, and the oldest due row from the due index."""
    accounts = ledger.accounts(tx)
    waiting = [account.lane for account in accounts if account.standing.get(Status.WAITING)]
    first = _first_due(tx, waiting, now, notifications.c.status == Status.WAITING)
    return [_lane(account, (now - first.get(account.lane, now)).total_seconds()) for account in accounts]


def _first_due(
    tx: Connection, lanes: Sequence[str], now: datetime, *which: ColumnElement[bool]
) -> Mapping[str, datetime]:
    """Since when something is due in each of these lanes: one step into the index each."""
    columns = notifications.c
    each = [
        select(
            select(columns.lane, columns.due_at)
            .where(columns.lane == lane, columns.due_at <= now, *which)
            .order_by(columns.due_at)
            .limit(1)
            .subquery()
        )
        for lane in lanes
    ]
    return dict(tx.execute(union_all(*each)).all()) if each else {}


def _lane(account: Account, oldest: float) -> Lane:
    shown = (Status.WAITING, Status.SENDING, Status.UNKNOWN, Status.FAILED, Status.ACCEPTED, Status.DELIVERED)
    depth, in_flight, unknown, dead, accepted, delivered = (account.standing.get(one, 0) for one in shown)
    return Lane(
        name=account.lane,
        depth=depth,
        oldest_s=round(oldest, 1),
        in_flight=in_flight,
        unknown=unknown,
        dead=dead,
        accepted=accepted,
        delivered=delivered,
        other=sum(n for status, n in account.standing.items() if status not in shown),
        taken=account.taken,
    )

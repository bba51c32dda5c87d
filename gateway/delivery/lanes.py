"""What is due where: for the sweep that wakes workers, and for the people who watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.db import is_due
from gateway.delivery import ledger
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
    columns = notifications.c
    names = set(tx.execute(select(columns.lane).where(columns.due_at <= now).distinct()).scalars())
    if is_due(tx, callbacks, now):
        names.add(RECEIPTS)
    return names


def standing(tx: Connection, now: datetime) -> Sequence[Lane]:
    """Every lane's figures: from the ledger, and the oldest due row from the due index."""
    columns = notifications.c
    oldest = {
        lane: (now - at).total_seconds()
        for lane, at in tx.execute(
            select(columns.lane, func.min(columns.due_at))
            .where(columns.due_at <= now, columns.status == Status.WAITING)
            .group_by(columns.lane)
        )
    }
    return [_lane(account, max(0.0, oldest.get(account.lane, 0.0))) for account in ledger.accounts(tx)]


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

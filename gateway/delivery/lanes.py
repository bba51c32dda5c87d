"""What is due where: for the sweep that wakes workers, and for the people who watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.delivery import ledger
from gateway.delivery.receipts import LANE as RECEIPTS
from gateway.delivery.receipts import callbacks
from gateway.notifications.status import Status
from gateway.notifications.store import notifications


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as it stands: how many wait and since when, are being sent, are unknown, are dead letters."""

    name: str
    depth: int
    oldest_s: float
    in_flight: int
    unknown: int
    dead: int
    taken: int
    delivered: int  # of messages; of other work: ended well


def due(tx: Connection, now: datetime) -> set[str]:
    """The lanes with something due."""
    columns = notifications.c
    names = set(tx.execute(select(columns.lane).where(columns.due_at <= now).distinct()).scalars())
    if tx.execute(select(callbacks.c.id).where(callbacks.c.due_at <= now).limit(1)).first():
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
    return [
        Lane(
            name=account.lane,
            depth=account.standing.get(Status.WAITING, 0),
            oldest_s=round(max(0.0, oldest.get(account.lane, 0.0)), 1),
            in_flight=account.standing.get(Status.SENDING, 0),
            unknown=account.standing.get(Status.UNKNOWN, 0),
            dead=account.standing.get(Status.FAILED, 0),
            taken=account.taken,
            delivered=account.standing.get(Status.DELIVERED, 0),
        )
        for account in ledger.accounts(tx)
    ]

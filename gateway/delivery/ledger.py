"""Proof that nothing was lost: taken = ended + in flight + waiting + unknown, per lane.

The door enters what it takes, ``notifications.store.move`` every change after. ``accounts`` and
``adds_up`` are cheap at any size: one statement over the lanes' sums and the entries not summed
up yet. ``differences`` counts the rows themselves and holds them against the entries: it takes as
long as there are rows, and is for the night.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select

from gateway.notifications.entries import FRESH, TAKEN, ledger
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.runtime import Runtime

COMPACT = 20_000
LONG = 2_000  # entries; reading that many takes a millisecond
# What every lane's account is read from. The sums of each broadcast stand beside, and are not read here.
LANES = or_(FRESH, ledger.c.broadcast_id.is_(None))


@dataclass(frozen=True, slots=True)
class Account:
    """One lane's ledger: how many were taken, and how many stand in each status."""

    lane: str
    taken: int
    standing: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        return self.taken == sum(self.standing.values()) and min(self.standing.values(), default=0) >= 0


def accounts(tx: Connection, which: ColumnElement[bool] = LANES) -> list[Account]:
    """Every lane's account, read from the entries alone."""
    query = select(ledger.c.lane, ledger.c.entry, func.sum(ledger.c.difference)).where(which)
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    for lane, entry, total in tx.execute(query.group_by(ledger.c.lane, ledger.c.entry)):
        sums[lane][entry] = int(total)
    return [
        Account(lane, entries.pop(TAKEN, 0), {status: n for status, n in entries.items() if n})
        for lane, entries in sorted(sums.items())
    ]


def of_broadcast(tx: Connection, broadcast: UUID) -> list[Account]:
    """A broadcast's accounts, one for each lane it uses."""
    return accounts(tx, ledger.c.broadcast_id == broadcast)


def differences(tx: Connection) -> dict[tuple[str, Status], int]:
    """Where the rows and the entries disagree: rows minus entries, empty when all is well."""
    columns = notifications.c
    query = select(columns.lane, columns.status, func.count()).group_by(columns.lane, columns.status)
    counted: Counter[tuple[str, Status]] = Counter(
        {(lane, Status(status)): n for lane, status, n in tx.execute(query)}
    )
    for account in accounts(tx):
        for status, n in account.standing.items():
            counted[account.lane, Status(status)] -= n
    return {key: n for key, n in counted.items() if n}


def adds_up(tx: Connection) -> bool:
    """Whether every account adds up; cheap at any size."""
    return all(account.balanced for account in accounts(tx))


def balanced(tx: Connection) -> bool:
    """Whether every account adds up and agrees with the rows: counts them all."""
    return adds_up(tx) and not differences(tx)


def is_long(tx: Connection) -> bool:
    """Whether compacting is worth it."""
    return tx.execute(select(ledger.c.id).where(FRESH).offset(LONG).limit(1)).first() is not None


def compact(runtime: Runtime) -> int:
    """Sum up old entries, so that reading the ledger stays cheap; returns how many rows that saved.

    Each goes into its lane's sum, and into its broadcast's where it has one.
    """
    with runtime.db.write() as tx:
        oldest = select(ledger.c.id).where(FRESH).order_by(ledger.c.id).limit(COMPACT)
        gone = _gone(tx, ledger.c.id.in_(oldest))
        broadcasts = {row.broadcast_id for row in gone if row.broadcast_id}
        lanes = ledger.c.broadcast_id.is_(None)
        summed = _gone(tx, ledger.c.summed.is_not(None) & (lanes | ledger.c.broadcast_id.in_(broadcasts)))
        sums: Counter[tuple[str, UUID | None, str]] = Counter()
        for row in (*gone, *summed):
            sums[row.lane, row.broadcast_id, row.entry] += row.difference
        for row in gone:
            if row.broadcast_id:
                sums[row.lane, None, row.entry] += row.difference
        kept = [
            {"lane": lane, "broadcast_id": broadcast, "entry": entry, "difference": n, "summed": True}
            for (lane, broadcast, entry), n in sums.items()
            if n
        ]
        if kept:
            tx.execute(insert(ledger), kept)
    return len(gone) + len(summed) - len(kept)


def _gone(tx: Connection, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    columns = ledger.c
    read: tuple[Any, ...] = (columns.lane, columns.broadcast_id, columns.entry, columns.difference)
    return tx.execute(delete(ledger).where(which).returning(*read)).all()

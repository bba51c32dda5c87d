"""Proof that nothing was lost: taken = ended + in flight + waiting + unknown, per lane.

The door enters what it takes, ``notifications.store.move`` every change after.
``differences`` counts the rows themselves and holds them against the entries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from gateway.notifications.status import Status
from gateway.notifications.store import FRESH, TAKEN, ledger, notifications
from gateway.runtime import Runtime

COMPACT = 20_000
LONG = 2_000  # entries; reading that many takes a millisecond


@dataclass(frozen=True, slots=True)
class Account:
    """One lane's ledger: how many were taken, and how many stand in each status."""

    lane: str
    taken: int
    standing: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        return self.taken == sum(self.standing.values()) and min(self.standing.values(), default=0) >= 0


def accounts(tx: Connection, *which: ColumnElement[bool]) -> list[Account]:
    """Every lane's account, read from the entries alone."""
    query = select(ledger.c.lane, ledger.c.entry, func.sum(ledger.c.difference)).where(*which)
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


def balanced(tx: Connection) -> bool:
    """Whether every account adds up and agrees with the rows."""
    return all(account.balanced for account in accounts(tx)) and not differences(tx)


def is_long(tx: Connection) -> bool:
    """Whether compacting is worth it."""
    return tx.execute(select(ledger.c.id).where(FRESH).offset(LONG).limit(1)).first() is not None


def compact(runtime: Runtime) -> int:
    """Sum up old entries, so that reading the ledger stays cheap; returns how many rows that saved."""
    with runtime.db.write() as tx:
        oldest = select(ledger.c.id).where(FRESH).order_by(ledger.c.id).limit(COMPACT)
        gone = tx.execute(
            delete(ledger)
            .where(ledger.c.id.in_(oldest) | ledger.c.summed.is_not(None))
            .returning(ledger.c.lane, ledger.c.broadcast_id, ledger.c.entry, ledger.c.difference)
        )
        sums: Counter[tuple[str, UUID | None, str]] = Counter()
        rows = 0
        for lane, broadcast, entry, difference in gone:
            sums[lane, broadcast, entry] += difference
            rows += 1
        kept = [
            {"lane": lane, "broadcast_id": broadcast, "entry": entry, "difference": n, "summed": True}
            for (lane, broadcast, entry), n in sums.items()
            if n
        ]
        if kept:
            tx.execute(insert(ledger), kept)
    return rows - len(kept)

"""Counting tries: how often somebody, or some place, did a thing, and until when it may not any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, case, delete, select, update

from gateway.db import Utc, metadata, upsert

LONGEST = timedelta(hours=24)  # of all windows


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` within ``window``; then closed for ``closed``."""

    kind: str
    most: int
    window: timedelta
    closed: timedelta


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many tries; closed until then."""

    until: datetime


tallies = Table(
    "tallies",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since", Utc, nullable=False),
)


def locked(tx: Connection, limit: Limit, subject: bytes, now: datetime) -> Locked | None:
    """Whether this subject's tries are used up."""
    row = tx.execute(
        select(tallies).where(tallies.c.kind == limit.kind, tallies.c.subject == subject)
    ).one_or_none()
    if row is None or row.number < limit.most or now >= row.since + limit.closed:
        return None
    return Locked(row.since + limit.closed)


def count(tx: Connection, limit: Limit, subject: bytes, now: datetime) -> int:
    """Count one try; returns which one it is in this window.

    One statement, so that tries made at the same time all count, and each learns
    its own number. The last one allowed starts the closed time; later ones do not
    prolong it.
    """
    fresh, number = tallies.c.since > now - limit.window, tallies.c.number + 1
    statement = (
        upsert(tx, tallies)
        .values(kind=limit.kind, subject=subject, number=1, since=now)
        .on_conflict_do_update(
            index_elements=[tallies.c.kind, tallies.c.subject],
            set_={
                "number": case((fresh, number), else_=1),
                "since": case((fresh & (number != limit.most), tallies.c.since), else_=now),
            },
        )
        .returning(tallies.c.number)
    )
    return int(tx.execute(statement).scalar_one())


def forget(tx: Connection, limit: Limit, subject: bytes) -> None:
    """The tries of this subject were forgiven: one was right."""
    tx.execute(delete(tallies).where(tallies.c.kind == limit.kind, tallies.c.subject == subject))


def give_back(tx: Connection, limit: Limit, subject: bytes) -> None:
    """One that was counted beforehand was no wrong try after all; the others stay counted."""
    mine = (tallies.c.kind == limit.kind) & (tallies.c.subject == subject)
    tx.execute(update(tallies).where(mine, tallies.c.number > 0).values(number=tallies.c.number - 1))


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop tries that no limit looks at any more."""
    tx.execute(delete(tallies).where(tallies.c.since < now - 2 * LONGEST))

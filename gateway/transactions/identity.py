"""Proof of who is asking: one-time codes to the registered mobile, their limits, and the lock.

The answers never tell whether a person is registered: an unknown ID number, a
wrong name and a right one are treated alike; only the right one gets a message.
Limits (ours; domain.md "Entry" and providers.md "Limits"): a code lives five
minutes, is sent again after a minute at the earliest and five times an hour at
most; five failed proofs lock the ID number for 24 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    case,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db import Utc, metadata
from gateway.runtime import Runtime
from gateway.security import one_time_code, same

CODE_LIFE = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` within ``window``; then closed for ``closed``."""

    kind: str
    most: int
    window: timedelta
    closed: timedelta


PROOFS = Limit("proof", 5, timedelta(hours=24), timedelta(hours=24))
CODES = Limit("code", 5, timedelta(hours=1), timedelta(hours=1))
LOOK_UPS = Limit("look_up", 5, timedelta(hours=1), timedelta(hours=1))

one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("transaction_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("sent_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)
tallies = Table(
    "tallies",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A code is on its way, if the person is registered."""

    again_at: datetime


@dataclass(frozen=True, slots=True)
class TooSoon:
    """A code went out a moment ago; the next may be asked for at ``again_at``."""

    again_at: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """The code was right."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code was not right, or is too old; ``left`` tries remain."""

    left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many tries; closed until then."""

    until: datetime


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
    its own number. The last one allowed starts the closed time.
    """
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    fresh = tallies.c.since > now - limit.window
    statement = (
        upsert(tallies)
        .values(kind=limit.kind, subject=subject, number=1, since=now)
        .on_conflict_do_update(
            index_elements=[tallies.c.kind, tallies.c.subject],
            set_={
                "number": case((fresh, tallies.c.number + 1), else_=1),
                "since": case((fresh & (tallies.c.number + 1 < limit.most), tallies.c.since), else_=now),
            },
        )
        .returning(tallies.c.number)
    )
    return int(tx.execute(statement).scalar_one())


def forget(tx: Connection, limit: Limit, subject: bytes) -> None:
    tx.execute(delete(tallies).where(tallies.c.kind == limit.kind, tallies.c.subject == subject))


def new_code(
    tx: Connection, runtime: Runtime, transaction: UUID, subject: bytes
) -> tuple[Sent | TooSoon | Locked, str]:
    """Make and store a fresh code; returns what to say, and the code ("" when there is none).

    The caller sends it, in the same transaction, where the person is registered.
    """
    now = runtime.clock()
    held = locked(tx, PROOFS, subject, now) or locked(tx, CODES, subject, now)
    if held:
        return held, ""
    before = tx.execute(
        select(one_time_codes.c.sent_at).where(one_time_codes.c.transaction_id == transaction)
    ).scalar_one_or_none()
    if before and now < before + RESEND_AFTER:
        return TooSoon(before + RESEND_AFTER), ""
    count(tx, CODES, subject, now)
    code = one_time_code()
    _store(tx, runtime, transaction, code, now)
    return Sent(now + RESEND_AFTER), code


def _store(tx: Connection, runtime: Runtime, transaction: UUID, code: str, now: datetime) -> None:
    values = {
        "digest": runtime.vault.code_digest(transaction, code),
        "sent_at": now,
        "expires_at": now + CODE_LIFE,
    }
    where = one_time_codes.c.transaction_id == transaction
    if not tx.execute(update(one_time_codes).where(where).values(**values)).rowcount:
        tx.execute(one_time_codes.insert().values(transaction_id=transaction, **values))


def prove(
    tx: Connection, runtime: Runtime, transaction: UUID, subject: bytes, code: str
) -> Proven | Wrong | Locked:
    """Check a code; a right one is used up, a wrong one counts towards the lock."""
    now = runtime.clock()
    held = locked(tx, PROOFS, subject, now)
    if held:
        return held
    tried = count(tx, PROOFS, subject, now)  # before looking: guesses made at once must not share a try
    if tried > PROOFS.most:
        return Locked(now + PROOFS.closed)
    row = tx.execute(
        select(one_time_codes).where(one_time_codes.c.transaction_id == transaction)
    ).one_or_none()
    given = runtime.vault.code_digest(transaction, code)
    if row and now < row.expires_at and same(row.digest, given):
        tx.execute(delete(one_time_codes).where(one_time_codes.c.transaction_id == transaction))
        forget(tx, PROOFS, subject)
        return Proven()
    left = PROOFS.most - tried
    return Wrong(left) if left else Locked(now + PROOFS.closed)

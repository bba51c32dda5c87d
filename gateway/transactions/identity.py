"""Proof of who is asking: one-time codes to the registered mobile, their limits, and the lock.

The answers never tell whether a person is registered: an unknown ID number, a
wrong name and a right one are treated alike; only the right one gets a message.
A code belongs to ID number, name and type of transaction: whoever begins again
within its five minutes still has it, and nobody who knows only the number can
make it worthless. Limits (ours; domain.md "Entry" and providers.md "Limits"): a
code is sent again after a minute at the earliest; per ID number five an hour at
most, and five failed proofs lock for 24 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    case,
    delete,
    select,
)

from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.security import one_time_code, same

CODE_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` within ``window``; then closed for ``closed``."""

    kind: str
    most: int
    window: timedelta
    closed: timedelta


PROOFS = Limit("proof", 5, timedelta(hours=24), timedelta(hours=24))
CODES = Limit("code", 5, timedelta(hours=1), timedelta(hours=1))
RESEND = Limit("resend", 1, timedelta(seconds=60), timedelta(seconds=60))
LOOK_UPS = Limit("look_up", 5, timedelta(hours=1), timedelta(hours=1))

one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("who", LargeBinary(16), primary_key=True),
    Column("type", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
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
    tx.execute(delete(tallies).where(tallies.c.kind == limit.kind, tallies.c.subject == subject))


def new_code(
    tx: Connection, runtime: Runtime, subject: bytes, who: bytes, type_name: str
) -> tuple[Sent | TooSoon | Locked, str]:
    """Make and store a fresh code; returns what to say, and the code ("" when there is none).

    The caller sends it, in the same transaction, where the person is registered.
    ``subject`` stands for the ID number, ``who`` for ID number and name: only the
    right name gets a message, so only it must wait for the next one, and whoever
    corrects a slip in the name gets the code at once.
    """
    now = runtime.clock()
    held = locked(tx, PROOFS, subject, now) or locked(tx, CODES, subject, now)
    if held:
        return held, ""
    soon = locked(tx, RESEND, who, now)
    if soon or count(tx, RESEND, who, now) > RESEND.most:
        return TooSoon(soon.until if soon else now + RESEND.closed), ""
    if count(tx, CODES, subject, now) > CODES.most:
        return Locked(now + CODES.closed), ""
    code = one_time_code()
    _store(tx, runtime, who, type_name, code)
    return Sent(now + RESEND.closed), code


def awaited(tx: Connection, who: bytes, type_name: str, now: datetime) -> bool:
    """Whether a code that was sent for this still counts."""
    columns = one_time_codes.c
    query = select(columns.expires_at).where(columns.who == who, columns.type == type_name)
    expires_at = tx.execute(query).scalar_one_or_none()
    return expires_at is not None and now < expires_at


def _store(tx: Connection, runtime: Runtime, who: bytes, type_name: str, code: str) -> None:
    values = {
        "digest": runtime.vault.digest("one_time_code", _bound(who, type_name, code)),
        "expires_at": runtime.clock() + CODE_LIFE,
    }
    statement = upsert(tx, one_time_codes).values(who=who, type=type_name, **values)
    key = [one_time_codes.c.who, one_time_codes.c.type]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=values))


def _bound(who: bytes, type_name: str, code: str) -> bytes:
    """A code for one person and one type: worth nothing for any other."""
    return b"\0".join((who, type_name.encode(), code.encode()))


def prove(
    tx: Connection, runtime: Runtime, subject: bytes, who: bytes, type_name: str, code: str
) -> Proven | Wrong | Locked:
    """Check a code; a right one is used up, a wrong one counts towards the lock."""
    now = runtime.clock()
    held = locked(tx, PROOFS, subject, now)
    if held:
        return held
    tried = count(tx, PROOFS, subject, now)  # before looking: guesses made at once must not share a try
    if tried > PROOFS.most:
        return Locked(now + PROOFS.closed)
    key = (one_time_codes.c.who == who) & (one_time_codes.c.type == type_name)
    row = tx.execute(select(one_time_codes).where(key)).one_or_none()
    given = runtime.vault.digest("one_time_code", _bound(who, type_name, code))
    if row and now < row.expires_at and same(row.digest, given):
        tx.execute(delete(one_time_codes).where(key))
        forget(tx, PROOFS, subject)
        return Proven()
    left = PROOFS.most - tried
    return Wrong(left) if left else Locked(now + PROOFS.closed)


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop codes and tries that no limit looks at any more."""
    tx.execute(delete(one_time_codes).where(one_time_codes.c.expires_at < now))
    tx.execute(delete(tallies).where(tallies.c.since < now - 2 * PROOFS.closed))

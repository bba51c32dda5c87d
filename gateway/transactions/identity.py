"""Proof of who is asking: one-time codes and the query password, their limits, and the locks.

The answers never tell whether a person is registered: an unknown ID number, a
wrong name and a right one are treated alike; only the right one gets a message.
A code belongs to a person and a matter: whoever begins again within its five
minutes still has it, and nobody who knows only the number can make it worthless.
Limits (ours; domain.md "Entry" and providers.md "Limits"): a code is sent again
after a minute at the earliest; to one person five an hour at most, and five wrong
ones lock for 24 hours: that person as named, so that an ID number alone locks nobody
out. Each kind of proof is counted by itself and forgiven by
itself: who has the telephone cannot go on guessing the password for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, select

from gateway.citizens import passwords
from gateway.citizens.passwords import Checked
from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.security import one_time_code, same
from gateway.transactions import tallies
from gateway.transactions.devices import Device
from gateway.transactions.tallies import Limit, Locked

CODE_LIFE = timedelta(minutes=5)
DAY, HOUR = timedelta(hours=24), timedelta(hours=1)

PROOFS = Limit("proof", 5, DAY, DAY)
EMAIL_PROOFS = Limit("email_proof", 5, DAY, DAY)
NEW_PROOFS = Limit("new_proof", 5, DAY, DAY)
PASSWORDS = Limit("password", 5, DAY, DAY)
CODES = Limit("code", 5, HOUR, HOUR)
NEW_CODES = Limit("new_code", 3, DAY, DAY)  # to a number that is nobody's yet, whoever asks
RESEND = Limit("resend", 1, timedelta(seconds=60), timedelta(seconds=60))

one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("who", LargeBinary(16), primary_key=True),
    Column("type", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("expires_at", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a code is for: it counts for ``who`` and ``matter`` alone.

    ``who`` stands for ID number and name: only the right name gets a message, so only it must wait
    for the next one, and whoever corrects a slip in the name gets the code at once. Wrong ones count
    for ``subject``, by ``wrong``. ``sends`` are the limits on how many go out, each with whom it protects.
    """

    who: bytes
    matter: str
    subject: bytes
    wrong: Limit
    sends: Sequence[tuple[Limit, bytes]]


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


def closed(
    tx: Connection, limit: Limit, subject: bytes, now: datetime, device: Device | None = None
) -> Locked | None:
    """Whether proofs of this kind are refused: here, or of this person."""
    here = tallies.locked(tx, device.wrong, device.subject, now) if device else None
    return here or tallies.locked(tx, limit, subject, now)


def used_up(tx: Connection, purpose: Purpose, now: datetime, device: Device | None = None) -> Locked | None:
    """Whether no more codes are sent for this: from here, or to this person or number."""
    limits = [(device.codes, device.subject)] if device else []
    found = (tallies.locked(tx, limit, subject, now) for limit, subject in (*limits, *purpose.sends))
    return next((held for held in found if held), None)


# --- codes -----------------------------------------------------------------------------------


def new_code(
    tx: Connection, runtime: Runtime, purpose: Purpose, device: Device | None = None
) -> tuple[Sent | TooSoon | Locked, str]:
    """Make and store a fresh code; returns what to say, and the code ("" when there is none).

    The caller sends it, in the same transaction, where the person is registered.
    """
    now = runtime.clock()
    held = closed(tx, purpose.wrong, purpose.subject, now, device) or used_up(tx, purpose, now, device)
    if held:
        return held, ""
    soon = tallies.locked(tx, RESEND, purpose.who, now)
    if soon or tallies.count(tx, RESEND, purpose.who, now) > RESEND.most:
        return TooSoon(soon.until if soon else now + RESEND.closed), ""
    here = [(device.codes, device.subject)] if device else []
    for limit, subject in (*here, *purpose.sends):
        if tallies.count(tx, limit, subject, now) > limit.most:
            return Locked(now + limit.closed), ""
    code = one_time_code()
    _store(tx, runtime, purpose, code)
    return Sent(now + RESEND.closed), code


def awaited(tx: Connection, purpose: Purpose, now: datetime) -> bool:
    """Whether a code that was sent for this still counts."""
    columns = one_time_codes.c
    mine = (columns.who == purpose.who) & (columns.type == purpose.matter)
    expires_at = tx.execute(select(columns.expires_at).where(mine)).scalar_one_or_none()
    return expires_at is not None and now < expires_at


def _store(tx: Connection, runtime: Runtime, purpose: Purpose, code: str) -> None:
    values = {
        "digest": _digest(runtime, purpose, code),
        "expires_at": runtime.clock() + CODE_LIFE,
    }
    statement = upsert(tx, one_time_codes).values(who=purpose.who, type=purpose.matter, **values)
    key = [one_time_codes.c.who, one_time_codes.c.type]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=values))


def _digest(runtime: Runtime, purpose: Purpose, code: str) -> bytes:
    """Of a code for one person and one matter: worth nothing for any other."""
    bound = b"\0".join((purpose.who, purpose.matter.encode(), code.encode()))
    return runtime.vault.digest("one_time_code", bound)


def prove(
    tx: Connection, runtime: Runtime, purpose: Purpose, code: str, device: Device | None = None
) -> Proven | Wrong | Locked:
    """Check a code; a right one is used up, a wrong one counts towards the locks."""
    now = runtime.clock()
    tried = _count(tx, purpose.wrong, purpose.subject, now, device)
    if isinstance(tried, Locked):
        return tried
    key = (one_time_codes.c.who == purpose.who) & (one_time_codes.c.type == purpose.matter)
    row = tx.execute(select(one_time_codes).where(key)).one_or_none()
    if row and now < row.expires_at and same(row.digest, _digest(runtime, purpose, code)):
        tx.execute(delete(one_time_codes).where(key))
        _forgive(tx, purpose.wrong, purpose.subject, device)
        return Proven()
    return _refused(purpose.wrong, tried, now)


# --- the query password ----------------------------------------------------------------------


def try_password(
    tx: Connection,
    runtime: Runtime,
    subject: bytes,
    citizen_id: UUID | None,
    password: str,
    device: Device | None = None,
) -> Proven | Wrong | Locked:
    """Check a query password; nobody's (None) is wrong like any other, and so is an initial one.

    That it is the initial one is not told: whoever makes it from an ID number would learn who is registered.
    """
    now = runtime.clock()
    tried = _count(tx, PASSWORDS, subject, now, device)
    if isinstance(tried, Locked):
        return tried
    if passwords.check(tx, runtime, citizen_id, password) is Checked.RIGHT and citizen_id:
        _forgive(tx, PASSWORDS, subject, device)
        return Proven()
    return _refused(PASSWORDS, tried, now)


# --- counting --------------------------------------------------------------------------------


def _count(
    tx: Connection, limit: Limit, subject: bytes, now: datetime, device: Device | None
) -> int | Locked:
    """Count a try before looking at it: guesses made at once must not share one."""
    held = closed(tx, limit, subject, now, device)
    if held:
        return held
    if device and tallies.count(tx, device.wrong, device.subject, now) > device.wrong.most:
        return Locked(now + device.wrong.closed)
    tried = tallies.count(tx, limit, subject, now)
    return Locked(now + limit.closed) if tried > limit.most else tried


def _forgive(tx: Connection, limit: Limit, subject: bytes, device: Device | None) -> None:
    """The person's tries are forgiven; of the place's only this one: its others were for others."""
    tallies.forget(tx, limit, subject)
    if device:
        tallies.give_back(tx, device.wrong, device.subject)


def _refused(limit: Limit, tried: int, now: datetime) -> Wrong | Locked:
    left = limit.most - tried
    return Wrong(left) if left else Locked(now + limit.closed)


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop codes that count no more."""
    tx.execute(delete(one_time_codes).where(one_time_codes.c.expires_at < now))

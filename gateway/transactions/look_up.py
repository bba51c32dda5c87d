"""Progress by reference: the number, and the last four digits of the registered mobile.

Where nobody need be known, it is the last four of what the citizen keeps: the number they gave.
An unknown reference, one without a proven citizen and wrong digits are answered
alike, and the tries of each reference, and from each place, are limited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import anonymous, store, tallies
from gateway.transactions.devices import Device
from gateway.transactions.tallies import Limit, Locked

T = TypeVar("T")
TAIL = 4  # digits of the mobile
LOOK_UPS = Limit("look_up", 5, timedelta(hours=1), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Reference and digits do not belong together; ``left`` tries remain."""

    left: int


def held(tx: Connection, runtime: Runtime, reference: str, device: Device | None = None) -> Locked | None:
    """Whether the tries are used up: of this reference, or from here."""
    return _closed(tx, _subject(runtime, reference), runtime.clock(), device)


def _closed(tx: Connection, subject: bytes, now: datetime, device: Device | None) -> Locked | None:
    here = tallies.locked(tx, device.wrong, device.subject, now) if device else None
    return here or tallies.locked(tx, LOOK_UPS, subject, now)


def _subject(runtime: Runtime, reference: str) -> bytes:
    return runtime.vault.index("reference", reference)


def find(
    tx: Connection, runtime: Runtime, reference: str, tail: str, device: Device | None = None
) -> UUID | NoMatch | Locked:
    """The transaction both belong to."""
    subject = _subject(runtime, reference)
    return guess(tx, subject, runtime.clock(), device, lambda: _matching(tx, runtime, reference, tail))


def guess(
    tx: Connection, subject: bytes, now: datetime, device: Device | None, look: Callable[[], T | None]
) -> T | NoMatch | Locked:
    """What a number and its four digits open. Counted before looking: guesses made at once share none."""
    closed = _closed(tx, subject, now, device)
    if closed:
        return closed
    if device and tallies.count(tx, device.wrong, device.subject, now) > device.wrong.most:
        return Locked(now + device.wrong.closed)
    tried = tallies.count(tx, LOOK_UPS, subject, now)
    if tried > LOOK_UPS.most:
        return Locked(now + LOOK_UPS.closed)
    found = look()
    if found is not None:
        tallies.forget(tx, LOOK_UPS, subject)
        if device:
            tallies.give_back(tx, device.wrong, device.subject)
        return found
    left = LOOK_UPS.most - tried
    return NoMatch(left) if left else Locked(now + LOOK_UPS.closed)


def _matching(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | None:
    """The mobile is the citizen's, or that of who acted for them; or what an anonymous one keeps."""
    transaction = store.find(tx, runtime, reference)
    if transaction and (kept := anonymous.keeps(transaction)):
        return transaction.id if same(kept[-TAIL:].encode(), tail.encode()) else None
    if transaction is None or transaction.row.citizen_id is None:
        return None
    either = [key for key in (transaction.row.citizen_id, transaction.row.helper_id) if key]
    mobiles = register.addresses(tx, runtime.vault, "mobile", either).values()
    right = [same(mobile[-TAIL:].encode(), tail.encode()) for mobile in mobiles]
    return transaction.id if any(right) else None

"""Progress by reference: the number, and the last four digits of the registered mobile.

An unknown reference, one without a proven citizen and wrong digits are answered
alike, and the tries of each reference are limited.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import store, tallies
from gateway.transactions.devices import Device
from gateway.transactions.tallies import Limit, Locked

TAIL = 4  # digits of the mobile
LOOK_UPS = Limit("look_up", 5, timedelta(hours=1), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Reference and digits do not belong together; ``left`` tries remain."""

    left: int


def held(tx: Connection, runtime: Runtime, reference: str, device: Device | None = None) -> Locked | None:
    """Whether the tries are used up: of this reference, or from here."""
    now = runtime.clock()
    here = tallies.locked(tx, device.wrong, device.subject, now) if device else None
    return here or tallies.locked(tx, LOOK_UPS, _subject(runtime, reference), now)


def _subject(runtime: Runtime, reference: str) -> bytes:
    return runtime.vault.index("reference", reference)


def find(
    tx: Connection, runtime: Runtime, reference: str, tail: str, device: Device | None = None
) -> UUID | NoMatch | Locked:
    """The transaction both belong to. The try is counted before looking: guesses made at once share none."""
    now, subject = runtime.clock(), _subject(runtime, reference)
    closed = held(tx, runtime, reference, device)
    if closed:
        return closed
    if device and tallies.count(tx, device.wrong, device.subject, now) > device.wrong.most:
        return Locked(now + device.wrong.closed)
    tried = tallies.count(tx, LOOK_UPS, subject, now)
    if tried > LOOK_UPS.most:
        return Locked(now + LOOK_UPS.closed)
    found = _matching(tx, runtime, reference, tail)
    if found:
        tallies.forget(tx, LOOK_UPS, subject)
        if device:
            tallies.give_back(tx, device.wrong, device.subject)
        return found
    left = LOOK_UPS.most - tried
    return NoMatch(left) if left else Locked(now + LOOK_UPS.closed)


def _matching(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | None:
    """The mobile is the citizen's, or that of who acted for them."""
    transaction = store.find(tx, runtime, reference)
    if transaction is None or transaction.row.citizen_id is None:
        return None
    either = [key for key in (transaction.row.citizen_id, transaction.row.helper_id) if key]
    mobiles = register.addresses(tx, runtime.vault, "mobile", either).values()
    right = [same(mobile[-TAIL:].encode(), tail.encode()) for mobile in mobiles]
    return transaction.id if any(right) else None

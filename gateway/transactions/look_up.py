"""Progress by reference: the number, and the last four digits of the registered mobile.

An unknown reference, one without a proven citizen and wrong digits are answered
alike, and the tries of each reference are limited.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from gateway.citizens import register
from gateway.runtime import Runtime
from gateway.security import same
from gateway.transactions import identity, store
from gateway.transactions.identity import LOOK_UPS, Locked

TAIL = 4  # digits of the mobile


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Reference and digits do not belong together; ``left`` tries remain."""

    left: int


def held(tx: Connection, runtime: Runtime, reference: str) -> Locked | None:
    """Whether this reference's tries are used up."""
    return identity.locked(tx, LOOK_UPS, _subject(runtime, reference), runtime.clock())


def _subject(runtime: Runtime, reference: str) -> bytes:
    return runtime.vault.index("reference", reference)


def find(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | NoMatch | Locked:
    """The transaction both belong to. The try is counted before looking: guesses made at once share none."""
    now, subject = runtime.clock(), _subject(runtime, reference)
    held = identity.locked(tx, LOOK_UPS, subject, now)
    if held:
        return held
    tried = identity.count(tx, LOOK_UPS, subject, now)
    if tried > LOOK_UPS.most:
        return Locked(now + LOOK_UPS.closed)
    found = _matching(tx, runtime, reference, tail)
    if found:
        identity.forget(tx, LOOK_UPS, subject)
        return found
    left = LOOK_UPS.most - tried
    return NoMatch(left) if left else Locked(now + LOOK_UPS.closed)


def _matching(tx: Connection, runtime: Runtime, reference: str, tail: str) -> UUID | None:
    transaction = store.find(tx, runtime, reference)
    if transaction is None or transaction.row.citizen_id is None:
        return None
    citizen = transaction.row.citizen_id
    mobile = register.addresses(tx, runtime.vault, "mobile", [citizen]).get(citizen, "")
    return transaction.id if same(mobile[-TAIL:].encode(), tail.encode()) else None

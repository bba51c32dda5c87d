"""Transactions nobody need be known for: what stands for their citizen in a registered person's place."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.channels import sms
from gateway.runtime import Runtime
from gateway.transactions import registry, tallies
from gateway.transactions.devices import Device
from gateway.transactions.model import OPEN, Level
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

NOBODY = "anonymous"  # their proof: enough from the beginning, but for a new number's code


def first(type_name: str) -> str | None:
    """The proof a transaction of this type begins with: none yet, or that none is needed."""
    return NOBODY if registry.get(type_name).level is Level.ANONYMOUS else None


def is_one(transaction: Transaction) -> bool:
    """Whether nobody need be known for it."""
    return first(transaction.row.type) is not None


def keeps(transaction: Transaction) -> str | None:
    """What its citizen has besides the reference; None where nothing is, or of any other transaction."""
    if not is_one(transaction):
        return None
    return registry.get(transaction.row.type).keeps(transaction.case(transaction.row.updated_at))


def mobile(transaction: Transaction) -> str | None:
    """Where its messages go: the number its citizen keeps, if that is a mobile."""
    kept = keeps(transaction)
    return kept if kept and sms.is_mobile(kept) else None


def can_reach(transaction: Transaction) -> bool:
    """Whether a code can go to whoever wants to act on it later."""
    return not is_one(transaction) or mobile(transaction) is not None


def too_many(
    tx: Connection, runtime: Runtime, transaction: Transaction, device: Device | None
) -> Locked | None:
    """Count one that is about to be confirmed from this place, which is closed after so many in an hour.

    Beside the codes to a new number it is the only limit there is, where nobody need be known.
    """
    if device is None or transaction.state not in OPEN or not is_one(transaction):
        return None
    now = runtime.clock()
    asked = tallies.count(tx, device.asked, device.subject, now)
    return Locked(now + device.asked.closed) if asked > device.asked.most else None

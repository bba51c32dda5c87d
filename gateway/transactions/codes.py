"""The one-time code that proves who somebody is: to whom it belongs, how it is sent."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.citizens import register
from gateway.citizens.register import Citizen
from gateway.notifications import withdrawing
from gateway.notifications.request import Class
from gateway.runtime import Runtime
from gateway.transactions import identity, store
from gateway.transactions.identity import Locked, Sent, TooSoon
from gateway.transactions.messages import notify
from gateway.transactions.store import Transaction

PHONE = "phone"  # the face of a caller: names cannot be keyed


def asker(runtime: Runtime, transaction: Transaction) -> bytes:
    """What stands for ID number and name together: whom a code belongs to."""
    answers = transaction.answers
    return runtime.vault.index("person", f"{answers['id_number']}:{answers.get('name', '')}")


def registered(tx: Connection, runtime: Runtime, transaction: Transaction) -> Citizen | None:
    """The registered person both answers name; a caller who cannot key a name is known by the number."""
    answers = transaction.answers
    citizen = register.find(tx, runtime.vault, answers["id_number"])
    named = answers.get("name", citizen.name if citizen and transaction.row.face == PHONE else None)
    return citizen if citizen and citizen.name == named else None


def send(
    tx: Connection, runtime: Runtime, transaction: Transaction, purpose: str
) -> tuple[Sent | TooSoon | Locked, set[str]]:
    """Send a code that counts for ``purpose`` alone; the earlier one is withdrawn. And the lanes to wake.

    For a stranger the same rows are written: their message ends as suppressed,
    so that neither answer nor time tells who is registered.
    """
    said, code = identity.new_code(tx, runtime, transaction.row.subject, asker(runtime, transaction), purpose)
    if not isinstance(said, Sent):
        return said, set()
    withdraw(tx, runtime, transaction, "replaced")
    citizen = registered(tx, runtime, transaction)
    lanes = notify(tx, runtime, transaction, citizen, "code", Class.CODE, {"code": code})
    store.note(tx, runtime, transaction.id, "code_sent")
    return said, lanes


def withdraw(tx: Connection, runtime: Runtime, transaction: Transaction, reason: str) -> None:
    """Whatever code still waits to go out is not needed any more."""
    withdrawing.cancel_waiting(tx, runtime, transaction.id, Class.CODE, reason)

"""Whose word counts for a transaction, and the codes that go to them: what each is for, how it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from gateway.citizens import mandates, register
from gateway.citizens.register import Citizen
from gateway.content.store import FALLBACK_LANGUAGE
from gateway.notifications import store as notifications
from gateway.notifications import withdrawing
from gateway.notifications.request import Class, Request
from gateway.runtime import Runtime
from gateway.transactions import anonymous, helping, identity, registry, store
from gateway.transactions.devices import Device
from gateway.transactions.identity import (
    CODES,
    EMAIL_PROOFS,
    NEW_CODES,
    NEW_PROOFS,
    PROOFS,
    Purpose,
    Sent,
    TooSoon,
)
from gateway.transactions.levels import Factor
from gateway.transactions.messages import notify
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

PHONE = "phone"  # the face of a caller: names cannot be keyed
SECOND, NEW = "identity/second", "identity/new"  # texts that serve every type


@dataclass(frozen=True, slots=True)
class Prover:
    """Who proves who they are, and whose matter it is: the same person unless somebody helps."""

    citizen: Citizen
    person: Citizen

    @property
    def helper_id(self) -> UUID | None:
        return None if self.citizen.id == self.person.id else self.citizen.id


# --- who -------------------------------------------------------------------------------------


def asker(runtime: Runtime, transaction: Transaction) -> bytes:
    """What stands for ID number and name together, and for the helper's: whom a code belongs to.

    Tries count there as well: whoever knows an ID number alone can neither use up its owner's tries
    nor have them sent anything. (A caller keys no name; there the calling number is counted.)
    Where nobody need be known it is the transaction itself: who knows a number alone locks nobody out.
    """
    if anonymous.is_one(transaction):
        return runtime.vault.index("person", f"transaction:{transaction.id}")
    names = helping.WHO if helping.helped(transaction) else ("id_number", "name")
    given = ":".join(transaction.answers.get(name, "") for name in names)
    return runtime.vault.index("person", given)


def prover(tx: Connection, runtime: Runtime, transaction: Transaction) -> Prover | None:
    """Whose word counts: the registered person the answers name, or a helper with a mandate for them.

    For a helper the same is looked at whether or not anybody is known, so that time does not tell.
    """
    person = _named(tx, runtime, transaction, "id_number", "name")
    if not helping.helped(transaction):
        return Prover(person, person) if person else None
    helper = _named(tx, runtime, transaction, helping.NUMBER, helping.NAME)
    one, other = (found.id if found else runtime.new_id() for found in (person, helper))
    today = runtime.clock().astimezone(transaction.rules.zone).date()
    tied = mandates.holds(tx, one, other, helping.tie(transaction), transaction.row.type, today)
    return Prover(helper, person) if person and helper and tied else None


def _named(
    tx: Connection, runtime: Runtime, transaction: Transaction, number: str, name: str
) -> Citizen | None:
    """The registered person two answers name; a caller who cannot key a name is known by the number."""
    answers = transaction.answers
    found = register.find(tx, runtime.vault, answers.get(number, ""))
    named = answers.get(name, found.name if found and transaction.row.face == PHONE else None)
    return found if found and found.name == named else None


# --- what a code is for ----------------------------------------------------------------------


def purpose(runtime: Runtime, transaction: Transaction, factor: Factor) -> Purpose:
    """The code that goes to the registered mobile, to the e-mail address, or to what is new."""
    kind, who = transaction.row.type, asker(runtime, transaction)
    if factor is Factor.EMAIL:
        there = runtime.vault.index("person", f"{who.hex()}:email")
        return Purpose(there, f"{kind}:email", who, EMAIL_PROOFS, ((CODES, who),))
    if factor is Factor.NEW:
        to = runtime.vault.index("new_address", new_address(transaction) or "")
        bound = runtime.vault.index("person", f"{who.hex()}:{to.hex()}")
        return Purpose(bound, f"{kind}:new", who, NEW_PROOFS, ((CODES, who), (NEW_CODES, to)))
    return Purpose(who, kind, who, PROOFS, ((CODES, who),))


def to_act(runtime: Runtime, transaction: Transaction) -> Purpose:
    """The code of who acts on an ended transaction: worth nothing for a new one, nor the other way round."""
    who = asker(runtime, transaction)
    return Purpose(who, f"{transaction.row.type}:act", who, PROOFS, ((CODES, who),))


def subject(runtime: Runtime, transaction: Transaction) -> bytes | None:
    """The blind index of whose it is: the ID number's, or of an anonymous one what its citizen keeps."""
    if anonymous.is_one(transaction):
        kept = anonymous.keeps(transaction)
        return runtime.vault.index("mobile", kept) if kept else None
    number = transaction.answers.get("id_number")
    return runtime.vault.index("id_number", number) if number else None


def new_address(transaction: Transaction) -> str | None:
    """The new mobile or e-mail address that must give a code back; None where there is none."""
    return registry.get(transaction.row.type).confirms(transaction.case(transaction.row.updated_at))


# --- sending ---------------------------------------------------------------------------------


def send(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    factor: Factor = Factor.CODE,
    device: Device | None = None,
) -> tuple[Sent | TooSoon | Locked, set[str]]:
    """Send a code for this factor alone; the earlier one is withdrawn. And the lanes to wake.

    For a stranger the same rows are written: their message ends as suppressed,
    so that neither answer nor time tells who is registered.
    """
    said, code = identity.new_code(tx, runtime, purpose(runtime, transaction, factor), device)
    if not isinstance(said, Sent):
        return said, set()
    withdraw(tx, runtime, transaction, "replaced")
    found = prover(tx, runtime, transaction)
    if factor is Factor.CODE:
        lanes = _to_mobiles(tx, runtime, transaction, [found.citizen if found else None], code)
    else:
        lanes = _elsewhere(tx, runtime, transaction, found.citizen if found else None, factor, code)
    return said, lanes


def send_to_act(
    tx: Connection, runtime: Runtime, transaction: Transaction, device: Device | None = None
) -> tuple[Sent | TooSoon | Locked, set[str]]:
    """The same for acting on what has ended: to the helper while the mandate stands, and to an adult too."""
    said, code = identity.new_code(tx, runtime, to_act(runtime, transaction), device)
    if not isinstance(said, Sent):
        return said, set()
    withdraw(tx, runtime, transaction, "replaced")
    if number := anonymous.mobile(transaction):
        lanes = notify(tx, runtime, transaction, None, "code", Class.CODE, {"code": code}, number)
        store.note(tx, runtime, transaction.id, "code_sent")
        return said, lanes
    found, person = prover(tx, runtime, transaction), None
    if not helping.child(transaction):
        person = _named(tx, runtime, transaction, "id_number", "name")
    to = {one.id: one for one in (found and found.citizen, person) if one}
    return said, _to_mobiles(tx, runtime, transaction, [*to.values()] or [None], code)


def _to_mobiles(
    tx: Connection, runtime: Runtime, transaction: Transaction, to: Sequence[Citizen | None], code: str
) -> set[str]:
    lanes: set[str] = set()
    for one in to:  # one, or a helper and who is helped
        lanes |= notify(tx, runtime, transaction, one, "code", Class.CODE, {"code": code})
    store.note(tx, runtime, transaction.id, "code_sent")
    return lanes


def _elsewhere(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    citizen: Citizen | None,
    factor: Factor,
    code: str,
) -> set[str]:
    """To the registered e-mail address, or to what is not registered yet."""
    title = registry.get(transaction.row.type).title
    new = new_address(transaction) if factor is Factor.NEW else None
    request = Request(
        citizen_id=citizen.id if citizen and not new else None,
        channel="email" if not new or "@" in new else "sms",
        klass=Class.CODE,
        template=NEW if new else SECOND,
        language=citizen.language if citizen else FALLBACK_LANGUAGE,
        personalisation={"code": code, "matter": title.zh, "matter_en": title.en},
        transaction_id=transaction.id,
        address=new,
    )
    store.note(tx, runtime, transaction.id, f"{factor}_code_sent")
    return notifications.take(tx, runtime, [request])


def withdraw(tx: Connection, runtime: Runtime, transaction: Transaction, reason: str) -> None:
    """Whatever code still waits to go out is not needed any more."""
    withdrawing.cancel_waiting(tx, runtime, transaction.id, Class.CODE, reason)

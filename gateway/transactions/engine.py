"""The life of a transaction before its back office is asked: answers, proof, submission.

Every function works inside the caller's transaction and returns values; the
caller commits, answers, and then wakes the lanes named. Nothing here waits for
the network, so accepting a transaction is instant and durable. Each step holds
the row and reads it anew, so what two requests do at once happens in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway.citizens import register
from gateway.citizens.register import Citizen
from gateway.content.store import FALLBACK_LANGUAGE
from gateway.notifications import store as notifications
from gateway.notifications.request import Class, Request
from gateway.runtime import Runtime
from gateway.security import redact
from gateway.transactions import identity, registry, store
from gateway.transactions.form import problems
from gateway.transactions.identity import Locked, Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import OPEN, State, Words
from gateway.transactions.store import Transaction

LANE = "transactions"
DRAFT_LIFE = timedelta(hours=24)  # an unfinished one is then cancelled, and its answers erased
CHANNEL = "sms"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What came of a step, the transaction as it now stands, and the lanes to wake after commit."""

    value: T
    transaction: Transaction
    lanes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class NotInRegister:
    """No citizen with this ID number and name: only told to a service that attests identity itself."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """The transaction is past this step already; ask for its state instead."""


def open_draft(
    tx: Connection, runtime: Runtime, type_name: str, face: str, service_id: UUID | None = None
) -> Transaction:
    """Begin a transaction of a known type; ``UnknownNameError`` for any other."""
    registry.get(type_name)
    due_at = runtime.clock() + DRAFT_LIFE
    return store.create(tx, runtime, type_name, face, service_id, due_at)


def answer(
    tx: Connection, runtime: Runtime, transaction: Transaction, given: Mapping[str, object]
) -> Result[Mapping[str, Words]]:
    """Keep answers to some of the form's fields; the value maps each wrong field to what to do.

    Nothing is kept while one of them is wrong, or once the transaction is
    confirmed. Changing who is asking withdraws a proof given before.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result({}, transaction)
    form = registry.get(transaction.row.type).form
    try:
        values = form(only=[name for name in given if name in form().fields] or ()).load(dict(given))
    except ValidationError as error:
        return Result(problems(error), transaction)
    answers = {**transaction.answers, **values}
    changed: dict[str, Any] = {"answers": store.sealed(runtime, transaction.id, "answers", answers)}
    if answers.get("id_number") != transaction.answers.get("id_number"):
        changed["subject"] = runtime.vault.index("id_number", answers["id_number"])
    if any(answers.get(who) != transaction.answers.get(who) for who in ("id_number", "name")):
        changed |= {"proof": None, "citizen_id": None, "state": State.DRAFT}
    store.change(tx, runtime, transaction.id, **changed)
    return Result({}, store.load(tx, runtime, transaction.id))


def unanswered(transaction: Transaction) -> list[str]:
    """The form's fields that have no answer yet, in order."""
    return [
        name for name in registry.get(transaction.row.type).form().fields if name not in transaction.answers
    ]


# --- proof ---------------------------------------------------------------------------------


def send_code(
    tx: Connection, runtime: Runtime, transaction: Transaction
) -> Result[Sent | TooSoon | Locked | NotOpen]:
    """Send a one-time code to the registered mobile; says the same whether there is one or not.

    For a stranger the same rows are written: their message ends as suppressed,
    so that neither answer nor time tells who is registered.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN or transaction.row.proof:
        return Result(NotOpen(), transaction)
    who, kind = _who(runtime, transaction), transaction.row.type
    said, code = identity.new_code(tx, runtime, transaction.row.subject, who, kind)
    lanes: set[str] = set()
    if isinstance(said, Sent):
        notifications.cancel_waiting(tx, runtime, transaction.id, Class.CODE, "replaced")
        citizen = _citizen(tx, runtime, transaction)
        lanes = _notify(tx, runtime, transaction, citizen, "code", Class.CODE, {"code": code})
        store.note(tx, runtime, transaction.id, "code_sent")
    if identity.awaited(tx, who, kind, runtime.clock()):  # also when asked for too soon
        store.change(tx, runtime, transaction.id, state=State.IDENTITY_PENDING)
    return Result(said, store.load(tx, runtime, transaction.id), lanes)


def _who(runtime: Runtime, transaction: Transaction) -> bytes:
    answers = transaction.answers
    return runtime.vault.index("person", f"{answers['id_number']}:{answers['name']}")


def prove(
    tx: Connection, runtime: Runtime, transaction: Transaction, code: str
) -> Result[Proven | Wrong | Locked | NotOpen]:
    """Check the code the citizen gives; a right one proves who they are for this transaction."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state is not State.IDENTITY_PENDING or transaction.row.proof:
        return Result(NotOpen(), transaction)
    who, kind = _who(runtime, transaction), transaction.row.type
    said: Proven | Wrong | Locked = identity.prove(tx, runtime, transaction.row.subject, who, kind, code)
    citizen = _citizen(tx, runtime, transaction) if isinstance(said, Proven) else None
    if isinstance(said, Proven) and citizen is None:
        said = Wrong(identity.PROOFS.most)  # a stranger's lucky guess: their code went to nobody
    if citizen:
        store.change(tx, runtime, transaction.id, proof="code", citizen_id=citizen.id)
        notifications.cancel_waiting(tx, runtime, transaction.id, Class.CODE, "used")
    store.note(tx, runtime, transaction.id, "code_right" if citizen else "code_wrong")
    return Result(said, store.load(tx, runtime, transaction.id))


def attest(
    tx: Connection, runtime: Runtime, transaction: Transaction, by: str
) -> Result[Proven | NotInRegister | NotOpen]:
    """Record that a service checked the identity itself; ``by`` names how, in its own words."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(NotOpen(), transaction)
    citizen = _citizen(tx, runtime, transaction)
    if citizen is None:
        return Result(NotInRegister(), transaction)
    store.change(tx, runtime, transaction.id, proof="attested", citizen_id=citizen.id)
    store.note(tx, runtime, transaction.id, "attested", redact(by)[:120])
    return Result(Proven(), store.load(tx, runtime, transaction.id))


def _citizen(tx: Connection, runtime: Runtime, transaction: Transaction) -> Citizen | None:
    """The registered person both answers name."""
    answers = transaction.answers
    citizen = register.find(tx, runtime.vault, answers["id_number"])
    return citizen if citizen and citizen.name == answers["name"] else None


# --- submission ----------------------------------------------------------------------------


def submit(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[bool]:
    """Confirm: from here on it is ours to finish. Repeating it changes nothing.

    False while a field is unanswered, the proof is missing, or it was cancelled meanwhile.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(transaction.state is not State.CANCELLED, transaction)
    if unanswered(transaction) or not transaction.row.proof:
        return Result(False, transaction)
    now = runtime.clock()
    store.change(tx, runtime, transaction.id, state=State.SUBMITTED, submitted_at=now, due_at=now)
    store.note(tx, runtime, transaction.id, "submitted")
    return Result(True, store.load(tx, runtime, transaction.id), {LANE})


def tell(tx: Connection, runtime: Runtime, transaction: Transaction, event: str) -> set[str]:
    """Take the message of one event to the citizen; returns the lanes to wake."""
    citizen = register.find(tx, runtime.vault, transaction.answers["id_number"])
    if citizen is None or citizen.id != transaction.row.citizen_id:
        return set()
    values = registry.get(transaction.row.type).personalise(transaction.view(runtime.clock()))
    return _notify(tx, runtime, transaction, citizen, event, Class.RESULT, values)


def _notify(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    citizen: Citizen | None,
    event: str,
    klass: Class,
    values: Mapping[str, str],
) -> set[str]:
    request = Request(
        citizen_id=citizen.id if citizen else None,
        channel=CHANNEL,
        klass=klass,
        template=f"{transaction.row.type}/{event}",
        language=citizen.language if citizen else FALLBACK_LANGUAGE,
        personalisation=values,
        transaction_id=transaction.id,
        waited_for=True,
    )
    return notifications.take(tx, runtime, [request])

"""The life of a transaction before its back office is asked: answers, proof, submission.

Every function works inside the caller's transaction and returns values; the
caller commits, answers, and then wakes the lanes named. Nothing here waits for
the network, so accepting a transaction is instant and durable. Each step holds
the row and reads it anew, so what two requests do at once happens in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway.errors import UnknownNameError
from gateway.runtime import Runtime
from gateway.security import redact
from gateway.transactions import choices, codes, identity, outcome, registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.form import applying, problems
from gateway.transactions.identity import Locked, Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import OPEN, RETURNED, State, Words
from gateway.transactions.store import Transaction

LANE = "transactions"
DRAFT_LIFE = timedelta(hours=24)  # an unfinished one is then cancelled, and its answers erased


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What came of a step, the transaction as it now stands, and the lanes to wake after commit."""

    value: T
    transaction: Transaction
    lanes: set[str] = field(default_factory=set)


SAME_PERSON = Words(
    "这一件要由原来的申请人改。别人要办，请另外申请。",
    "Only the person who applied can correct this one. For anybody else, start a new one.",
)


@dataclass(frozen=True, slots=True)
class NotInRegister:
    """No citizen with this ID number and name: only told to a service that attests identity itself."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """The transaction is past this step already; ask for its state instead."""


def open_draft(
    tx: Connection, runtime: Runtime, type_name: str, face: str, service_id: UUID | None = None
) -> Transaction:
    """Begin a transaction of a type that is offered here; ``UnknownNameError`` for any other."""
    if type_name not in registry.offered(runtime.settings):
        raise UnknownNameError(f"There is no transaction type called {type_name!r} here.")
    due_at = runtime.clock() + DRAFT_LIFE
    return store.create(tx, runtime, type_name, face, service_id, due_at)


def answer(
    tx: Connection, runtime: Runtime, transaction: Transaction, given: Mapping[str, object]
) -> Result[Mapping[str, Words]]:
    """Keep answers to some of the form's fields; the value maps each wrong field to what to do.

    Nothing is kept while one of them is wrong, or once the transaction is
    confirmed. Changing who is asking withdraws a proof given before. With the last
    answer the type reserves what is scarce; where that fails, the field it names is
    open again and all others are kept.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result({}, transaction)
    form = registry.get(transaction.row.type).form
    try:
        values = form(only=[name for name in given if name in form().fields] or ()).load(dict(given))
    except ValidationError as error:
        return Result(problems(error), transaction)
    desk = Desk(tx, runtime)
    answers, wrong = choices.fitting(desk, transaction, values)
    if transaction.row.stage == RETURNED:  # the back office knows it as this person's
        wrong |= {who: SAME_PERSON for who in choices.WHO if answers.get(who) != transaction.answers.get(who)}
    if wrong:
        return Result(wrong, transaction)
    if transaction.row.face == codes.PHONE and answers["id_number"] != transaction.answers.get("id_number"):
        answers = {name: answers[name] for name in answers if name != "name" or name in values}  # another's
    _keep(tx, runtime, transaction, answers)
    kept = store.load(tx, runtime, transaction.id)
    wrong = {} if unanswered(kept) else choices.held(desk, kept)
    if wrong:
        _keep(tx, runtime, kept, {name: value for name, value in answers.items() if name not in wrong})
    return Result(wrong, store.load(tx, runtime, transaction.id))


def _keep(tx: Connection, runtime: Runtime, transaction: Transaction, answers: Mapping[str, str]) -> None:
    changed: dict[str, Any] = {"answers": store.sealed(runtime, transaction.id, "answers", answers)}
    if answers.get("id_number") != transaction.answers.get("id_number"):
        changed["subject"] = runtime.vault.index("id_number", answers["id_number"])
    if any(answers.get(who) != transaction.answers.get(who) for who in ("id_number", "name")):
        changed |= {"proof": None, "citizen_id": None, "state": State.DRAFT}
    store.change(tx, runtime, transaction.id, **changed)


def unanswered(transaction: Transaction) -> list[str]:
    """The fields asked for that have no answer yet, in order; a caller is not asked what we know."""
    form = registry.get(transaction.row.type).form
    fields, keyed = form().fields, transaction.row.face == codes.PHONE
    return [
        name
        for name in applying(form, transaction.answers)
        if name not in transaction.answers and not (keyed and fields[name].metadata.get("from_register"))
    ]


# --- proof ---------------------------------------------------------------------------------


def send_code(
    tx: Connection, runtime: Runtime, transaction: Transaction
) -> Result[Sent | TooSoon | Locked | NotOpen]:
    """Send a one-time code to the registered mobile; says the same whether there is one or not."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN or transaction.row.proof:
        return Result(NotOpen(), transaction)
    kind = transaction.row.type
    said, lanes = codes.send(tx, runtime, transaction, kind)
    if identity.awaited(tx, codes.asker(runtime, transaction), kind, runtime.clock()):  # also when too soon
        store.change(tx, runtime, transaction.id, state=State.IDENTITY_PENDING)
    return Result(said, store.load(tx, runtime, transaction.id), lanes)


def prove(
    tx: Connection, runtime: Runtime, transaction: Transaction, code: str
) -> Result[Proven | Wrong | Locked | NotOpen]:
    """Check the code the citizen gives; a right one proves who they are for this transaction.

    What is scarce is then reserved for them; where that fails, it is told at the confirmation.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state is not State.IDENTITY_PENDING or transaction.row.proof:
        return Result(NotOpen(), transaction)
    who, kind = codes.asker(runtime, transaction), transaction.row.type
    said: Proven | Wrong | Locked = identity.prove(tx, runtime, transaction.row.subject, who, kind, code)
    citizen = codes.registered(tx, runtime, transaction) if isinstance(said, Proven) else None
    if isinstance(said, Proven) and citizen is None:
        said = Wrong(identity.PROOFS.most)  # a stranger's lucky guess: their code went to nobody
    if citizen:
        answers = {**transaction.answers, "name": citizen.name}
        sealed = store.sealed(runtime, transaction.id, "answers", answers)
        store.change(tx, runtime, transaction.id, proof="code", citizen_id=citizen.id, answers=sealed)
        codes.withdraw(tx, runtime, transaction, "used")
    store.note(tx, runtime, transaction.id, "code_right" if citizen else "code_wrong")
    return Result(said, _reserved(tx, runtime, store.load(tx, runtime, transaction.id)))


def attest(
    tx: Connection, runtime: Runtime, transaction: Transaction, by: str
) -> Result[Proven | NotInRegister | NotOpen]:
    """Record that a service checked the identity itself; ``by`` names how, in its own words."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(NotOpen(), transaction)
    citizen = codes.registered(tx, runtime, transaction)
    if citizen is None:
        return Result(NotInRegister(), transaction)
    store.change(tx, runtime, transaction.id, proof=store.ATTESTED, citizen_id=citizen.id)
    store.note(tx, runtime, transaction.id, "attested", redact(by)[:120])
    return Result(Proven(), _reserved(tx, runtime, store.load(tx, runtime, transaction.id)))


def _reserved(tx: Connection, runtime: Runtime, transaction: Transaction) -> Transaction:
    if transaction.row.proof and not unanswered(transaction):
        choices.held(Desk(tx, runtime), transaction)
    return transaction


# --- submission ----------------------------------------------------------------------------


def effect(tx: Connection, runtime: Runtime, transaction: Transaction) -> Sequence[Words]:
    """What confirming will do, said before it is done; first of all to the one it replaces."""
    kind, old = registry.get(transaction.row.type), replaced(tx, runtime, transaction)
    given_up = kind.replaced(old.view(runtime.clock())) if old else None
    effect_of = kind.effect_of
    does = effect_of(transaction.case(runtime.clock())) if effect_of else kind.effect(transaction.rules)
    return [*([given_up] if given_up else []), *does]


def replaced(tx: Connection, runtime: Runtime, transaction: Transaction) -> Transaction | None:
    """The transaction of the same person whose place this one takes."""
    key = transaction.row.replaces
    old = store.load(tx, runtime, key) if key else None
    return old if old and old.row.subject == transaction.row.subject else None


def submit(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[bool]:
    """Confirm: from here on it is ours to finish. Repeating it changes nothing.

    False while a field is unanswered, the proof is missing, or it was cancelled
    meanwhile. A type that works in our own database is done at once.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(transaction.state is not State.CANCELLED, transaction)
    if unanswered(transaction) or not transaction.row.proof:
        return Result(False, transaction)
    now = runtime.clock()
    values: dict[str, Any] = {"submitted_at": now, "unanswered_since": now, "due_at": now, "tries": 0}
    if transaction.row.stage == RETURNED:
        values |= {"stage": "", "reason": None}
    store.change(tx, runtime, transaction.id, state=State.SUBMITTED, **values)
    store.note(tx, runtime, transaction.id, "submitted")
    submitted = store.load(tx, runtime, transaction.id)
    kind = registry.get(transaction.row.type)
    if kind.back_office is not None:
        return Result(True, submitted, {LANE})
    lanes = outcome.record(tx, runtime, submitted, kind.perform(Desk(tx, runtime), submitted.case(now)))
    return Result(True, store.load(tx, runtime, transaction.id), lanes)


def resume(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[bool]:
    """Go on with an unfinished one in another visit or call: its answers stay, the proof is asked anew.

    False when there is nothing to go on with.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(False, transaction)
    store.change(tx, runtime, transaction.id, proof=None, state=State.DRAFT)
    store.note(tx, runtime, transaction.id, "resumed")
    return Result(True, store.load(tx, runtime, transaction.id))

"""The life of a transaction before its back office is asked: answers, proof, submission.

Every function works inside the caller's transaction and returns values; the
caller commits, answers, and then wakes the lanes named. Nothing here waits for
the network, so accepting a transaction is instant and durable. Each step holds
the row and reads it anew, so what two requests do at once happens in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway.errors import UnknownNameError
from gateway.runtime import Runtime
from gateway.security import redact
from gateway.transactions import choices, codes, helping, identity, outcome, proving, registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.devices import Device
from gateway.transactions.form import problems
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, RETURNED, Level, State, Words
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

LANE = store.LANE
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
    return store.create(tx, runtime, type_name, face, service_id, due_at, proving.nothing(type_name)["proof"])


def answer(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    given: Mapping[str, object],
    *,
    reserve: bool = True,
) -> Result[Mapping[str, Words]]:
    """Keep answers to some of the form's fields; the value maps each wrong field to what to do.

    Nothing is kept while one of them is wrong, or once the transaction is
    confirmed. Changing who is asking withdraws a proof given before. With the last
    answer the type reserves what is scarce; where that fails, the field it names is
    open again and all others are kept. Whoever submits in the same commit need not reserve.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result({}, transaction)
    form = registry.get(transaction.row.type).form
    try:
        values = helping.loaded(form, given)
    except ValidationError as error:
        return Result(problems(error), transaction)
    desk = Desk(tx, runtime)
    answers, wrong = choices.fitting(desk, transaction, values)
    answers, wrong = helping.joined(answers, values), wrong | helping.wrong_with(answers, values)
    if transaction.row.stage == RETURNED:  # the back office knows it as this person's
        wrong |= {who: SAME_PERSON for who in choices.WHO if answers.get(who) != transaction.answers.get(who)}
    if wrong:
        return Result(wrong, transaction)
    if transaction.row.face == codes.PHONE:
        answers = helping.without_others_names(answers, values, transaction.answers)
    _keep(tx, runtime, transaction, answers)
    kept = store.load(tx, runtime, transaction.id)
    wrong = choices.held(desk, kept) if reserve and not unanswered(kept) else {}
    if wrong:
        _keep(tx, runtime, kept, {name: value for name, value in answers.items() if name not in wrong})
    return Result(wrong, store.load(tx, runtime, transaction.id))


def _keep(tx: Connection, runtime: Runtime, transaction: Transaction, answers: Mapping[str, str]) -> None:
    changed: dict[str, Any] = {"answers": store.sealed(runtime, transaction.id, "answers", answers)}
    others = replace(transaction, answers=answers)
    if (whose := codes.subject(runtime, others)) != codes.subject(runtime, transaction):
        changed["subject"] = whose
    if any(answers.get(who) != transaction.answers.get(who) for who in helping.FIELDS):
        changed["helped"] = not helping.child(others)
    if codes.new_address(others) != codes.new_address(transaction):
        changed["confirmed"] = False
    if any(answers.get(who) != transaction.answers.get(who) for who in helping.WHO):
        changed |= proving.anew(transaction)
    store.change(tx, runtime, transaction.id, **changed)


def act_for(tx: Connection, runtime: Runtime, transaction: Transaction, *, helped: bool) -> Transaction:
    """Somebody acts for the citizen, or the citizen for themselves after all; the proof is asked anew."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN or proving.level(transaction) is Level.ANONYMOUS:
        return transaction
    left = helping.without_helper(transaction.answers)
    answers = store.sealed(runtime, transaction.id, "answers", left)
    store.change(tx, runtime, transaction.id, answers=answers, helped=helped, **proving.anew(transaction))
    return store.load(tx, runtime, transaction.id)


def unanswered(transaction: Transaction) -> list[str]:
    """The fields asked for that have no answer yet, in order; a caller is not asked what we know."""
    keyed = transaction.row.face == codes.PHONE
    return [
        name
        for name, field in helping.fields(transaction).items()
        if name not in transaction.answers and not (keyed and field.metadata.get("from_register"))
    ]


# --- proof ---------------------------------------------------------------------------------


def send_code(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    device: Device | None = None,
    by: Factor | None = None,
) -> Result[Sent | TooSoon | Locked | NotOpen]:
    """Send the code that is missing next; says the same whether there is anybody to get it or not.

    First to the registered mobile; for a strong proof to the e-mail address; last to what is new.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    factor = proving.awaited(tx, runtime, transaction, by)
    if factor is None:
        return Result(NotOpen(), transaction)
    said, lanes = codes.send(tx, runtime, transaction, factor, device)
    purpose = codes.purpose(runtime, transaction, factor)
    if identity.awaited(tx, purpose, runtime.clock()):  # also when too soon
        store.change(tx, runtime, transaction.id, state=State.IDENTITY_PENDING)
    return Result(said, store.load(tx, runtime, transaction.id), lanes)


def prove(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    code: str,
    device: Device | None = None,
    by: Factor | None = None,
) -> Result[Proven | Wrong | Locked | NotOpen]:
    """Check the code the citizen gives: the one that is missing next.

    Once the proof is enough, what is scarce is reserved for them; where that fails, it
    is told at the confirmation.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    factor = proving.awaited(tx, runtime, transaction, by)
    if transaction.state is not State.IDENTITY_PENDING or factor is None:
        return Result(NotOpen(), transaction)
    said = identity.prove(tx, runtime, codes.purpose(runtime, transaction, factor), code, device)
    said = proving.take(tx, runtime, transaction, factor, said)
    return Result(said, _reserved(tx, runtime, store.load(tx, runtime, transaction.id)))


def give_password(
    tx: Connection, runtime: Runtime, transaction: Transaction, password: str, device: Device | None = None
) -> Result[Proven | Wrong | Locked | NotOpen]:
    """Check the query password, where it is taken; an initial one is wrong like any other."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    taken = transaction.state in OPEN and "id_number" in transaction.answers
    if not taken or Factor.PASSWORD not in proving.missing(transaction):
        return Result(NotOpen(), transaction)
    found = codes.prover(tx, runtime, transaction)
    citizen, who = found.citizen.id if found else None, codes.asker(runtime, transaction)
    tried = identity.try_password(tx, runtime, who, citizen, password, device)
    said = proving.take(tx, runtime, transaction, Factor.PASSWORD, tried)
    return Result(said, _reserved(tx, runtime, store.load(tx, runtime, transaction.id)))


def attest(
    tx: Connection, runtime: Runtime, transaction: Transaction, by: str, *, reserve: bool = True
) -> Result[Proven | NotInRegister | NotOpen]:
    """Record that a service checked the identity itself; ``by`` names how, in its own words."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(NotOpen(), transaction)
    found = codes.prover(tx, runtime, transaction)
    if found is None:
        return Result(NotInRegister(), transaction)
    proving.accept(tx, runtime, transaction, Factor.ATTESTED, found)
    store.note(tx, runtime, transaction.id, "attested", redact(by)[:120])
    attested = store.load(tx, runtime, transaction.id)
    return Result(Proven(), _reserved(tx, runtime, attested) if reserve else attested)


def _reserved(tx: Connection, runtime: Runtime, transaction: Transaction) -> Transaction:
    if transaction.row.proof and not unanswered(transaction):
        choices.held(Desk(tx, runtime), transaction)
    return transaction


# --- submission ----------------------------------------------------------------------------


def effect(tx: Connection, runtime: Runtime, transaction: Transaction) -> Sequence[Words]:
    """What confirming will do, said before it is done; first that it waits, then what becomes of another."""
    kind, old = registry.get(transaction.row.type), replaced(tx, runtime, transaction)
    given_up = kind.replaced(old.view(runtime.clock())) if old else None
    effect_of = kind.effect_of
    does = effect_of(transaction.case(runtime.clock())) if effect_of else kind.effect(transaction.rules)
    return [*filter(None, (proving.not_yet(tx, transaction, runtime.clock()), given_up)), *does]


def replaced(tx: Connection, runtime: Runtime, transaction: Transaction) -> Transaction | None:
    """The transaction of the same person whose place this one takes."""
    key = transaction.row.replaces
    old = store.load(tx, runtime, key) if key else None
    return old if old and old.row.subject == transaction.row.subject else None


def lost(runtime: Runtime, submitted: Transaction) -> Mapping[str, Words]:
    """What was chosen and is gone: maps a field to why it is asked anew, for whoever can still take back."""
    return registry.get(submitted.row.type).lost(submitted.view(runtime.clock()))


def submit(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[bool]:
    """Confirm: from here on it is ours to finish. Repeating it changes nothing.

    False while a field is unanswered, the proof is missing, or it was cancelled
    meanwhile. A type that works in our own database is done at once.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(transaction.state is not State.CANCELLED, transaction)
    if unanswered(transaction) or proving.missing(transaction):
        return Result(False, transaction)
    now = runtime.clock()
    values: dict[str, Any] = {"submitted_at": now, "unanswered_since": now, "due_at": now, "tries": 0}
    if transaction.row.stage == RETURNED:
        values |= {"stage": "", "reason": None}
    store.change(tx, runtime, transaction.id, state=State.SUBMITTED, **values)
    store.note(tx, runtime, transaction.id, "submitted")
    submitted = store.load(tx, runtime, transaction.id)
    kind = registry.get(transaction.row.type)
    held = proving.held_back(tx, submitted, now) if kind.risky else None
    if held is None and kind.back_office is not None:
        return Result(True, submitted, {LANE})
    done = held or kind.perform(Desk(tx, runtime), submitted.case(now))
    lanes = outcome.record(tx, runtime, submitted, done)
    return Result(True, store.load(tx, runtime, transaction.id), lanes)


def resume(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[bool]:
    """Go on with an unfinished one in another visit or call: its answers stay, the proof is asked anew.

    False when there is nothing to go on with.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if transaction.state not in OPEN:
        return Result(False, transaction)
    store.change(tx, runtime, transaction.id, **proving.nothing(transaction.row.type), state=State.DRAFT)
    store.note(tx, runtime, transaction.id, "resumed")
    return Result(True, store.load(tx, runtime, transaction.id))

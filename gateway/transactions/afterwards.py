"""What is done with a transaction that has ended: its actions, and the proof they ask for.

To know a reference and four digits of a mobile is enough to read, not to act: who
looked a transaction up gives a new code first. Whoever proved who they are for it,
in this visit or call, or a service that answers for them, need not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.errors import UnknownNameError
from gateway.runtime import Runtime
from gateway.transactions import (
    anonymous,
    codes,
    helping,
    identity,
    levels,
    outcome,
    proving,
    registry,
    store,
)
from gateway.transactions.desk import Desk
from gateway.transactions.devices import Device
from gateway.transactions.engine import DRAFT_LIFE, NotOpen, Result
from gateway.transactions.form import applying
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import ENDS, Action, View, Words
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

_NOT_ENDED = Words("还在办理，请稍后再试。", "It is still being done; try again shortly.")
_NOT_OFFERED = Words(
    "这里现在不办这件事。请拨打12333转人工。", "This cannot be done here now. Call 12333 and press 0."
)


@dataclass(frozen=True, slots=True)
class NotProven:
    """It may be done, once whoever asks for it has given a code: ``send_code``, then ``prove``."""


def offered(runtime: Runtime, view: View) -> Mapping[str, Action]:
    """What may be done now with a transaction that stands so."""
    if view.state not in ENDS:
        return {}
    actions = registry.get(view.type).actions
    return {name: action for name, action in actions.items() if not _refusal(runtime, action, view)}


def _refusal(runtime: Runtime, action: Action, view: View) -> Words | None:
    if view.state not in ENDS:
        return _NOT_ENDED
    if action.opens and action.opens not in registry.offered(runtime.settings):
        return _NOT_OFFERED
    return action.refusal(view, view.now)


def act(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    name: str,
    face: str,
    *,
    proven: bool,
    here: bool = False,
) -> Result[Words | NotProven | None]:
    """Do one of the type's actions with an ended transaction; the value says why not.

    ``proven``: whoever asks has proven for this transaction who they are; ``here``: all of its
    proof was given in this visit or call, not a code alone that lets them act. The result's
    transaction is the one to go on with: for an action that begins one a new draft, which the
    same proof covers; what its level lacks is asked. What was done before is left as it is.
    ``UnknownNameError`` for no such action.
    """
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    action = registry.get(transaction.row.type).actions.get(name)
    if action is None:
        raise UnknownNameError(f"{transaction.row.type} has no action called {name!r}.")
    view = transaction.view(runtime.clock())
    if action.done(view):
        return Result(None, transaction)
    refusal = _refusal(runtime, action, view)
    if refusal:
        return Result(refusal, transaction)
    if action.begins:
        return Result(None, _begin(tx, runtime, transaction, action, face, proven=proven, here=here))
    return _act(tx, runtime, transaction, action, name, face) if proven else Result(NotProven(), transaction)


def _act(
    tx: Connection, runtime: Runtime, transaction: Transaction, action: Action, name: str, face: str
) -> Result[Words | NotProven | None]:
    if action.act is None:
        return Result(None, transaction)
    changed = action.act(Desk(tx, runtime, face), transaction.case(runtime.clock()))
    if isinstance(changed, Words):
        return Result(changed, transaction)
    lanes = outcome.move(tx, runtime, transaction, changed, name)
    return Result(None, store.load(tx, runtime, transaction.id), lanes)


def _begin(
    tx: Connection,
    runtime: Runtime,
    old: Transaction,
    action: Action,
    face: str,
    *,
    proven: bool,
    here: bool,
) -> Transaction:
    """A draft of the same type in the old one's place, or of another type beside it."""
    due_at = runtime.clock() + DRAFT_LIFE
    kind = registry.get(action.opens or old.row.type)
    same = kind.name == old.row.type
    fresh = store.create(tx, runtime, kind.name, face, old.row.service_id, due_at, anonymous.first(kind.name))
    given = {name: value for name, value in old.answers.items() if name not in action.asks_again}
    given |= action.sets
    helpers = () if anonymous.is_one(fresh) else helping.FIELDS
    kept = {name: given[name] for name in (*applying(kind.form, given), *helpers) if name in given}
    store.change(
        tx,
        runtime,
        fresh.id,
        answers=store.sealed(runtime, fresh.id, "answers", kept),
        subject=old.row.subject if same or not anonymous.is_one(fresh) else None,
        helped=old.row.helped and not anonymous.is_one(fresh),
        replaces=old.id if same else None,
    )
    store.note(tx, runtime, fresh.id, "replaces" if same else "opened_from", old.row.reference)
    now = store.load(tx, runtime, fresh.id)
    return proving.carry(tx, runtime, now, old, proven_here(old, here=here)) if proven else now


def proven_here(old: Transaction, *, here: bool) -> frozenset[Factor]:
    """What counts on for another transaction: of what was proven elsewhere or long ago the code alone.

    Whoever acts has given one just now; a password given days ago opens nothing today.
    """
    given = levels.read(old.row.factors)
    return given if here else given & {Factor.CODE, Factor.ATTESTED}


# --- proof -----------------------------------------------------------------------------------


def send_code(
    tx: Connection, runtime: Runtime, transaction: Transaction, device: Device | None = None
) -> Result[Sent | TooSoon | Locked | NotOpen]:
    """Send a code to the citizen of an ended transaction, so that it may be acted on."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if not _was_proven(transaction) or not anonymous.can_reach(transaction):
        return Result(NotOpen(), transaction)
    said, lanes = codes.send_to_act(tx, runtime, transaction, device)
    return Result(said, transaction, lanes)


def _was_proven(transaction: Transaction) -> bool:
    """Whether it ended as somebody's: a draft that ran out is nobody's, and its answers are erased."""
    return transaction.state in ENDS and bool(transaction.row.proof and transaction.answers)


def code_awaited(tx: Connection, runtime: Runtime, transaction: Transaction) -> bool:
    """Whether a code that was sent for acting on it still counts."""
    return identity.awaited(tx, codes.to_act(runtime, transaction), runtime.clock())


def prove(
    tx: Connection, runtime: Runtime, transaction: Transaction, code: str, device: Device | None = None
) -> Result[Proven | Wrong | Locked | NotOpen]:
    """Check the code of whoever wants to act; a right one is remembered by the visit or call, not here."""
    transaction = store.load(tx, runtime, transaction.id, hold=True)
    if not _was_proven(transaction):
        return Result(NotOpen(), transaction)
    said = identity.prove(tx, runtime, codes.to_act(runtime, transaction), code, device)
    proven = isinstance(said, Proven)
    if proven:
        codes.withdraw(tx, runtime, transaction, "used")
    store.note(tx, runtime, transaction.id, "code_right" if proven else "code_wrong")
    return Result(said, transaction)

"""How far a transaction's proof has come: what is missing, what is taken, what goes on in the same visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.back_offices import Refused
from gateway.channels import email
from gateway.citizens import holds, passwords, register
from gateway.rules.model import Rules
from gateway.runtime import Runtime
from gateway.transactions import anonymous, codes, helping, identity, levels, on_hold, registry, store
from gateway.transactions.codes import Prover
from gateway.transactions.identity import Proven, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, RETURNED, Level, State, Words
from gateway.transactions.on_hold import ON_HOLD, UNTIL
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked

BY_CODE = (Factor.CODE, Factor.EMAIL, Factor.NEW)  # in the order they are asked for


def nothing(type_name: str) -> Mapping[str, Any]:
    """A proof that is asked anew."""
    return {"proof": anonymous.first(type_name), "factors": "", "confirmed": False}


def anew(transaction: Transaction) -> dict[str, Any]:
    """Somebody else may be asking: who it is is proven anew, and until then it is nobody's.

    What was sent back stays whose it is: they must find it, and be told how it ends.
    """
    whose = {} if transaction.row.stage == RETURNED else {"citizen_id": None, "helper_id": None}
    return {**nothing(transaction.row.type), **whose, "state": State.DRAFT}


def level(transaction: Transaction) -> Level:
    """How surely who asks for this one must be known."""
    return level_of(transaction.row.type, transaction.rules)


def level_of(type_name: str, rules: Rules) -> Level:
    """How surely who asks must be known: by the type, or by the city where it asks for more."""
    return levels.required(registry.get(type_name).level, rules.identity.levels.get(type_name))


def _also_password(transaction: Transaction) -> bool:
    """Whether the password is enough by itself: for who lost their telephone, not for who acts for them."""
    return registry.get(transaction.row.type).also_password and not helping.helped(transaction)


def missing(transaction: Transaction) -> frozenset[Factor]:
    """What is to be given next, any one of these; nothing where all is proven and confirmed."""
    given = levels.read(transaction.row.factors)
    left = levels.missing(level(transaction), also_password=_also_password(transaction), given=given)
    if left or transaction.row.confirmed or codes.new_address(transaction) is None:
        return left
    return frozenset({Factor.NEW})


def possible(tx: Connection, runtime: Runtime, transaction: Transaction) -> frozenset[Factor]:
    """Those of what is missing that this citizen has. Before anything is proven all are: it tells nothing."""
    wanted = missing(transaction)
    if not transaction.row.factors or Factor.NEW in wanted:
        return wanted
    prover = transaction.row.helper_id or transaction.row.citizen_id
    citizen = register.by_id(tx, runtime.vault, prover)
    has = {Factor.CODE: citizen is not None and citizen.mobile is not None}
    has[Factor.PASSWORD] = passwords.usable(tx, prover, runtime.clock())
    has[Factor.EMAIL] = bool(citizen and citizen.has_email and any(runtime.weights(email.SUFFIX).values()))
    return frozenset(factor for factor in wanted if has.get(factor))


def awaited(
    tx: Connection, runtime: Runtime, transaction: Transaction, by: Factor | None = None
) -> Factor | None:
    """The factor a code is for just now, ``by`` where that is asked for; None where none is."""
    somebody = anonymous.is_one(transaction) or "id_number" in transaction.answers
    if transaction.state not in OPEN or not somebody:
        return None
    wanted = possible(tx, runtime, transaction)
    return next((factor for factor in BY_CODE if factor in wanted and by in (None, factor)), None)


def take(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    factor: Factor,
    said: Proven | Wrong | Locked,
) -> Proven | Wrong | Locked:
    """Keep what was right; a stranger's lucky guess is wrong: their code went to nobody."""
    right = isinstance(said, Proven)
    found = codes.prover(tx, runtime, transaction) if right else None
    good = right and (found is not None or anonymous.is_one(transaction))
    if good and factor is Factor.NEW:
        store.change(tx, runtime, transaction.id, confirmed=True)
    elif found:
        accept(tx, runtime, transaction, factor, found)
    if good:
        codes.withdraw(tx, runtime, transaction, "used")
    word = factor if factor is Factor.CODE else f"{factor}_proof"
    store.note(tx, runtime, transaction.id, f"{word}_right" if good else f"{word}_wrong")
    return Wrong(identity.PROOFS.most) if right and not good else said


def accept(
    tx: Connection, runtime: Runtime, transaction: Transaction, factor: Factor, prover: Prover
) -> None:
    """Keep what was proven, and who it is; once it is enough for the level, the proof is said."""
    given = levels.read(transaction.row.factors) | {factor}
    answers = {**transaction.answers, "name": prover.person.name}
    if prover.helper_id:
        answers[helping.NAME] = prover.citizen.name
    store.change(
        tx,
        runtime,
        transaction.id,
        citizen_id=prover.person.id,
        helper_id=prover.helper_id,
        answers=store.sealed(runtime, transaction.id, "answers", answers),
        **_said(transaction, given),
    )


def _said(transaction: Transaction, given: frozenset[Factor]) -> dict[str, Any]:
    also = _also_password(transaction)
    enough = not levels.missing(level(transaction), also_password=also, given=given)
    written = levels.written(given)
    return {"factors": written, "proof": written if enough else None, "state": State.IDENTITY_PENDING}


def carry(
    tx: Connection, runtime: Runtime, fresh: Transaction, old: Transaction, given: frozenset[Factor]
) -> Transaction:
    """Who was proven for one transaction need not say nor prove it again for the next in the same visit.

    ``given`` is what they have proven there in this visit.
    A helper's proof goes on where the mandate is for this matter as well; else only the answers do.
    What a higher level lacks is still missing.
    """
    if anonymous.is_one(fresh):
        return _their_number(tx, runtime, fresh, old, given)
    who = {name: old.answers[name] for name in helping.WHO if name in old.answers}
    answers = store.sealed(runtime, fresh.id, "answers", {**fresh.answers, **who})
    store.change(tx, runtime, fresh.id, answers=answers, subject=old.row.subject, helped=bool(old.row.helped))
    now = store.load(tx, runtime, fresh.id)
    found = codes.prover(tx, runtime, now)
    if not given or found is None or found.person.id != old.row.citizen_id:
        return now
    said = _said(now, given)
    store.change(tx, runtime, fresh.id, citizen_id=found.person.id, helper_id=found.helper_id, **said)
    store.note(tx, runtime, fresh.id, "proof_carried", old.row.reference)
    return store.load(tx, runtime, fresh.id)


def _their_number(
    tx: Connection, runtime: Runtime, fresh: Transaction, old: Transaction, given: frozenset[Factor]
) -> Transaction:
    """Of what nobody need be known for, the registered number of whoever is known is taken as it stands."""
    found = codes.prover(tx, runtime, old) if given else None
    field = next(
        (name for name, one in helping.fields(fresh).items() if one.metadata.get("registered")), None
    )
    if found is None or field is None or found.person.id != old.row.citizen_id or not found.citizen.mobile:
        return fresh
    answers = {**fresh.answers, field: found.citizen.mobile}
    whose = codes.subject(runtime, replace(fresh, answers=answers))
    kept = store.sealed(runtime, fresh.id, "answers", answers)
    store.change(
        tx, runtime, fresh.id, answers=kept, citizen_id=found.person.id, subject=whose, confirmed=True
    )
    store.note(tx, runtime, fresh.id, "proof_carried", old.row.reference)
    return store.load(tx, runtime, fresh.id)


def called_from(tx: Connection, runtime: Runtime, transaction: Transaction) -> Transaction:
    """The number it names is the one the call comes from: no code need show that it is theirs."""
    store.change(tx, runtime, transaction.id, confirmed=True)
    store.note(tx, runtime, transaction.id, "called_from")
    return store.load(tx, runtime, transaction.id)


def held_back(tx: Connection, transaction: Transaction, now: datetime) -> Refused | None:
    """Why what is risky is not done now: how its citizen, or who helps, is reached has just changed."""
    row = transaction.row
    found = [holds.until(tx, key, now) for key in (row.citizen_id, row.helper_id) if key]
    until = max((one for one in found if one), default=None)
    return Refused(ON_HOLD, facts={UNTIL: until.isoformat()}) if until else None


def not_yet(tx: Connection, transaction: Transaction, now: datetime) -> Words | None:
    """The same in words, for before it is confirmed; None for what is not risky."""
    risky = registry.get(transaction.row.type).risky
    held = held_back(tx, transaction, now) if risky else None
    return on_hold.not_yet(held.facts[UNTIL], transaction.rules) if held else None

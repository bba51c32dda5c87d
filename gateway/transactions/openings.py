"""What a result opens by itself: a transaction of another type for the same person, in the same commit.

It is submitted at once, under the proof its opener had, and worked off like any other. It is
found by its opener and the name of a fact, so a step that is repeated opens nothing twice. What
cannot be opened here must not undo the step: the timeline says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from marshmallow import ValidationError
from sqlalchemy import Connection, select

from gateway import cities
from gateway.back_offices import Opening
from gateway.runtime import Runtime
from gateway.transactions import choices, codes, helping, registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.form import applying
from gateway.transactions.model import Case, State, TransactionType
from gateway.transactions.store import LANE, SYSTEM, Transaction, transactions

log = structlog.get_logger()


def follow_on(
    tx: Connection, runtime: Runtime, opener: Transaction, opening: Opening | None
) -> tuple[Transaction, set[str]]:
    """Open what a result calls for; the opener as it then stands, and the lanes to wake.

    Its facts get the other's reference, so that its message can name it. Whoever calls holds the
    opener's row and has written the result.
    """
    if opening is None:
        return opener, set()
    reference, lanes = _opened_before(tx, opener, opening), set[str]()
    if reference is None:
        reference, lanes = _open(tx, runtime, opener, opening), {LANE}
    if reference is None:
        store.note(tx, runtime, opener.id, "not_opened", opening.type)
        return opener, set()
    facts = store.sealed(runtime, opener.id, "facts", {**opener.facts, opening.fact: reference})
    store.change(tx, runtime, opener.id, facts=facts)
    return store.load(tx, runtime, opener.id), lanes


def _opened_before(tx: Connection, opener: Transaction, opening: Opening) -> str | None:
    """The one this opener has opened, or another of the same person about the same."""
    columns = transactions.c
    whose = columns.subject == opener.row.subject if opening.about else columns.begun_by == opener.id
    same = (columns.type == opening.type) & (columns.begun_as == _as(opening)) & columns.begun_by.is_not(None)
    newest = select(columns.reference).where(same, whose).order_by(columns.created_at.desc()).limit(1)
    reference: str | None = tx.execute(newest).scalar_one_or_none()
    return reference


def _as(opening: Opening) -> str:
    return opening.about or opening.fact


def _open(tx: Connection, runtime: Runtime, opener: Transaction, opening: Opening) -> str | None:
    """The new one's reference; None where it cannot be opened here."""
    kind = registry.offered(runtime.settings).get(opening.type)
    answers = _answers(tx, runtime, opener, opening, kind) if kind else None
    if kind is None or answers is None:
        log.error("opening_unusable", type=opener.row.type, wanted=opening.type)
        return None
    row, now = opener.row, runtime.clock()
    fresh = store.create(tx, runtime, kind.name, SYSTEM, row.service_id, now)
    named = {name: opener.answers[name] for name in helping.FIELDS if name in opener.answers}
    whose = {"subject": row.subject, "citizen_id": row.citizen_id, "helper_id": row.helper_id}
    proven = {"proof": row.proof, "factors": row.factors, "helped": row.helped}
    begun = {"begun_by": opener.id, "begun_as": _as(opening), "submitted_at": now, "unanswered_since": now}
    sealed = store.sealed(runtime, fresh.id, "answers", {**answers, **named})
    values = {"answers": sealed, **whose, **proven, **begun}
    store.change(tx, runtime, fresh.id, state=State.SUBMITTED, **values)
    store.note(tx, runtime, fresh.id, "opened_from", row.reference)
    store.note(tx, runtime, fresh.id, "submitted")
    store.note(tx, runtime, opener.id, "opened", fresh.row.reference)
    _without_strangers(tx, runtime, store.load(tx, runtime, fresh.id))
    reference: str = fresh.row.reference
    return reference


def _without_strangers(tx: Connection, runtime: Runtime, fresh: Transaction) -> None:
    """Who acted for the citizen goes on doing so only where they may in this matter too, today."""
    if fresh.row.helper_id is None:
        return
    found = codes.prover(tx, runtime, fresh)
    if found is None or found.helper_id != fresh.row.helper_id:
        answers = store.sealed(runtime, fresh.id, "answers", helping.without_helper(fresh.answers))
        store.change(tx, runtime, fresh.id, answers=answers, helped=False, helper_id=None)


def _answers(
    tx: Connection, runtime: Runtime, opener: Transaction, opening: Opening, kind: TransactionType
) -> Mapping[str, str] | None:
    """Whose it is, and what was given, as its form reads it; None where it would not be taken from a citizen.

    What waits for a hold or a code of its own is not opened without the citizen.
    """
    who = {name: opener.answers[name] for name in ("id_number", "name") if name in opener.answers}
    try:
        answers = helping.loaded(kind.form, {**opening.answers, **who})
    except ValidationError:
        return None
    now, row = runtime.clock(), opener.row
    rules = cities.of(runtime).rules_now(now)
    case = Case(opener.id, row.reference, answers, rules, now, SYSTEM, row.citizen_id)
    asked, desk = applying(kind.form, answers), Desk(tx, runtime)
    chosen = {name: choices.offered(desk, kind.name, case, name) for name in asked}
    fits = set(asked) == set(answers) and all(
        options is None or answers[name] in {option.value for option in options}
        for name, options in chosen.items()
    )
    wrong = not fits or kind.check(case) or kind.risky or kind.confirms(case)
    return None if wrong else answers

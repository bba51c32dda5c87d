"""Writing down what became of a transaction's work, and telling the citizen; one commit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection

from gateway.back_offices import (
    AlreadyDone,
    Done,
    Pending,
    Refused,
    Returned,
    Silent,
    StepOutcome,
    Unavailable,
)
from gateway.errors import HuiyinError, UndeclaredMoveError
from gateway.runtime import Runtime
from gateway.transactions import choices, promises, proving, registry, reminders, store
from gateway.transactions.following import (
    LONGEST_LOOK_PAUSE,
    SAY_SO_AFTER,
    Next,
    after_step,
    check_move,
    pause,
    stage_after,
)
from gateway.transactions.levels import Factor
from gateway.transactions.messages import tell
from gateway.transactions.model import DONE, ENDS, RETURNED, WITH_BACK_OFFICE, Changed, TransactionType
from gateway.transactions.openings import follow_on
from gateway.transactions.store import Transaction, transactions

WAITING = "waiting"
log = structlog.get_logger()

# --- the answer to a step ------------------------------------------------------------------


def record(tx: Connection, runtime: Runtime, transaction: Transaction, outcome: StepOutcome) -> set[str]:
    """Keep what the work led to, plan its reminders, take the message it calls for; returns lanes to wake.

    Whoever moves on what has been pending holds the row. ``UndeclaredMoveError``, and
    nothing done, for a stage the type's machine does not go to, or one that has ended.
    """
    row, now = transaction.row, runtime.clock()
    kind, stage = registry.get(row.type), stage_after(outcome, row.stage)
    if transaction.state not in WITH_BACK_OFFICE:
        raise UndeclaredMoveError(f"{row.type} is {row.state}: no answer can change that. Load it again.")
    check_move(kind, row.stage, stage)
    since = row.unanswered_since or now
    then = after_step(outcome, row.tries + 1, since, now)
    silent = then.state in WITH_BACK_OFFICE and not isinstance(outcome, Pending)
    kept = store.change(
        tx,
        runtime,
        transaction.id,
        under=row.lease,
        lease=None,  # so that a renewal under way does not make it due again
        state=then.state,
        stage=stage,
        reason=then.reason if then.state not in WITH_BACK_OFFICE else None,
        trouble=then.reason if then.state in WITH_BACK_OFFICE else None,
        calling=False,
        tries=row.tries + 1 if silent else 0,
        unanswered_since=since if silent else None,
        due_at=then.due_at,
        **_told(runtime, transaction.id, outcome),
        **(_reopened(runtime, transaction, outcome) if isinstance(outcome, Returned) else {}),
    )
    if not kept:
        return set()  # the lease ran out and another worker has it: its answer counts
    event, detail = _noted(outcome, then, stage)
    if not isinstance(outcome, Pending) or stage != row.stage:  # a poll that found nothing new is no event
        store.note(tx, runtime, transaction.id, event, detail)
    opens = outcome.opens if isinstance(outcome, Done | AlreadyDone | Refused) else None
    stands, lanes = follow_on(tx, runtime, store.load(tx, runtime, transaction.id), opens)
    _promise(tx, runtime, kind, stands)
    return lanes | _follow_up(tx, runtime, stands, outcome, transaction)


def _told(runtime: Runtime, key: UUID, outcome: StepOutcome) -> dict[str, Any]:
    """The facts, where the answer has any; without new ones those of before still hold."""
    if isinstance(outcome, Silent | Unavailable) or not outcome.facts:
        return {}
    return {"facts": store.sealed(runtime, key, "facts", outcome.facts)}


def _reopened(runtime: Runtime, transaction: Transaction, returned: Returned) -> dict[str, Any]:
    """What is to be corrected is asked again, and a proof; a service goes on answering for them.

    Whose it is stays: the office knows it as this person's, and nobody else may correct it.
    """
    anew_asked = set(returned.fields) - choices.WHO
    left = {name: value for name, value in transaction.answers.items() if name not in anew_asked}
    anew = {} if transaction.row.proof == Factor.ATTESTED else proving.nothing(transaction.row.type)
    answers = store.sealed(runtime, transaction.id, "answers", left)
    return {"answers": answers, "told_waiting": False, **anew}


def _noted(outcome: StepOutcome, then: Next, stage: str) -> tuple[str, str | None]:
    match outcome:
        case Pending():
            return "pending", stage
        case Returned():
            return RETURNED, then.reason
        case _ if then.state in ENDS:
            return then.state, then.reason
        case _:
            return f"back_office_{type(outcome).__name__.lower()}", then.reason


def _follow_up(
    tx: Connection, runtime: Runtime, now: Transaction, outcome: StepOutcome, before: Transaction
) -> set[str]:
    """What the citizen is told of it as it now stands, and is reminded of later."""
    kind = registry.get(now.row.type)
    match outcome:
        case Returned():
            return say(tx, runtime, now, RETURNED, before)
        case Pending():
            event = kind.event(now.view(runtime.clock()))
            new = now.row.stage != before.row.stage and event in kind.events
            return say(tx, runtime, now, event) if new else set()
        case _ if now.state in ENDS:
            _plan(tx, runtime, kind, now)
            _look_at_old(tx, runtime, kind, now)
            _look_at_touched(tx, runtime, kind, now)
            _leave_earlier(tx, kind, now)
            return say(tx, runtime, now, kind.event(now.view(runtime.clock())))
        case _:
            return _say_waiting(tx, runtime, now)


def _look_at_old(tx: Connection, runtime: Runtime, kind: TransactionType, ended: Transaction) -> None:
    """What this one took the place of is no longer what it was: it is looked at again at once."""
    if kind.follow is None or ended.row.replaces is None or ended.state not in DONE:
        return
    old = store.load(tx, runtime, ended.row.replaces, hold=True)
    if old.row.subject == ended.row.subject and old.row.due_at is not None:
        store.change(tx, runtime, old.id, lease=None, calling=False, due_at=runtime.clock())


def _look_at_touched(tx: Connection, runtime: Runtime, kind: TransactionType, ended: Transaction) -> None:
    """What this has changed for others of the same person is seen now, not at their next look."""
    if not kind.touches or ended.state not in DONE:
        return
    columns = transactions.c
    theirs = columns.due_at.is_not(None) & (columns.subject == ended.row.subject)
    touched = theirs & columns.type.in_(kind.touches) & columns.state.in_(ENDS)
    store.change_all(tx, touched, due_at=runtime.clock())


def _leave_earlier(tx: Connection, kind: TransactionType, ended: Transaction) -> None:
    """The person's earlier ones are looked at no more, where the newest tells what is new."""
    columns = transactions.c
    theirs = (columns.subject == ended.row.subject) & (columns.type == kind.name) & (columns.id != ended.id)
    waiting = columns.state.in_(ENDS) & columns.due_at.is_not(None)
    if kind.newest_alone and ended.state in DONE:
        store.change_all(tx, theirs & waiting, due_at=None, lease=None)


def _plan(tx: Connection, runtime: Runtime, kind: TransactionType, ended: Transaction) -> None:
    if ended.row.citizen_id:
        plans = kind.follow_up(ended.view(runtime.clock()))
        reminders.plan(tx, runtime, kind.name, ended.row.citizen_id, plans, ended.id)


def _promise(tx: Connection, runtime: Runtime, kind: TransactionType, transaction: Transaction) -> None:
    """What the type says of its promises as it now stands."""
    now = runtime.clock()
    promises.stand(tx, runtime, transaction.id, kind.promised(transaction.view(now)), now)


def _say_waiting(tx: Connection, runtime: Runtime, transaction: Transaction) -> set[str]:
    """Say once that it takes longer; of what people have been at work on for days nobody awaits an answer."""
    row = transaction.row
    waited = runtime.clock() - row.unanswered_since
    if waited < SAY_SO_AFTER or row.told_waiting or row.stage:
        return set()
    store.change(tx, runtime, transaction.id, told_waiting=True)
    store.note(tx, runtime, transaction.id, "told_waiting")
    return say(tx, runtime, transaction, WAITING)


# --- afterwards ----------------------------------------------------------------------------


def move(
    tx: Connection, runtime: Runtime, transaction: Transaction, changed: Changed, noted: str
) -> set[str]:
    """Another stage of what has ended: by an action, a later look or a person; returns lanes to wake.

    ``noted`` is the timeline's word for it. The state stays. Whoever has claimed the
    row finds its lease gone. ``UndeclaredMoveError`` as for ``record``.
    """
    row = transaction.row
    kind = registry.get(row.type)
    check_move(kind, row.stage, changed.stage)
    kept = store.change(
        tx,
        runtime,
        transaction.id,
        under=row.lease,
        lease=None,
        calling=False,
        stage=changed.stage,
        facts=store.sealed(runtime, transaction.id, "facts", changed.facts),
        tries=0,
        due_at=changed.again_at,
    )
    if not kept:
        return set()
    store.note(tx, runtime, transaction.id, noted, changed.stage)
    now, lanes = follow_on(tx, runtime, store.load(tx, runtime, transaction.id), changed.opens)
    _promise(tx, runtime, kind, now)
    if changed.stage != row.stage:
        _plan(tx, runtime, kind, now)
    return lanes | (say(tx, runtime, now, changed.event) if changed.event else set())


def looked(
    tx: Connection, runtime: Runtime, transaction: Transaction, found: Changed | Unavailable | Silent
) -> set[str]:
    """Keep what a later look found; one that found nothing out is made again, for as long as it takes."""
    row = transaction.row
    if isinstance(found, Changed):
        if found.stage != row.stage or found.event or found.opens:
            return move(tx, runtime, transaction, found, "followed")
        facts = store.sealed(runtime, transaction.id, "facts", found.facts)
        values: dict[str, Any] = {"facts": facts, "tries": 0, "due_at": found.again_at}
    else:
        due_at = runtime.clock() + pause(row.tries + 1, LONGEST_LOOK_PAUSE)
        values = {"tries": row.tries + 1, "due_at": due_at}
    kept = store.change(tx, runtime, transaction.id, under=row.lease, lease=None, calling=False, **values)
    if kept and not isinstance(found, Changed) and not row.tries:
        store.note(tx, runtime, transaction.id, "look_unanswered", found.code)
    if kept and isinstance(found, Changed):
        _promise(tx, runtime, registry.get(row.type), store.load(tx, runtime, transaction.id))
    return set()


def say(
    tx: Connection, runtime: Runtime, transaction: Transaction, event: str, asked: Transaction | None = None
) -> set[str]:
    """Take the message of an event; a text that is missing or wrong must not undo the step.

    ``asked`` is what was confirmed, where that is open again.
    """
    try:
        return tell(tx, runtime, transaction, event, asked=asked)
    except HuiyinError as error:
        log.error("text_unusable", type=transaction.row.type, wanted=event, error=str(error))  # noqa: TRY400
        store.note(tx, runtime, transaction.id, "not_told", event)
        return set()

"""Writing down what became of a transaction's work, and telling the citizen; one commit."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from gateway.back_offices import AlreadyDone, Done, Refused, StepOutcome
from gateway.errors import HuiyinError
from gateway.runtime import Runtime
from gateway.transactions import registry, reminders, store
from gateway.transactions.following import SAY_SO_AFTER, Next, after_step
from gateway.transactions.messages import tell
from gateway.transactions.model import ENDS
from gateway.transactions.store import Transaction

WAITING = "waiting"
log = structlog.get_logger()


def record(tx: Connection, runtime: Runtime, transaction: Transaction, outcome: StepOutcome) -> set[str]:
    """Keep what the work led to, plan its reminders, take the message it calls for; returns lanes to wake."""
    row, now = transaction.row, runtime.clock()
    then = after_step(outcome, row.tries + 1, row.submitted_at, now)
    done = outcome if isinstance(outcome, Done | AlreadyDone) else Done()
    facts = outcome.facts if isinstance(outcome, Refused) else done.facts
    kept = store.change(
        tx,
        runtime,
        transaction.id,
        under=row.lease,
        lease=None,  # so that a renewal under way does not make it due again
        state=then.state,
        stage=done.stage,
        reason=then.reason if then.state in ENDS else None,
        trouble=None if then.state in ENDS else then.reason,
        facts=store.sealed(runtime, transaction.id, "facts", facts) if facts else None,
        calling=False,
        tries=row.tries + 1,
        due_at=then.due_at,
    )
    if not kept:
        return set()  # the lease ran out and another worker has it: its answer counts
    store.note(tx, runtime, transaction.id, _event(outcome, then), then.reason)
    ended = store.load(tx, runtime, transaction.id)
    if then.state not in ENDS:
        return _say_waiting(tx, runtime, ended)
    kind, view = registry.get(row.type), ended.view(now)
    if row.citizen_id:
        reminders.plan(tx, runtime, row.type, row.citizen_id, kind.follow_up(view), ended.id)
    return say(tx, runtime, ended, kind.event(view))


def _event(outcome: StepOutcome, then: Next) -> str:
    return then.state if then.state in ENDS else f"back_office_{type(outcome).__name__.lower()}"


def _say_waiting(tx: Connection, runtime: Runtime, transaction: Transaction) -> set[str]:
    """Say once that it takes longer."""
    waited = runtime.clock() - transaction.row.submitted_at
    if waited < SAY_SO_AFTER or transaction.row.told_waiting:
        return set()
    store.change(tx, runtime, transaction.id, told_waiting=True)
    store.note(tx, runtime, transaction.id, "told_waiting")
    return say(tx, runtime, transaction, WAITING)


def say(tx: Connection, runtime: Runtime, transaction: Transaction, event: str) -> set[str]:
    """Take the message of an event; a text that is missing or wrong must not undo the step."""
    try:
        return tell(tx, runtime, transaction, event)
    except HuiyinError as error:
        log.error("text_unusable", type=transaction.row.type, wanted=event, error=str(error))  # noqa: TRY400
        store.note(tx, runtime, transaction.id, "not_told", event)
        return set()

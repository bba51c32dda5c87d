"""Work a lane: claim, hand over with several calls in flight, record each outcome as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from operator import itemgetter
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, bindparam, func, update
from sqlalchemy.exc import OperationalError

from gateway import channels
from gateway.delivery import measures, reachability, retry
from gateway.delivery.claim import (
    TOO_LATE,
    Claimed,
    Handover,
    channel_of,
    claim_lane,
    claim_questions,
    waits,
)
from gateway.delivery.reachability import Said
from gateway.delivery.reconcile import ask
from gateway.delivery.store import attempts
from gateway.messages import Message
from gateway.notifications import store
from gateway.notifications.status import Status
from gateway.notifications.store import moved
from gateway.providers import Accepted, Cause, Outcome, Rejected, Unknown, Unreachable
from gateway.runtime import Runtime

IN_FLIGHT = 4  # calls at the same time, in each run of a lane
FEWEST = 40  # rows in a claim, for providers that take one message a call
QUESTIONS = 4  # asked between two claims: what is to be sent never waits for long
NOT_TRIED = "not_tried"
PAUSES = (0.1, 1.0)  # seconds before an outcome is written once more: a ring of locks, a restart
log = structlog.get_logger()


def run_lane(runtime: Runtime, lane: str, *, seconds: float = 20.0) -> int:
    """Work off what is due in a lane; returns how many rows were looked at.

    Goes on until nothing is due or ``seconds`` have passed; then it asks to be
    woken again, so that one long backlog does not hold a worker for ever.
    """
    carriers = [runtime.providers[name].batch for name in runtime.weights(channel_of(lane))]
    limit = max(FEWEST, IN_FLIGHT * max(carriers, default=1))
    ends, done = monotonic() + seconds, 0
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=lane) as pool:
        while True:
            rows = _work(runtime, claim_lane(runtime, lane, limit), pool)
            rows += _work(runtime, claim_questions(runtime, lane, QUESTIONS), pool)
            done += rows
            if not rows:
                return done
            if monotonic() > ends:
                runtime.wake(lane)
                return done


def _work(runtime: Runtime, claimed: Claimed, pool: ThreadPoolExecutor) -> int:
    jobs = [pool.submit(_hand_over, runtime, claimed, handover) for handover in claimed.handovers]
    jobs += [pool.submit(ask, runtime, claimed, question) for question in claimed.questions]
    for job in jobs:
        job.result()
    return claimed.rows


def _hand_over(runtime: Runtime, claimed: Claimed, handover: Handover) -> None:
    """Make one call and record what came of it; what has become too old, or too late to try, stays behind."""
    now = runtime.clock()
    fresh = [now < held.standing.expires_at and now < claimed.until for held in handover.held]
    outcomes: list[Outcome] = [Unreachable(NOT_TRIED)] * len(fresh)
    if any(fresh):
        messages = [message for message, good in zip(handover.messages, fresh, strict=True) if good]
        answers = iter(_call(runtime, handover, messages))
        outcomes = [next(answers) if good else Unreachable(TOO_LATE) for good in fresh]
    _record(runtime, claimed.lease, handover, outcomes)
    log.info("handed_over", provider=handover.provider, handover=handover.id, messages=sum(fresh))


def _call(runtime: Runtime, handover: Handover, messages: Sequence[Message]) -> Sequence[Outcome]:
    try:
        outcomes = runtime.providers[handover.provider].hand_over(handover.id, messages)
        return [outcome for _, outcome in zip(messages, outcomes, strict=True)]
    except Exception as error:  # noqa: BLE001 - a bug in the provider: what it did is not known, so say so
        kind = type(error).__name__  # and no traceback: it may hold personal data
        log.error("provider_bug", provider=handover.provider, error=kind)  # noqa: TRY400
        return [Unknown("provider_bug")] * len(messages)


def _record(runtime: Runtime, lease: int, handover: Handover, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes down, once more where the database failed: what was heard must not be lost."""
    pauses = iter(PAUSES)
    while True:
        try:
            with runtime.db.write() as tx:
                record(tx, runtime, lease, handover, outcomes)
            return
        except OperationalError as error:
            if (pause := next(pauses, None)) is None:
                raise
            log.warning("outcome_not_recorded", handover=handover.id, error=type(error.orig).__name__)
            sleep(pause)


def record(
    tx: Connection, runtime: Runtime, lease: int, handover: Handover, outcomes: Sequence[Outcome]
) -> None:
    """Write the outcomes down: on the attempts always, on the notifications where the lease is still ours.

    An attempt that was given up as unknown in the meantime still learns its
    provider reference, so that the receipt finds it.
    """
    now = runtime.clock()
    standing = store.hold(tx, [held.id for held in handover.held])
    _finish(tx, handover, outcomes, now)
    moves = []
    for held, outcome in zip(handover.held, outcomes, strict=True):
        then = retry.after(outcome, held.standing, now, waits(runtime, held.lane))
        moves.append(moved(held, then.status, then.due_at, then.reason))
    store.move(tx, moves, now, lease=lease)
    _late(tx, runtime, standing, handover, outcomes, now)
    _heed(tx, runtime, handover, outcomes, now)
    _measure(tx, handover, outcomes, now)


def _finish(tx: Connection, handover: Handover, outcomes: Sequence[Outcome], now: datetime) -> None:
    """The outcomes onto their attempts: one statement where a batch has one answer, else a row at a time."""
    ids = [held.id for held in handover.held]
    mine = attempts.c.handover == handover.id
    why: Any = func.coalesce(bindparam("why"), attempts.c.cause)  # an early receipt may have told it
    if len(set(outcomes)) == 1:
        told = update(attempts).where(mine & attempts.c.notification_id.in_(ids))
        tx.execute(told.values(cause=why), _values(outcomes[0], now))
        return
    told = update(attempts).where(mine & (attempts.c.notification_id == bindparam("of")))
    each = sorted(zip(ids, outcomes, strict=True), key=itemgetter(0))
    tx.execute(told.values(cause=why), [{"of": key, **_values(outcome, now)} for key, outcome in each])


def _values(outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "outcome": type(outcome).__name__.lower(),
        "code": None if isinstance(outcome, Accepted) else outcome.code[:80],
        "provider_ref": outcome.reference if isinstance(outcome, Accepted) else None,
        "why": outcome.cause if isinstance(outcome, Rejected) else None,
        "finished_at": now,
    }


def _late(
    tx: Connection,
    runtime: Runtime,
    standing: Mapping[UUID, Any],
    handover: Handover,
    outcomes: Sequence[Outcome],
    now: datetime,
) -> None:
    """What was given up as unknown while its call still ran follows that call's answer after all.

    Where it has been tried again since, the later try decides; but what was taken, was taken.
    """
    moves = []
    for held, how in zip(handover.held, outcomes, strict=True):
        row = standing[held.id]
        latest = row.tries == held.standing.tries or isinstance(how, Accepted)
        if row.status == Status.UNKNOWN and latest and not isinstance(how, Unknown):
            then = retry.after(how, held.standing, now, waits(runtime, held.lane))
            over = row.due_at is None  # withdrawn, or its broadcast went on without it
            if not (over and then.status is Status.WAITING):
                moves.append(moved(row, then.status, None if over else then.due_at, then.reason))
    store.move(tx, moves, now)


def _heed(
    tx: Connection, runtime: Runtime, handover: Handover, outcomes: Sequence[Outcome], now: datetime
) -> None:
    """What a provider says of an address, opted out or none at all, is believed for all of them."""
    kind = channels.load(runtime.providers[handover.provider].channel).ADDRESS
    said = [
        Said(runtime.vault.index(kind, message.address), kind, handover.provider, now, how.cause)
        for message, how in zip(handover.messages, outcomes, strict=True)
        if isinstance(how, Rejected)
    ]
    reachability.heed(tx, said, now)


def _measure(tx: Connection, handover: Handover, outcomes: Sequence[Outcome], now: datetime) -> None:
    counted: Counter[measures.Key] = Counter()
    for outcome in outcomes:
        counted[measures.ATTEMPTS, handover.provider, type(outcome).__name__.lower()] += 1
        if isinstance(outcome, Rejected) and outcome.cause is Cause.UNSPECIFIED:
            counted[measures.UNKNOWN_CODES, handover.provider, "outcome"] += 1
    accepted = zip(handover.held, outcomes, strict=True)
    waited = [(now - held.taken_at).total_seconds() for held, how in accepted if isinstance(how, Accepted)]
    measures.add(tx, {**counted, **measures.handovers(handover.held[0].lane, waited)}, now)

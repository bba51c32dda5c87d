"""Work a lane: claim, hand over with several calls in flight, record each outcome as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, update

from gateway.delivery import retry
from gateway.delivery.claim import Claimed, Handover, Held, claim_lane, waits
from gateway.delivery.reconcile import ask
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.store import Move
from gateway.providers import Accepted, Outcome, Unknown
from gateway.runtime import Runtime

CLAIM = 500
IN_FLIGHT = 4
log = structlog.get_logger()


def run_lane(runtime: Runtime, lane: str, *, seconds: float = 20.0) -> int:
    """Work off what is due in a lane; returns how many rows were looked at.

    Goes on claiming until nothing is due or ``seconds`` have passed; then it asks
    to be woken again, so that one long backlog does not hold a worker for ever.
    """
    ends, done = monotonic() + seconds, 0
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=lane) as pool:
        while (claimed := claim_lane(runtime, lane, CLAIM)).rows:
            _work(runtime, claimed, pool)
            done += claimed.rows
            if monotonic() > ends:
                runtime.wake(lane)
                break
    return done


def _work(runtime: Runtime, claimed: Claimed, pool: ThreadPoolExecutor) -> None:
    jobs: list[Callable[[], None]] = [
        lambda handover=handover: _hand_over(runtime, claimed.lease, handover)  # type: ignore[misc]
        for handover in claimed.handovers
    ]
    jobs += [
        lambda question=question: ask(runtime, claimed.lease, question)  # type: ignore[misc]
        for question in claimed.questions
    ]
    for future in [pool.submit(job) for job in jobs]:
        future.result()


def _hand_over(runtime: Runtime, lease: int, handover: Handover) -> None:
    provider = runtime.providers[handover.provider]
    try:
        outcomes = provider.hand_over(handover.id, handover.messages)
    except Exception as error:  # noqa: BLE001 - a bug in the provider: what it did is not known, so say so
        log.error(  # noqa: TRY400 - a traceback may hold personal data
            "provider_bug", provider=handover.provider, error=type(error).__name__
        )
        outcomes = [Unknown("provider_bug")] * len(handover.messages)
    with runtime.db.write() as tx:
        record(tx, runtime, lease, handover, outcomes)
    log.info("handed_over", provider=handover.provider, handover=handover.id, messages=len(outcomes))


def record(
    tx: Connection, runtime: Runtime, lease: int, handover: Handover, outcomes: Sequence[Outcome]
) -> None:
    """Write the outcomes down: on the attempts always, on the notifications where the lease is still ours.

    An attempt that was given up as unknown in the meantime still learns its
    provider reference, so that the receipt finds it.
    """
    now = runtime.clock()
    key = attempts.c
    tx.execute(
        update(attempts).where(key.notification_id == bindparam("of"), key.handover == handover.id),
        [_finished(held, outcome, now) for held, outcome in zip(handover.held, outcomes, strict=True)],
    )
    moves = []
    for held, outcome in zip(handover.held, outcomes, strict=True):
        then = retry.after(outcome, held.standing, now, waits(runtime))
        moves.append(Move(held.id, held.lane, held.status, then.status, then.due_at, then.reason))
    store.move(tx, moves, now, lease=lease)


def _finished(held: Held, outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "of": held.id,
        "outcome": type(outcome).__name__.lower(),
        "code": None if isinstance(outcome, Accepted) else outcome.code[:80],
        "provider_ref": outcome.reference if isinstance(outcome, Accepted) else None,
        "finished_at": now,
    }

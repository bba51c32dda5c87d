"""How long a code takes from its POST to the provider's answer, alone and behind a mass of notices."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from statistics import median
from uuid import UUID

from sqlalchemy import func, select

from gateway.bench import asking, filling, lanes, posting
from gateway.bench.accepting import percentile_99
from gateway.bench.asking import TAKEN, Service
from gateway.bench.ceilings import BenchError
from gateway.bench.lanes import BATCHED
from gateway.bench.stage import Stage
from gateway.delivery.store import attempts
from gateway.notifications.status import Status
from gateway.notifications.store import notifications

TEXT, VALUES = "card_loss/code", {"code": "482913"}
CODES = 200  # when idle; behind a backlog as many as fit
FEWEST = 100  # of which a 99th percentile can be told
BACKLOG = 100_000
FIRST = 900_000_000  # telephones of those who ask for codes, apart from those who get notices
PAUSE = 0.03  # seconds between two people who ask for a code
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds from the POST to the answer of the provider."""

    p50_ms: float
    p99_ms: float


def measure(stage: Stage, backlog: int) -> tuple[Waits, Waits]:
    """Idle, and behind ``backlog`` notices that are being sent at that time."""
    lanes.fresh(stage, receipts=False)
    service = asking.service(stage)
    with lanes.alone(stage, BATCHED):
        lanes.forget(stage)
        warm = _codes(stage, service, range(CODES // 10))
        idle = _codes(stage, service, range(CODES, 2 * CODES))
        lanes.hold(stage, BATCHED)
        filling.fill(stage.runtime, lanes.requests(BATCHED, backlog))
        lanes.let_go(stage, BATCHED)
        _await_begin(stage)
        loaded = _codes(stage, service, _while_sending(stage, 2 * CODES))
        lanes.await_end(stage, "The backlog")
    lanes.check(stage, backlog + len(warm) + len(idle) + len(loaded))
    return _waits(idle), _waits(loaded)


def _codes(stage: Stage, service: Service, numbers: Sequence[int] | Iterator[int]) -> list[float]:
    """Post one code after the other; the seconds each took until it was handed over."""
    asked: dict[UUID, datetime] = {}
    for number in numbers:
        [request] = service.requests(TEXT, VALUES, [FIRST + number])
        at = stage.runtime.clock()
        [answer] = posting.post(stage.instance.url, [request], 1).answers
        if not answer.startswith(TAKEN):
            raise BenchError(f"Code {number} was not taken: {answer[:300].decode(errors='replace')}")
        asked[UUID(json.loads(answer.partition(b"\r\n\r\n")[2])["id"])] = at
        time.sleep(PAUSE)
    ended = _handed_over(stage, set(asked))
    return [(ended[key] - at).total_seconds() for key, at in asked.items()]


def _while_sending(stage: Stage, first: int) -> Iterator[int]:
    """Numbers for as long as notices wait; what is asked later waits behind nothing."""
    waiting = select(notifications.c.id).where(notifications.c.status == Status.WAITING).limit(1)
    for number in count(first):
        with stage.runtime.db.read() as tx:
            if tx.execute(waiting).first() is None:
                break
        yield number
    if number - first < FEWEST:
        raise BenchError(f"The backlog was gone after {number - first} codes: too few for a percentile.")


def _await_begin(stage: Stage) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with stage.runtime.db.read() as tx:
            if tx.execute(select(attempts.c.handover).limit(1)).first():
                return
        time.sleep(PAUSE)
    raise BenchError("Nobody began to send the backlog.")


def _handed_over(stage: Stage, keys: set[UUID]) -> dict[UUID, datetime]:
    """When the provider's answer to each was there, by its last attempt."""
    deadline, columns = time.monotonic() + PATIENCE, attempts.c
    query = select(columns.notification_id, func.max(columns.finished_at))
    query = query.where(columns.notification_id.in_(keys), columns.outcome == "accepted")
    while time.monotonic() < deadline:
        with stage.runtime.db.read() as tx:
            found = dict(tx.execute(query.group_by(columns.notification_id)).tuples().all())
        if len(found) == len(keys):
            return found
        time.sleep(PAUSE)
    raise BenchError("Not every code was handed over.")


def _waits(seconds: list[float]) -> Waits:
    return Waits(median(seconds) * 1e3, percentile_99(seconds) * 1e3)

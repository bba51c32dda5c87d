"""How many single messages a second are taken: posted by a service, stored, answered.

The service has limits, a key with scopes, and a webhook, as one in earnest has.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from sqlalchemy import func, select

from gateway.bench import asking, lanes, posting
from gateway.bench.asking import TAKEN, Service
from gateway.bench.ceilings import BenchError
from gateway.bench.lanes import BATCHED
from gateway.bench.stage import Stage
from gateway.delivery import ledger
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.notifications.store import notifications

CONNECTIONS = 16
MESSAGES = 6_000
VALUES = {"name": "王*", PLACEHOLDER: SAMPLE}


@dataclass(frozen=True, slots=True)
class Run:
    """Answers a second, how long they took, microseconds of each by who spent them."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]


def measure(stage: Stage, messages: int, runs: int) -> tuple[Run, Run]:
    """The median of several runs after one to warm up, without and with Idempotency-Keys in turn.

    Nothing is sent meanwhile.
    """
    service = asking.service(stage)
    asking.told(stage, service)
    lanes.hold(stage, BATCHED)
    try:
        for keyed in (False, True):
            _run(stage, service, messages // 4, keyed)
        turns = [[_run(stage, service, messages, keyed) for keyed in (False, True)] for _ in range(runs)]
    finally:
        lanes.forget(stage)
        lanes.let_go(stage, BATCHED)
    plain, with_keys = (sorted(done, key=lambda run: run.per_s) for done in zip(*turns, strict=True))
    return plain[runs // 2], with_keys[runs // 2]


def _run(stage: Stage, service: Service, messages: int, keyed: bool) -> Run:
    lanes.forget(stage)
    requests = service.requests(lanes.TEMPLATE, VALUES, range(messages), keyed=keyed)
    costs, own = stage.costs(), time.process_time()
    posted = posting.post(stage.instance.url, requests, CONNECTIONS)
    spent = {**costs.since(), "client": time.process_time() - own}
    _check(stage, posted.answers)
    return Run(
        messages / posted.seconds,
        median(posted.latencies) * 1e3,
        percentile_99(posted.latencies) * 1e3,
        {name: seconds / messages * 1e6 for name, seconds in spent.items()},
    )


def percentile_99(values: Sequence[float]) -> float:
    """What 99 of a hundred stay under; the largest where there are too few to tell."""
    return quantiles(values, n=100)[-1] if len(values) >= 100 else max(values)


def _check(stage: Stage, answers: Sequence[bytes]) -> None:
    """Every 201 is a row, and an entry in the ledger."""
    taken = sum(answer.startswith(TAKEN) for answer in answers)
    if taken < len(answers):
        odd = next(answer for answer in answers if not answer.startswith(TAKEN))
        raise BenchError(f"{len(answers) - taken} posts were not taken: {odd[:300].decode(errors='replace')}")
    with stage.runtime.db.read() as tx:
        stored = tx.execute(select(func.count()).select_from(notifications)).scalar_one()
        entered = sum(account.taken for account in ledger.accounts(tx))
    if (stored, entered) != (taken, taken):
        raise BenchError(f"{taken} posts were answered 201; stored are {stored}, in the ledger {entered}.")

"""How many messages a second go to a provider: a lane is filled while it is held still, then let go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, select

from gateway.bench import filling, lanes
from gateway.bench.lanes import BATCHED, Part
from gateway.bench.stage import Stage
from gateway.delivery.store import attempts

PARTS = (
    BATCHED,
    Part("aliyun_batch_80ms", "sms", "aliyun_sms", 20_000, latency_ms=80),
    Part("twilio_single", "sms", "twilio_sms", 6_000),
    Part("smtp", "email", "smtp", 3_000),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: messages handed over a second, microseconds of each message by who spent them."""

    per_s: float
    cpu_us: Mapping[str, float]
    workers_rss_mb: float


def measure(stage: Stage, part: Part, messages: int, runs: int) -> Run:
    """The median of several runs after one to warm up."""
    once(stage, part, messages // 4)
    done = [once(stage, part, messages) for _ in range(runs)]
    middle = median(run.per_s for run in done)
    return next(run for run in done if run.per_s == middle) if runs % 2 else done[0]


def once(stage: Stage, part: Part, messages: int) -> Run:
    """One run. Nobody reports receipts meanwhile: they are another part."""
    lanes.fresh(stage, receipts=False)
    if part.latency_ms:
        stage.sandbox("faults", target=part.provider, mode="slow", latency_ms=part.latency_ms)
    with lanes.alone(stage, part):
        lanes.hold(stage, part)
        lanes.forget(stage)
        filling.fill(stage.runtime, lanes.requests(part, messages))
        costs = stage.costs()
        lanes.let_go(stage, part)
        lanes.await_end(stage, part.name)
        spent, memory = costs.since(), stage.workers_rss_mb()
    lanes.check(stage, messages)
    return Run(
        _rate(stage, messages), {name: seconds / messages * 1e6 for name, seconds in spent.items()}, memory
    )


def _rate(stage: Stage, messages: int) -> float:
    """From the first attempt written down to the last answer recorded."""
    columns = attempts.c
    with stage.runtime.db.read() as tx:
        began, ended = tx.execute(select(func.min(columns.started_at), func.max(columns.finished_at))).one()
    return messages / float((ended - began).total_seconds())

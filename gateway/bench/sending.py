"""How many messages a second go to a provider: a lane is filled while it is held still, then let go."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from sqlalchemy import delete, func, select, text

from gateway.bench.ceilings import BenchError
from gateway.bench.stage import Stage
from gateway.delivery import measures, receipts
from gateway.delivery.store import attempts
from gateway.notifications import pauses, store
from gateway.notifications.pauses import Kind
from gateway.notifications.request import Class, Request
from gateway.notifications.status import Status
from gateway.notifications.store import ledger, notifications

ACTOR = "bench"
TEMPLATE = "policy/retirement_age"
AT_ONCE = 5_000  # taken in one commit
PATIENCE = 900.0  # seconds
LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """One way of sending: channel, provider, how slow that one is, and how many messages."""

    name: str
    channel: str
    provider: str
    messages: int
    latency_ms: int = 0

    @property
    def lane(self) -> str:
        return f"{self.channel}.bulk"


PARTS = (
    Part("aliyun_batch", "sms", "aliyun_sms", 20_000),
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
    _run(stage, part, messages // 4)
    done = [_run(stage, part, messages) for _ in range(runs)]
    middle = median(run.per_s for run in done)
    return next(run for run in done if run.per_s == middle) if runs % 2 else done[0]


def _run(stage: Stage, part: Part, messages: int) -> Run:
    """Nobody reports receipts meanwhile: they are another part."""
    stage.sandbox("reset")
    stage.sandbox("settings", limits=False)
    stage.sandbox("faults", target="receipts", mode="silent")
    if part.latency_ms:
        stage.sandbox("faults", target=part.provider, mode="slow", latency_ms=part.latency_ms)
    others = [name for name in stage.runtime.weights(part.channel) if name != part.provider]
    _hold(stage, part, others)
    _forget(stage)
    _fill(stage, part, messages)
    costs = stage.costs()
    _let_go(stage, part)
    _await(stage, part, messages)
    spent, memory = costs.since(), stage.workers_rss_mb()
    with stage.runtime.db.write() as tx:
        for name in others:
            pauses.resume(tx, Kind.PROVIDER, name)
    _check(stage, messages)
    return Run(
        _rate(stage, messages), {name: seconds / messages * 1e6 for name, seconds in spent.items()}, memory
    )


# --- before ---------------------------------------------------------------------------------


def _forget(stage: Stage) -> None:
    """Each run begins with empty tables: what is not measured must not slow what is."""
    with stage.runtime.db.write() as tx:
        for table in (attempts, notifications, ledger, measures.measures, receipts.callbacks):
            tx.execute(delete(table))
    if stage.database:
        with stage.runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _fill(stage: Stage, part: Part, messages: int) -> None:
    for first in range(0, messages, AT_ONCE):
        requests = list(_requests(part, first, min(first + AT_ONCE, messages)))
        with stage.runtime.db.write() as tx:
            store.take(tx, stage.runtime, requests)


def _requests(part: Part, first: int, end: int) -> Iterator[Request]:
    for number in range(first, end):
        address = f"p{number}@example.com" if part.channel == "email" else f"+8613{number:09d}"
        yield Request(None, part.channel, Class.NOTICE, TEMPLATE, "zh-CN", {"name": "王*"}, address=address)


def _hold(stage: Stage, part: Part, others: list[str]) -> None:
    with stage.runtime.db.write() as tx:
        pauses.pause(tx, Kind.LANE, part.lane, ACTOR, stage.runtime.clock())
        for name in others:
            pauses.pause(tx, Kind.PROVIDER, name, ACTOR, stage.runtime.clock())


def _let_go(stage: Stage, part: Part) -> None:
    with stage.runtime.db.write() as tx:
        pauses.resume(tx, Kind.LANE, part.lane)


# --- after ----------------------------------------------------------------------------------


def _await(stage: Stage, part: Part, messages: int) -> None:
    deadline, open_still = time.monotonic() + PATIENCE, [Status.WAITING, Status.SENDING]
    waiting = select(notifications.c.id).where(notifications.c.status.in_(open_still)).limit(1)
    while time.monotonic() < deadline:
        with stage.runtime.db.read() as tx:
            if tx.execute(waiting).first() is None:
                return
        time.sleep(LOOK)
    raise BenchError(f"{part.name} was not over in {PATIENCE:.0f} s.")


def _check(stage: Stage, messages: int) -> None:
    """Every guarantee is in what was measured: all taken, nobody written to twice."""
    counts = stage.counts()
    taken = counts["taken"] + counts["mails_taken"]
    twice = counts["repeated"] + counts["mails_repeated"]
    if (taken, twice) != (messages, 0):
        raise BenchError(f"The sandbox took {taken} of {messages} messages, {twice} of them twice.")


def _rate(stage: Stage, messages: int) -> float:
    """From the first attempt written down to the last answer recorded."""
    columns = attempts.c
    with stage.runtime.db.read() as tx:
        began, ended = tx.execute(select(func.min(columns.started_at), func.max(columns.finished_at))).one()
    return messages / float((ended - began).total_seconds())

"""What each part does with a lane: hold it still, let it go, see that it is over, and twice to nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, select, text

from gateway.bench.ceilings import BenchError
from gateway.bench.stage import Stage
from gateway.delivery import measures, receipts
from gateway.delivery.acceptances import acceptances
from gateway.delivery.store import attempts
from gateway.notifications import pauses
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.notifications.entries import ledger
from gateway.notifications.pauses import Kind
from gateway.notifications.request import Class, Request
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.services import idempotency

ACTOR = "bench"
TEMPLATE = "policy/retirement_age"
PATIENCE = 1_800.0  # seconds
LOOK = 0.1
TABLES = (
    attempts,
    acceptances,
    notifications,
    ledger,
    measures.measures,
    receipts.callbacks,
    idempotency.answers,
)


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


BATCHED = Part("aliyun_batch", "sms", "aliyun_sms", 20_000)


def forget(stage: Stage) -> None:
    """Each run begins with empty tables: what is not measured must not slow what is."""
    if stage.database is None:
        with stage.runtime.db.write() as tx:
            for table in TABLES:
                tx.execute(delete(table))
        return
    with stage.runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in TABLES)}"))
        connection.execute(text("VACUUM ANALYZE"))


def fresh(stage: Stage, *, receipts: bool) -> None:
    """A sandbox that has seen nothing and limits nobody; whether it reports."""
    stage.sandbox("reset")
    stage.sandbox("settings", limits=False)
    if not receipts:
        stage.sandbox("faults", target="receipts", mode="silent")


def requests(part: Part, messages: int) -> Iterator[Request]:
    """As many notices, each to somebody else."""
    for number in range(messages):
        address = f"p{number}@example.com" if part.channel == "email" else f"+8613{number:09d}"
        yield Request(
            None,
            part.channel,
            Class.NOTICE,
            TEMPLATE,
            "zh-CN",
            {"name": "王*", PLACEHOLDER: SAMPLE},
            address=address,
        )


@contextmanager
def alone(stage: Stage, part: Part) -> Iterator[None]:
    """The part's provider carries everything of its channel."""
    others = [name for name in stage.runtime.weights(part.channel) if name != part.provider]
    with stage.runtime.db.write() as tx:
        for name in others:
            pauses.pause(tx, Kind.PROVIDER, name, ACTOR, stage.runtime.clock())
    try:
        yield
    finally:
        with stage.runtime.db.write() as tx:
            for name in others:
                pauses.resume(tx, Kind.PROVIDER, name)


def hold(stage: Stage, part: Part) -> None:
    with stage.runtime.db.write() as tx:
        pauses.pause(tx, Kind.LANE, part.lane, ACTOR, stage.runtime.clock())


def let_go(stage: Stage, part: Part) -> None:
    with stage.runtime.db.write() as tx:
        pauses.resume(tx, Kind.LANE, part.lane)


def await_end(stage: Stage, name: str) -> None:
    """Until nothing waits and nothing is being handed over."""
    deadline, open_still = time.monotonic() + PATIENCE, [Status.WAITING, Status.SENDING]
    waiting = select(notifications.c.id).where(notifications.c.status.in_(open_still)).limit(1)
    while time.monotonic() < deadline:
        with stage.runtime.db.read() as tx:
            if tx.execute(waiting).first() is None:
                return
        time.sleep(LOOK)
    raise BenchError(f"{name} was not over in {PATIENCE:.0f} s.")


def check(stage: Stage, messages: int) -> None:
    """Every guarantee is in what was measured: all taken, nobody written to twice."""
    counts = stage.counts()
    taken = counts["taken"] + counts["mails_taken"]
    twice = counts["repeated"] + counts["mails_repeated"]
    if (taken, twice) != (messages, 0):
        raise BenchError(f"The sandbox took {taken} of {messages} messages, {twice} of them twice.")

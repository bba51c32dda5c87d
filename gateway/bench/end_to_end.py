"""From a list of people to the last receipt applied: a broadcast with everything running."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from gateway import cities
from gateway.bench import lanes
from gateway.bench.ceilings import BenchError
from gateway.bench.lanes import BATCHED
from gateway.bench.stage import Stage
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import rehearsal, store
from gateway.broadcasts.recipients import Checked, Recipient
from gateway.broadcasts.store import START
from gateway.delivery import ledger
from gateway.notifications.status import ENDS
from gateway.notifications.store import notifications
from gateway.runtime import Runtime

RECIPIENTS = 100_000
PATIENCE = 900.0  # seconds
LOOK = 0.5
ASKED = {"name": "bench", "template": lanes.TEMPLATE, "channel": "sms"}


@dataclass(frozen=True, slots=True)
class Run:
    """People a second, and microseconds of each by who spent them."""

    per_s: float
    cpu_us: Mapping[str, float]


def measure(stage: Stage, recipients: int) -> Run:
    """From the first message taken to the last receipt applied, by way of the first provider alone.

    ``BenchError`` where anybody was written to twice, or not at all.
    """
    lanes.fresh(stage, receipts=True)
    lanes.forget(stage)
    key = _drafted(stage.runtime, recipients)
    with lanes.alone(stage, BATCHED):
        costs = stage.costs()
        with stage.runtime.db.write() as tx:
            store.act(tx, stage.runtime, key, START, lanes.ACTOR)
        _await(stage, recipients)
        spent = costs.since()
    lanes.check(stage, recipients)
    per_s = recipients / _seconds(stage)
    return Run(per_s, {name: seconds / recipients * 1e6 for name, seconds in spent.items()})


def _drafted(runtime: Runtime, recipients: int) -> UUID:
    """A draft whose list is in: that is another day's work."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    people = [Recipient(number, f"+8613{number:09d}", "王芳") for number in range(recipients)]
    return rehearsal.store_list(runtime, definitions.read(ASKED, rules, now), Checked(people), lanes.ACTOR)


def _await(stage: Stage, recipients: int) -> None:
    """Until all are taken and every message has come to its end: its receipt is applied."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with stage.runtime.db.read() as tx:
            standing = [one.standing for one in ledger.accounts(tx)]  # to count the rows would cost a core
        if sum(one.get(status, 0) for one in standing for status in ENDS) >= recipients:
            return
        time.sleep(LOOK)
    raise BenchError(f"Not every receipt was applied in {PATIENCE:.0f} s.")


def _seconds(stage: Stage) -> float:
    columns = notifications.c
    with stage.runtime.db.read() as tx:
        began, ended = tx.execute(select(func.min(columns.created_at), func.max(columns.completed_at))).one()
    return float((ended - began).total_seconds())

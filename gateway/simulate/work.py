"""What workers do, done here as their tasks would: whatever lane has something due, until none has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Table

from gateway.appointments import missed, news, waiting
from gateway.call_backs import undelivered
from gateway.db import is_due
from gateway.delivery import lanes, ledger, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.notifications import questions
from gateway.promises import ticks
from gateway.runtime import Runtime
from gateway.simulate.town import Town
from gateway.transactions import answers, engine, reminders, replanning, steps
from gateway.transactions.promises import promises
from gateway.transactions.store import transactions

MOST = 60  # rounds in one moment: more would be work that makes itself anew
QUEUES: Mapping[Table, str] = {
    transactions: engine.LANE,
    questions.questions: engine.LANE,
    reminders.reminders: reminders.LANE,
    promises: reminders.LANE,
    replanning.replannings: reminders.LANE,
}


class StuckError(Exception):
    """Work at one moment did not end."""


def until_quiet(town: Town) -> None:
    """All that is due at this moment, and what follows from it."""
    for _ in range(MOST):
        due = _due(town)
        if not due:
            return
        for lane in sorted(due):
            _run(town.runtime, lane)
        _report(town)
    raise StuckError(f"{sorted(due)} at {town.clock():%Y-%m-%d %H:%M}")


def _due(town: Town) -> set[str]:
    now = town.clock()
    town.woken.clear()
    with town.runtime.db.read() as tx:
        queued = {lane for table, lane in QUEUES.items() if is_due(tx, table, now)}
        return lanes.due(tx, now) | queued


def _run(runtime: Runtime, lane: str) -> None:
    doing: Mapping[str, Callable[[], object]] = {
        engine.LANE: lambda: (answers.run_due(runtime), steps.run_due(runtime)),
        reminders.LANE: lambda: (
            ticks.run_due(runtime),
            reminders.run_due(runtime),
            replanning.run_due(runtime),
        ),
        receipts.LANE: lambda: receipts.apply_due(runtime),
    }
    doing.get(lane, lambda: run_lane(runtime, lane))()


def _report(town: Town) -> None:
    """What the carriers say of what they took, stored as their pushes are."""
    for carrier in town.carriers:
        for push in carrier.pushes():
            with town.runtime.db.write() as tx:
                receipts.keep(tx, town.runtime, carrier.name, push)


def daily(town: Town) -> None:
    """What beat has done often, once a day: places freed, who did not come, results owed, rules seen."""
    runtime = town.runtime
    waiting.run_due(runtime)
    news.run_due(runtime)
    missed.run_due(runtime)
    undelivered.run_due(runtime)
    replanning.notice(runtime)
    ledger.compact(runtime)
    with runtime.db.write() as tx:
        measures.compact(tx)

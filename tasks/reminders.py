"""Judge the reminders that are due, and send those that still hold. Before: what is due of promises."""

from gateway.promises import ticks
from gateway.runtime import Runtime
from gateway.transactions import replanning
from gateway.transactions.reminders import LANE, run_due
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.reminders.run")
def run() -> None:
    lanes[LANE].work(lambda: _work(current()))


def _work(runtime: Runtime) -> None:
    """Those that are due first, then those a change of rules or calendar moves."""
    ticks.run_due(runtime)  # first: a back office asked about a reminder may be slow
    run_due(runtime)
    replanning.run_due(runtime)

"""Judge the reminders that are due, and send those that still hold."""

from gateway.transactions.reminders import LANE, run_due
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.reminders.run")
def run() -> None:
    lanes[LANE].work(lambda: run_due(current()))

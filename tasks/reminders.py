"""Judge the reminders that are due, and send those that still hold."""

from gateway.transactions.reminders import LANE, run_due
from tasks.app import app, current, slot


@app.task(name="tasks.reminders.run")
def run() -> None:
    with slot(LANE) as free:
        if free:
            run_due(current())

"""Ask back offices for the transactions that are due."""

from gateway.transactions.engine import LANE
from gateway.transactions.steps import run_due
from tasks.app import app, current, slot


@app.task(name="tasks.transactions.run")
def run() -> None:
    with slot(LANE) as free:
        if free:
            run_due(current())

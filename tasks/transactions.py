"""Ask back offices for the transactions that are due."""

from gateway.transactions.engine import LANE
from gateway.transactions.steps import run_due
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.transactions.run")
def run() -> None:
    lanes[LANE].work(lambda: run_due(current()))

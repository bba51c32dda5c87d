"""Tell services what is due."""

from gateway.webhooks.telling import LANE, run_due
from tasks.app import app, current, stopping
from tasks.turns import lanes


@app.task(name="tasks.webhooks.run")
def run() -> None:
    lanes[LANE].work(lambda: run_due(current(), stopping.is_set))

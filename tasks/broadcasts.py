"""Turn broadcasts into notifications, a page of people at a time."""

from gateway.broadcasts.expand import LANE, run_due
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.broadcasts.run")
def run() -> None:
    lanes[LANE].work(lambda: run_due(current()))

"""Apply what providers reported."""

from gateway.delivery.receipts import LANE, apply_due
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.receipts.run")
def run() -> None:
    lanes[LANE].work(lambda: apply_due(current()))

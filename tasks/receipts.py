"""Apply what providers reported."""

from gateway.delivery.receipts import LANE, apply_due
from tasks.app import app, current, slot


@app.task(name="tasks.receipts.run")
def run() -> None:
    with slot(LANE) as free:
        if free:
            apply_due(current())

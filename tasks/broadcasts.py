"""Turn broadcasts into notifications, a page of people at a time."""

from gateway.broadcasts.expand import LANE, run_due
from tasks.app import app, current, slot


@app.task(name="tasks.broadcasts.run")
def run() -> None:
    with slot(LANE) as free:
        if free:
            run_due(current())

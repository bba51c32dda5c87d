"""Work a lane of notifications."""

from gateway.delivery.attempt import run_lane
from tasks.app import app, current, slot


@app.task(name="tasks.delivery.run")
def run(lane: str) -> None:
    with slot(lane) as free:
        if free:
            run_lane(current(), lane)

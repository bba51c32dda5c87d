"""Work a lane of notifications."""

from gateway.delivery.attempt import run_lane
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.delivery.run")
def run(lane: str) -> None:
    lanes[lane].work(lambda: run_lane(current(), lane))

"""Work a lane of notifications."""

from gateway.delivery.attempt import run_lane
from tasks.app import app, current, stopping
from tasks.turns import lanes


@app.task(name="tasks.delivery.run")
def run(lane: str) -> None:
    lanes[lane].work(lambda: run_lane(current(), lane, stopping=stopping.is_set))

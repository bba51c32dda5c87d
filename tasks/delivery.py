"""Work a lane of notifications."""

from gateway.delivery import simulated
from gateway.delivery.attempt import run_lane
from tasks.app import app, current, stopping
from tasks.turns import lanes


@app.task(name="tasks.delivery.run")
def run(lane: str) -> None:
    lanes[lane].work(lambda: run_lane(current(), lane, stopping=stopping.is_set))


@app.task(name="tasks.delivery.simulate")
def simulate(lane: str) -> None:
    """Play what test keys asked for."""
    lanes[lane].work(lambda: simulated.run_lane(current(), lane, stopping=stopping.is_set))

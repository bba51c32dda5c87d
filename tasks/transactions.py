"""Ask back offices for the transactions that are due, and write down what people answered."""

from gateway.runtime import Runtime
from gateway.transactions import answers, steps
from gateway.transactions.engine import LANE
from tasks.app import app, current
from tasks.turns import lanes


@app.task(name="tasks.transactions.run")
def run() -> None:
    lanes[LANE].work(lambda: _work(current()))


def _work(runtime: Runtime) -> None:
    answers.run_due(runtime)  # first: a back office may be slow
    steps.run_due(runtime)

"""Turn broadcasts into notifications, a page of people at a time, and hand them over."""

from datetime import timedelta

from celery.signals import worker_shutdown

from gateway.broadcasts.expand import LANE, run_due
from gateway.broadcasts.step import ONE_WRITER, USUAL
from gateway.delivery import acceptances
from gateway.delivery.attempt import handing_over
from gateway.runtime import Runtime
from tasks.app import app, current, stopping
from tasks.turns import lanes


@app.task(name="tasks.broadcasts.run")
def run() -> None:
    lanes[LANE].work(lambda: _work(current()))


def _work(runtime: Runtime) -> None:
    with handing_over(runtime, LANE, stopping.is_set, fold=True) as calls:
        run_due(runtime, ONE_WRITER if runtime.db.one_writer else USUAL, calls)


@worker_shutdown.connect
def _leave(**_: object) -> None:
    """Leave nothing folded, of runs that ended before either: nobody may come for hours."""
    runtime = current()
    acceptances.unfold_due(runtime, timedelta(seconds=runtime.settings.lease))

"""The Celery application, this process's Runtime, and the wake-up others are given."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore, Lock

import structlog
from celery import Celery
from celery.signals import setup_logging
from kombu.exceptions import OperationalError

from gateway import config, logs, runtime
from gateway.config import Settings
from gateway.errors import SettingError
from gateway.runtime import Runtime, Wake

WORK = {
    "transactions": "tasks.transactions.run",
    "receipts": "tasks.receipts.run",
}
DELIVERY = "tasks.delivery.run"
QUIET_AFTER_FAILURE = 1.0  # seconds without another try, so that a dead broker slows nobody down
log = structlog.get_logger()

app = Celery(
    "huiyin", include=["tasks.delivery", "tasks.transactions", "tasks.receipts", "tasks.housekeeping"]
)
app.config_from_object("celeryconfig")


@setup_logging.connect
def _logs(**_: object) -> None:
    logs.configure()


@cache
def current() -> Runtime:
    """This worker process's Runtime, built at its first task."""
    settings = config.load()
    return runtime.build(settings, wake=wake_for(settings))


# --- one lane never fills a worker ----------------------------------------------------------

PER_LANE = 2  # of a worker's threads: a back office that hangs must leave room for the codes
_slots: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(PER_LANE))


@contextmanager
def slot(lane: str) -> Iterator[bool]:
    """Whether this wake-up may work the lane; otherwise two others are at it and will see what is due."""
    free = _slots[lane].acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            _slots[lane].release()


# --- waking -----------------------------------------------------------------------------------


def wake_for(settings: Settings) -> Wake:
    """A ``wake`` that publishes to this deployment's broker: coalesced, best effort, never raising."""
    if not settings.broker_url:
        raise SettingError(
            "BROKER_URL is not set. Set it, or start with python3 run.py, which brings a broker."
        )
    app.conf.update(broker_url=settings.broker_url)
    return _Wake(_publish)


def _publish(lane: str) -> None:
    if lane in WORK:
        app.send_task(WORK[lane], queue=lane, ignore_result=True)
    else:
        app.send_task(DELIVERY, args=[lane], queue=lane, ignore_result=True)


class _Wake:
    """Publishes unless the broker failed a moment ago; the sweep finds whatever is missed."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish
        self._quiet_until = 0.0
        self._lock = Lock()

    def __call__(self, lane: str) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._publish(lane)
        except (OperationalError, OSError) as error:
            with self._lock:
                self._quiet_until = time.monotonic() + QUIET_AFTER_FAILURE
            log.warning("broker_unreachable", lane=lane, error=type(error).__name__)

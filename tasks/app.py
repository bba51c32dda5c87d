"""The Celery application, this process's Runtime, and the wake-up others are given."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import cache
from threading import Event, Lock
from typing import NamedTuple

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_init, worker_shutting_down
from kombu.exceptions import OperationalError

from gateway import config, logs, readiness, runtime
from gateway.config import Settings
from gateway.delivery.simulated import is_simulated
from gateway.errors import SettingError
from gateway.runtime import Runtime, Wake

WORK = {
    lane: f"tasks.{lane}.run" for lane in ("transactions", "receipts", "broadcasts", "reminders", "webhooks")
}
DELIVERY, SIMULATE = "tasks.delivery.run", "tasks.delivery.simulate"
QUIET, LONGEST_QUIET = 1.0, 30.0  # seconds without another try, doubled while the broker is away
STALE = 10.0  # seconds after which a wake-up is dropped unread: the sweep has sent others since
log = structlog.get_logger()

app = Celery("huiyin", include=["tasks.delivery", "tasks.housekeeping", *(f"tasks.{lane}" for lane in WORK)])
app.config_from_object("celeryconfig")


@setup_logging.connect
def _logs(**_: object) -> None:
    logs.configure()


@worker_init.connect
def _check(**_: object) -> None:
    """No worker begins with settings that are missing or contradict each other."""
    try:
        readiness.check(config.load())
    except SettingError as error:
        raise SystemExit(str(error)) from None
    collect_less()


def collect_less() -> None:
    """What is loaded at the start stays, what work needs is soon gone: neither is worth looking at often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


stopping = Event()  # set by SIGTERM: nothing more is claimed or begun


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()


_building = Lock()


def current() -> Runtime:
    """This worker process's Runtime, built at its first task."""
    with _building:
        return _built()


@cache
def _built() -> Runtime:
    settings = config.load()
    return runtime.build(settings, wake=wake_for(settings), working=True)


# --- waking -----------------------------------------------------------------------------------


def wake_for(settings: Settings) -> Wake:
    """A ``wake`` that publishes to this deployment's broker: best effort, never raising."""
    if not settings.broker_url:
        raise SettingError(
            "BROKER_URL is not set. Set it, or start with python3 run.py, which brings a broker."
        )
    app.conf.update(broker_url=settings.broker_url)
    return _Wake(_publish)


def publish_only() -> None:
    """For a process that runs no tasks: a broker that does not answer may hold a request for a second."""
    impatient = {"socket_timeout": 1, "socket_connect_timeout": 0.5}
    app.conf.update(broker_transport_options={**app.conf.broker_transport_options, **impatient})


class Message(NamedTuple):
    """What wakes a lane: a task, what it is told, and the queue it goes to."""

    task: str
    told: list[str]
    queue: str


def message(lane: str) -> Message:
    if lane in WORK:
        return Message(WORK[lane], [], lane)
    return Message(SIMULATE, [lane], "simulated") if is_simulated(lane) else Message(DELIVERY, [lane], lane)


def _publish(lane: str) -> None:
    task, told, queue = message(lane)
    app.send_task(task, args=told, queue=queue, ignore_result=True, expires=STALE)


class _Wake:
    """Publishes unless the broker failed a moment ago; the sweep finds whatever is missed.

    While it is away one thread at a time tries, less and less often, and nobody
    else waits.
    """

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish
        self._quiet = 0.0
        self._quiet_until = 0.0
        self._trying = Lock()

    def __call__(self, lane: str) -> None:
        if not self._quiet:
            self._try(lane)
        elif time.monotonic() >= self._quiet_until and self._trying.acquire(blocking=False):
            try:
                self._try(lane)
            finally:
                self._trying.release()

    def _try(self, lane: str) -> None:
        try:
            self._publish(lane)
            self._quiet = 0.0
        except (OperationalError, OSError) as error:
            self._quiet = min(max(QUIET, 2 * self._quiet), LONGEST_QUIET)
            self._quiet_until = time.monotonic() + self._quiet
            log.warning("broker_unreachable", lane=lane, error=type(error).__name__)

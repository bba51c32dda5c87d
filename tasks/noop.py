"""A task that does nothing: the ceiling the bench compares with. No worker of the product runs it."""

from __future__ import annotations

import os
import sys

from celery import Celery

QUEUE = "noop"

app = Celery("noop", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_acks_late=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop() -> None:
    """Nothing."""


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        noop.delay()

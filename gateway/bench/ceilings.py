"""What this machine could do at most: an empty task, a row copied, a request answered by the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import redis

from gateway.bench import posting
from gateway.db import uuid7
from gateway.errors import HuiyinError
from gateway.instance.supervisor import ROOT

TASKS, ROWS = 5_000, 200_000
CONNECTIONS = 32
QUEUE = "noop"  # of tasks/noop.py
PATIENCE = 120.0  # seconds


class BenchError(HuiyinError):
    """The bench could not measure."""


def noop_tasks(broker_url: str, count: int = TASKS) -> float:
    """Empty Celery tasks a second: published beforehand, prefork 2, acknowledged early, results ignored."""
    environment = {**os.environ, "BROKER_URL": broker_url, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "tasks.noop", str(count)], env=environment, cwd=ROOT, check=True)
    options = ["--pool", "prefork", "--concurrency", "2", "--queues", QUEUE, "--loglevel", "CRITICAL"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "-A", "tasks.noop", "worker", *options, *quiet],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return _drained(redis.Redis.from_url(_client_url(broker_url)), count)
    finally:
        worker.terminate()
        worker.wait()


def _client_url(broker_url: str) -> str:
    return broker_url.replace("redis+socket://", "unix://", 1)


def _drained(broker: redis.Redis, count: int) -> float:
    """From the first tenth to the last: what it takes to start is not counted."""
    first, last = count * 9 // 10, count // 10
    begun, deadline = None, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        left, now = int(str(broker.llen(QUEUE))), time.perf_counter()
        if begun is None and left <= first:
            begun = (left, now)
        if begun and left <= last:
            return (begun[0] - left) / (now - begun[1])
        time.sleep(0.005)
    raise BenchError("The empty tasks were not worked off in time.")


def copied_rows(url: str, count: int = ROWS) -> float:
    """Rows as narrow as an attempt, copied into PostgreSQL in one commit, a second."""
    now = datetime.now(UTC)
    rows = [(uuid7(), "0123456789abcd", "aliyun_sms", b"0123456789abcdef", 1, now) for _ in range(count)]
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE ceiling (id uuid PRIMARY KEY, handover varchar(15), provider varchar(40), "
            "address bytea, lease bigint, started_at timestamptz)"
        )
        began = time.perf_counter()
        with connection.cursor().copy(
            "COPY ceiling (id, handover, provider, address, lease, started_at) FROM STDIN"
        ) as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE ceiling")
    return count / seconds


def posts(url: str, requests: Sequence[bytes], fine: bytes) -> float:
    """Prepared requests answered a second, over kept connections, one at a time on each.

    ``BenchError`` when an answer does not hold ``fine``.
    """
    posted = posting.post(url, requests, CONNECTIONS)
    good = sum(fine in answer for answer in posted.answers)
    if good < len(requests):
        raise BenchError(f"{len(requests) - good} of {len(requests)} posts were not taken.")
    return len(requests) / posted.seconds

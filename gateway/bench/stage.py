"""Where it is measured: the product's own processes, the sandbox and a PostgreSQL, all on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import urllib3

from gateway import config, instance
from gateway.bench.ceilings import BenchError
from gateway.bench.machine import Costs, resident_mb
from gateway.config import Settings
from gateway.demo import start
from gateway.instance import Hooks, Instance
from gateway.instance.postgres import Postgres
from gateway.instance.programs import WORKERS
from gateway.instance.scratch import scratch
from gateway.runtime import Runtime

DATABASE = "bench"
CITY = "changde"  # its send windows are always open
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """A running product. ``runtime`` is ours beside its processes: it fills lanes and reads the books."""

    instance: Instance
    runtime: Runtime
    database: Postgres | None
    http: urllib3.PoolManager

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    def sandbox(self, what: str, **values: object) -> Mapping[str, object]:
        """POST to one of its admin doors. ``BenchError`` for anything but OK."""
        words, kind = json.dumps(values), {"Content-Type": "application/json"}
        answer = self.http.request(
            "POST", f"{self.instance.sandbox_url}/_sandbox/{what}", body=words, headers=kind
        )
        if answer.status != 200:
            raise BenchError(f"The sandbox refused {what}: {answer.data.decode(errors='replace')[:200]}")
        found: Mapping[str, object] = answer.json()
        return found

    def counts(self) -> Mapping[str, int]:
        """What the sandbox counted since its last reset."""
        answer: Mapping[str, int] = self.http.request(
            "GET", f"{self.instance.sandbox_url}/_sandbox/counts"
        ).json()
        return answer

    def costs(self) -> Costs:
        """From now on."""
        ids = self.instance.supervisor.process_id
        groups: dict[str, list[int | None]] = {
            "workers": [ids(name) for name in WORKERS],
            "api": [ids("api")],
            "sandbox": [ids("sandbox")],
        }
        if self.database:
            groups["database"] = [self.database.process_id]
        return Costs(groups)

    def workers_rss_mb(self) -> float:
        return resident_mb(self.instance.supervisor.process_id(name) for name in WORKERS)


@contextmanager
def staged(say: Say, *, sqlite: bool, hooks: Hooks | None = None) -> Iterator[Stage]:
    """Start everything in a fresh folder on free ports; all of it is gone afterwards."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("huiyin-bench-"))
        folder.chmod(0o711)  # the database's own user passes through
        environment = {name: value for name, value in os.environ.items() if name not in config.DEPLOYMENT}
        environment["HUIYIN_CITY"] = CITY
        database = None if sqlite else stack.enter_context(_postgres(folder))
        if database:
            environment["DATABASE_URL"] = database.url(DATABASE)
        settings = config.load(environment, folder / "state")
        say("Starting the product.")
        hooks = hooks or start.hooks(play=False)
        running = stack.enter_context(instance.running(settings, say=say, hooks=hooks))
        here = start.asleep(running.settings)  # the sweep wakes the lanes
        stack.callback(here.db.close)
        yield Stage(running, here, database, urllib3.PoolManager(retries=False, timeout=60))


@contextmanager
def _postgres(folder: Path) -> Iterator[Postgres]:
    place = folder / "postgres"
    place.mkdir()
    with Postgres(place, durable=True) as database:
        with psycopg.connect(database.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        yield database

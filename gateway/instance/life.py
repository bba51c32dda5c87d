"""From the first check to the last process: the life of an instance."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from gateway import config
from gateway.config import Settings
from gateway.errors import HuiyinError
from gateway.instance.port import listen
from gateway.instance.programs import GENERAL, STOP_ORDER, WORKERS, Plan
from gateway.instance.state import (
    clear,
    database_is_gone,
    kept_secrets,
    lock,
    seeded_mark,
    write_private,
)
from gateway.instance.supervisor import Program, Say, StartError, Supervisor

GATEWAY = ("-m", "gateway.cli")
PATIENCE = 60.0  # seconds for the slowest program to become ready
LOOK = 0.2  # seconds between two looks at the processes
REFUSED, FAILED = 2, 1  # exit codes: nothing was started; something did not work


@dataclass(frozen=True, slots=True)
class Ready:
    """What ``ready.json`` says: addresses, and whatever the hooks call credentials."""

    url: str
    sandbox_url: str
    credentials: Mapping[str, object] = field(repr=False)

    def document(self) -> dict[str, object]:
        return {"url": self.url, "sandbox_url": self.sandbox_url, **self.credentials}


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the rest of the product adds to a start; each gets the settings our processes have.

    ``prepare`` is called at every start when database and sandbox stand and no door
    is open yet; it returns the credentials ``ready.json`` shows: ``operator`` {user,
    password}, ``api_key``, ``service_id``. ``tour`` plays one transaction when all
    works and returns what to print. ``instead_of`` gives what is run for each of our
    own programs.
    """

    prepare: Callable[[Settings], Mapping[str, object]] = lambda _settings: {}
    tour: Callable[[Settings, Ready], str] = lambda _settings, _ready: ""
    instead_of: Callable[[Program], Program] = lambda program: program


class Instance:
    """One running product. ``StartError`` from ``start`` is one clear line, before or after its log's end."""

    def __init__(self, settings: Settings, port: int, say: Say) -> None:
        self._given = settings
        self._port = port
        self._say = say
        self._lock: int | None = None
        self._door: socket.socket | None = None
        self._plan: Plan | None = None
        self._supervisor: Supervisor | None = None
        self._ready: Ready | None = None

    # --- what is known once it runs ---

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            raise StartError("The instance has not been started.")
        return self._plan

    @property
    def ready(self) -> Ready:
        """What was announced when it started."""
        if self._ready is None:
            raise StartError("The instance has not been started.")
        return self._ready

    @property
    def supervisor(self) -> Supervisor:
        if self._supervisor is None:
            raise StartError("The instance has not been started.")
        return self._supervisor

    @property
    def started(self) -> bool:
        """Whether any process was started."""
        return self._supervisor is not None

    @property
    def url(self) -> str:
        return self.plan.url

    @property
    def sandbox_url(self) -> str:
        return self.plan.sandbox_url

    @property
    def settings(self) -> Settings:
        """The settings its processes have."""
        return config.load(self.plan.environment(), self._given.state)

    # --- starting ---

    def start(self, hooks: Hooks) -> Ready:
        """Claim state folder and port, start everything, wait until it works, and say so."""
        plan = self._claim()
        supervisor = self._supervisor = Supervisor(self._given.state / "logs", self._say)
        outside = self._start_outside(plan, supervisor)
        supervisor.run("migrate", [*GATEWAY, "migrate"], plan.environment())
        supervisor.await_ready(*outside, seconds=PATIENCE)
        self._seed(plan, supervisor)
        settings = self.settings
        ready = Ready(plan.url, plan.sandbox_url, hooks.prepare(settings))
        for program in plan.workers():
            supervisor.start(hooks.instead_of(program))
        supervisor.await_ready("api", *WORKERS, seconds=PATIENCE)
        write_private(self._given.state / config.RUNNING, json.dumps(plan.given()))
        self._announce(ready, hooks.tour(settings, ready))
        self._ready = ready
        return ready

    def _claim(self) -> Plan:
        state = self._given.state
        self._lock = lock(state)
        if database_is_gone(self._given):
            seeded_mark(self._given).unlink(missing_ok=True)
        door = self._door = listen(self._port)
        clear(self._given.state)
        self._plan = Plan(self._given, door.getsockname()[1], door.fileno(), secrets=kept_secrets(state))
        return self._plan

    def _start_outside(self, plan: Plan, supervisor: Supervisor) -> list[str]:
        """Start what our own programs talk to."""
        programs = [] if plan.settings.broker_url else [plan.broker()]
        programs += [plan.sandbox()] if plan.plays_world else []
        for program in programs:
            supervisor.start(program)
        return [program.name for program in programs]

    def _seed(self, plan: Plan, supervisor: Supervisor) -> None:
        """Fill a new demo; one whose filling was interrupted is filled again."""
        mark = seeded_mark(plan.settings)
        if not plan.settings.demo or mark.exists():
            return
        if not plan.settings.owns_database:
            self._say("Your DATABASE_URL is left as it is; the seed verb fills it with the demo city.")
            return
        self._say("Making the demo city.")
        began = time.monotonic()
        supervisor.run("seed", [*GATEWAY, "seed"], plan.environment())
        mark.touch(0o600)
        self._say(f"The demo city stands ({time.monotonic() - began:.0f} s).")

    def _announce(self, ready: Ready, tour: str) -> None:
        write_private(self._given.state / "ready.json", json.dumps(ready.document(), ensure_ascii=False))
        for line in filter(None, (*_what_to_open(ready), tour, f"ready {ready.url}")):
            self._say(line)

    # --- running ---

    def watch(self) -> None:
        """Keep everything running until a signal or an error ends it."""
        while True:
            self.supervisor.tend()
            time.sleep(LOOK)

    def kill(self, name: str) -> None:
        """Kill ``broker``, ``sandbox``, ``api``, ``urgent``, ``beat`` or all of ``general`` for good."""
        for one in GENERAL if name == "general" else (name,):
            self.supervisor.kill(one)

    def resume(self, name: str) -> None:
        """Start what was killed again and wait until it works."""
        for one in GENERAL if name == "general" else (name,):
            self.supervisor.resume(one, PATIENCE)

    # --- stopping ---

    def stop(self) -> None:
        """Stop all programs in order and let go of port and state folder."""
        if self._supervisor is not None:
            self._supervisor.stop(*STOP_ORDER)
            clear(self._given.state)
        if self._door is not None:
            self._door.close()
        if self._lock is not None:
            os.close(self._lock)
        self._door = self._lock = None


def _what_to_open(ready: Ready) -> list[str]:
    lines = [
        f"  Citizens' page · 市民办事   {ready.url}/",
        f"  Console · 控制台            {ready.url}/ops   (user, password: <state>/ready.json)",
        f"  API · 接口文档              {ready.url}/docs",
    ]
    if ready.sandbox_url:
        lines.insert(1, f"  Telephone · 拨打热线        {ready.url}/phone")
        lines.append(f"  Handsets · 沙盒手机          {ready.sandbox_url}/")
    return lines


# --- in the foreground ------------------------------------------------------------


class _Interrupted(BaseException):
    """Ctrl-C or SIGTERM: not an error, so nothing on the way may catch it as one."""


def up(settings: Settings, port: int, say: Say, hooks: Hooks | None = None) -> int:
    """Run an instance in the foreground until Ctrl-C or SIGTERM; returns the exit code.

    Call it from the main thread. ``say`` gets the lines for standard output; what
    went wrong goes to standard error.
    """
    instance = Instance(settings, port, say)
    stopping = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise _Interrupted
        if instance.started:
            instance.supervisor.hurry = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    code = 0
    try:
        instance.start(hooks or Hooks())
        instance.watch()
    except _Interrupted:
        say("Stopping.")
    except HuiyinError as error:
        sys.stderr.write(f"{error}\n")
        code = FAILED if instance.started else REFUSED
    finally:
        stopping = True
        instance.stop()
    return code


# --- for the length of a with block --------------------------------------------------


@contextmanager
def running(
    settings: Settings, port: int = 0, say: Say = lambda _line: None, hooks: Hooks | None = None
) -> Iterator[Instance]:
    """Run an instance while the block runs; port 0 takes a free one.

    Its processes are looked after by a thread that ends only after them.
    """
    instance = Instance(settings, port, say)
    done = Event()

    def tend() -> None:
        while not done.wait(LOOK):
            instance.supervisor.tend()

    watcher = Thread(target=tend, name="supervisor", daemon=True)
    try:
        instance.start(hooks or Hooks())
        watcher.start()
        yield instance
    finally:
        instance.stop()
        done.set()
        if watcher.is_alive():
            watcher.join()

"""Keeps processes running: starts them, restarts what dies, stops them in order.

Every process is tied to this one (``leash.py``), writes to its own log, and is
alone in its session, so Ctrl-C at the terminal reaches the supervisor only. The
tie breaks when the thread that started a process ends: start them from a thread
that lives until ``stop`` is done.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from gateway.errors import HuiyinError

ROOT = Path(__file__).resolve().parent.parent.parent
LEASH = Path(__file__).with_name("leash.py")
HOPELESS = 3  # deaths of a program that was never ready
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a restart, doubled each time
GRACE = 10.0  # seconds to stop in before SIGKILL
LOG_LIMIT = 5_000_000  # bytes; a longer log is put aside at the next start
TAIL = 15  # lines of a log that are shown
LOOK = 0.05  # seconds between two looks at a process
NICE = ("nice", "-n", "5")

Say = Callable[[str], None]


class StartError(HuiyinError):
    """The instance could not be started."""


def _at_once(log: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to see that it works.

    ``command`` gives ``-m MODULE …`` or ``PATH …`` and is asked before each start;
    ``ready`` gets what the process has logged so far; ``greet`` is called each time
    it has become ready. A ``modest`` one leaves the processor to the others first.
    """

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    ready: Callable[[str], bool] = _at_once
    greet: Callable[[], None] = lambda: None
    descriptors: Sequence[int] = ()
    modest: bool = False


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    log_start: int = 0  # where in its log this life begins
    ready: bool = False
    proven: bool = False  # was ready in this life or an earlier one
    held: bool = False  # killed on purpose, not to be restarted
    deaths: int = 0  # since it was last ready
    due: float = 0.0  # when to start it again


class Supervisor:
    """The processes of one instance. ``say`` gets a line for people; ``logs`` is the folder of the logs."""

    def __init__(self, logs: Path, say: Say) -> None:
        self._logs = logs
        self._say = say
        self._children: dict[str, _Child] = {}
        self._lock = RLock()
        self._stopping = False
        self.hurry = False  # set to kill at once what is still running
        logs.mkdir(mode=0o700, exist_ok=True)

    # --- starting ---

    def start(self, program: Program) -> None:
        self._set_aside(program.name)
        with self._lock:
            child = self._children[program.name] = _Child(program)
            self._spawn(child)

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a program to its end; ``StartError`` with the end of its log if it fails."""
        program = Program(name, lambda: command, environment)
        self._set_aside(name)
        with self._lock:
            child = self._children[name] = _Child(program, held=True)  # held: it is meant to end
            process = self._spawn(child)
        while process.poll() is None:
            self.tend()
            time.sleep(LOOK)
        if process.returncode:
            raise self._failure(child, f"{name} failed ({_how(process.returncode)})")
        del self._children[name]

    def await_ready(self, *names: str, seconds: float) -> None:
        """Wait until the named programs work; ``StartError`` if they do not in time."""
        deadline = time.monotonic() + seconds
        while waiting := [name for name in names if not self._children[name].ready]:
            self.tend()
            if time.monotonic() > deadline:
                child = self._children[waiting[0]]
                raise self._failure(child, f"{waiting[0]} was not ready after {seconds:.0f} s")
            time.sleep(LOOK)

    def _spawn(self, child: _Child) -> subprocess.Popen[bytes]:
        program = child.program
        log = self._log(program.name)
        leash = [*(NICE if program.modest else ()), sys.executable, "-P", str(LEASH), str(os.getpid())]
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            child.log_start = file.tell()
            child.ready = False
            child.process = subprocess.Popen(
                [*leash, *program.command()],
                env={**program.environment, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=program.descriptors,
            )
        return child.process

    # --- watching ---

    def tend(self) -> None:
        """Look at every process once; ``StartError`` when one cannot be kept running."""
        with self._lock:
            for child in self._children.values():
                if not self._stopping and not child.held:
                    self._look_at(child)

    def _look_at(self, child: _Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.due:
                self._spawn(child)
        elif child.process.poll() is not None:
            self._bury(child, child.process.returncode)
        elif not child.ready and child.program.ready(self._written(child)):
            child.ready = child.proven = True
            child.deaths = 0
            child.program.greet()

    def _bury(self, child: _Child, code: int) -> None:
        name = child.program.name
        child.process = None
        child.deaths += 1
        if child.deaths >= HOPELESS and not child.proven:
            raise self._failure(child, f"{name} does not start ({_how(code)})")
        pause = min(FIRST_PAUSE * 2 ** (child.deaths - 1), LONGEST_PAUSE)
        child.due = time.monotonic() + pause
        self._say(f"{name} ended ({_how(code)}); starting it again in {pause:.1f} s, see {self._log(name)}")

    def _failure(self, child: _Child, line: str) -> StartError:
        lines = self._written(child).splitlines()[-TAIL:]
        log = self._log(child.program.name)
        return StartError("\n".join([*(f"  | {text}" for text in lines), f"{line}. Its log is {log}"]))

    # --- on purpose ---

    def kill(self, name: str) -> None:
        """Kill a program the hard way and leave it dead."""
        with self._lock:
            child = self._children[name]
            child.held = True
            if child.process is not None:
                _kill(child.process)

    def resume(self, name: str, seconds: float) -> None:
        """Start a killed program again and wait until it works."""
        with self._lock:
            child = self._children[name]
            child.held = False
            self._spawn(child)
        self.await_ready(name, seconds=seconds)

    def process_id(self, name: str) -> int | None:
        """The process id of a program; none while it is dead."""
        process = self._children[name].process
        return process.pid if process is not None and process.poll() is None else None

    def stop(self, *order: Sequence[str]) -> None:
        """End all programs, one group after the other; whoever takes too long is killed."""
        with self._lock:
            self._stopping = True
        deadline = time.monotonic() + GRACE
        for group in order:
            processes = [child.process for name, child in self._children.items() if name in group]
            self._end([process for process in processes if process is not None], deadline)
        for child in self._children.values():
            if child.process is not None:
                _kill(child.process)

    def _end(self, processes: Sequence[subprocess.Popen[bytes]], deadline: float) -> None:
        for process in processes:
            process.terminate()
        while any(process.poll() is None for process in processes):
            if self.hurry or time.monotonic() > deadline:
                return
            time.sleep(LOOK)

    # --- logs ---

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _set_aside(self, name: str) -> None:
        log = self._log(name)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))

    def _written(self, child: _Child) -> str:
        with self._log(child.program.name).open("rb") as file:
            file.seek(child.log_start)
            return file.read().decode(errors="replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has not been waited for yet, and what it forked."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

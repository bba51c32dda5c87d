"""The life of an instance: how it refuses to start, stops, dies, and comes back with its data."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import config
from gateway.instance import Instance, StartError, broker, running
from gateway.instance.supervisor import Program, Supervisor
from tests.flows.processes import PATIENCE, ROOT, bare, marked, until
from tests.leashed import leashed

pytestmark = pytest.mark.whole


class Product:
    """``gateway up`` as run.py starts it, in a process of its own."""

    def __init__(self, state: Path, port: int = 0) -> None:
        self.state = state
        command = leashed("-m", "gateway.cli", "--state", str(state), "up", "--port", str(port))
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=bare(state.parent, PYTHONPATH=str(ROOT), MARK=str(state)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_ready(self) -> dict[str, str]:
        """Read what it prints up to ``ready <url>``; return ready.json."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                found: dict[str, str] = json.loads((self.state / "ready.json").read_text())
                assert line == f"ready {found['url']}\n"
                return found
        raise AssertionError(self.process.communicate()[1])

    def refusal(self) -> tuple[int, str]:
        """Exit code and standard error of a start that did not happen."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


@contextmanager
def product(state: Path, port: int = 0) -> Iterator[Product]:
    started = Product(state, port)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGKILL)


@dataclass(frozen=True)
class Life:
    """What was seen of two starts on one state folder, the first ended by SIGTERM, the second by kill -9."""

    state: Path
    processes: int
    first: dict[str, str]
    file_mode: int
    exit_code: int
    left: Mapping[int, str]
    second: dict[str, str]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    state = tmp_path_factory.mktemp("instance") / "state"
    with product(state) as started:
        first = started.await_ready()
        processes = len(marked(state))
        mode = (state / "ready.json").stat().st_mode & 0o777
        code, left = started.end(signal.SIGTERM), marked(state)
    with product(state) as started:
        second = started.await_ready()
        started.end(signal.SIGKILL)
    return Life(state, processes, first, mode, code, left, second)


def test_ready_json_says_all_that_is_needed_to_its_owner_alone(life: Life) -> None:
    assert life.first.keys() == {"url", "sandbox_url", "operator", "api_key", "service_id"}
    assert life.file_mode == 0o600
    assert life.state.stat().st_mode & 0o777 == 0o700


def test_sigterm_stops_everything_and_exits_0(life: Life) -> None:
    assert life.processes > 6
    assert (life.exit_code, life.left) == (0, {})


def test_the_next_start_keeps_the_data(life: Life) -> None:
    assert life.second["service_id"] == life.first["service_id"]


def test_kill_9_of_the_parent_leaves_no_orphan(life: Life) -> None:
    until(lambda: not marked(life.state))


@pytest.fixture(scope="module")
def live(life: Life) -> Iterator[Instance]:
    """The same instance, started in this process."""
    settings = config.load(bare(life.state.parent), life.state)
    with running(settings) as instance:
        yield instance


@pytest.mark.parametrize("name", ["broker", "sandbox", "api", "urgent"])
def test_a_killed_program_stays_dead_until_it_is_resumed_at_its_old_address(
    live: Instance, name: str
) -> None:
    addresses = live.url, live.sandbox_url
    live.kill(name)
    assert live.supervisor.process_id(name) is None
    live.resume(name)
    assert live.supervisor.process_id(name) is not None
    assert (live.url, live.sandbox_url) == addresses


def test_a_program_that_dies_is_started_again(live: Instance) -> None:
    first = live.supervisor.process_id("general")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: live.supervisor.process_id("general") not in {None, first})


def test_a_second_instance_on_the_same_state_is_refused_in_one_line(live: Instance) -> None:
    state = live.settings.state
    with product(state) as second:
        code, err = second.refusal()
    assert code == 2
    holder = f"Process {os.getpid()} already runs an instance in {state}"
    assert err == f"{holder}; stop it or use another --state DIR.\n"


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with product(state, port) as started:
            code, err = started.refusal()
    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith(f"Port {port} is in use by process {os.getpid()} (")
    assert err.endswith("; stop it or run with --port N.\n")
    assert not (state / "logs").exists()


def test_a_state_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with product(file / "state") as started:
        code, err = started.refusal()
    assert (code, len(err.splitlines())) == (2, 1)
    assert "--state DIR" in err


# --- what it is made of ----------------------------------------------------------------


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "logs", lambda _line: None)
    yield made
    made.hurry = True
    made.stop()


def python(name: str, code: str, mark: Path) -> Program:
    return Program(
        name, lambda: [sys.executable, "-c", code], bare(mark, MARK=str(mark)), lambda log: "works" in log
    )


def test_a_program_that_never_works_ends_the_start_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start(python("broken", "raise SystemExit('no such setting')", tmp_path))
    with pytest.raises(StartError) as error:
        supervisor.await_ready("broken", seconds=PATIENCE)
    assert "  | no such setting\n" in str(error.value)
    assert str(error.value).splitlines()[-1].startswith("broken does not start (exit code 1). Its log is ")


def test_a_program_that_will_not_stop_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('works', flush=True); time.sleep(99)"
    )
    supervisor.start(python("deaf", deaf, tmp_path))
    supervisor.await_ready("deaf", seconds=PATIENCE)
    supervisor.hurry = True
    supervisor.stop(["deaf"])
    assert marked(tmp_path) == {}


def test_a_long_state_path_puts_the_brokers_socket_in_a_private_folder(tmp_path: Path) -> None:
    short = broker.socket_path(Path("/var/lib/huiyin"))
    far = broker.socket_path(tmp_path / ("long" * 30))
    assert short == Path("/var/lib/huiyin/broker.sock")
    assert len(os.fsencode(far)) <= broker.LONGEST_SOCKET
    assert far.parent.stat().st_mode & 0o777 == 0o700
    far.parent.rmdir()

"""A run of tests that is broken off leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.instance.scratch import scratch
from tests.flows.processes import PATIENCE, ROOT, bare, until
from tests.leashed import leashed

ENDLESS = """
import pathlib, threading

def test_without_an_end(postgres_url, valkey, shared_sandbox):
    pathlib.Path("{}").touch()
    threading.Event().wait()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """The temporary folder of that run."""
    with scratch("huiyin-test-") as folder:
        place = folder / "run"
        place.mkdir()
        for one in (folder, place):
            one.chmod(0o711)  # the database's own user passes through
        yield place


def _processes(place: Path) -> Mapping[int, str]:
    """Those that know of the place from their environment, their command or where they work."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            known = command + (process / "environ").read_bytes() + os.fsencode((process / "cwd").readlink())
        except OSError:  # it ended meanwhile
            continue
        if os.fsencode(place) in known:
            found[int(process.name)] = command.replace(b"\0", b" ").decode()
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_servers_and_folders_end_with_the_run(place: Path, number: signal.Signals) -> None:
    """However it is killed: no PostgreSQL, broker or sandbox goes on, and no folder of theirs stays."""
    begun, test = place / "begun", place / "test_endless.py"
    test.write_text(ENDLESS.format(begun))
    plugins = ("-p", "tests.conftest", "-p", "tests.contract.conftest", "-n", "1")
    where = ("-c", str(ROOT / "setup.cfg"), "--rootdir", str(place), "--basetemp", str(place / "kept"))
    command = leashed(sys.executable, "-m", "pytest", *plugins, *where, str(test))
    environment = bare(place, TMPDIR=str(place), PYTHONPATH=str(ROOT))
    run = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        until(begun.exists, PATIENCE)
        servers = " ".join(_processes(place).values())
        assert all(name in servers for name in ("postgres -D", "valkey-server", "integrations.sandbox"))
        assert list(place.glob("huiyin-*"))
    finally:
        run.send_signal(number)
        run.wait(PATIENCE)
    until(lambda: not _processes(place) and not list(place.glob("huiyin-*")), PATIENCE)

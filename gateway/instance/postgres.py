"""A PostgreSQL of this machine's own binaries, for as long as something is measured or tried.

It listens on loopback only, keeps its data in the folder given, and is gone with it. It refuses
to run as root, so root's is run by ``nobody``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from gateway.instance.port import LOOPBACK
from gateway.instance.supervisor import StartError

INSTALLED = Path("/usr/lib/postgresql")  # where Debian and Ubuntu put each version's binaries
CONNECTIONS = 200
USER = "huiyin"


class Postgres:
    """Runs inside a ``with`` block. ``durable`` waits for the disk at each commit, as a real one does."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._binaries = _binaries()
        self._folder, self._data = folder, folder / "data"
        self._durable = durable
        self._user = "nobody" if os.geteuid() == 0 else None
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            self._port = free.getsockname()[1]

    def __enter__(self) -> Postgres:
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-p {self._port} -k '' -h {LOOPBACK} -c max_connections={CONNECTIONS}"
        if not self._durable:
            options += " -c fsync=off"
        self._run("pg_ctl", "-l", str(self._data / "log"), "-w", "-o", options, "start")
        return self

    def restart(self, mode: str) -> None:
        """Stop it in that mode of ``pg_ctl``'s (``fast``, ``immediate``), and wait until it works again."""
        self._run("pg_ctl", "-l", str(self._data / "log"), "-w", "-m", mode, "restart")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def url(self, database: str = "postgres") -> str:
        """As psycopg and ``DATABASE_URL`` take it."""
        return f"postgresql://{USER}@{LOOPBACK}:{self._port}/{database}"

    @property
    def process_id(self) -> int:
        """Of the postmaster, whose children are the sessions."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), "-D", str(self._data), *arguments],
            check=True,
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.defpath},
        )


def installed() -> bool:
    """Whether this machine has one to run."""
    return any(INSTALLED.glob("*/bin/initdb"))


def _binaries() -> Path:
    """Of the newest version installed; ``StartError`` says what to install."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    if not found:
        raise StartError("PostgreSQL is not installed. As root: apt install postgresql. Or pass --sqlite.")
    return found[-1].parent

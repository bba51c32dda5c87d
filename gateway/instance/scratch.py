"""A folder for as long as something is tried: gone with whoever made it, however that ends.

A small process waits for the end of a pipe from the maker, which also ``kill -9`` brings about, and
removes the folder. A PostgreSQL that runs in it is stopped before: it is nobody's child, so no
``leash.py`` holds it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_STOP = 10.0  # seconds; then the folder goes all the same
LOOK = 0.05


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """The folder, under the temporary one, for our eyes only."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    remover = [sys.executable, "-IS", __file__, str(folder)]
    with subprocess.Popen(remover, stdin=subprocess.PIPE, start_new_session=True):
        yield folder


def remove(folder: Path) -> None:
    """Stop what runs in it, and be patient with what is still ending."""
    for lock in folder.glob("**/postmaster.pid"):
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(lock.read_text().splitlines()[0]), signal.SIGQUIT)
            _until_gone(lock)
    deadline = time.monotonic() + LONGEST_STOP
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(LOOK)


def _until_gone(path: Path) -> None:
    deadline = time.monotonic() + LONGEST_STOP
    while path.exists() and time.monotonic() < deadline:
        time.sleep(LOOK)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    remove(Path(sys.argv[1]))

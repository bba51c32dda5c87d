"""Starting programs as somebody who has set nothing, and finding what they left running."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0  # seconds


def bare(home: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing; no settings of pip's from this machine."""
    return {"HOME": str(home), "PATH": os.defpath, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "0", **more}


def marked(mark: Path) -> Mapping[int, str]:
    """The processes that inherited this mark: process id → command."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
    return found


def until(held: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)

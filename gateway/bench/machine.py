"""The machine a figure belongs to, and what its processes cost."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def described() -> dict[str, object]:
    """Processor, cores, memory, Python."""
    model = [line.partition(":")[2].strip() for line in _lines("cpuinfo") if line.startswith("model name")]
    memory = [line.split()[1] for line in _lines("meminfo") if line.startswith("MemTotal")]
    return {
        "processor": model[0] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(memory[0]) // 1024 if memory else None,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _lines(name: str) -> list[str]:
    path = PROC / name
    return path.read_text().splitlines() if path.exists() else []


class Costs:
    """Processor time of groups of processes with all they started, those that ended meanwhile included."""

    def __init__(self, groups: Mapping[str, Iterable[int | None]]) -> None:
        self._groups = {name: [pid for pid in pids if pid] for name, pids in groups.items()}
        self._began = self._seconds()

    def since(self) -> dict[str, float]:
        """Seconds of each group since this was made."""
        now = self._seconds()
        return {name: max(0.0, now[name] - self._began[name]) for name in now}

    def _seconds(self) -> dict[str, float]:
        children = _children()
        return {
            name: sum(_spent(pid) for root in roots for pid in _tree(root, children))
            for name, roots in self._groups.items()
        }


def resident_mb(roots: Iterable[int | None]) -> float:
    """Memory of these processes and all they started."""
    children = _children()
    pids = [pid for root in roots if root for pid in _tree(root, children)]
    pages = sum(int(stat[21]) for pid in pids if (stat := _stat(pid)))
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            found.setdefault(int(stat[1]), []).append(int(entry.name))
    return found


def _tree(root: int, children: Mapping[int, list[int]]) -> list[int]:
    return [root, *(pid for child in children.get(root, ()) for pid in _tree(child, children))]


def _spent(pid: int) -> float:
    """Its own, and its ended children's that were waited for."""
    stat = _stat(pid)
    return sum(map(int, stat[11:15])) / TICKS if stat else 0.0


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks (proc(5)); [] for a process that is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

"""A clock that can be put forward and back while processes run: real time and what a small file says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE = "chaos.clock"  # in the state folder


class Clock:
    """What a Runtime under chaos has for a clock; all its processes read the same file."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset())

    def offset(self) -> float:
        """Seconds before (or, negative, behind) the real time."""
        try:
            return float(self._path.read_text())
        except FileNotFoundError:
            return 0.0

    def put(self, seconds: float) -> None:
        """Every process reads this from now on, none of them half of it."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(repr(seconds))
        fresh.replace(self._path)

"""What several requests take at the same moment goes into the database in one commit.

Whoever comes first writes for all who wait. Alone, nobody waits; the busier it is the more
share a commit, and its cost. A request is answered after the commit that holds its row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from gateway.notifications import at_once
from gateway.runtime import Runtime

MOST = 100  # rows of one commit


class _Waiting:
    """One row, and how it fared."""

    __slots__ = ("error", "over", "row")

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.over = False
        self.error: Exception | None = None


class Together:
    """Enters rows of notifications for all threads of this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queue: deque[_Waiting] = deque()
        self._writing = Lock()

    def enter(self, row: Mapping[str, Any]) -> None:
        """Return when the row is committed; raises what went wrong with it."""
        mine, lanes = _Waiting(row), set[str]()
        self._queue.append(mine)
        with self._writing:
            while not mine.over:
                lanes |= self._write([self._queue.popleft() for _ in range(min(len(self._queue), MOST))])
        self._runtime.wake_all(lanes)  # nobody waits for the broker but who wrote
        if mine.error:
            raise mine.error

    def _write(self, waiting: Sequence[_Waiting]) -> set[str]:
        """Commit these rows, or each that can be; returns the lanes to wake."""
        try:
            lanes = at_once.enter(self._runtime.db, [one.row for one in waiting])
        except Exception as error:  # noqa: BLE001  # raised again, by whoever asked for that row
            if len(waiting) > 1:  # one bad row stops no other
                return set().union(*(self._write([one]) for one in waiting))
            waiting[0].error, lanes = error, set()
        for one in waiting:
            one.over = True
        return lanes

"""What several requests take at the same moment goes into the database in one commit.

Whoever comes first writes for all who wait. Alone, nobody waits; the busier it is the more
share a commit, and its cost. A request is answered after the commit that holds its row, and
its ``Idempotency-Key`` where it has one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from gateway.notifications import at_once
from gateway.runtime import Runtime
from gateway.services import idempotency
from gateway.services.idempotency import Repeated, Running

MOST = 100  # rows of one commit


class _Waiting:
    """One row with its key's entry, and how it fared."""

    __slots__ = ("error", "key", "over", "repeated", "row")

    def __init__(self, row: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> None:
        self.row = row
        self.key = key
        self.over = False
        self.error: Exception | None = None
        self.repeated = ""  # or "known", "running"


class Together:
    """Enters rows of notifications for all threads of this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queue: deque[_Waiting] = deque()
        self._writing = Lock()

    def enter(self, row: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> Repeated | None:
        """Return when the row is committed; raises what went wrong with it.

        ``key`` is the entry of its Idempotency-Key. What stood under that already comes back, and
        the row is not in.
        """
        mine, lanes = _Waiting(row, key), set[str]()
        self._queue.append(mine)
        with self._writing:
            while not mine.over:
                lanes |= self._write([self._queue.popleft() for _ in range(min(len(self._queue), MOST))])
        self._runtime.wake_all(lanes)  # nobody waits for the broker but who wrote
        if mine.error:
            raise mine.error
        return self._repeated(mine.repeated, key) if key and mine.repeated else None

    def _write(self, waiting: Sequence[_Waiting]) -> set[str]:
        """Commit these rows, or each that can be; returns the lanes to wake."""
        lanes = set[str]()
        keys = {one.row["id"]: one.key for one in waiting if one.key}
        try:
            entered = at_once.enter(self._runtime.db, [one.row for one in waiting], keys)
            lanes = entered.lanes
        except Exception as error:  # noqa: BLE001  # raised again, by whoever asked for that row
            if len(waiting) > 1:  # one bad row stops no other
                return set().union(*(self._write([one]) for one in waiting))
            waiting[0].error = error
        else:
            if entered.known or entered.running:
                _tell(waiting, entered)
        for one in waiting:
            one.over = True
        return lanes

    def _repeated(self, how: str, key: Mapping[str, Any]) -> Repeated:
        if how == "running":
            return Running()
        with self._runtime.db.read() as tx:
            found = idempotency.known(tx, self._runtime, key["service_id"], key["key"], key["digest"])
        return found or Running()  # it was forgotten this moment


def _tell(waiting: Sequence[_Waiting], entered: at_once.Entered) -> None:
    known, running = set(entered.known), set(entered.running)
    for one in waiting:
        key = one.row["id"]
        one.repeated = "known" if key in known else "running" if key in running else ""

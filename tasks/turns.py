"""One lane never fills a worker, and no wake-up is missed: who finds it full has those at work look again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from threading import Lock

PER_LANE = 2  # of a worker's threads: a back office that hangs must leave room for the codes


class Turns:
    """Who is at work on a lane in this process."""

    def __init__(self, most: int = PER_LANE) -> None:
        self._most = most
        self._lock = Lock()
        self._at_work = 0
        self._again = False

    def work(self, run: Callable[[], object]) -> None:
        """Run, unless as many as may are at it: one of them then runs once more before it stops.

        What came due after their last look would otherwise wait for the next sweep.
        """
        staying = self._enter()
        while staying:
            try:
                run()
            except BaseException:
                self._leave()
                raise
            staying = self._stay()

    def _enter(self) -> bool:
        with self._lock:
            self._again = self._at_work >= self._most
            self._at_work += not self._again
            return not self._again

    def _stay(self) -> bool:
        """Stay when somebody asked meanwhile, else leave: in one step, so that nobody asks in between."""
        with self._lock:
            asked, self._again = self._again, False
            self._at_work -= not asked
            return asked

    def _leave(self) -> None:
        with self._lock:
            self._at_work -= 1


lanes: defaultdict[str, Turns] = defaultdict(Turns)

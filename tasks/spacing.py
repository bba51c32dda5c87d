"""Wake-ups kept apart: a door that takes a thousand messages a second need not say so a thousand times."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from threading import Lock, Timer

from gateway.runtime import Wake

APART = 0.1  # seconds
UNHURRIED = 0.25  # for lanes nobody waits for: more is then done at once
URGENT = 0.05  # where somebody waits: nobody notices, and a rush of them is handed over together
Later = Callable[[float, Callable[[], None]], None]


def _timer(seconds: float, call: Callable[[], None]) -> None:
    timer = Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Spaced:
    """A lane's first wake-up goes at once; those that follow closely become one, ``APART`` later
    (``UNHURRIED`` and ``URGENT`` in those named so).

    One that is lost with this process is made good by the sweep.
    """

    def __init__(
        self,
        wake: Wake,
        urgent: Collection[str],
        clock: Callable[[], float] = time.monotonic,
        later: Later = _timer,
        *,
        unhurried: Collection[str] = (),
    ) -> None:
        self._wake = wake
        self._unhurried = frozenset(unhurried)
        self._urgent = frozenset(urgent)
        self._clock = clock
        self._later = later
        self._lock = Lock()
        self._next: dict[str, float] = {}  # from when a lane may be woken at once
        self._coming: set[str] = set()  # lanes that will be woken

    def __call__(self, lane: str) -> None:
        if not (wait := self._wait(lane)):
            self._wake(lane)
        elif wait > 0:
            self._later(wait, lambda: self._come(lane))

    def _wait(self, lane: str) -> float:
        """How long to wait before waking; 0 for not at all, less where somebody will already."""
        with self._lock:
            if lane in self._coming:
                return -1.0
            now = self._clock()
            wait = self._next.get(lane, now) - now
            if wait > 0:
                self._coming.add(lane)
                return wait
            self._next[lane] = now + self._apart(lane)
            return 0.0

    def _come(self, lane: str) -> None:
        with self._lock:
            self._coming.discard(lane)  # before it is published: what is committed from here on asks anew
            self._next[lane] = self._clock() + self._apart(lane)
        self._wake(lane)

    def _apart(self, lane: str) -> float:
        if lane in self._urgent:
            return URGENT
        return UNHURRIED if lane in self._unhurried else APART

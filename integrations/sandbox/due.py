"""Things whose time comes: one timer for all of them, however many wait."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")
TICK = 0.02  # seconds: what comes due within so long is handed over together


class Due(Generic[T]):
    """Hands each thing to ``arrive`` when its time has come."""

    def __init__(self, arrive: Callable[[T], None]) -> None:
        self._arrive = arrive
        self._order = count()
        self._waiting: list[tuple[float, int, T]] = []
        self._timer: asyncio.TimerHandle | None = None

    def put(self, delay: float, thing: T) -> None:
        """``delay`` seconds from now. Needs the running event loop."""
        loop = asyncio.get_running_loop()
        heapq.heappush(self._waiting, (loop.time() + delay, next(self._order), thing))
        if self._timer is None or self._timer.when() > self._waiting[0][0] + TICK:
            self._start(loop)

    def clear(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(max(self._waiting[0][0], loop.time() + TICK), self._came, loop)

    def _came(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._arrive(heapq.heappop(self._waiting)[2])
        if self._waiting:
            self._start(loop)

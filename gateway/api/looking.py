"""A look before anything is written: whether what is asked for is gone already.

When a day is released, hundreds ask for the same few places at once, and most of them come too
late. What they hear costs one query for all who ask at the same moment. Whoever may still be in
time goes on, those who want the same one after the other in each process, for a place is given one
at a time anyway; whoever waited looks again first. Only what is then written decides. No look is older
than the request it answers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from gateway import cities
from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.choices import WHO
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, TransactionType, Words

LINGER = 0.005  # seconds
Asked = frozenset[tuple[str, str]]  # the answers that are not about who asks
Gone = Mapping[str, Words]  # which of them cannot be had any more, and what to do


class _Waiting:
    """One who asks, and what is gone of it."""

    __slots__ = ("asked", "error", "gone", "over")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.over = False
        self.error: Exception | None = None
        self.gone: Gone = {}


class _Turn:
    """One at a time."""

    __slots__ = ("__weakref__", "taken")

    def __init__(self) -> None:
        self.taken = Lock()


class _Door:
    """Where those wait who ask for something of one type at the same moment."""

    def __init__(self, runtime: Runtime, kind: TransactionType, face: str) -> None:
        self._runtime = runtime
        self._kind = kind
        self._face = face
        self._queue: deque[_Waiting] = deque()
        self._looking = Lock()
        self._rush = False
        self._turns: WeakValueDictionary[Asked, _Turn] = WeakValueDictionary()
        self._naming = Lock()

    def turn(self, asked: Asked) -> _Turn:
        """The turn of those who ask for the same; it is there while anybody holds it."""
        with self._naming:
            return self._turns.setdefault(asked, _Turn())

    def gone(self, asked: Asked) -> Gone:
        mine = _Waiting(asked)
        self._queue.append(mine)
        with self._looking:
            if not mine.over:
                if self._rush:
                    time.sleep(LINGER)  # others come in and share this look; alone, nobody notices
                self._look([self._queue.popleft() for _ in range(len(self._queue))])
        if mine.error:
            raise mine.error
        return mine.gone

    def _look(self, waiting: Sequence[_Waiting]) -> None:
        found: dict[Asked, Gone] = {}
        try:
            with self._runtime.db.read() as tx:
                desk = Desk(tx, self._runtime)
                found = {asked: self._of(desk, asked) for asked in {one.asked for one in waiting}}
        except Exception as error:  # noqa: BLE001  # raised again, by each who asked
            for one in waiting:
                one.error = error
        for one in waiting:
            one.gone, one.over = found.get(one.asked, {}), True
        self._rush = any(one.gone for one in waiting)

    def _of(self, desk: Desk, asked: Asked) -> Gone:
        runtime, now = self._runtime, self._runtime.clock()
        rules = cities.of(runtime).rules_now(now)
        case = Case(runtime.new_id(), "", dict(asked), rules, now, self._face)
        return self._kind.glance(desk, case) if self._kind.glance else {}


class Looks:
    """Looks for all threads of this process."""

    def __init__(self, runtime: Runtime, face: str) -> None:
        offered = registry.offered(runtime.settings)
        self._doors = {name: _Door(runtime, kind, face) for name, kind in offered.items() if kind.glance}

    @contextmanager
    def turn(self, type_name: str, answers: Mapping[str, Any]) -> Iterator[Gone]:
        """What is gone of these answers, at once; where nothing is, the turn of whoever asks."""
        door = self._doors.get(type_name)
        if door is None:
            yield {}
            return
        known = {name: value for name, value in answers.items() if name not in WHO and isinstance(value, str)}
        asked = frozenset(known.items())
        if gone := door.gone(asked):
            yield gone
            return
        turn = door.turn(asked)
        waits = not turn.taken.acquire(blocking=False)
        if waits:
            turn.taken.acquire()
        try:
            yield door.gone(asked) if waits else {}
        finally:
            turn.taken.release()

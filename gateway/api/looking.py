"""A look before anything is written: whether what is asked for is gone already.

When a day is released, hundreds ask for the same few places at once, and most of them come too
late. What they hear costs one query for all who ask at the same moment. Whoever may still be in
time goes on, those who want the same one after the other in each process, for a place is given one
at a time anyway; whoever waited looks again first. Only what is then written decides. No look began
before the request it answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Condition, Lock
from typing import Any
from weakref import WeakValueDictionary

from gateway import cities
from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.choices import WHO
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, TransactionType, Words

Asked = frozenset[tuple[str, str]]  # the answers that are not about who asks
Gone = Mapping[str, Words]  # which of them cannot be had any more, and what to do


class _Door:
    """Where those wait who ask for the same at the same moment."""

    __slots__ = ("__weakref__", "_began", "_found", "_look", "_looking", "_news", "taken")

    def __init__(self, look: _Look) -> None:
        self.taken = Lock()  # by whoever's turn it is
        self._look = look
        self._looking = False
        self._news = Condition()
        self._began = 0.0
        self._found: Gone = {}

    def gone(self, since: float) -> Gone:
        """What the latest look found, if it began since then; else what one finds that begins now."""
        with self._news:
            while self._began < since:
                if not self._looking:
                    self._looking = True
                    break
                self._news.wait()
            else:
                return self._found
        return self._see()

    @contextmanager
    def turn(self) -> Iterator[Gone]:
        """One at a time; whoever had to wait is told what a look found that began since."""
        since = time.monotonic()
        waited = not self.taken.acquire(blocking=False)
        if waited:
            self.taken.acquire()
        try:
            yield self.gone(since) if waited else {}
        finally:
            self.taken.release()

    def _see(self) -> Gone:
        began, found = time.monotonic(), None
        try:
            found = self._look()
        finally:
            with self._news:
                self._looking = False
                if found is not None:
                    self._began, self._found = began, found
                self._news.notify_all()
        return found


class _Look:
    """One quick look at what is asked for."""

    def __init__(self, runtime: Runtime, kind: TransactionType, face: str, asked: Asked) -> None:
        self._runtime = runtime
        self._kind = kind
        self._face = face
        self._asked = asked

    def __call__(self) -> Gone:
        runtime, now = self._runtime, self._runtime.clock()
        rules = cities.of(runtime).rules_now(now)
        case = Case(runtime.new_id(), "", dict(self._asked), rules, now, self._face)
        with runtime.db.read() as tx:
            return (self._kind.glance and self._kind.glance(Desk(tx, runtime), case)) or {}


class Looks:
    """Looks for all threads of this process."""

    def __init__(self, runtime: Runtime, face: str) -> None:
        self._runtime = runtime
        self._face = face
        self._kinds = {name: kind for name, kind in registry.offered(runtime.settings).items() if kind.glance}
        self._doors: WeakValueDictionary[tuple[str, Asked], _Door] = WeakValueDictionary()
        self._naming = Lock()

    @contextmanager
    def turn(self, type_name: str, answers: Mapping[str, Any]) -> Iterator[Gone]:
        """What is gone of these answers, at once; where nothing is, the turn of whoever asks."""
        if type_name not in self._kinds:
            yield {}
            return
        door = self._door(type_name, answers)
        if gone := door.gone(time.monotonic()):
            yield gone
            return
        with door.turn() as gone:
            yield gone

    def _door(self, type_name: str, answers: Mapping[str, Any]) -> _Door:
        """The one for this wish; it is there while anybody stands at it."""
        known = {name: value for name, value in answers.items() if name not in WHO and isinstance(value, str)}
        asked = frozenset(known.items())
        with self._naming:
            fresh = _Door(_Look(self._runtime, self._kinds[type_name], self._face, asked))
            return self._doors.setdefault((type_name, asked), fresh)

"""What workers share about providers: counts, states, tokens, places; here, within one process.

Nothing in it is needed to be right: whoever loses it begins anew with closed breakers and full
buckets. ``shared_in_redis`` does the same for all processes, in single atomic steps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

KEPT = 300.0  # seconds after its last change a count, a state or a bucket is kept at least
CLOCK_SLACK = 60.0  # seconds; a bucket whose last look lies further ahead was left by a clock set back
EPSILON = 1e-6  # of a token: what rounding may take

Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens that come at ``rate`` a second up to ``most``; the last ``floor`` are not for everybody.

    ``kept`` is for how many seconds after its last use it must not be forgotten.
    """

    key: str
    rate: float
    most: float
    floor: float = 0.0
    kept: float = KEPT


class Shared(Protocol):
    """One place for all who send. Times are in seconds since 1970, given by whoever asks."""

    def exchange(
        self, adds: Mapping[str, Counts], counts: Sequence[str], values: Sequence[str]
    ) -> tuple[Sequence[Counts], Sequence[str]]:
        """Add to these counts, then tell those counts and those values ("": there is none)."""

    def swap(self, key: str, old: str, new: str) -> bool:
        """Put a value in the place of the one we know; False when it is another by now."""

    def take(self, bucket: Bucket, amount: int, now: float) -> int:
        """Up to so many tokens; how many there were. A negative amount goes back."""

    def hold(self, key: str, holder: str, most: int, now: float, until: float) -> bool:
        """One of ``most`` places, till it is left or ``until``: a dead worker holds none for ever."""

    def leave(self, key: str, holder: str) -> None:
        """Free the place again."""


class InProcess:
    """``Shared`` for one process alone; safe in threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, dict[str, float]] = {}
        self._values: dict[str, str] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        self._places: dict[str, dict[str, float]] = {}
        self._ends: dict[str, float] = {}  # of counts and buckets, by this process's own clock
        self._tidied = time.monotonic()

    def exchange(
        self, adds: Mapping[str, Counts], counts: Sequence[str], values: Sequence[str]
    ) -> tuple[Sequence[Counts], Sequence[str]]:
        with self._lock:
            for key, fields in adds.items():
                self._keep(key, KEPT)
                mine = self._counts.setdefault(key, {})
                for name, number in fields.items():
                    mine[name] = mine.get(name, 0.0) + number
            found = [dict(self._counts.get(key, {})) for key in counts]
            return found, [self._values.get(key, "") for key in values]

    def swap(self, key: str, old: str, new: str) -> bool:
        with self._lock:
            known = self._values.get(key, "")
            if known == old:
                self._values[key] = new
            return known == old

    def take(self, bucket: Bucket, amount: int, now: float) -> int:
        with self._lock:
            tokens = self._filled(bucket, now)
            if amount > 0:
                amount = max(0, min(amount, int(tokens - bucket.floor + EPSILON)))
            self._keep(bucket.key, bucket.kept)
            at = self._looked_at(bucket.key, now)
            self._buckets[bucket.key] = (min(tokens - amount, bucket.most), max(at, now))
            return amount

    def _filled(self, bucket: Bucket, now: float) -> float:
        tokens, _ = self._buckets.get(bucket.key, (bucket.most, now))
        passed = max(0.0, now - self._looked_at(bucket.key, now))
        return min(bucket.most, tokens + passed * bucket.rate)

    def _looked_at(self, key: str, now: float) -> float:
        at = self._buckets.get(key, (0.0, now))[1]
        return now if at - now > CLOCK_SLACK else at

    def hold(self, key: str, holder: str, most: int, now: float, until: float) -> bool:
        with self._lock:
            kept = {one: end for one, end in self._places.get(key, {}).items() if end > now}
            free = holder in kept or len(kept) < most
            self._places[key] = {**kept, holder: until} if free else kept
            return free

    def leave(self, key: str, holder: str) -> None:
        with self._lock:
            self._places.get(key, {}).pop(holder, None)

    def _keep(self, key: str, seconds: float) -> None:
        """Remember it so long; forget, now and then, what is past its time."""
        now = time.monotonic()
        self._ends[key] = now + seconds
        if now - self._tidied > KEPT:
            self._tidied = now
            for gone in [one for one, end in self._ends.items() if end < now]:
                for kept in (self._counts, self._buckets, self._ends):
                    kept.pop(gone, None)

"""What processes share: counts, states, tokens, quotas, places; here, within one process.

Nothing in it is needed to be right: whoever loses it begins anew with closed breakers and full
buckets. ``shared_in_redis`` does the same for all processes, in single atomic steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from gateway.traffic.quota import Quota, Said, Spent, Told, Used, Want, begun

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

    def spend(
        self, bucket: Bucket, tokens: Want, quota: Quota, places: Want, now: float, told: Told | None = None
    ) -> Spent:
        """Tokens and places in one step: all that are needed of both, or none.

        A quota of which nothing is needed is not looked at. ``told`` answers ``Said.UNCOUNTED``.
        """

    def put_back(self, quota: Quota, places: int) -> None:
        """Places that were given and not used."""

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
        self._quotas: dict[str, Used] = {}
        self._places: dict[str, dict[str, float]] = {}
        self._ends: dict[str, float] = {}  # of counts, buckets and quotas, by this process's own clock
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
            self._left(bucket, tokens - amount, now)
            return amount

    def _left(self, bucket: Bucket, tokens: float, now: float) -> None:
        self._keep(bucket.key, bucket.kept)
        at = self._looked_at(bucket.key, now)
        self._buckets[bucket.key] = (min(tokens, bucket.most), max(at, now))

    def _filled(self, bucket: Bucket, now: float) -> float:
        tokens, _ = self._buckets.get(bucket.key, (bucket.most, now))
        passed = max(0.0, now - self._looked_at(bucket.key, now))
        return min(bucket.most, tokens + passed * bucket.rate)

    def _looked_at(self, key: str, now: float) -> float:
        at = self._buckets.get(key, (0.0, now))[1]
        return now if at - now > CLOCK_SLACK else at

    def spend(
        self, bucket: Bucket, tokens: Want, quota: Quota, places: Want, now: float, told: Told | None = None
    ) -> Spent:
        with self._lock:
            there = self._filled(bucket, now) + EPSILON
            if there < tokens.need:
                self._left(bucket, there - EPSILON, now)  # from now on, also where the clock was set back
                return Spent(Said.TOO_FAST)
            spent = self._from(quota, places, now, told) if places.need else Spent(Said.GIVEN)
            if spent.said is Said.UNCOUNTED:
                return spent
            taken = tokens.of(there) if spent.said is Said.GIVEN else tokens.need
            self._left(bucket, there - EPSILON - taken, now)
            return spent._replace(tokens=taken)

    def _from(self, quota: Quota, places: Want, now: float, told: Told | None) -> Spent:
        used = self._quotas.get(quota.key) or begun(told, now)
        if used is None:
            return Spent(Said.UNCOUNTED, before=math.inf)
        self._keep(quota.key, quota.kept)
        self._quotas[quota.key] = used
        used.roll(now)
        if used.places + places.need > quota.most:
            before = used.uncounted(now, told)
            if before is not None:
                return Spent(Said.UNCOUNTED, before=before)
        left = quota.most - used.places
        if left < places.need:
            return Spent(Said.USED_UP)
        given = places.of(left)
        used.take(given)
        return Spent(Said.GIVEN, places=given)

    def put_back(self, quota: Quota, places: int) -> None:
        with self._lock:
            if used := self._quotas.get(quota.key):
                used.put_back(places)

    def forget_quotas(self) -> Mapping[str, int]:
        """Count no more; what was taken of each meanwhile, for whoever counts from now on."""
        with self._lock:
            taken = {key: used.here for key, used in self._quotas.items() if used.here}
            self._quotas.clear()
            return taken

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
                for kept in (self._counts, self._buckets, self._quotas, self._ends):
                    kept.pop(gone, None)

"""Quotas: places of which none comes back with time, counted so that none is lost for long. Pure.

What is used is a number that only ``spend`` and ``put_back`` change. Two things can make it too
large: a process that died with places in its hand, and a request that ended in neither a row nor
a refusal. So before somebody is refused it is counted anew, now and then: the books tell of rows
from before the last minute, and what was taken since is known here. Counting never makes it
larger, and whoever is slow to write its row is counted twice rather than not at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

SHARE = 20  # whoever takes ahead takes at most one of so many that are left
SLOT = 60  # seconds: what was taken in this one and the one before is known by itself
LATE = 5  # seconds at most between taking a place and the time its row bears
COUNT_AGAIN = 2 * SLOT  # seconds between two counts: so no slot that counts lies before the first


@dataclass(frozen=True, slots=True)
class Quota:
    """``most`` places, under a key of their own day; forgotten after ``kept`` seconds."""

    key: str
    most: int
    kept: float = 2 * 86_400.0


class Want(NamedTuple):
    """All of ``need`` or nothing; and up to ``ahead`` more where many are left."""

    need: int
    ahead: int = 0

    def of(self, left: float) -> int:
        """How many are given where so many are left, which is enough."""
        return self.need + max(0, min(self.ahead, int((left - self.need) // SHARE)))


class Told(NamedTuple):
    """What books say: so many places are used by rows from ``before`` that time (inf: by any)."""

    used: int
    before: float


class Said(IntEnum):
    """What became of asking for tokens and places at once."""

    GIVEN = 1
    TOO_FAST = 2  # the bucket is empty; nothing was taken
    USED_UP = 3  # the quota is; only the tokens that were needed were taken
    UNCOUNTED = 4  # nobody knows what is used, or it is time to count anew; nothing was taken


class Spent(NamedTuple):
    """``tokens`` and ``places`` are what was given, with what is ahead; ``before`` is for ``Told``."""

    said: Said
    tokens: int = 0
    places: int = 0
    before: float = 0.0


@dataclass(slots=True)
class Used:
    """How many places are used, how many of them were taken in this slot and the one before, and
    how many here at all.
    """

    places: int
    counted_at: float
    slot: int
    this: int = 0
    last: int = 0
    here: int = 0

    def roll(self, now: float) -> None:
        """Go on to the slot of now; clocks that differ a little do not go back and forth."""
        slot = int(now // SLOT)
        if slot not in (self.slot, self.slot - 1):
            self.last = self.this if slot == self.slot + 1 else 0
            self.slot, self.this = slot, 0

    def uncounted(self, now: float, told: Told | None) -> float | None:
        """Count anew with what is told; the time before which the books must be asked first, or None."""
        before = float((self.slot - 1) * SLOT + LATE)
        if told and told.before == before:
            self.places = min(self.places, told.used + self.last + self.this)
            return None
        if told is None and 0 <= now - self.counted_at < COUNT_AGAIN:
            return None
        self.counted_at = now
        return before

    def take(self, places: int) -> None:
        self.places += places
        self.this += places
        self.here += places

    def put_back(self, places: int) -> None:
        self.places = max(0, self.places - places)
        self.here -= places


def begun(told: Told | None, now: float) -> Used | None:
    """A quota that nobody knew, as the books tell it; None while they were not asked for all of it."""
    return Used(told.used, now, int(now // SLOT)) if told and told.before == math.inf else None

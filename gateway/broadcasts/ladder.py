"""How hard a broadcast tries to reach each person, and by when: one rung after the other. Pure.

A rung is a channel, or at the end a person who calls. Each waits for the one before; where the waits
together would pass the deadline they are all shortened alike, and a rung with no time left to reach
anybody is skipped: the calls of people are asked for in time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

CALL_BACK = "call_back"  # no channel: a person calls
MOST = 4  # rungs
BEFORE = timedelta(minutes=5)  # the deadline: what it takes to write down whom to call, a page at a time
WORTH = timedelta(minutes=10)  # a rung's time to reach somebody: a call rings, its receipt is waited for


@dataclass(frozen=True, slots=True)
class Rung:
    """One try. ``older_than`` asks for people past that birthday.

    ``wait_seconds`` count from the moment the last message of the rung before was handed over.
    """

    channel: str
    wait_seconds: int = 0
    older_than: int | None = None

    @property
    def wait(self) -> timedelta:
        return timedelta(seconds=self.wait_seconds)


@dataclass(frozen=True, slots=True)
class Next:
    """The rung to climb to, counted from 1, and when."""

    stage: int
    begins: datetime


def latest(started: datetime, within_seconds: int | None) -> datetime | None:
    """When the call-backs must be begun at the latest; None without a deadline."""
    return None if within_seconds is None else started + timedelta(seconds=within_seconds) - BEFORE


def following(
    rungs: Sequence[Rung],
    stage: int,
    settled: datetime,
    latest: datetime | None = None,
    closed: Collection[str] = (),
) -> Next | None:
    """The rung after ``stage`` (1: the first), whose last message was handed over at ``settled``.

    None after the last. Those whose channel is ``closed`` are passed over, with their waits. Never
    begins before ``settled``, nor a call-back after ``latest`` unless that had passed already.
    """
    left = [(place, one) for place, one in enumerate(rungs[stage:], stage + 1) if one.channel not in closed]
    share = _share(sum((one.wait for _, one in left), timedelta()), settled, latest)
    begins = settled
    for place, one in left:
        begins += one.wait * share
        if latest is None or begins + WORTH <= latest:
            return Next(place, begins)
        if one.channel == CALL_BACK:
            return Next(place, min(begins, max(latest, settled)))
    return None


def _share(waits: timedelta, settled: datetime, latest: datetime | None) -> float:
    """How much of each wait there is time for."""
    if latest is None or not waits or settled + waits <= latest:
        return 1.0
    return max((latest - settled) / waits, 0.0)


def overdue(rungs: Sequence[Rung], stage: int, latest: datetime | None, now: datetime) -> bool:
    """Whether the call-backs must be begun now, whatever the present rung still waits for."""
    return latest is not None and now >= latest and stage < len(rungs)

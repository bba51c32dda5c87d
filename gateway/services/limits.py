"""How much a service may ask for: requests a minute of each type of key, messages a day on each channel.

Where the broker is away each process counts by itself: nobody is refused because nobody could tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from gateway import cities
from gateway.runtime import Runtime
from gateway.services.auth import Caller
from gateway.services.store import NORMAL, TEAM, TEST
from gateway.traffic.quota import Quota, Said
from gateway.traffic.shared import Bucket

MINUTE = 60  # seconds
KEY_TYPES = {NORMAL: "LIVE", TEAM: "TEAM", TEST: "TEST"}  # as Notify's clients read them
NO_QUOTA = Quota("", 0)
USED_UP = "TooManyRequestsError"  # as Notify's clients read it


@dataclass(frozen=True, slots=True)
class Day:
    """What is counted of a service's day: its messages on a channel, ``since`` this until ``before`` that."""

    service_id: UUID
    channel: str
    since: datetime
    before: datetime


Count = Callable[[Day], int]
"""How many messages the books have of it, those of test keys not among them."""


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Why a request is refused for now."""

    error: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: so many messages on a channel, and whether it is a request of its own."""

    channel: str = ""
    messages: int = 0
    requests: int = 1


def admit(runtime: Runtime, caller: Caller, asked: Asked, now: datetime, count: Count) -> Exceeded | None:
    """Count what is asked for; None when it is within both limits.

    What was counted and then comes to no message is given back by ``put_back``.
    """
    account, kind, channel = caller.account, caller.key.type, asked.channel
    midnight = cities.of(runtime).midnight(now).astimezone(UTC)
    messages = asked.messages if kind != TEST else 0  # what goes to nobody costs nobody a place
    rate = _rate(account.service.id, kind, account.limits.per_minute)
    day = (
        _day(account.service.id, channel, account.limits.per_day(channel), midnight) if messages else NO_QUOTA
    )

    def told(before: float) -> int:
        ends = (midnight + timedelta(days=1)).astimezone(UTC)
        until = ends if before > ends.timestamp() else datetime.fromtimestamp(before, UTC)
        return count(Day(account.service.id, channel, midnight, until))

    said = runtime.meter.spend(rate, day, (asked.requests, messages), now.timestamp(), told)
    if said is Said.TOO_FAST:
        return _too_fast(kind, account.limits.per_minute)
    if said is Said.USED_UP:
        return _used_up(channel, account.limits.per_day(channel))
    return None


def put_back(runtime: Runtime, caller: Caller, asked: Asked, at: datetime) -> None:
    """These messages were counted at that time and are not taken."""
    if caller.key.type == TEST or not asked.messages:
        return
    midnight = cities.of(runtime).midnight(at).astimezone(UTC)
    most = caller.account.limits.per_day(asked.channel)
    runtime.meter.put_back(_day(caller.service_id, asked.channel, most, midnight), asked.messages)


def _too_fast(kind: str, most: int) -> Exceeded:
    message = f"Exceeded rate limit for key type {KEY_TYPES[kind]} of {most} requests per {MINUTE} seconds"
    return Exceeded("RateLimitError", message, "Wait a second, then ask more slowly.")


def _used_up(channel: str, most: int) -> Exceeded:
    message = f"Exceeded send limits ({channel}: {most}) for today"
    return Exceeded(USED_UP, message, "Ask again tomorrow, or have the limit raised.")


# --- made once for many requests ---------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _rate(service: UUID, kind: str, per_minute: int) -> Bucket:
    return Bucket(f"requests:{service}:{kind}", per_minute / MINUTE, per_minute)


@lru_cache(maxsize=4096)
def _day(service: UUID, channel: str, per_day: int, midnight: datetime) -> Quota:
    return Quota(f"messages:{service}:{channel}:{midnight:%Y%m%d%H%M}", per_day)

"""When the notices that may wait for one another go out together: hours of the city's working days. Pure.

The hours are the product's own. What is held for another reason, a window or the cap, goes with the
next digest after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, post_load
from marshmallow import fields as form

from gateway.rule_fields import Clock, Day
from gateway.send_windows import LONGEST_BREAK, SPARE, SendWindows

CHANNELS = ("sms", "voice", "email")
NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class DigestHours:
    """The hours at which digests go; none: every notice goes by itself."""

    hours: tuple[time, ...] = (time(10),)
    source: str = ""
    source_date: date | None = None


class DigestHoursSchema(Schema):
    """``[digest]`` of a city's file: ``hours = ["10:00"]``."""

    hours = form.List(Clock())
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> DigestHours:
        if "hours" in data:
            if data["hours"] != sorted(set(data["hours"])):
                raise ValidationError('must be hours in their order; write ["10:00", "16:00"]', "hours")
            data["hours"] = tuple(data["hours"])
        return DigestHours(**data)


def outside(digest: DigestHours, windows: SendWindows) -> Iterator[tuple[time, str]]:
    """Its hours at which a channel is closed for notices: a digest would wait there for ever."""
    for hour in digest.hours:
        for channel in CHANNELS:
            spans = windows.of(channel, NOTICE)
            if spans and not any(begin <= hour < end for begin, end in spans):
                yield hour, channel


def moment(
    digest: DigestHours,
    windows: SendWindows,
    since: datetime,
    zone: ZoneInfo,
    works: Callable[[date], bool],
) -> datetime | None:
    """The first digest at or after ``since``, on a working day where notices wait for those.

    None where the city has no digests.
    """
    every_day = NOTICE not in windows.working_days_first
    first = since.astimezone(zone).date()
    for day in (first + timedelta(days=n) for n in range(LONGEST_BREAK)):
        if every_day or works(day):
            at = (datetime.combine(day, hour, zone) for hour in digest.hours)
            if found := next((one for one in at if one >= since), None):
                return found
    return None


def with_a_digest(until: datetime, digest_at: datetime | None, expires_at: datetime) -> datetime:
    """When one held until then goes: with the digest after it, if that comes well before its end."""
    return digest_at if digest_at and digest_at + SPARE <= expires_at else until

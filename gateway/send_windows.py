"""When notices and reminders may go out: hours of the city's day for each channel. Pure.

Codes and results of what somebody has just done go out at any time. The hours are
the product's own (domain handbook, "Compliance"): texts 8–20, calls 9–12 and 14–20,
working days first. A channel without spans is open at all hours of every day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Clock, Day, spans

Spans = tuple[tuple[time, time], ...]
CLASSES = ("notice", "reminder")  # those that wait for a window
SPARE = timedelta(hours=1)  # of a message's life that must be left when its working day opens
LONGEST_BREAK = 31  # days; no calendar has a longer one


@dataclass(frozen=True, slots=True)
class SendWindows:
    """The open spans of a day by channel; e-mail disturbs nobody.

    ``own`` are the spans of a class where it has others than the channel. The classes in
    ``working_days_first`` wait over days nobody works, if they can.
    """

    sms: Spans = ((time(8), time(20)),)
    voice: Spans = ((time(9), time(12)), (time(14), time(20)))
    email: Spans = ()
    own: Mapping[str, Mapping[str, Spans]] = field(default_factory=dict)
    working_days_first: tuple[str, ...] = CLASSES
    source: str = ""
    source_date: date | None = None

    def of(self, channel: str, klass: str = "") -> Spans:
        found: Spans = self.own.get(klass, {}).get(channel, getattr(self, channel))
        return found


class _ByChannel(Schema):
    sms = form.List(form.List(Clock()))
    voice = form.List(form.List(Clock()))
    email = form.List(form.List(Clock()))


class SendWindowsSchema(_ByChannel):
    """``[send_windows]`` of a city's file: ``sms = [["08:00", "20:00"]]``, ``notice = { voice = … }``."""

    notice = form.Nested(_ByChannel)
    reminder = form.Nested(_ByChannel)
    working_days_first = form.List(form.String(validate=validate.OneOf(CLASSES)))
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> SendWindows:
        own = {klass: MappingProxyType(_spans(data.pop(klass))) for klass in CLASSES if klass in data}
        first = tuple(data.pop("working_days_first", CLASSES))
        stands = {key: data.pop(key) for key in ("source", "source_date") if key in data}
        return SendWindows(**_spans(data), own=MappingProxyType(own), working_days_first=first, **stands)


def _spans(given: Mapping[str, Any]) -> dict[str, Any]:
    return {channel: spans(pairs) for channel, pairs in given.items()}


@dataclass(frozen=True, slots=True)
class Opening:
    """When one class may go out next on one channel: on any day, and on a working day.

    Aware; None: now. Worked out once for all rows of a claim.
    """

    any_day: datetime | None = None
    working_day: datetime | None = None

    def hold(self, expires_at: datetime) -> datetime | None:
        """Until when one that is worth sending until then waits; None: it may go now.

        Later than ``expires_at`` only where no window opens before that.
        """
        if self.working_day is None or self.working_day + SPARE <= expires_at:
            return self.working_day
        return self.any_day


def opening(
    windows: SendWindows,
    channel: str,
    klass: str,
    now: datetime,
    zone: ZoneInfo,
    works: Callable[[date], bool],
) -> Opening:
    """The next openings for a class on a channel; ``works`` tells the city's working days."""
    open_spans = windows.of(channel, klass)
    soon = opens(open_spans, now, zone)
    if not open_spans or klass not in windows.working_days_first:
        return Opening(soon, soon)
    day = (soon or now).astimezone(zone).date()
    if works(day):
        return Opening(soon, soon)
    after = (day + timedelta(days=n) for n in range(1, LONGEST_BREAK))
    worked = next((later for later in after if works(later)), day)
    return Opening(soon, datetime.combine(worked, open_spans[0][0], zone))


def opens(open_spans: Spans, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When it may go out next, aware; None when it may go now."""
    local = now.astimezone(zone)
    if not open_spans or any(begin <= local.time() < end for begin, end in open_spans):
        return None
    later = [begin for begin, _ in open_spans if begin > local.time()]
    day = local.date() if later else local.date() + timedelta(days=1)
    return datetime.combine(day, later[0] if later else open_spans[0][0], zone)

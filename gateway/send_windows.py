"""When notices and reminders may go out: hours of the city's day for each channel. Pure.

Codes and results of what somebody has just done go out at any time. The hours are
the product's own (domain handbook, "Compliance"): texts 8–20, calls 9–12 and 14–20.
A channel without spans is open at all hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, post_load
from marshmallow import fields as form

from gateway.rule_fields import Clock, spans

Spans = tuple[tuple[time, time], ...]


@dataclass(frozen=True, slots=True)
class SendWindows:
    """The open spans of a day by channel; e-mail disturbs nobody."""

    sms: Spans = ((time(8), time(20)),)
    voice: Spans = ((time(9), time(12)), (time(14), time(20)))
    email: Spans = ()
    source: str = ""

    def of(self, channel: str) -> Spans:
        found: Spans = getattr(self, channel)
        return found


class SendWindowsSchema(Schema):
    """``[send_windows]`` of a city's file: ``sms = [["08:00", "20:00"]]``."""

    sms = form.List(form.List(Clock()))
    voice = form.List(form.List(Clock()))
    email = form.List(form.List(Clock()))
    source = form.String()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> SendWindows:
        open_spans: dict[str, Any] = {name: spans(data[name]) for name in data if name != "source"}
        return SendWindows(**open_spans, source=data.get("source", ""))


def opens(open_spans: Spans, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When it may go out next, aware; None when it may go now."""
    local = now.astimezone(zone)
    if not open_spans or any(begin <= local.time() < end for begin, end in open_spans):
        return None
    later = [begin for begin, _ in open_spans if begin > local.time()]
    day = local.date() if later else local.date() + timedelta(days=1)
    return datetime.combine(day, later[0] if later else open_spans[0][0], zone)

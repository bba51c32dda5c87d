"""Which days a report is about, and which it lays beside them. Pure.

A week that is not over yet is laid beside the same days of the week before; a policy's days beside as
many before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.errors import HuiyinError

WEEK, AROUND = timedelta(days=7), 14  # days before a policy, and after it
LONGEST = 400  # days of one report
_WEEK = re.compile(r"(20\d\d)-W(\d\d)")


class SpanError(HuiyinError):
    """These are no days of a report."""


@dataclass(frozen=True, slots=True)
class Span:
    """Both days belong to it."""

    first: date
    last: date

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    def has(self, day: str) -> bool:
        """Whether it is a day of these, as YYYY-MM-DD."""
        return str(self.first) <= day <= str(self.last)


@dataclass(frozen=True, slots=True)
class Asked:
    """``span`` is told beside ``before``; ``shown`` are the days that are drawn. ``policy`` has a name."""

    span: Span
    before: Span
    shown: Span
    policy: date | None = None
    name: str = ""


def week(given: str, today: date) -> Asked:
    """An ISO week like 2026-W48, as far as it has come."""
    found = _WEEK.fullmatch(given)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        monday = None
    if monday is None:
        raise SpanError(f"{given[:20]!r} is no week; write one like {this_week(today)}.")
    return _beside(Span(monday, min(monday + timedelta(days=6), max(today, monday))), WEEK)


def this_week(today: date) -> str:
    year, number, _ = today.isocalendar()
    return f"{year}-W{number:02}"


def last_week(today: date) -> Asked:
    """The last one that is over."""
    return week(this_week(today - WEEK), today)


def days(first: date, last: date, today: date) -> Asked:
    """From a day to a day, beside as many before them."""
    if first > last:
        raise SpanError(f"{first} is after {last}; give the earlier day first.")
    if (last - first).days >= LONGEST:
        raise SpanError(f"That is more than {LONGEST} days; ask for fewer.")
    if first > today:
        raise SpanError(f"{first} has not come yet; ask for days until {today}.")
    span = Span(first, min(last, today))
    return _beside(span, timedelta(days=span.length))


def around(policy: date, name: str, today: date) -> Asked:
    """A policy's day and the two weeks after it, as far as they have come, beside as many days before."""
    if policy > today:
        raise SpanError(f"{policy} has not come yet; ask from that day on.")
    span = Span(policy, min(policy + timedelta(days=AROUND), today))
    earlier = before(span)
    shown = Span(policy - timedelta(days=AROUND), span.last)
    return Asked(span, earlier, Span(min(shown.first, earlier.first), shown.last), policy, name)


def whole_weeks(span: Span) -> Span | None:
    """From its first Monday to its last Sunday: two such spans differ by weeks, never by one day."""
    monday = span.first + timedelta(days=-span.first.weekday() % 7)
    sunday = span.last - timedelta(days=(span.last.weekday() + 1) % 7)
    return Span(monday, sunday) if monday < sunday else None


def before(span: Span) -> Span:
    """As many days, just before."""
    return Span(span.first - timedelta(days=span.length), span.first - timedelta(days=1))


def _beside(span: Span, back: timedelta) -> Asked:
    return Asked(span, Span(span.first - back, span.last - back), span)

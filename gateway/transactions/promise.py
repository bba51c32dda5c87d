"""The promise clock: when an answer is due, and when to say that it is not there yet. Pure.

Counting begins on the next day (domain.md, "Work orders"). A promise in days or working days is kept
until the last minute of its last day; one in hours until that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.calendars import Calendar, Unit

OPENS, CLOSES = time(9), time(17)  # warnings come while people are at work
LAST_HOUR = timedelta(hours=1)


class Point(StrEnum):
    """What the office is told of a promise while it runs; each with its one line of meaning."""

    HALF = "half"  # half its time is over; the citizen hears so too where nothing has moved
    MOST = "most"  # four fifths are
    DUE = "due"  # the last day has begun, or the last hour
    OVERDUE = "overdue"  # it was not kept


SHARES = {Point.HALF: 0.5, Point.MOST: 0.8}


@dataclass(frozen=True, slots=True)
class Promised:
    """What a type says of a promise of one of its transactions: ``kind`` is the type's word.

    So much time from ``made_at``; another ``amount`` extends it. ``kept_at``: when it was kept;
    ``dropped``: it need not be kept any more (withdrawn).
    """

    kind: str
    amount: int
    unit: Unit
    made_at: datetime
    kept_at: datetime | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """When a promise is due: its last day, the moment it ends, and when each point is reached.

    ``provisional`` while a year on the way to it is not announced.
    """

    due_on: date
    ends_at: datetime
    provisional: bool
    points: Mapping[Point, datetime]


def clock(made_at: datetime, amount: int, unit: Unit, calendar: Calendar, zone: ZoneInfo) -> Clock:
    """The clock of a promise of ``amount`` (1 or more) units; its points come in order, some at once."""
    due = calendar.add(made_at, amount, unit, zone)
    on = due.at.date()
    if unit == "hour":
        ends_at, last = due.at, due.at - LAST_HOUR
    else:
        ends_at = datetime.combine(on + timedelta(days=1), time(), zone)
        last = datetime.combine(on, OPENS, zone)
    points = {Point.OVERDUE: ends_at, Point.DUE: last}
    for point, before in ((Point.MOST, Point.DUE), (Point.HALF, Point.MOST)):
        at = _after(made_at, amount * SHARES[point], unit, calendar, zone)
        at = at if unit == "hour" else _at_work(at, calendar)
        points[point] = min(at, points[before])
    return Clock(on, ends_at, due.provisional, {point: points[point] for point in Point})


def reached(clock: Clock, said: Point | None, now: datetime) -> tuple[list[Point], datetime | None]:
    """The points reached since ``said``, in their order, and when the next one is (null: none is left)."""
    order = list(Point)
    left = order[order.index(said) + 1 :] if said else order
    over = [point for point in left if clock.points[point] <= now]
    ahead = [clock.points[point] for point in left if clock.points[point] > now]
    return over, min(ahead, default=None)


def _after(start: datetime, amount: float, unit: Unit, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """So many units later, where part of one is that part of the way to the next."""
    whole, part = int(amount), amount - int(amount)
    low = calendar.add(start, whole, unit, zone).at
    return low + (calendar.add(start, whole + 1, unit, zone).at - low) * part if part else low


def _at_work(at: datetime, calendar: Calendar) -> datetime:
    """Then, or the next time that people begin to work."""
    day = at.date()
    if calendar.is_working_day(day) and at.time() < CLOSES:
        return max(at, datetime.combine(day, OPENS, at.tzinfo))
    day += timedelta(days=1)
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, OPENS, at.tzinfo)

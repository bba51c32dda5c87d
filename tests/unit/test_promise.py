"""The promise clock: days by domain.md's vectors, points in their order while people are at work."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendars
from gateway.calendars import Unit
from gateway.transactions.promise import CLOSES, OPENS, Point, clock, reached

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = calendars.shipped()
START = datetime(2026, 1, 1, tzinfo=ZONE)
MOMENTS = st.integers(0, 330 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("made_on", "amount", "unit", "due_on"),
    [
        (date(2026, 11, 21), 5, "day", date(2026, 11, 26)),  # the specimen text: 11月26日前答复
        (date(2026, 9, 30), 5, "working_day", date(2026, 10, 13)),
        (date(2026, 2, 13), 15, "working_day", date(2026, 3, 12)),
        (date(2026, 4, 30), 60, "working_day", date(2026, 7, 28)),
    ],
)
def test_counting_begins_on_the_next_day(made_on: date, amount: int, unit: Unit, due_on: date) -> None:
    """A promise ends with the last minute of the day that counting from the next day comes to."""
    found = clock(datetime.combine(made_on, time(16, 5), ZONE), amount, unit, CALENDAR, ZONE)
    assert found.due_on == due_on
    assert found.ends_at == datetime.combine(due_on + timedelta(days=1), time(), ZONE)
    assert not found.provisional


def test_a_year_without_a_notice_is_provisional() -> None:
    """Sixty working days into a year nobody has announced are marked."""
    made_at = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    assert clock(made_at, 60, "working_day", CALENDAR, ZONE).provisional


@given(MOMENTS, st.integers(1, 60), st.sampled_from(["hour", "day", "working_day"]))
def test_points_come_in_their_order_and_at_work(made_at: datetime, amount: int, unit: Unit) -> None:
    """Half, four fifths, last day and end follow one another; what people are to act on finds them there."""
    found = clock(made_at, amount, unit, CALENDAR, ZONE)
    at = list(found.points.values())
    assert at == sorted(at)
    assert found.points[Point.OVERDUE] == found.ends_at > made_at
    half = found.points[Point.HALF]
    if unit == "working_day":
        assert OPENS <= half.time() < CLOSES
        assert CALENDAR.is_working_day(half.date())
        assert half.date() <= found.due_on


@given(st.integers(1, 30), st.lists(st.integers(0, 60 * 24 * 30), min_size=1, max_size=12))
def test_each_point_is_said_once(amount: int, minutes: list[int]) -> None:
    """However often and late somebody looks, each point is reached once, and none is left in the end."""
    made_at = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    found = clock(made_at, amount, "day", CALENDAR, ZONE)
    said: list[Point] = []
    for minute in [*sorted(minutes), 60 * 24 * 40]:
        now = made_at + timedelta(minutes=minute)
        over, ahead = reached(found, said[-1] if said else None, now)
        assert all(found.points[point] <= now for point in over)
        assert ahead is None or ahead > now
        said += over
    assert said == list(Point)
    assert ahead is None

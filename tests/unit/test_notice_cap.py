"""How many notices one person gets."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.notice_cap import WEEK, NoticeCap, free_on

TODAY = date(2026, 11, 25)
DAYS = st.lists(st.integers(0, 20).map(lambda ago: TODAY - timedelta(days=ago)), max_size=12)
CAPS = st.builds(NoticeCap, st.integers(0, 4), st.integers(0, 8))


@pytest.mark.parametrize(
    ("ago", "waits"),
    [
        ([], 0),
        ([0], 0),
        ([0, 0], 1),
        ([1, 1], 0),
        ([0, 1, 2, 3, 4, 5], 2),  # the sixth of seven days ends the day after tomorrow
        ([6, 6, 6, 6, 6, 6], 1),
        ([7, 7, 7, 7, 7, 7], 0),
    ],
)
def test_two_a_day_and_six_a_week(ago: list[int], waits: int) -> None:
    """Ours, in calendar days of the city."""
    had = [TODAY - timedelta(days=days) for days in ago]
    assert free_on(NoticeCap(), had, TODAY) == TODAY + timedelta(days=waits)


@given(CAPS, DAYS)
def test_whoever_waits_so_long_has_room_and_not_a_day_earlier(cap: NoticeCap, had: list[date]) -> None:
    """The first day on which one more stays within both numbers."""

    def room(day: date) -> bool:
        week = sum(day - timedelta(days=WEEK) < one <= day for one in had)
        fits = not cap.per_day or had.count(day) < cap.per_day
        return fits and (not cap.per_week or week < cap.per_week)

    days = (TODAY + timedelta(days=n) for n in range(60))
    assert free_on(cap, had, TODAY) == next(day for day in days if room(day))


def test_only_the_demo_city_counts_nothing() -> None:
    """A city that says nothing has ours; the demo's source says why it has none."""
    caps = {name: city.versions[-1].notice_cap for name, city in cities.shipped().items()}
    assert {name for name, cap in caps.items() if cap.none} == {"changde"}
    assert "demo" in caps["changde"].source

"""When an authentication is due, and from when a pension is paused."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.pension_rules import PensionAuth, due, pause_from

CALENDAR = cities.shipped()["changde"].versions[-1].pension_auth
ROLLING = cities.shipped()["shanghai"].versions[-1].pension_auth
days = st.dates(date(1990, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize("day", [1, 15, 31])
def test_hunan_counts_by_calendar_month(day: int) -> None:
    """Done on any day of August 2024: due by the end of August 2025, paused from September."""
    done = date(2024, 8, day)
    assert (due(CALENDAR, done), pause_from(CALENDAR, done)) == (date(2025, 8, 31), date(2025, 9, 1))


@pytest.mark.parametrize(
    ("done", "last_day"),
    [
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2023, 2, 28), date(2024, 2, 29)),
        (date(2023, 2, 1), date(2024, 2, 29)),
        (date(2025, 12, 5), date(2026, 12, 31)),
        (date(2025, 4, 30), date(2026, 4, 30)),
    ],
)
def test_by_calendar_month_due_is_the_months_last_day(done: date, last_day: date) -> None:
    """However long February is; the pause begins on the next day, in the next month."""
    assert due(CALENDAR, done) == last_day
    assert pause_from(CALENDAR, done) == last_day + timedelta(days=1)


@pytest.mark.parametrize(
    ("done", "last_day", "paused"),
    [
        (date(2025, 8, 20), date(2026, 8, 20), date(2026, 9, 20)),
        (date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 31)),
        (date(2023, 2, 28), date(2024, 2, 28), date(2024, 3, 30)),
        (date(2025, 12, 31), date(2026, 12, 31), date(2027, 1, 31)),
    ],
)
def test_rolling_is_the_same_day_a_year_later(done: date, last_day: date, paused: date) -> None:
    """29 February becomes the 28th; the pause comes after the days of grace."""
    assert (due(ROLLING, done), pause_from(ROLLING, done)) == (last_day, paused)


@given(st.sampled_from([CALENDAR, ROLLING]), st.lists(days, min_size=2, max_size=6))
def test_whoever_authenticates_later_is_never_due_or_paused_earlier(
    rule: PensionAuth, done: list[date]
) -> None:
    """Both dates are monotone."""
    for earlier, later in pairwise(sorted(done)):
        assert due(rule, earlier) <= due(rule, later)
        assert pause_from(rule, earlier) <= pause_from(rule, later)


@given(st.sampled_from([CALENDAR, ROLLING]), days)
def test_due_is_about_a_year_later_and_the_pause_after_it(rule: PensionAuth, done: date) -> None:
    """At least once in twelve months, and at most the rest of that month more."""
    last_day = due(rule, done)
    assert 365 <= (last_day - done).days <= 366 + 30
    assert done.month == last_day.month
    assert last_day < pause_from(rule, done)


@given(st.integers(0, 180), days)
def test_grace_is_added_day_by_day(grace: int, done: date) -> None:
    """Only where the year rolls: by calendar month there is none."""
    rule = PensionAuth(grace_days=grace)
    assert (pause_from(rule, done) - due(rule, done)).days == grace + 1

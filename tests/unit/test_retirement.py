"""Retirement ages: the published cases, and what must hold for every birth."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import retirement
from gateway.calendars import years_before

BIRTHS = st.dates(date(1955, 1, 1), date(1999, 12, 31))
AGES = st.sampled_from([60, 55, 50])


def _months(day: date) -> int:
    return day.year * 12 + day.month


@pytest.mark.parametrize(
    ("old_age", "born", "month", "age"),
    [
        (60, (1964, 12), (2024, 12), (60, 0)),  # the last who are not concerned
        (60, (1965, 1), (2025, 2), (60, 1)),  # the first who are
        (60, (1965, 12), (2026, 3), (60, 3)),
        (60, (1976, 8), (2039, 7), (62, 11)),
        (60, (1976, 9), (2039, 9), (63, 0)),  # from here on the whole delay
        (60, (1985, 6), (2048, 6), (63, 0)),
        (55, (1969, 12), (2024, 12), (55, 0)),
        (55, (1970, 1), (2025, 2), (55, 1)),
        (55, (1971, 4), (2026, 8), (55, 4)),
        (55, (1981, 8), (2039, 7), (57, 11)),
        (55, (1981, 9), (2039, 9), (58, 0)),
        (50, (1974, 12), (2024, 12), (50, 0)),
        (50, (1975, 1), (2025, 2), (50, 1)),
        (50, (1975, 3), (2025, 5), (50, 2)),
        (50, (1984, 10), (2039, 9), (54, 11)),
        (50, (1984, 11), (2039, 11), (55, 0)),
    ],
)
def test_the_published_months(
    old_age: int, born: tuple[int, int], month: tuple[int, int], age: tuple[int, int]
) -> None:
    """The first and the last birth months of each step, and those in between that were published."""
    for day in (1, 28):
        assert retirement.retires(date(*born, day), old_age) == date(*month, 1)
        assert retirement.age(date(*born, day), old_age) == age


@given(st.tuples(BIRTHS, BIRTHS).map(sorted), AGES)
def test_nobody_retires_before_somebody_older(born: list[date], old_age: int) -> None:
    """A later birth never retires earlier, nor is its delay shorter; a month later is two at most."""
    first, second = (retirement.delay(one, old_age) for one in born)
    apart = _months(born[1]) - _months(born[0])
    assert first <= second <= first + apart
    months = [_months(retirement.retires(one, old_age)) for one in born]
    assert months[0] + apart <= months[1] <= months[0] + 2 * apart


@given(BIRTHS, AGES)
def test_the_delay_is_none_before_2025_and_never_above_its_cap(born: date, old_age: int) -> None:
    """Whoever reached the old age before January 2025 has none; the caps are three years, and five."""
    found, cap = retirement.delay(born, old_age), 60 if old_age == 50 else 36
    reached_before = years_before(date(2025, 1, 1), old_age) > born
    assert (found == 0) == reached_before
    assert 0 <= found <= cap
    step = 2 if old_age == 50 else 4
    late = _months(born) + 12 * old_age >= _months(date(2025, 1, 1)) + step * (cap - 1)
    assert (found == cap) == late


@given(BIRTHS, AGES, st.dates(date(2020, 1, 1), date(2045, 12, 1)), st.integers(0, 40))
def test_the_births_of_some_months_are_exactly_those_who_retire_in_them(
    born: date, old_age: int, first: date, further: int
) -> None:
    """Both months are inside; the day before the first birth and the one named last are not."""
    last = date(first.year + (first.month - 1 + further) // 12, (first.month - 1 + further) % 12 + 1, 1)
    between = retirement.born(old_age, first, last)
    inside = between is not None and between[0] <= born < between[1]
    assert inside == (_months(first) <= _months(retirement.retires(born, old_age)) <= _months(last))

"""The barometer's pure parts: what is hidden, and which days lie beside which."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.barometer import spans
from gateway.barometer.report import FEW, LEAST, UNTOLD, change, told, told_by_day, told_together
from gateway.barometer.spans import Span, SpanError
from gateway.barometer.store import Cell

CELLS = st.integers(0, 30).flatmap(
    lambda people: st.builds(Cell, st.integers(people, 60) if people else st.just(0), st.just(people))
)
TODAY = date(2026, 11, 28)  # a Saturday


@given(st.dictionaries(st.sampled_from("abcdefgh"), CELLS))
def test_no_number_of_fewer_than_five_people_is_told_nor_left_over(
    cells: dict[str, Cell],
) -> None:
    """What is hidden is five people or more together, or all there are; the rest stands as it is."""
    shown = told_together(cells)
    assert all(shown[key] == FEW for key, cell in cells.items() if 0 < cell.people < LEAST)
    assert all(value == cells[key].number for key, value in shown.items() if isinstance(value, int))
    hidden = [key for key, value in shown.items() if value in (FEW, UNTOLD)]
    together = sum(cells[key].people for key in hidden)
    others = [key for key, cell in cells.items() if cell.people and key not in hidden]
    assert not hidden or together >= LEAST or not others
    assert len([key for key in hidden if shown[key] == UNTOLD]) <= LEAST  # no more than it takes


def test_a_small_day_is_not_left_over_in_either_of_the_spans_whose_sums_are_told() -> None:
    """Beside a policy both sums stand: the days before and since are hidden apart from each other."""
    asked = spans.around(date(2026, 11, 3), "", date(2026, 11, 4))
    numbers = {"2026-11-01": 3, "2026-11-02": 40, "2026-11-03": 4, "2026-11-04": 50}
    shown = told_by_day({day: Cell(number, number) for day, number in numbers.items()}, asked)
    assert shown == {"2026-11-01": FEW, "2026-11-02": UNTOLD, "2026-11-03": FEW, "2026-11-04": UNTOLD}


def test_many_matters_of_a_few_people_are_few_people() -> None:
    assert told(Cell(40, 4)) == FEW
    assert told(Cell(5, 5)) == 5
    assert told(Cell(0, 0)) == 0


def test_a_change_is_told_only_between_numbers_that_are() -> None:
    assert change(15, 10) == 50
    assert change(5, 10) == -50
    assert [change(*pair) for pair in ((FEW, 10), (10, UNTOLD), (10, 0), (None, 3))] == [None] * 4


def test_a_week_that_is_not_over_lies_beside_the_same_days_of_the_week_before() -> None:
    asked = spans.week("2026-W48", TODAY)
    assert asked.span == Span(date(2026, 11, 23), TODAY)
    assert asked.before == Span(date(2026, 11, 16), date(2026, 11, 21))
    assert spans.week("2026-W47", TODAY).span == Span(date(2026, 11, 16), date(2026, 11, 22))
    assert spans.last_week(TODAY) == spans.week("2026-W47", TODAY)
    assert spans.week("2027-W01", date(2027, 2, 1)).span == Span(date(2027, 1, 4), date(2027, 1, 10))


@given(st.dates(date(2024, 1, 1), TODAY), st.integers(0, 60))
def test_the_whole_weeks_of_days_are_theirs_from_monday_to_sunday(first: date, more: int) -> None:
    """Of two spans they never differ by part of a week, which would tell of that part's few people."""
    span = Span(first, first + timedelta(days=more))
    weeks = spans.whole_weeks(span)
    inside = [
        day for day in range(more + 1) if (first + timedelta(days=day)).weekday() == 0 and day + 6 <= more
    ]
    assert (weeks.length // 7 if weeks else 0) == len(inside)
    if weeks:
        assert (weeks.first.weekday(), weeks.last.weekday()) == (0, 6)
        assert span.first <= weeks.first < weeks.last <= span.last


@given(st.dates(date(2024, 1, 1), TODAY))
def test_a_policy_s_days_lie_beside_as_many_before_and_two_weeks_of_each_are_drawn(policy: date) -> None:
    asked = spans.around(policy, "", TODAY)
    assert asked.span.length == asked.before.length <= 15
    assert asked.before.last + timedelta(days=1) == asked.span.first == policy
    assert asked.shown.first <= policy - timedelta(days=14)
    assert asked.shown.last == asked.span.last == min(TODAY, policy + timedelta(days=14))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: spans.week("48", TODAY), "'48' is no week; write one like 2026-W48"),
        (lambda: spans.week("2026-W54", TODAY), "is no week"),
        (lambda: spans.days(TODAY, TODAY - timedelta(days=1), TODAY), "give the earlier day first"),
        (lambda: spans.days(date(2020, 1, 1), TODAY, TODAY), "more than 400 days"),
        (lambda: spans.around(TODAY + timedelta(days=1), "", TODAY), "has not come yet"),
    ],
)
def test_what_is_no_report_says_what_to_write(ask: object, said: str) -> None:
    with pytest.raises(SpanError, match=said):
        ask()  # type: ignore[operator]

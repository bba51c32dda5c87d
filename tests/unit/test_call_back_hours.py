"""When people are there to call: what may be wished for, and what follows from a try, in any city's hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.call_backs import hours, numbers, trying
from gateway.call_backs.hours import SOON
from gateway.call_backs.trying import Again, Over, Result
from gateway.hotline_rules import HotlineHours, Spans
from gateway.rules.model import Rules

MOMENTS = st.integers(0, 366 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
SPANS = st.sampled_from(
    [
        (),
        ((time(9), time(17)),),
        ((time(8, 30), time(12)), (time(14), time(17, 30))),
        ((time(0), time(23, 59)),),
    ]
)


def _rules(spans: Spans, *, working_days: bool) -> Rules:
    shipped = cities.shipped()["changde"].versions[-1]
    return replace(shipped, hotline_hours=HotlineHours(spans, working_days))


@given(MOMENTS, SPANS, st.booleans())
def test_whatever_is_offered_is_a_time_people_are_there_and_can_be_kept(
    now: datetime, spans: Spans, working: bool
) -> None:
    """Every wish comes to a window that has not passed, in which somebody is there from its beginning on."""
    rules = _rules(spans, working_days=working)
    offered = hours.wishes(rules, now)
    assert offered[0].value == SOON
    assert 1 < len(offered) <= 4  # as many as there are keys before "more"
    for option in offered:
        window = hours.window_of(rules, option.value, now)
        assert max(window.begins_at, now) < window.ends_at
        assert hours.staffed(rules, max(window.begins_at, now))
    back = hours.back(rules, now)
    assert (back is None) == hours.staffed(rules, now)
    assert back is None or (back > now and hours.staffed(rules, back))


@given(MOMENTS, SPANS, st.booleans(), st.sampled_from(Result), st.integers(1, 5))
def test_nobody_is_tried_at_night_nor_more_often_than_promised(
    now: datetime, spans: Spans, working: bool, result: Result, tries: int
) -> None:
    """A busy line is tried sooner than one nobody takes; spoken to, wrong or unwanted ends it."""
    rules = _rules(spans, working_days=working)
    then = trying.after(result, tries, rules, now)
    if result in (Result.TALKED, Result.REFUSED, Result.WRONG_NUMBER):
        assert then == Over(reached=result is not Result.WRONG_NUMBER)
    elif tries >= 3:
        assert then == Over(reached=False)
    else:
        assert isinstance(then, Again)
        pause = timedelta(minutes=5 if result is Result.BUSY else 15)
        assert then.at >= now + pause
        assert hours.staffed(rules, then.at)
        assert then.at == now + pause or not hours.staffed(rules, now + pause)


@given(st.text(max_size=30))
def test_what_is_no_number_here_is_never_called(text: str) -> None:
    """Hotlines, foreign numbers, emergency numbers and nonsense are refused; what is taken can be dialled."""
    number = numbers.normalised(text)
    assert number is None or numbers.normalised(numbers.keyed(number)) == number


def test_numbers_are_taken_as_people_write_them() -> None:
    """A mobile, and a landline with its area code; nothing else."""
    taken = {
        "138 0013 8000": "+8613800138000",
        "+86 138-0013-8000": "+8613800138000",
        "0736-7255555": "+867367255555",
        "(021) 62345678": "+862162345678",
        "+867367255555": "+867367255555",
    }
    assert {text: numbers.normalised(text) for text in taken} == taken
    refused = ("12333", "0736-12333", "110", "4008001234", "95588", "7255555", "+14155550123", "", "10690123")
    assert [text for text in refused if numbers.normalised(text)] == []

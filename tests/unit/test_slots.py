"""The places of a hall: on working days, in the timetable, in the window; the nearest are the nearest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendars, cities
from gateway.appointment_rules import MOST_PLACES, Appointment, NoShows, Timetable
from gateway.appointments import limits, slots
from gateway.appointments.slots import Slot

RULES = cities.shipped()["changde"].versions[-1]
CALENDAR = calendars.shipped()
moments = st.integers(0, 350 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


@st.composite
def timetables(draw: st.DrawFn) -> Appointment:
    """Any timetable a city's file may have."""
    hours = sorted(draw(st.sets(st.integers(0, 95), min_size=2, max_size=6)))
    clocks = [time(quarter // 4, quarter % 4 * 15) for quarter in hours]
    spans = tuple(zip(clocks[::2], clocks[1::2], strict=False))
    first = draw(st.integers(0, 5))
    return replace(
        RULES.appointment,
        hours=spans,
        slot_minutes=draw(st.integers(5, 120)),
        first_day=first,
        window_days=draw(st.integers(max(first, 1), 20)),
    )


def bookable(timetable: Appointment, now: datetime) -> list[Slot]:
    return list(slots.bookable(replace(RULES, appointment=timetable), "shi", now))


@given(timetables(), moments)
def test_a_slot_lies_on_a_working_day_ahead_within_the_hours(timetable: Appointment, now: datetime) -> None:
    """Whatever the timetable: never on a holiday, never in the past, never beyond a span or the window."""
    today = now.astimezone(RULES.zone).date()
    for slot in bookable(timetable, now):
        assert CALENDAR.is_working_day(slot.day)
        assert slot.starts_at > now
        assert timetable.first_day <= (slot.day - today).days <= timetable.window_days
        assert any(
            opens <= slot.starts_at.time() and slot.ends_at.time() <= closes
            for opens, closes in timetable.hours
        )


@given(timetables(), moments)
def test_one_slot_is_bookable_as_it_is_among_all(timetable: Appointment, now: datetime) -> None:
    """Whoever asks for one alone hears the same as whoever has them all listed."""
    rules, today = replace(RULES, appointment=timetable), now.astimezone(RULES.zone).date()
    among = set(bookable(timetable, now))
    for days in (0, timetable.first_day, timetable.window_days, timetable.window_days + 1):
        for slot in slots.of_day(rules, "shi", today + timedelta(days=days)):
            assert slots.is_bookable(rules, slot, now) == (slot in among)


@given(timetables(), moments)
def test_slots_of_a_day_follow_each_other_without_overlap(timetable: Appointment, now: datetime) -> None:
    """And their index counts them."""
    for day in {slot.day for slot in bookable(timetable, now)}:
        found = slots.of_day(replace(RULES, appointment=timetable), "shi", day)
        assert [slot.index for slot in found] == list(range(len(found)))
        assert all(one.ends_at <= next_.starts_at for one, next_ in pairwise(found))


@given(timetables(), st.data())
def test_numbers_of_a_day_are_unique(timetable: Appointment, data: st.DataObject) -> None:
    """No two places of a hall's day share their digits, however many places each slot had."""
    found = slots.of_day(replace(RULES, appointment=timetable), "shi", date(2026, 11, 25))
    counts = [data.draw(st.integers(1, MOST_PLACES)) for _ in found]
    numbers = [
        slots.number("A", slot, place)
        for slot, count in zip(found, counts, strict=True)
        for place in range(1, count + 1)
    ]
    assert len(set(numbers)) == len(numbers)
    assert all(number[0] == "A" and number[1:].isdigit() for number in numbers)


YEAR = st.integers(0, 365).map(lambda n: date(2028, 1, 1) + timedelta(days=n))


@given(YEAR, YEAR, YEAR)
def test_a_part_of_the_year_has_its_own_hours_and_the_rest_the_usual(
    first: date, last: date, day: date
) -> None:
    """Both its days are in it; it may go over the new year; counted day by day it is the same."""
    noon = ((time(12), time(13)),)
    part = Timetable((first.month, first.day), (last.month, last.day), noon)
    rules = replace(RULES.appointment, timetables=(part,))
    inside, walked = {first}, first
    while walked != last:
        walked = walked + timedelta(days=1) if walked < date(2028, 12, 31) else date(2028, 1, 1)
        inside.add(walked)
    assert rules.hours_on(day) == (noon if day in inside else rules.hours)


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 4), st.integers(1, 120))
def test_somebody_is_off_exactly_after_too_many_within_the_days(
    missed: list[int], count: int, within: int
) -> None:
    """Counted anew from each day of not having come; none, or a count of 0, has no consequence."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in missed]
    many = [n for n in missed if sum(n - within < other <= n for other in missed) >= count]
    expected = start + timedelta(days=max(many) + 30) if count and many else None
    assert limits.counted_off(NoShows(count, within, 30), days) == expected


@given(moments, st.data())
def test_the_nearest_are_free_and_nothing_free_is_nearer(now: datetime, data: st.DataObject) -> None:
    """Of the slots left out none is free and closer in time."""
    known = slots.bookable(RULES, "shi", now)
    if not known:
        return
    free = {slot: data.draw(st.integers(0, 2)) for slot in known}
    wanted = data.draw(st.sampled_from(known))
    found = slots.nearest(free, wanted, 3)
    rest = [slot for slot, left in free.items() if left and slot != wanted and slot not in found]

    def away(slot: Slot) -> timedelta:
        return abs(slot.starts_at - wanted.starts_at)

    assert wanted not in found
    assert all(free[slot] for slot in found)
    assert len(found) == min(3, sum(left > 0 for slot, left in free.items() if slot != wanted))
    assert all(away(slot) <= away(other) for slot in found for other in rest)


@pytest.mark.parametrize(
    ("clock", "last"),
    [("07:59", date(2026, 11, 24)), ("08:00", date(2026, 11, 25))],
)
def test_the_last_day_of_the_window_is_released_in_the_morning(clock: str, last: date) -> None:
    """Seven days ahead can be booked from 08:00 on."""
    now = datetime.fromisoformat(f"2026-11-18T{clock}:00+08:00")
    assert slots.days(RULES, now)[-1] == last


def test_changdes_day_has_fourteen_slots_around_the_noon_break() -> None:
    found = slots.of_day(RULES, "shi", date(2026, 11, 25))
    assert [slot.clock for slot in found] == [
        *("08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30"),
        *("14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00"),
    ]


def test_a_worked_sunday_has_slots_and_a_holiday_none() -> None:
    """The State Council's swaps count: 20 September 2026 is worked, 25 September is not."""
    assert slots.of_day(RULES, "shi", date(2026, 9, 20))
    assert not slots.of_day(RULES, "shi", date(2026, 9, 25))


def test_a_wrong_name_of_a_slot_names_none() -> None:
    """Whatever is given as day or time, or a hall there is not."""
    assert slots.named(RULES, "shi", "2026-11-25", "09:00")
    for hall, day, clock in [
        ("shi", "2026-11-25", "09:10"),
        ("shi", "2026-11-22", "09:00"),
        ("shi", "tomorrow", "09:00"),
        ("nowhere", "2026-11-25", "09:00"),
    ]:
        assert slots.named(RULES, hall, day, clock) is None

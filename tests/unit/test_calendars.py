"""Working days and due dates."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import calendars
from gateway.calendars import Calendar, Day, Unit
from gateway.errors import SettingError

TABLE = Path(__file__).parents[2] / "templates" / "calendars" / "china.toml"
CHINA = calendars.load(TABLE)
HEAD = '[[notice]]\nyear = 2027\nsource = "x"\n'
SHANGHAI = ZoneInfo("Asia/Shanghai")

days = st.dates(date(2024, 1, 1), date(2032, 12, 31))
counts = st.integers(1, 400)


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        ("2026-01-05", 5, "2026-01-12"),
        ("2026-01-05", 15, "2026-01-26"),
        ("2026-01-05", 60, "2026-04-03"),
        ("2026-02-13", 5, "2026-02-27"),
        ("2026-02-13", 15, "2026-03-12"),
        ("2026-02-13", 60, "2026-05-19"),
        ("2026-04-30", 5, "2026-05-11"),
        ("2026-04-30", 15, "2026-05-25"),
        ("2026-04-30", 60, "2026-07-28"),
        ("2026-09-18", 5, "2026-09-24"),
        ("2026-09-18", 15, "2026-10-15"),
        ("2026-09-18", 60, "2026-12-17"),
        ("2026-09-30", 5, "2026-10-13"),
        ("2026-09-30", 15, "2026-10-27"),
        ("2026-09-30", 60, "2026-12-29"),
    ],
)
def test_known_due_dates_of_2026(start: str, n: int, due: str) -> None:
    """Due dates counted by hand on the 2026 notice come out, and they are firm."""
    assert CHINA.add_working_days(date.fromisoformat(start), n) == Day(date.fromisoformat(due), False)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 1, 2), False),  # a Friday swapped for
        (date(2026, 1, 4), True),  # this Sunday
        (date(2026, 2, 14), True),
        (date(2026, 2, 23), False),
        (date(2026, 10, 10), True),
        (date(2026, 10, 11), False),
        (date(2025, 9, 28), True),  # 2025 as the library has it
        (date(2025, 10, 8), False),
    ],
)
def test_holidays_and_working_weekends(day: date, working: bool) -> None:
    """A weekday off is no working day and a weekend that is worked is one."""
    assert CHINA.is_working_day(day) is working


def test_our_table_agrees_with_the_library() -> None:
    """Where library and table both know a year they give the same working days."""
    library = Calendar()
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [day for day in year if CHINA.is_working_day(day) != library.is_working_day(day)] == []


def test_the_table_wins_over_the_library() -> None:
    """What a notice in the table says holds, whatever the library has."""
    notice = calendars.Notice(2026, frozenset({date(2026, 3, 3)}), frozenset({date(2026, 3, 7)}), "made up")
    calendar = Calendar({2026: notice})
    assert not calendar.is_working_day(date(2026, 3, 3))
    assert calendar.is_working_day(date(2026, 3, 7))
    assert calendar.is_working_day(date(2026, 10, 1))


def test_a_year_without_a_notice_is_provisional() -> None:
    """Whatever is counted through a year nobody has announced is marked."""
    assert CHINA.add_working_days(date(2026, 12, 30), 1) == Day(date(2026, 12, 31), False)
    assert CHINA.add_working_days(date(2026, 12, 31), 1).provisional
    assert CHINA.add_working_days(date(2026, 11, 2), 60).provisional
    assert CHINA.is_provisional(date(2027, 1, 1))
    assert not CHINA.is_provisional(date(2025, 6, 1))


def test_only_years_counted_through_decide_whether_a_date_is_firm() -> None:
    """Counting begins on the next day, and one computed year on the way is enough to doubt the date."""
    notice = calendars.Notice(2028, frozenset({date(2028, 1, 1)}), frozenset(), "made up")
    calendar = Calendar({2028: notice})
    assert calendar.add_working_days(date(2027, 12, 31), 1) == Day(date(2028, 1, 3), False)
    assert calendar.add_working_days(date(2027, 12, 30), 2) == Day(date(2028, 1, 3), True)


def test_a_due_date_is_firm_once_the_notice_is_entered(tmp_path: Path) -> None:
    """Entering the next notice makes a provisional date firm, and may move it."""
    text = TABLE.read_text(encoding="utf-8") + (
        '\n[[notice]]\nyear = 2027\nsource = "made up"\n'
        "holidays = [{ from = 2027-01-01, to = 2027-01-05 }]\nworkdays = [2027-01-09]\n"
    )
    path = tmp_path / "china.toml"
    path.write_text(text, encoding="utf-8")
    before = CHINA.add_working_days(date(2026, 12, 31), 1)
    after = calendars.load(path).add_working_days(date(2026, 12, 31), 1)
    assert (before.provisional, after) == (True, Day(date(2027, 1, 6), False))


def test_a_notice_may_reach_back_into_december() -> None:
    """A New Year's break announced with the next year holds in this one."""
    notice = calendars.Notice(2027, frozenset({date(2026, 12, 31)}), frozenset({date(2026, 12, 27)}), "x")
    calendar = Calendar({2027: notice})
    assert not calendar.is_working_day(date(2026, 12, 31))
    assert calendar.is_working_day(date(2026, 12, 27))


@given(days, counts)
@settings(deadline=None)
def test_a_due_date_is_a_working_day(start: date, n: int) -> None:
    """Adding working days lands on a working day after the start."""
    due = CHINA.add_working_days(start, n).date
    assert due > start
    assert CHINA.is_working_day(due)


@given(days, st.integers(1, 90))
@settings(deadline=None)
def test_as_many_working_days_lie_between_as_were_added(start: date, n: int) -> None:
    """From the day after the start to the due date there are exactly n working days."""
    due = CHINA.add_working_days(start, n).date
    between = (start + timedelta(days=k) for k in range(1, (due - start).days + 1))
    assert sum(map(CHINA.is_working_day, between)) == n


@given(days, days, counts)
@settings(deadline=None)
def test_a_later_start_is_never_due_earlier(one: date, other: date, n: int) -> None:
    """Due dates keep the order of their starts."""
    first, second = sorted((one, other))
    assert CHINA.add_working_days(first, n).date <= CHINA.add_working_days(second, n).date


@given(days, counts, counts)
@settings(deadline=None)
def test_more_working_days_are_due_later(start: date, n: int, more: int) -> None:
    """Adding n and then m working days is adding n + m."""
    due = CHINA.add_working_days(start, n).date
    assert CHINA.add_working_days(due, more).date == CHINA.add_working_days(start, n + more).date


def test_no_working_days_cannot_be_added() -> None:
    """Counting begins on the next day, so zero has no answer."""
    with pytest.raises(ValueError, match="counted from 1"):
        CHINA.add_working_days(date(2026, 1, 5), 0)


@pytest.mark.parametrize(
    ("amount", "unit", "due"),
    [
        (24, "hour", "2026-11-22T16:05:00+08:00"),
        (7, "day", "2026-11-28T16:05:00+08:00"),
        (15, "working_day", "2026-12-11T16:05:00+08:00"),
        (0, "working_day", "2026-11-21T16:05:00+08:00"),
    ],
)
def test_units_of_a_duration(amount: int, unit: Unit, due: str) -> None:
    """Hours, days and working days count from the moment itself and keep its time of day."""
    start = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    found = CHINA.add(start, amount, unit, SHANGHAI)
    assert (found.at.isoformat(), found.provisional) == (due, False)


def test_the_day_is_counted_in_the_city() -> None:
    """Late evening UTC is already the next day in the city."""
    start = datetime(2026, 1, 4, 23, 0, tzinfo=UTC)  # Monday 5 January 07:00 there
    assert CHINA.add(start, 5, "working_day", SHANGHAI).at.date() == date(2026, 1, 12)


def test_a_day_keeps_the_wall_clock_and_an_hour_does_not() -> None:
    """Where clocks change, a day is a date later and 24 hours are 24 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 28, 12, 0, tzinfo=berlin)
    assert CHINA.add(start, 1, "day", berlin).at.isoformat() == "2026-03-29T12:00:00+02:00"
    assert CHINA.add(start, 24, "hour", berlin).at.isoformat() == "2026-03-29T13:00:00+02:00"


@pytest.mark.parametrize(("amount", "aware"), [(-1, True), (1, False)])
def test_a_naive_start_or_a_negative_amount_is_refused(amount: int, aware: bool) -> None:
    """A moment without a zone, or one in the past, is a bug of the caller."""
    start = datetime(2026, 1, 5, tzinfo=UTC if aware else None)
    with pytest.raises(ValueError, match="aware start"):
        CHINA.add(start, amount, "day", SHANGHAI)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("notice = 3", "blocks and nothing else"),
        ("[[notices]]\nyear = 2027", "blocks and nothing else"),
        ("[[notice]]\nyear = 2027", "nothing else"),
        ("[[notice]\n", "cannot be read"),
        ('[[notice]]\nyear = "2027"\nsource = "x"\nholidays = []\nworkdays = []', "year"),
        (HEAD + "holidays = []\nworkdays = [2027-01-04]", "no weekend"),
        (HEAD + "holidays = []\nworkdays = [2026-01-04]", "not in 2027"),
        (HEAD + "holidays = [2027-01-01]\nworkdays = []", "each is"),
        (
            HEAD + "workdays = []\nholidays = [{ from = 2027-10-07, to = 2027-10-01 }]",
            "is no holiday",
        ),
        (
            HEAD + "workdays = [2027-10-03]\nholidays = [{ from = 2027-10-01, to = 2027-10-07 }]",
            "is a holiday too",
        ),
        ((HEAD + "holidays = []\nworkdays = []\n") * 2, "two notices"),
    ],
)
def test_a_wrong_table_is_refused_with_file_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    """Whoever enters a notice wrongly is told where and why."""
    path = tmp_path / "china.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=f"china.toml.*{reason}"):
        calendars.load(path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    """No table is an error of the set-up, named as such."""
    with pytest.raises(SettingError, match="cannot be read"):
        calendars.load(tmp_path / "none.toml")

"""Working days of mainland China, and due dates counted in hours, days or working days.

The State Council announces each year's holidays and working weekends in the
November before. Announced years come from the notices a deployment has loaded, from
``templates/calendars/china.toml`` or, failing that, from the library ``holidays``; a
year nobody has announced yet is computed by that library and everything counted
through it is *provisional*. Pure: who counts is given a calendar (``Rules.calendar``).
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import holidays

from gateway.errors import SettingError

Unit = Literal["hour", "day", "working_day"]
UNITS: tuple[str, ...] = get_args(Unit)
SATURDAY = 5
LONGEST = 200_000  # bytes of a file; ten years are some 5,000
SHIPPED = Path(__file__).parents[1] / "templates" / "calendars" / "china.toml"


@dataclass(frozen=True, slots=True)
class Day:
    """A due date; ``provisional`` while a year on the way to it is not announced."""

    date: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Due:
    """A due moment, aware, in the zone asked for; ``provisional`` as in ``Day``."""

    at: datetime
    provisional: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """What the State Council announced for one year. Holidays may include weekends."""

    year: int
    holidays: frozenset[date]
    workdays: frozenset[date]  # weekends that are worked
    source: str


@dataclass(frozen=True, slots=True)
class _Year:
    working: tuple[date, ...]
    firm: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days by the given notices. Answers are kept per year."""

    notices: Mapping[int, Notice] = field(default_factory=dict)
    _years: dict[int, _Year] = field(default_factory=dict, init=False, repr=False, compare=False)

    def and_also(self, notices: Mapping[int, Notice]) -> Calendar:
        """The same with these notices, which win over those of the same years."""
        return Calendar({**self.notices, **notices})

    def is_working_day(self, day: date) -> bool:
        working = self._year(day.year).working
        position = bisect_left(working, day)
        return position < len(working) and working[position] == day

    def nearest(self, day: date, step: int) -> date:
        """That day, or the next working day in this direction (1 or -1)."""
        while not self.is_working_day(day):
            day += timedelta(days=step)
        return day

    def working_days(self, year: int) -> Sequence[date]:
        """The working days of a year, in order."""
        return self._year(year).working

    def is_provisional(self, day: date) -> bool:
        """Whether the year of this day is only computed."""
        return not self._year(day.year).firm

    def add_working_days(self, start: date, n: int) -> Day:
        """The ``n``-th working day after ``start``; counting begins on the next day.

        ``n`` is 1 or more, else ``ValueError``: the day itself may be no working day.
        """
        if n < 1:
            raise ValueError("working days are counted from 1")
        year = (start + timedelta(days=1)).year
        working, firm = self._year(year).working, self._year(year).firm
        position = bisect_right(working, start) + n - 1
        while position >= len(working):
            position -= len(working)
            year += 1
            working, firm = self._year(year).working, firm and self._year(year).firm
        return Day(working[position], not firm)

    def add(self, start: datetime, amount: int, unit: Unit, zone: tzinfo) -> Due:
        """``start`` and ``amount`` hours, days or working days more.

        Hours are elapsed time; days and working days keep the wall clock of
        ``zone``. ``start`` must be aware, ``amount`` not negative, else ``ValueError``.
        """
        if start.tzinfo is None or amount < 0 or unit not in UNITS:
            raise ValueError(f"needs an aware start, an amount from 0 and one of {', '.join(UNITS)}")
        local = start.astimezone(zone)
        if amount == 0:
            return Due(local, provisional=False)
        if unit == "hour":
            return Due((start.astimezone(UTC) + timedelta(hours=amount)).astimezone(zone), provisional=False)
        if unit == "day":
            return Due(local + timedelta(days=amount), provisional=False)
        day = self.add_working_days(local.date(), amount)
        return Due(datetime.combine(day.date, local.timetz()), day.provisional)

    def _year(self, year: int) -> _Year:
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._make_year(year)
        return known

    def _make_year(self, year: int) -> _Year:
        notice = self.notices.get(year)
        if notice:
            off, extra, firm = notice.holidays, notice.workdays, True
        else:
            off, extra = _computed(year)
            # Every announced year since 2007 swaps some weekend; a computed one never does.
            firm = bool(extra)
        # A New Year's break may be announced with the next year and begin in this one.
        following = self.notices.get(year + 1)
        if following:
            off, extra = off | following.holidays, extra | following.workdays
        weekdays = (day for day in _days_of(year) if day.weekday() < SATURDAY or day in extra)
        return _Year(tuple(day for day in weekdays if day not in off), firm)


WARNED_FROM = (12, 1)  # month and day: the notice of the next year was out by then every year so far


@dataclass(frozen=True, slots=True)
class Missing:
    """A year whose notice should be there and is not; ``begun``: it is the year we are in."""

    year: int
    begun: bool

    def __str__(self) -> str:
        return (
            f"Working days of {self.year} are only computed. Write the State Council's notice into a file "
            "like templates/calendars/china.toml and load it: gateway calendar load FILE"
        )


def missing(calendar: Calendar, today: date) -> Missing | None:
    """The first year whose notice is missing on this day; the next year's counts from 1 December on."""
    if calendar.is_provisional(date(today.year, 1, 2)):
        return Missing(today.year, begun=True)
    late = (today.month, today.day) >= WARNED_FROM
    if late and calendar.is_provisional(date(today.year + 1, 1, 2)):
        return Missing(today.year + 1, begun=False)
    return None


def years_before(day: date, years: int) -> date:
    """The latest birth date of whoever has completed this many years on that day.

    Born on 29 February, one is a year older on 1 March where there is no such day.
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


@cache
def shipped() -> Calendar:
    """The calendar with the notices that come with this release; read once.

    What a deployment goes by is ``Rules.calendar``: there the notices it loaded are in.
    """
    return load(SHIPPED)


def load(path: Path) -> Calendar:
    """The calendar by a file of notices; like ``read``."""
    return Calendar(read(open_file(path), str(path)))


def open_file(path: Path) -> str:
    """The text of a file of notices; ``SettingError`` where there is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
        if len(raw) > LONGEST:
            raise SettingError(f"{path}: is longer than {LONGEST:,} bytes. Is it a file of notices?")
        return raw.decode("utf-8")
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from None


def read(text: str, path: str) -> Mapping[int, Notice]:
    """The notices of a file, by year; ``SettingError`` names file, key and reason where it is wrong."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from None
    notices: dict[int, Notice] = {}
    rows = document.pop("notice", None)
    if document or not isinstance(rows, list):
        raise SettingError(f"{path}: notice: the file holds [[notice]] blocks and nothing else")
    for number, raw in enumerate(rows, start=1):
        try:
            notice = _notice(raw)
            if notice.year in notices:
                raise ValueError(f"year: {notice.year} has two notices")
        except ValueError as error:
            raise SettingError(f"{path}: [[notice]] {number}: {error}") from None
        notices[notice.year] = notice
    return notices


def _notice(raw: Any) -> Notice:
    if not isinstance(raw, dict) or set(raw) != {"year", "source", "holidays", "workdays"}:
        raise ValueError("has year, source, holidays and workdays, and nothing else")
    year, source = raw["year"], raw["source"]
    if type(year) is not int or not isinstance(source, str) or not source:
        raise ValueError("year: a number; source: which notice says so")
    off = frozenset(day for span in _list(raw, "holidays") for day in _span(span))
    extra = frozenset(_day(day, "workdays") for day in _list(raw, "workdays"))
    # A year's notice may reach back into the last week of the year before.
    strange = [day for day in off | extra if not date(year - 1, 12, 25) <= day <= date(year, 12, 31)]
    if strange:
        raise ValueError(f"holidays, workdays: {min(strange)} is not in {year}")
    if off & extra:
        raise ValueError(f"workdays: {min(off & extra)} is a holiday too")
    weekdays = [day for day in extra if day.weekday() < SATURDAY]
    if weekdays:
        raise ValueError(f"workdays: {min(weekdays)} is no weekend")
    return Notice(year, off, extra, source)


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    if not isinstance(raw[key], list):
        raise ValueError(f"{key}: a list")
    return list(raw[key])


def _day(value: Any, key: str) -> date:
    if type(value) is not date:
        raise ValueError(f"{key}: {value!r} is no date; write 2026-01-31 without quotes")
    return value


def _span(value: Any) -> Iterator[date]:
    """The days of ``{from, to}``, both included."""
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        raise ValueError("holidays: each is { from = 2026-01-01, to = 2026-01-03 }")
    first, last = _day(value["from"], "holidays"), _day(value["to"], "holidays")
    if not timedelta(0) <= last - first <= timedelta(days=31):
        raise ValueError(f"holidays: {first} to {last} is no holiday")
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _computed(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Holidays and working weekends of a year as the library has or computes them."""
    library = holidays.country_holidays("CN", years=year)
    extra = frozenset(day for day in library.weekend_workdays if day.year == year)
    return frozenset(library), extra


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))

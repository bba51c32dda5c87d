"""Giving the deployment a year's notice of holidays: what a file changes, and how it goes in. On record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from gateway import calendar_notices, calendars, cities
from gateway.calendars import Calendar, Missing, Notice
from gateway.errors import SettingError
from gateway.levers.accounts import Desk
from gateway.runtime import Runtime

FIRST = 2000  # nobody counts working days of before


@dataclass(frozen=True, slots=True)
class Moved:
    """A day that is worked by one calendar and not by the other."""

    day: date
    works: bool  # by the later one


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file brings: the years it has newly or otherwise, those it repeats, and the days that differ.

    ``firm`` are the years of which everything counted was provisional until now.
    """

    changed: Sequence[int]
    same: Sequence[int]
    moved: Sequence[Moved]
    firm: Sequence[int]


def missing(here: Runtime) -> Missing | None:
    """The year whose notice should be there by today and is not."""
    now = here.clock()
    rules = cities.of(here).rules_now(now)
    return calendars.missing(rules.calendar, now.astimezone(rules.zone).date())


def judge(tx: Connection, text: str, file: str, today: date) -> Loaded:
    """What loading this file would do; ``SettingError`` says what is wrong with it."""
    before, brought = known(tx), calendars.read(text, file)
    if not brought:
        raise SettingError(f"{file}: holds no [[notice]]. Write one, as in templates/calendars/china.toml.")
    for year in sorted(brought):
        if not FIRST <= year <= today.year + 1:
            raise SettingError(
                f"{file}: the notice of {year} cannot be out: each comes in the November before. "
                f"Correct the year, or load it in {year - 1}."
            )
    changed = [year for year in sorted(brought) if before.notices.get(year) != brought[year]]
    after = before.and_also(brought)
    return Loaded(
        changed,
        [year for year in sorted(brought) if year not in changed],
        list(_moved(before, after, changed)),
        [year for year in changed if before.is_provisional(date(year, 1, 2))],
    )


def load(desk: Desk, text: str, file: str) -> Loaded:
    """Put the notices of a file into the book: every process counts by them within seconds.

    On record first: whoever loads at the same moment waits there.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    desk.record("calendar.load", f"sha256 {digest[:32]}")
    found = judge(desk.tx, text, file, desk.now.date())
    if found.changed:
        calendar_notices.put(desk.tx, text, found.changed, desk.now, desk.actor)
        for year in found.changed:
            desk.record("calendar.notice", f"{year}, {len(found.moved)} days moved")
    return found


def known(tx: Connection) -> Calendar:
    """The calendar as the database has it at this moment."""
    return calendars.shipped().and_also(calendar_notices.stored(tx))


def spans(notice: Notice) -> Sequence[tuple[date, date]]:
    """The holidays of a notice as first and last days."""
    found: list[tuple[date, date]] = []
    for day in sorted(notice.holidays):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def whence(tx: Connection, year: int) -> Mapping[str, str]:
    """Where a year comes from: loaded (when, by whom), the release, the library, or computed."""
    row = calendar_notices.row(tx, year)
    if row is not None:
        return {"comes": "loaded", "at": row.loaded_at.isoformat(), "by": row.loaded_by}
    if year in calendars.shipped().notices:
        return {"comes": "release"}
    return {"comes": "computed" if calendars.shipped().is_provisional(date(year, 1, 2)) else "library"}


def _moved(before: Calendar, after: Calendar, years: Sequence[int]) -> Iterator[Moved]:
    """A notice may reach back into the year before it."""
    for year in sorted({*years, *(year - 1 for year in years)}):
        old, new = set(before.working_days(year)), set(after.working_days(year))
        yield from (Moved(day, day in new) for day in sorted(old ^ new))

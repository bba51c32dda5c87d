"""When people are there to call, and what may be wished for: by the city's rules and its calendar. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from gateway.hotline_rules import Spans
from gateway.rules.model import Rules
from gateway.transactions.model import Option, Words

SOON = "soon"  # the wish for a call as soon as there is somebody
ALWAYS: Spans = (
    (time(9), time(12)),
    (time(14), time(20)),
)  # what may be wished for where people never go home
NOON = time(12)
LEFT = timedelta(minutes=30)  # of a half day that must be left for it to be wished for
HALF_DAYS = 3  # to choose from, beside "soon": four keys
LONGEST_BREAK = 31  # days; no calendar has a longer one


@dataclass(frozen=True, slots=True)
class Window:
    """When somebody is to be called: aware, in the city's zone."""

    begins_at: datetime
    ends_at: datetime


def staffed(rules: Rules, now: datetime) -> bool:
    """Whether somebody is there at this moment."""
    if not rules.hotline_hours.hours:
        return True
    local = now.astimezone(rules.zone)
    return any(begin <= local.time() < end for begin, end in _of_day(rules, local.date()))


def back(rules: Rules, now: datetime) -> datetime | None:
    """When people are back; None while they are there."""
    if staffed(rules, now):
        return None
    return next(window.begins_at for window in _ahead(rules, now) if window.begins_at > now)


def window_of(rules: Rules, wish: str, now: datetime) -> Window:
    """What a wish comes to now: the half day named; for any other, and once it has passed, the next one."""
    named = _read(rules, wish) if wish != SOON else None
    if named and named.ends_at > now:
        return named
    first = next(window for window in _ahead(rules, now) if window.ends_at > now)
    return Window(max(first.begins_at, now.astimezone(rules.zone)), first.ends_at)


def wishes(rules: Rules, now: datetime) -> Sequence[Option]:
    """As soon as can be, and the next half days."""
    soon = (
        Words("尽快", "As soon as possible")
        if staffed(rules, now)
        else Words("上班后尽快", "As soon as people are back")
    )
    found = [Option(SOON, soon)]
    for window in _ahead(rules, now):
        if window.ends_at - now >= LEFT:
            found.append(Option(_written(window), said(window, now)))
        if len(found) > HALF_DAYS:
            break
    return found


def said(window: Window, now: datetime) -> Words:
    """A window as people say it: 今天下午14:00到17:30; one that has begun: 今天下午17:30以前."""
    begin, end = window.begins_at, window.ends_at
    day = _day(begin.date(), now.astimezone(begin.tzinfo).date())
    half = "上午" if begin.time() < NOON else "下午"
    if begin <= now:
        return Words(f"{day.zh}{half}{end:%H:%M}以前", f"{day.en}, before {end:%H:%M}")
    return Words(f"{day.zh}{half}{begin:%H:%M}到{end:%H:%M}", f"{day.en}, {begin:%H:%M} to {end:%H:%M}")


def moment(at: datetime, now: datetime) -> Words:
    """A moment as people say it: 明天8:30."""
    day = _day(at.date(), now.astimezone(at.tzinfo).date())
    return Words(f"{day.zh}{at:%H:%M}", f"{at:%H:%M} {day.en}")


def _day(day: date, today: date) -> Words:
    match (day - today).days:
        case 0:
            return Words("今天", "today")
        case 1:
            return Words("明天", "tomorrow")
        case _:
            return Words(f"{day.month}月{day.day}日", f"on {day.day} {day:%B}")


def _of_day(rules: Rules, day: date) -> Spans:
    hours = rules.hotline_hours
    return hours.hours if not hours.working_days or rules.calendar.is_working_day(day) else ()


def _ahead(rules: Rules, now: datetime) -> Iterator[Window]:
    """The half days of this day and those that follow, in their order."""
    today = now.astimezone(rules.zone).date()
    for day in (today + timedelta(days=n) for n in range(LONGEST_BREAK)):
        spans = _of_day(rules, day) if rules.hotline_hours.hours else ALWAYS
        for begin, end in spans:
            cut = sorted({begin, end, *([NOON] if begin < NOON < end else [])})
            for one, other in pairwise(cut):
                yield Window(*(datetime.combine(day, clock, rules.zone) for clock in (one, other)))


def _written(window: Window) -> str:
    return f"{window.begins_at:%Y-%m-%dT%H:%M}-{window.ends_at:%H:%M}"


def _read(rules: Rules, wish: str) -> Window | None:
    """The half day ``_written`` made; None for what it did not."""
    try:
        day, _, clocks = wish.partition("T")
        one, other = (time.fromisoformat(clock) for clock in clocks.split("-"))
        return Window(
            *(datetime.combine(date.fromisoformat(day), clock, rules.zone) for clock in (one, other))
        )
    except ValueError:
        return None

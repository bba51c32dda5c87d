"""What the office reads of some days: sums beside those of the days before, and nothing of a few people.

A cell of fewer than five people is told as ``<5``. Where it could be worked out from a total, the next
smallest one is not told either (``–``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from gateway.barometer import spans, store
from gateway.barometer.spans import Asked, Span
from gateway.barometer.store import GRADES, Cell, Measure, Sums
from gateway.transactions.evaluations import SATISFIED

LEAST = 5  # people
FEW, UNTOLD = "<5", "–"
MATTERS = (Measure.BEGUN, Measure.DONE, Measure.TURNED_DOWN, Measure.FAILED, Measure.LEFT)
DAILY = (Measure.BEGUN, Measure.DONE, Measure.CALLS)
GROUPED = ("face", "district", "band", "insured")
Shown = int | str


@dataclass(frozen=True, slots=True)
class Line:
    """A number beside that of the days before; ``change`` in percent of it, None where it cannot be told.

    A rate is in whole percent, its change in points.
    """

    name: str
    now: Shown | None
    before: Shown | None
    change: int | None


@dataclass(frozen=True, slots=True)
class Matter:
    """One type of transaction: how many were begun and what became of any, in these days."""

    line: Line
    ended: Mapping[Measure, Shown]


@dataclass(frozen=True, slots=True)
class Daily:
    """One day's sums."""

    day: date
    sums: Mapping[Measure, Shown]


@dataclass(frozen=True, slots=True)
class Report:
    """``matters`` are most asked first; ``groups`` are those who began them, by what tells people apart.

    Groups are told of whole weeks alone, ``weeks``: else one day more or less would tell of its few people.
    """

    asked: Asked
    counted_at: datetime | None
    headline: Sequence[Line]
    matters: Sequence[Matter]
    weeks: Span | None
    groups: Mapping[str, Sequence[Line]]
    days: Sequence[Daily]


def make(tx: Connection, asked: Asked) -> Report:
    """The report asked for; six queries at most, however many rows there are."""
    now, before = (store.sums(tx, span.first, span.last) for span in (asked.span, asked.before))
    weeks = spans.whole_weeks(asked.span)
    return Report(
        asked=asked,
        counted_at=store.counted_at(tx),
        headline=_headline(_totals(now), _totals(before)),
        matters=_matters(now["type"], before["type"]),
        weeks=weeks,
        groups=_groups(tx, weeks) if weeks else {by: [] for by in GROUPED},
        days=_days(tx, asked),
    )


def _groups(tx: Connection, weeks: Span) -> Mapping[str, Sequence[Line]]:
    earlier = spans.before(weeks)
    now, before = store.sums(tx, weeks.first, weeks.last), store.sums(tx, earlier.first, earlier.last)
    return {by: _lines(_of(now[by], Measure.BEGUN), _of(before[by], Measure.BEGUN)) for by in GROUPED}


def _of(found: Sums, measure: Measure) -> dict[str, Cell]:
    return {key: cell for (name, key), cell in found.items() if name == measure}


def _totals(found: Mapping[str, Sums]) -> Mapping[Measure, Cell]:
    """Of each measure; nobody is in two districts on a day, so their people add up."""
    return {measure: _sum(_of(found["district"], measure).values()) for measure in Measure}


def _sum(cells: Iterable[Cell]) -> Cell:
    listed = list(cells)
    return Cell(sum(one.number for one in listed), sum(one.people for one in listed))


# --- what is told ---------------------------------------------------------------------------------


def told(cell: Cell) -> Shown:
    """A number by itself."""
    return FEW if 0 < cell.people < LEAST else cell.number


def told_together(cells: Mapping[str, Cell]) -> dict[str, Shown]:
    """The parts of a whole that is told: what is hidden of them are five people or more together."""
    shown = {key: told(cell) for key, cell in cells.items()}
    hidden = sum(cells[key].people for key, value in shown.items() if value == FEW)
    for key in sorted(cells, key=lambda one: cells[one].number):
        if 0 < hidden < LEAST and shown[key] not in (FEW, 0):
            shown[key] = UNTOLD
            hidden += cells[key].people
    return shown


def change(now: Shown | None, before: Shown | None) -> int | None:
    """In percent of what it was before."""
    if isinstance(now, int) and isinstance(before, int) and before:
        return round((now - before) / before * 100)
    return None


def _rate(part: Cell, whole: Cell) -> int | None:
    """In whole percent; None of fewer than five people."""
    return round(part.number / whole.number * 100) if whole.number and told(whole) != FEW else None


# --- its parts -------------------------------------------------------------------------------------


def _headline(now: Mapping[Measure, Cell], before: Mapping[Measure, Cell]) -> list[Line]:
    counted = (*MATTERS, Measure.CALLS, Measure.TO_PERSON, Measure.CALL_BACKS)
    lines = [_line(name, told(now[name]), told(before[name])) for name in counted]
    for name, of in (("on_time", _on_time), ("satisfied", _satisfied)):
        then, earlier = of(now), of(before)
        points = then - earlier if then is not None and earlier is not None else None
        lines.append(Line(name, then, earlier, points))
    return lines


def _on_time(found: Mapping[Measure, Cell]) -> int | None:
    return _rate(found[Measure.KEPT], _sum([found[Measure.KEPT], found[Measure.LATE]]))


def _satisfied(found: Mapping[Measure, Cell]) -> int | None:
    content = [found[measure] for grade, measure in GRADES.items() if grade >= SATISFIED]
    return _rate(_sum(content), _sum([found[measure] for measure in GRADES.values()]))


def _line(name: str, now: Shown, before: Shown) -> Line:
    return Line(name, now, before, change(now, before))


def _lines(now: Mapping[str, Cell], before: Mapping[str, Cell]) -> list[Line]:
    """Each group's; people who are not known come last."""
    shown, earlier = told_together(now), told_together(before)
    names = sorted({*now, *before}, key=lambda one: (not one, one))
    return [_line(name, shown.get(name, 0), earlier.get(name, 0)) for name in names]


def _matters(now: Sums, before: Sums) -> list[Matter]:
    shown = {measure: told_together(_of(now, measure)) for measure in MATTERS}
    earlier = told_together(_of(before, Measure.BEGUN))
    begun = shown[Measure.BEGUN]
    names = {key for measure, key in (*now, *before) if measure in MATTERS}
    ordered = sorted(names, key=lambda one: (-_rank(begun.get(one, 0)), one))
    return [
        Matter(
            _line(name, shown[Measure.BEGUN].get(name, 0), earlier.get(name, 0)),
            {measure: shown[measure].get(name, 0) for measure in MATTERS[1:]},
        )
        for name in ordered
    ]


def _rank(shown: Shown) -> int:
    """What is not told tells nothing by its place either."""
    return shown if isinstance(shown, int) else LEAST


def _days(tx: Connection, asked: Asked) -> list[Daily]:
    span = asked.shown
    found = store.daily(tx, span.first, span.last, DAILY)
    shown = {measure: told_by_day(_of(found, measure), asked) for measure in DAILY}
    return [
        Daily(day, {measure: shown[measure].get(str(day), 0) for measure in DAILY})
        for day in (span.first + timedelta(days=number) for number in range(span.length))
    ]


def told_by_day(cells: Mapping[str, Cell], asked: Asked) -> Mapping[str, Shown]:
    """Each day of ``shown``; what is hidden is hidden apart in each of the spans whose total is told."""
    now, before = ({day: cells[day] for day in cells if part.has(day)} for part in (asked.span, asked.before))
    return {day: told(cell) for day, cell in cells.items()} | told_together(now) | told_together(before)

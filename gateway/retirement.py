"""When people retire: the ages raised by steps from 2025 on (渐进式延迟法定退休年龄). Pure.

National law, in force since 1 January 2025, so no city's rule: men from 60 to 63, women from 55 to 58 and
from 50 to 55, by a month for every so many months that the old age is reached later. Which of her two ages
is a woman's cannot be told from her number; it stands in the register.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

YEAR = 12  # months
BEGAN = 2025 * YEAR  # January 2025, as months since the year 0


@dataclass(frozen=True, slots=True)
class Step:
    """A month later for every ``months`` begun since ``BEGAN``, ``most`` months in all."""

    months: int
    most: int


STEPS: Mapping[int, Step] = {60: Step(4, 36), 55: Step(4, 36), 50: Step(2, 60)}
MEN = 60  # the old age of every man; women's are 55 and 50


def delay(born: date, old_age: int) -> int:
    """Months somebody retires later than at the old age (60, 55 or 50)."""
    since = _month(born) + old_age * YEAR - BEGAN
    step = STEPS[old_age]
    return 0 if since < 0 else min(step.most, since // step.months + 1)


def retires(born: date, old_age: int) -> date:
    """The month in which somebody retires, as its first day."""
    return _first_day(_month(born) + old_age * YEAR + delay(born, old_age))


def age(born: date, old_age: int) -> tuple[int, int]:
    """The age at which somebody retires, in years and months."""
    return divmod(old_age * YEAR + delay(born, old_age), YEAR)


def born(old_age: int, first: date, last: date) -> tuple[date, date] | None:
    """Between which days people were born, the later one left out, who retire in these months.

    Both months belong to it. None where nobody does: a month may be skipped by the steps.
    """
    known = range(_month(first) - old_age * YEAR - STEPS[old_age].most, _month(last) - old_age * YEAR + 1)

    def at(month: int) -> int:
        return _month(retires(_first_day(month), old_age))

    begin = bisect_left(known, _month(first), key=at)
    end = bisect_right(known, _month(last), key=at)
    return (_first_day(known[0] + begin), _first_day(known[0] + end)) if begin < end else None


def _month(day: date) -> int:
    return day.year * YEAR + day.month - 1


def _first_day(month: int) -> date:
    return date(month // YEAR, month % YEAR + 1, 1)

"""The rows of the barometer: what happened on a day, counted by matter and by group of people, without ids.

``number`` counts happenings, ``people`` different persons among them on that day; who is not known counts
as somebody each time. ``measure`` is one of ``Measure``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    String,
    Table,
    func,
    select,
)

from gateway.db import Utc, metadata


class Measure(StrEnum):
    """What is counted; each with its one line of meaning."""

    BEGUN = "begun"  # somebody began a matter
    DONE = "done"  # it succeeded, or was done before
    TURNED_DOWN = "turned_down"  # the office refused it
    FAILED = "failed"  # it could not be done
    LEFT = "left"  # not finished, or called off
    CALLS = "calls"  # somebody called
    TO_PERSON = "to_person"  # and was put through
    CALL_BACKS = "call_backs"  # somebody is to be called
    KEPT = "kept"  # a promise was kept in time
    LATE = "late"  # one was not
    GRADE_1 = "grade_1"  # 非常不满意, of five
    GRADE_2 = "grade_2"
    GRADE_3 = "grade_3"
    GRADE_4 = "grade_4"
    GRADE_5 = "grade_5"  # 非常满意


GRADES = {grade: Measure(f"grade_{grade}") for grade in (1, 2, 3, 4, 5)}

counts = Table(
    "barometer_counts",
    metadata,
    Column("day", Date, primary_key=True),  # the city's own
    Column("measure", String(16), primary_key=True),
    Column("type", String(32), primary_key=True),  # "": no matter of ours
    Column("face", String(8), primary_key=True),
    Column("district", String(6), primary_key=True),  # "": of somebody not known
    Column("band", String(5), primary_key=True),  # of ages
    Column("insured", String(16), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("people", Integer, nullable=False),
)
days = Table(
    "barometer_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("after_event", BigInteger, nullable=False),  # its events on the timeline have larger ids
    Column("counted_at", Utc, nullable=False),
    Column("over", Boolean, nullable=False),  # nothing can be added any more
)
GROUPS = ("measure", "type", "face", "district", "band", "insured")
WHO = ("district", "band", "insured")  # what people are told apart by: nobody is in two on one day


@dataclass(frozen=True, slots=True)
class Cell:
    """So many happenings, of at least so many different people."""

    number: int
    people: int


NOTHING = Cell(0, 0)
Sums = Mapping[tuple[str, str], Cell]


def sums(tx: Connection, first: date, last: date) -> Mapping[str, Sums]:
    """What was counted from the first day to the last, by each column and measure; one query.

    The same people may come on several days and with several matters: of each group as many are counted
    as came on one day with one matter by one way, never more than there were.
    """
    columns = counts.c
    groups = [columns[name] for name in GROUPS]
    query = select(*groups, func.sum(columns.number), func.max(columns.people)).group_by(*groups)
    numbers: Counter[tuple[str, str, str]] = Counter()
    most: dict[tuple[tuple[str, str, str], tuple[str, ...]], int] = {}
    for measure, *keys, number, people in tx.execute(query.where(columns.day.between(first, last))):
        who = tuple(keys[2:])
        for by, key in zip(GROUPS[1:], keys, strict=True):
            cell = (by, measure, key)
            numbers[cell] += int(number)
            if people > most.get((cell, who), 0):
                most[cell, who] = people
    different: Counter[tuple[str, str, str]] = Counter()
    for (cell, _), people in most.items():
        different[cell] += people
    found: dict[str, dict[tuple[str, str], Cell]] = {by: {} for by in GROUPS[1:]}
    for (by, measure, key), number in numbers.items():
        found[by][measure, key] = Cell(number, different[by, measure, key])
    return found


def daily(tx: Connection, first: date, last: date, measures: Collection[Measure]) -> Sums:
    """What was counted on each day, by measure; one query."""
    columns = counts.c
    groups = (columns.measure, columns.day, *(columns[name] for name in WHO))
    inner = (
        select(*groups, func.sum(columns.number).label("number"), func.max(columns.people).label("people"))
        .where(columns.day.between(first, last), columns.measure.in_(measures))
        .group_by(*groups)
        .subquery()
    )
    outer = select(inner.c.measure, inner.c.day, func.sum(inner.c.number), func.sum(inner.c.people))
    rows = tx.execute(outer.group_by(inner.c.measure, inner.c.day))
    return {(measure, str(day)): Cell(int(number), int(people)) for measure, day, number, people in rows}


def counted_at(tx: Connection) -> datetime | None:
    """When anything was counted last."""
    found: datetime | None = tx.execute(select(func.max(days.c.counted_at))).scalar_one()
    return found

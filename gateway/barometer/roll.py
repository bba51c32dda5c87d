"""Count a day, set-wise, from what was written down anyway; again until the day is over.

A day's rows are dropped and written anew in one commit, so counting twice counts nothing twice. Each day
knows after which event of the timeline its own begin: of three years only the open day's rows are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Join,
    Row,
    Select,
    Subquery,
    and_,
    case,
    delete,
    distinct,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from gateway import cities
from gateway.barometer.store import GRADES, GROUPS, Measure, counts, days
from gateway.calendars import years_before
from gateway.citizens.register import citizens
from gateway.db import upsert
from gateway.runtime import Runtime
from gateway.transactions.call_backs import call_backs
from gateway.transactions.evaluations import evaluations
from gateway.transactions.model import State
from gateway.transactions.promises import promises
from gateway.transactions.store import timeline, transactions

AT_ONCE = 31  # days counted by one run: a deployment of years is caught up with in steps
SETTLED = timedelta(hours=3)  # after its end nothing is written down for a day any more
BANDS = ((80, "80+"), (70, "70-79"), (60, "60-69"), (45, "45-59"), (16, "16-44"), (0, "0-15"))
EVENTS: Mapping[str, Measure] = {
    "created": Measure.BEGUN,
    State.SUCCEEDED: Measure.DONE,
    State.ALREADY_DONE: Measure.DONE,
    State.REJECTED: Measure.TURNED_DOWN,
    State.FAILED: Measure.FAILED,
    State.CANCELLED: Measure.LEFT,
}
Counted = Iterable[tuple[Measure, str, str, int]]
More = Callable[[Connection, datetime, datetime], Counted]
"""What another room counts of a span of time: measure, type, face, number; of people it does not know."""


def run(runtime: Runtime, more: Sequence[More] = ()) -> int:
    """Count what is not counted to its end; returns how many days were counted."""
    ended: date | None = date.min
    done = 0
    while done < AT_ONCE and ended is not None:
        ended = _count(runtime, ended, more)
        done += 1
    return done


def _count(runtime: Runtime, after: date, more: Sequence[More]) -> date | None:
    """Count the oldest open day after that one; returns it if it has ended, and another one waits."""
    now, zone = runtime.clock(), cities.of(runtime).rules_now(runtime.clock()).zone
    with runtime.db.write() as tx:
        row = _open_day(tx, after, now, zone)
        begin, end = _span(row.day, zone)
        tx.execute(delete(counts).where(counts.c.day == row.day))
        found = [*_of_people(tx, row, begin, end), *_of_others(tx, begin, end, more)]
        if found:
            tx.execute(insert(counts), _summed(found, row.day))
        over = now >= end + SETTLED
        tx.execute(update(days).where(days.c.day == row.day).values(counted_at=now, over=over))
        if now >= end:
            _begin(tx, row.day + timedelta(days=1), _last_before(tx, row.after_event, end), now)
    return row.day if now >= end else None


def _open_day(tx: Connection, after: date, now: datetime, zone: ZoneInfo) -> Row[Any]:
    """The oldest such day that is not over, held until commit; the first ever begins with the first event."""
    mine = (days.c.over.is_(False), days.c.day > after)
    query = select(days).where(*mine).order_by(days.c.day).limit(1).with_for_update()
    row = tx.execute(query).one_or_none()
    if row is None:
        at = tx.execute(select(timeline.c.at).order_by(timeline.c.id).limit(1)).scalar_one_or_none()
        _begin(tx, min(at or now, now).astimezone(zone).date(), 0, now)
        row = tx.execute(query).one()
    return row


def _begin(tx: Connection, day: date, after_event: int, now: datetime) -> None:
    values = {"day": day, "after_event": after_event, "counted_at": now, "over": False}
    tx.execute(upsert(tx, days).values(**values).on_conflict_do_nothing())


def _last_before(tx: Connection, after: int, end: datetime) -> int:
    """After which event those of the next day begin."""
    further = timeline.c.id > after
    first = tx.execute(select(func.min(timeline.c.id)).where(further, timeline.c.at >= end)).scalar_one()
    if first is not None:
        return int(first) - 1
    return int(tx.execute(select(func.max(timeline.c.id)).where(further)).scalar_one() or after)


def _span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A day of the city, from midnight to midnight."""
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


# --- what is counted ------------------------------------------------------------------------------

_matter = timeline.join(transactions, transactions.c.id == timeline.c.transaction_id)
_citizen = case((transactions.c.proof.is_not(None), transactions.c.citizen_id))  # else whoever says so
_measure = case(
    *((timeline.c.event == event, literal(str(measure))) for event, measure in EVENTS.items()),
    else_=literal(str(Measure.LATE)),
)
_counted = or_(
    timeline.c.event.in_(list(EVENTS)),
    and_(timeline.c.event == "promise_warned", timeline.c.detail.like("% overdue")),
)
_grade = case(*((evaluations.c.grade == grade, literal(str(measure))) for grade, measure in GRADES.items()))
_promise = and_(
    promises.c.transaction_id == timeline.c.transaction_id,
    promises.c.kind == timeline.c.detail,
    timeline.c.event == "promise_kept",
    promises.c.late.is_(False),
)


def _of_people(tx: Connection, row: Row[Any], begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """From the timeline, the promises kept in time, the grades given, and who is to be called."""
    mine = and_(timeline.c.id > row.after_event, timeline.c.at >= begin, timeline.c.at < end)
    kept = and_(mine, promises.c.kept_at >= begin, promises.c.kept_at < end)
    graded = and_(evaluations.c.at >= begin, evaluations.c.at < end)
    given = evaluations.join(transactions, transactions.c.id == evaluations.c.transaction_id)
    wished = and_(call_backs.c.created_at >= begin, call_backs.c.created_at < end)
    called = call_backs.outerjoin(transactions, transactions.c.id == call_backs.c.transaction_id)
    promised = _matter.join(promises, _promise)
    of_promises, of_calls = literal(str(Measure.KEPT)), literal(str(Measure.CALL_BACKS))
    for found in (
        _happened(row.day, _measure, timeline.c.id, _matter, _citizen).where(mine, _counted),
        _happened(row.day, of_promises, promises.c.id, promised, _citizen).where(kept),
        _happened(row.day, _grade, evaluations.c.transaction_id, given, _citizen).where(graded),
        _happened(row.day, of_calls, call_backs.c.id, called, call_backs.c.citizen_id).where(wished),
    ):
        yield from (dict(one) for one in tx.execute(_grouped(found.subquery())).mappings())


def _happened(
    day: date, measure: ColumnElement[str], thing: Column[Any], about: Join, person: ColumnElement[Any]
) -> Select[Any]:
    """One row for each thing that happened: what, in which matter, and whose, as a group and an id."""
    names = {
        "measure": measure,
        "type": func.coalesce(transactions.c.type, ""),
        "face": func.coalesce(transactions.c.face, ""),
        "district": func.coalesce(citizens.c.district, ""),
        "band": _band(day),
        "insured": func.coalesce(citizens.c.insured_type, ""),
        "thing": thing,
        "person": citizens.c.id,
    }
    columns = [column.label(name) for name, column in names.items()]
    return select(*columns).select_from(about.outerjoin(citizens, citizens.c.id == person))


def _grouped(happened: Subquery) -> Select[Any]:
    """Counts of each group; who is not known is somebody each time."""
    columns = happened.c
    groups = [columns[name] for name in GROUPS]
    unknown = func.count(distinct(columns.thing)).filter(columns.person.is_(None))
    people = func.count(distinct(columns.person)) + unknown
    number = func.count(distinct(columns.thing))
    return select(*groups, number.label("number"), people.label("people")).group_by(*groups)


def _band(day: date) -> ColumnElement[str]:
    """The band of ages of somebody on that day; "" of whoever is not known."""
    born = citizens.c.birth_date
    return case(
        (born.is_(None), ""), *((born <= years_before(day, low), name) for low, name in BANDS), else_=""
    )


def _of_others(
    tx: Connection, begin: datetime, end: datetime, more: Sequence[More]
) -> Iterator[dict[str, Any]]:
    for count in more:
        for measure, type_name, face, number in count(tx, begin, end):
            nobody = {"district": "", "band": "", "insured": ""}
            yield {
                "measure": measure,
                "type": type_name,
                "face": face,
                **nobody,
                "number": number,
                "people": number,
            }


def _summed(found: Sequence[Mapping[str, Any]], day: date) -> list[dict[str, Any]]:
    """One row for each group: two counts may lead to the same."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in found:
        key = tuple(one[name] for name in GROUPS)
        row = rows.setdefault(key, {"day": day, **one, "number": 0, "people": 0})
        row["number"] += one["number"]
        row["people"] += one["people"]
    return list(rows.values())

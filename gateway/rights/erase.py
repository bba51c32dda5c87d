"""Erasing a person: what names them goes, what is counted stays whole.

All is one commit. What is open is refused unless told otherwise: then it is called off first, which a
back office that was asked already does not know. The order of locks is everybody's: transactions,
then messages by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from gateway import audit
from gateway.appointments.book import AHEAD, NO_PLACE
from gateway.appointments.bookings import Standing
from gateway.errors import HuiyinError, TamperedError
from gateway.notifications import store as notifications
from gateway.notifications import withdrawing
from gateway.notifications.status import Status
from gateway.rights import person as people
from gateway.rights.person import Person
from gateway.rights.tables import HELD, Key, Then
from gateway.runtime import Runtime
from gateway.transactions import call_backs, helping, store
from gateway.transactions.model import ENDS, OPEN, State
from gateway.transactions.store import transactions

ERASED = "erased"  # the reason of whatever ends with it

GIVEN_BACK = (Standing.HELD, *AHEAD)
WITHDRAWN = (Status.WAITING, Status.UNKNOWN, Status.ACCEPTED)  # not what a worker is handing over just now


class StillOpenError(HuiyinError):
    """Something of theirs is not finished."""


class NobodyError(HuiyinError):
    """Nothing is kept under this ID number."""


@dataclass(frozen=True, slots=True)
class Line:
    """What erasing does with one table: how many rows are theirs, what becomes of them, and why so."""

    table: str
    rows: int
    then: str
    why: str


@dataclass(frozen=True, slots=True)
class Erased:
    """The report of an erasure, or of what one would do."""

    open: Sequence[str]
    shared: int
    lines: Sequence[Line]


def planned(tx: Connection, runtime: Runtime, id_number: str) -> Erased:
    """What erasing would do; changes nothing. ``NobodyError`` where nothing is kept."""
    person = _somebody(tx, runtime, id_number)
    return Erased(
        unfinished(tx, person, runtime.clock()), person.shared, [_line(tx, name, person) for name in HELD]
    )


def erase(tx: Connection, runtime: Runtime, id_number: str, actor: str, *, even_open: bool = False) -> Erased:
    """Erase; ``StillOpenError`` names what is open, unless ``even_open`` calls it off."""
    person = _somebody(tx, runtime, id_number)
    rows = tx.execute(_held(person)).all()
    found = unfinished(tx, person, runtime.clock())
    if found and not even_open:
        raise StillOpenError(
            f"Not erased: {', '.join(found)} is not finished. Wait for it, or say --even-open to call it off."
        )
    report = _report(tx, person, found)
    mine = person.keys[Key.TRANSACTION]
    _call_off(tx, runtime, person, [row for row in rows if row.id in mine])
    _leave_others(tx, runtime, [row for row in rows if row.id not in mine])
    _withdraw(tx, runtime, person)
    for name in HELD:
        _table(tx, name, person)
    about = f"citizen {person.id}" if person.id else "nobody registered"
    audit.record(tx, runtime.vault, runtime.clock(), actor, "citizen.erase", about)
    return report


def _somebody(tx: Connection, runtime: Runtime, id_number: str) -> Person:
    person = people.find(tx, runtime, id_number)
    if not person.known:
        raise NobodyError("Nothing is kept under this ID number. Check it: it has 18 characters.")
    return person


def _held(person: Person) -> Any:
    """Their transactions, and those in which they acted for somebody else."""
    columns = transactions.c
    mine, helped = columns.id.in_(sorted(person.keys[Key.TRANSACTION])), columns.helper_id == person.id
    whose = mine | helped if person.id else mine
    query = select(columns.id, columns.state, columns.answers)
    return query.where(whose).order_by(columns.id).with_for_update()


def unfinished(tx: Connection, person: Person, now: datetime) -> list[str]:
    """The references of what is confirmed and not ended, or still looked at; bookings ahead too."""
    columns = transactions.c
    states = [*OPEN, State.CANCELLED]  # a draft is nobody's promise
    under_way = columns.state.not_in(states) & (columns.state.not_in(ENDS) | columns.due_at.is_not(None))
    mine = columns.id.in_(sorted(person.keys[Key.TRANSACTION]))
    query = select(columns.reference).where(mine, under_way | columns.id.in_(_ahead(person, now)))
    return list(tx.execute(query.order_by(columns.reference)).scalars())


def _ahead(person: Person, now: datetime) -> Any:
    """The transactions of bookings whose time is still to come, and of who waits for a place."""
    bookings, slots = people.table("bookings"), people.table("slots")
    there = bookings.outerjoin(slots, slots.c.id == bookings.c.slot_id)
    query = select(bookings.c.transaction_id).select_from(there)
    waiting = bookings.c.state == Standing.WAITING
    ahead = waiting | (bookings.c.state.in_(AHEAD) & (slots.c.starts_at > now))
    return query.where(people.where("bookings", person), ahead)


# --- by table ------------------------------------------------------------------------------------


def _report(tx: Connection, person: Person, found: Sequence[str]) -> Erased:
    return Erased(found, person.shared, [_line(tx, name, person) for name in HELD])


def _line(tx: Connection, name: str, person: Person) -> Line:
    held = HELD[name]
    query = select(func.count()).select_from(people.table(name)).where(people.where(name, person))
    then = Then.KEPT if people.is_of_others(held, person) else held.then
    return Line(name, tx.execute(query).scalar_one(), then, held.why)


def _table(tx: Connection, name: str, person: Person) -> None:
    held, one, mine = HELD[name], people.table(name), people.where(name, person)
    if people.is_of_others(held, person) or held.then is Then.KEPT:
        return
    if held.then is Then.DROPPED:
        tx.execute(delete(one).where(mine))
    else:
        tx.execute(update(one).where(mine).values({one.c[column]: to for column, to in held.empty.items()}))


# --- what is under way -----------------------------------------------------------------------------


def _call_off(tx: Connection, runtime: Runtime, person: Person, rows: Sequence[Row[Any]]) -> None:
    """What has not ended ends here, nothing is looked at again; places ahead and calls are given up."""
    quiet: dict[str, Any] = {"due_at": None, "lease": None, "calling": False}
    mine = transactions.c.id.in_([row.id for row in rows])
    store.change_all(tx, mine, **quiet)
    for row in rows:
        if row.state not in ENDS:  # the few that are open: each service is told of its own
            store.change(tx, runtime, row.id, state=State.CANCELLED, reason=ERASED)
            store.note(tx, runtime, row.id, "cancelled", ERASED)
    bookings = people.table("bookings")
    booked = people.where("bookings", person) & bookings.c.state.in_(GIVEN_BACK)
    tx.execute(update(bookings).where(booked).values(state=Standing.CANCELLED, **NO_PLACE))
    call_backs.withdraw_where(tx, runtime, people.where("call_backs", person))


def _leave_others(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> None:
    """Whoever they helped keeps what was asked, without who helped; what is open asks for somebody else."""
    left = [{"key": row.id, "answers": _without_helper(runtime, row)} for row in rows]
    if left:
        one = update(transactions).where(transactions.c.id == bindparam("key"))
        tx.execute(one.values(helper_id=None, answers=bindparam("answers")), left)


def _without_helper(runtime: Runtime, row: Row[Any]) -> Any:
    try:
        answers = store.answers(runtime, row)
    except TamperedError:  # nobody reads it any more: it is left to whoever looks into that
        return row.answers
    return store.sealed(runtime, row.id, "answers", helping.without_helper(answers))


def _withdraw(tx: Connection, runtime: Runtime, person: Person) -> None:
    """Messages that wait are not sent; those that went out are not tried again."""
    rows = notifications.hold(tx, person.keys[Key.MESSAGE]).values()
    under_way = [row for row in rows if row.due_at is not None and row.status in WITHDRAWN]
    withdrawing.withdraw(tx, runtime, under_way, ERASED)

"""Counting days on both databases: every happening once, by whose it was, whatever is counted again."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from gateway.barometer import report, roll, spans, store
from gateway.barometer.store import Measure, counts, days
from gateway.citizens import register
from gateway.phone import calls
from gateway.transactions import call_backs, promises
from gateway.transactions import store as matters
from gateway.transactions.evaluations import evaluations
from gateway.transactions.model import State
from tests.world import World

MONDAY = datetime(2026, 11, 15, 16, tzinfo=UTC)  # midnight in Changde before the 16th
TYPES, FACES = ("card_loss", "appointment", "filing"), ("web", "phone", "api")
ENDS = {
    State.SUCCEEDED: Measure.DONE,
    State.ALREADY_DONE: Measure.DONE,
    State.REJECTED: Measure.TURNED_DOWN,
    State.FAILED: Measure.FAILED,
    State.CANCELLED: Measure.LEFT,
}


def matter(world: World, type_name: str, face: str, citizen: UUID | None, proven: bool = True) -> UUID:
    """Somebody begins a matter now; of whoever has not proven it, only the number they gave is known."""
    runtime = world.runtime
    with runtime.db.write() as tx:
        made = matters.create(tx, runtime, type_name, face, None, world.clock() + timedelta(days=1))
        matters.change(tx, runtime, made.id, citizen_id=citizen, proof="code" if proven and citizen else None)
    return made.id


def ended(world: World, key: UUID, how: str, detail: str | None = None) -> None:
    with world.runtime.db.write() as tx:
        matters.note(tx, world.runtime, key, how, detail)


def ids(world: World) -> list[UUID]:
    with world.runtime.db.read() as tx:
        found = register.ids(tx, world.runtime.vault, [person.id_number for person in world.people])
    return [found[person.id_number] for person in world.people]


def rows(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(counts).order_by(*counts.primary_key)))


def fortnight(world: World, count: bool = False) -> Counter[tuple[Any, ...]]:
    """Matters of a fortnight by dice, some at midnight; what is to be found by day, measure and group.

    With ``count`` they are counted at odd moments meanwhile.
    """
    dice, people = random.Random(12333), world.settle(12)
    known, expected = ids(world), Counter[tuple[Any, ...]]()
    running: list[tuple[UUID, int | None, str, str]] = []
    world.clock.now = MONDAY - timedelta(days=7)

    def expect(measure: str, number: int | None, type_name: str, face: str) -> None:
        day = (world.clock() + timedelta(hours=8)).date()
        who = people[number] if number is not None else None
        insured = who.insured_type if who else ""
        expected[day, measure, type_name, face, who.district if who else "", insured] += 1

    for _ in range(150):
        type_name, face = dice.choice(TYPES), dice.choice(FACES)
        number = dice.choice([*range(12), None])
        proven = dice.random() < 0.8
        key = matter(world, type_name, face, None if number is None else known[number], proven)
        whose = number if proven else None
        expect(Measure.BEGUN, whose, type_name, face)
        running.append((key, whose, type_name, face))
        if dice.random() < 0.8:
            key, whose, type_name, face = running.pop(dice.randrange(len(running)))
            how = dice.choice(list(ENDS))
            ended(world, key, how)
            expect(ENDS[how], whose, type_name, face)
        world.clock.advance(seconds=dice.choice([0, 0, 3600, 2 * 3600, 4 * 3600]))
        if dice.random() < 0.1:  # at midnight, to the second
            world.clock.now = MONDAY + timedelta(days=(world.clock() - MONDAY).days + 1)
        if count and dice.random() < 0.2:
            roll.run(world.runtime)
    return expected


def test_every_happening_is_counted_once_by_day_and_group_however_often_it_is_counted(world: World) -> None:
    """Whose it is counts only where they have proven it; a day is the city's, from midnight to midnight."""
    expected = fortnight(world, count=True)
    world.clock.advance(days=2)
    roll.run(world.runtime)
    found = Counter[tuple[Any, ...]]()
    for row in rows(world):
        found[row.day, row.measure, row.type, row.face, row.district, row.insured] += row.number
        assert 0 < row.people <= row.number
    assert found == expected
    before = rows(world)
    assert roll.run(world.runtime) == 1  # the open day alone
    assert rows(world) == before


def test_a_day_that_is_over_stays_as_it_was_counted(world: World) -> None:
    """Somebody leaves the register later: they stay counted; the day is not read again."""
    world.settle(1)
    world.clock.now = MONDAY + timedelta(hours=9)
    matter(world, "card_loss", "web", ids(world)[0])
    world.clock.advance(days=1)
    roll.run(world.runtime)
    with world.runtime.db.write() as tx:
        tx.execute(register.citizens.delete())
    world.clock.advance(days=3)
    roll.run(world.runtime)
    assert [(row.district, row.number, row.people) for row in rows(world)] == [
        (world.people[0].district, 1, 1)
    ]
    with world.runtime.db.read() as tx:
        known = tx.execute(select(days.c.day, days.c.over).order_by(days.c.day)).all()
    first = date(2026, 11, 16)
    assert [tuple(one) for one in known] == [(first + timedelta(days=n), n < 4) for n in range(5)]


def test_promises_grades_calls_and_call_backs_are_counted_as_what_they_were(world: World) -> None:
    """Kept in time or late, a grade each, who called and who is to be called; rates follow from them."""
    world.settle(6)
    world.clock.now = MONDAY + timedelta(hours=2)
    keys = [matter(world, "filing", "phone", citizen) for citizen in ids(world)]
    with world.runtime.db.write() as tx:
        for number, key in enumerate(keys):
            promises.make(tx, world.runtime, key, "reply", 1, "day", world.clock())
            grade = {"transaction_id": key, "grade": number or 5, "face": "web"}  # 5 1 2 3 4 5
            tx.execute(insert(evaluations).values(**grade, at=world.clock()))
            kept = {"state": calls.TRANSFERRED if number else calls.LIVE, "transaction_id": key}
            at = {"started_at": world.clock(), "updated_at": world.clock()}
            sealed = {"session": b"", "actions": b"", "step": 1}
            tx.execute(insert(calls.calls).values(id=key, call_key=key.bytes, **sealed, **kept, **at))
        call_backs.ask(tx, world.runtime, keys[0], ids(world)[0], "help")
        promises.kept(tx, world.runtime, keys[0], "reply", world.clock())
    world.clock.advance(days=3)
    with world.runtime.db.write() as tx:
        for key in keys[1:]:
            matters.note(tx, world.runtime, key, "promise_warned", "reply half")
        matters.note(tx, world.runtime, keys[1], "promise_warned", "reply overdue")
        for key in keys[1:]:
            promises.kept(tx, world.runtime, key, "reply", world.clock())
    roll.run(world.runtime, (calls.counted,))
    with world.runtime.db.read() as tx:
        found = store.sums(tx, date(2026, 11, 16), date(2026, 11, 22))["type"]
        told = report.make(tx, spans.week("2026-W47", date(2026, 11, 22)))
    numbers = {measure: cell.number for (measure, _), cell in found.items()}
    assert numbers == {
        Measure.BEGUN: 6,
        Measure.CALLS: 6,
        Measure.TO_PERSON: 5,
        Measure.CALL_BACKS: 1,
        Measure.KEPT: 1,
        Measure.LATE: 1,
        **dict.fromkeys((Measure.GRADE_1, Measure.GRADE_2, Measure.GRADE_3, Measure.GRADE_4), 1),
        Measure.GRADE_5: 2,
    }
    lines = {line.name: line.now for line in told.headline}
    assert (lines["begun"], lines["satisfied"], lines["on_time"]) == (
        6,
        67,
        None,
    )  # two promises are too few
    assert lines["call_backs"] == "<5"


def test_the_same_few_people_who_come_again_are_still_few(world: World) -> None:
    """Four people with three matters each are not told; the fifth makes it a number."""
    world.settle(5)
    world.clock.now = MONDAY + timedelta(hours=2)
    everybody = ids(world)
    for _ in range(3):
        for citizen in everybody[:4]:
            matter(world, "card_loss", "web", citizen)
        world.clock.advance(days=1)
    shown = []
    for who in ([], everybody[4:]):
        for citizen in who:
            matter(world, "card_loss", "web", citizen)
        roll.run(world.runtime)
        with world.runtime.db.read() as tx:
            told = report.make(tx, spans.week("2026-W47", date(2026, 11, 22)))
        shown.append([one.line.now for one in told.matters])
    assert shown == [["<5"], [13]]

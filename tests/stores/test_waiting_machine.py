"""Booking, waiting, offers, closures and holds in any order on both databases, against a model of a hall."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from threading import Barrier
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from gateway import cities
from gateway.appointment_rules import Quotas
from gateway.appointments import closures, counting, news, waiting
from gateway.appointments.bookings import Standing, bookings, slots
from gateway.appointments.bookings import closures as closed_hours
from gateway.appointments.closures import Closure
from gateway.cities import City
from gateway.demo.city import Person
from gateway.rules.model import Rules
from gateway.transactions import engine, reminders
from gateway.transactions.model import State
from gateway.transactions.store import Transaction, timeline, transactions
from tests.stores.test_appointments import act, choose, confirm, now
from tests.world import START, World

CLOCKS = ("09:00", "09:30")
PLACES, PEOPLE = 1, 5
DAY = datetime(2026, 11, 25, 1, tzinfo=UTC)  # 09:00 there
HOLD, OFFER = timedelta(minutes=5), timedelta(minutes=60)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rules]:
    """A hall with two slots a day."""

    def of(web: int, **changes: Any) -> Rules:
        changde = cities.shipped()["changde"]
        few = {"capacity": 20, "quotas": Quotas(web=web, phone=0, walk_in=0)}
        hours = ((time(9), time(10)),)
        versions = tuple(
            replace(rules, appointment=replace(rules.appointment, hours=hours, **{**few, **changes}))
            for rules in changde.versions
        )
        monkeypatch.setitem(cities.shipped(), "changde", City("changde", versions))
        return versions[-1]

    return of


def sweep(world: World) -> None:
    waiting.run_due(world.runtime)
    news.run_due(world.runtime)


@dataclass(slots=True)
class Slot:
    """What a slot should hold: who booked it, and until when it is held or offered to whom."""

    booked: set[int] = field(default_factory=set)
    held: dict[int, datetime] = field(default_factory=dict)
    offered: dict[int, datetime] = field(default_factory=dict)
    closed: UUID | None = None

    def taken(self, at: datetime, but: int | None = None) -> int:
        held = {who for who, until in self.held.items() if until > at and who != but}
        return len(self.booked) + len(held) + sum(until > at for until in self.offered.values())


class Hall(RuleBasedStateMachine):
    """Nothing is given twice, nobody is passed over, and what each citizen is told is what there is."""

    world: ClassVar[World]
    rules_: ClassVar[Rules]

    def __init__(self) -> None:
        super().__init__()
        self.world.clock.now = START
        self.slots = {clock: Slot() for clock in CLOCKS}
        self.queue: list[int] = []
        self.drafts: dict[int, Transaction] = {}
        self.current: dict[int, Transaction] = {}
        with self.world.runtime.db.write() as tx:
            for table in (bookings, slots, closed_hours, reminders.reminders, timeline, transactions):
                tx.execute(table.delete())

    @property
    def at(self) -> datetime:
        return self.world.clock.now

    def has(self, who: int) -> bool:
        """Whether they have, wait for or are offered a place."""
        given = (
            slot.booked | {p for p, end in slot.offered.items() if end > self.at}
            for slot in self.slots.values()
        )
        return who in self.queue or any(who in some for some in given)

    def left(self, slot: Slot, who: int) -> int:
        first = slot.held.get(who, START) > self.at
        return 0 if slot.closed else PLACES - slot.taken(self.at, who) - (0 if first else len(self.queue))

    @rule(who=st.integers(0, PEOPLE - 1), clock=st.sampled_from(CLOCKS))
    def hold(self, who: int, clock: str) -> None:
        """A place is held for whoever proved who they are, where one is left."""
        self.book(who, clock, only_hold=True)

    @rule(who=st.integers(0, PEOPLE - 1), clock=st.sampled_from(CLOCKS), only_hold=st.just(False))
    def book(self, who: int, clock: str, only_hold: bool) -> None:
        """It is theirs if one is left that nobody waits for; whoever has one hears so."""
        slot, person = self.slots[clock], self.world.people[who]
        expected = not self.has(who) and self.left(slot, who) > 0
        offered = self.left(slot, -1) > 0  # to somebody who has not proven who they are
        chosen = choose(self.world, person, slot=clock)
        assert bool(chosen.value) == (not offered)
        if not offered:
            return
        held = {one: end for one, end in slot.held.items() if one != who}
        for other in self.slots.values():
            other.held.pop(who, None)
        if only_hold:
            with self.world.runtime.db.write() as tx:
                engine.attest(tx, self.world.runtime, chosen.transaction, "test")
            slot.held = {**held, **({who: self.at + HOLD} if expected else {})}
            return
        ended = confirm(self.world, chosen.transaction)
        assert (ended.row.stage == "booked") == expected, ended.row.reason
        if expected:
            slot.booked.add(who)
            self.current[who] = ended

    @rule(who=st.integers(0, PEOPLE - 1))
    def wait(self, who: int) -> None:
        """One can wait for a day that is not closed, once; also where a place became free a moment ago."""
        able = not all(slot.closed for slot in self.slots.values())
        chosen = choose(self.world, self.world.people[who], slot="wait")
        assert bool(chosen.value) == (not able)
        if not able:
            return
        expected = not self.has(who)
        ended = confirm(self.world, chosen.transaction)
        for slot in self.slots.values():
            slot.held.pop(who, None)
        assert (ended.row.stage == "waiting") == expected, ended.row.reason
        if expected:
            self.queue.append(who)
            self.current[who] = ended

    @rule(who=st.integers(0, PEOPLE - 1))
    def cancel(self, who: int) -> None:
        """Whatever they have, wait for or are offered is given back."""
        if not self.has(who):
            return
        assert act(self.world, self.current[who], "cancel").value is None
        self.queue = [one for one in self.queue if one != who]
        for slot in self.slots.values():
            slot.booked.discard(who)
            slot.offered.pop(who, None)

    @rule(who=st.integers(0, PEOPLE - 1))
    def accept(self, who: int) -> None:
        """An offer is taken until its time is over, and not a moment longer."""
        if who not in self.current or now(self.world, self.current[who]).row.stage == "booked":
            return
        offered = [slot for slot in self.slots.values() if slot.offered.get(who, START) > self.at]
        told = now(self.world, self.current[who]).row.stage == "offered"
        said = act(self.world, self.current[who], "accept").value
        assert (said is None) == bool(offered and told)
        if said is None:
            del offered[0].offered[who]
            offered[0].booked.add(who)

    @rule(minutes=st.sampled_from([1, 6, 61]))
    def tick(self, minutes: int) -> None:
        self.world.clock.advance(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        """Offers run out, then what is free goes to whoever waited longest, in order of time."""
        sweep(self.world)
        for slot in self.slots.values():
            slot.offered = {who: end for who, end in slot.offered.items() if end > self.at}
        for slot in self.slots.values():
            while self.queue and not slot.closed and slot.taken(self.at) < PLACES:
                slot.offered[self.queue.pop(0)] = self.at + OFFER

    @rule(clock=st.sampled_from(CLOCKS))
    def close_or_reopen(self, clock: str) -> None:
        """Closing takes back what was given; what is open again gives anew."""
        slot, runtime = self.slots[clock], self.world.runtime
        with runtime.db.write() as tx:
            if slot.closed:
                row = closures.find(tx, slot.closed)
                assert row
                closures.reopen(tx, self.rules_, row, self.at)
                slot.closed = None
                return
            begins = DAY + timedelta(minutes=30 * CLOCKS.index(clock))
            key, span = uuid4(), Closure("shi", begins, begins + timedelta(minutes=30), "停电")
            closures.close(tx, self.rules_, key, span, "test", self.at)
        slot.closed = key
        slot.booked.clear()
        slot.offered.clear()

    @invariant()
    def nothing_is_given_twice(self) -> None:
        """Each slot holds what the model says, never more than its places."""
        columns = bookings.c
        query = select(slots.c.starts_at, func.count(columns.transaction_id))
        query = query.select_from(slots.join(bookings)).group_by(slots.c.starts_at)
        with self.world.runtime.db.read() as tx:
            counted = tx.execute(query.where(counting.counts("web", self.at))).all()
            queued = select(columns.transaction_id).where(columns.state == Standing.WAITING)
            queue = tx.execute(queued.order_by(columns.wait_since)).scalars().all()
        found = {f"{row[0] + timedelta(hours=8):%H:%M}": row[1] for row in counted}
        for clock, slot in self.slots.items():
            if not slot.closed:
                assert found.get(clock, 0) == slot.taken(self.at) <= PLACES, clock
        assert set(queue) == {self.current[who].id for who in self.queue}


def test_no_order_of_events_gives_a_place_twice_or_passes_anybody_over(
    world: World, small: Callable[..., Rules]
) -> None:
    """Booking, waiting, offering, taking, cancelling, closing and time agree with the model at every step."""
    Hall.world, Hall.rules_ = world, small(PLACES)
    world.settle(PEOPLE)
    few = settings(max_examples=12, stateful_step_count=25, deadline=None, database=None, print_blob=True)
    run_state_machine_as_test(Hall, settings=settings(few, suppress_health_check=list(HealthCheck)))


def test_who_waits_comes_before_whoever_comes_at_the_same_moment(
    world: World, small: Callable[..., Rules]
) -> None:
    """Two places are given back while four wait and four others try, closing and sweeping all at once.

    Nobody who came later has one, each goes to one who waited longest, and no place is given twice.
    """
    rules = small(2)
    people = world.settle(12)
    first = [_booked(world, person, clock) for person, clock in zip(people[:4], CLOCKS * 2, strict=True)]
    waiters = [confirm(world, choose(world, person, slot="wait").transaction) for person in people[4:8]]
    assert {one.row.stage for one in waiters} == {"waiting"}

    def newcomer(person: Person) -> None:
        chosen = choose(world, person)
        if not chosen.value:
            assert confirm(world, chosen.transaction).state is State.REJECTED

    def close() -> None:
        span = Closure("shi", DAY + timedelta(minutes=30), DAY + timedelta(minutes=60), "停电")
        with world.runtime.db.write() as tx:
            closures.close(tx, rules, uuid4(), span, "test", world.clock.now)

    deeds: list[Callable[[], Any]] = [
        *(partial(act, world, one, "cancel") for one in first[::2]),
        *(partial(newcomer, person) for person in people[8:]),
        *(partial(sweep, world) for _ in range(3)),
        close,
    ]
    start = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> None:
        start.wait()
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        list(pool.map(run, deeds))
    sweep(world)
    sweep(world)
    stages = [now(world, one).row.stage for one in waiters]
    assert stages == ["offered", "offered", "waiting", "waiting"]
    for one in waiters[:2]:
        assert act(world, one, "accept").value is None
    with world.runtime.db.read() as tx:
        columns = bookings.c
        booked = tx.execute(select(columns.number).where(columns.state == Standing.BOOKED)).scalars().all()
    assert len(booked) == len(set(booked)) == 2


def _booked(world: World, person: Person, clock: str) -> Transaction:
    ended = confirm(world, choose(world, person, slot=clock).transaction)
    assert ended.row.stage == "booked"
    return ended

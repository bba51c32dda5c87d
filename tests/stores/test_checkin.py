"""The day of an appointment on both databases: who comes, is seen, does not come; and who walks in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from gateway import cities
from gateway.appointments import checkin, slots
from gateway.appointments import day as days
from gateway.appointments.bookings import Standing, bookings
from gateway.appointments.checkin import AtTheDesk, Deed, Here, TooEarly
from gateway.appointments.counting import free
from gateway.citizens.register import citizens
from gateway.transactions import store
from gateway.transactions.look_up import LOOK_UPS, NoMatch
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from tests.stores.test_appointments import book, now
from tests.world import World

DAY = date(2026, 11, 25)
TEN_TO_NINE = datetime(2026, 11, 25, 0, 50, tzinfo=UTC)  # in Changde; booked is nine o'clock
HALL = "shi"
MAY: Mapping[Deed, tuple[set[Standing], Standing]] = {  # from where to where, as the hall's people know it
    Deed.CHECK_IN: ({Standing.BOOKED, Standing.NO_SHOW, Standing.CHECKED_IN}, Standing.CHECKED_IN),
    Deed.SERVE: ({Standing.CHECKED_IN, Standing.SERVED}, Standing.SERVED),
    Deed.UNDO: ({Standing.CHECKED_IN, Standing.BOOKED}, Standing.BOOKED),
    Deed.EXCUSE: ({Standing.NO_SHOW, Standing.EXCUSED}, Standing.EXCUSED),
}


@pytest.fixture
def town(world: World) -> World:
    world.settle(3)
    return world


def rules(world: World) -> Any:
    return cities.shipped()["changde"].rules_now(world.clock())


def do(world: World, booked: Transaction, deed: Deed) -> bool:
    with world.runtime.db.write() as tx:
        return checkin.do(tx, world.runtime, booked.id, deed, "desk")


def kiosk(world: World, number: str, tail: str, hall: str = HALL) -> object:
    with world.runtime.db.write() as tx:
        return checkin.self_check_in(tx, world.runtime, rules(world), hall, number, tail)


def row(world: World, booked: Transaction) -> Any:
    with world.runtime.db.read() as tx:
        return tx.execute(select(bookings).where(bookings.c.transaction_id == booked.id)).one()


def stand(world: World, booked: Transaction, standing: Standing) -> None:
    """As another job leaves it, for instance who marks those that did not come."""
    with world.runtime.db.write() as tx:
        tx.execute(update(bookings).where(bookings.c.transaction_id == booked.id).values(state=standing))
        store.change(tx, world.runtime, booked.id, stage=standing)


# --- the desk --------------------------------------------------------------------------------


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    begun=st.sampled_from([Standing.BOOKED, Standing.NO_SHOW]),
    deeds=st.lists(st.sampled_from(Deed), max_size=6),
)
def test_whatever_the_desk_presses_a_booking_moves_only_as_declared(
    sqlite_world: World, begun: Standing, deeds: list[Deed]
) -> None:
    """Booking, transaction and answer agree at each step; nothing leads out of an end; the number stays."""
    if not sqlite_world.people:
        sqlite_world.settle(1)
        sqlite_world.clock.now = TEN_TO_NINE.replace(day=24)
        book(sqlite_world, sqlite_world.people[0])
        sqlite_world.clock.now = TEN_TO_NINE
    with sqlite_world.runtime.db.read() as tx:
        key = tx.execute(select(bookings.c.transaction_id)).scalar_one()
        booked = store.load(tx, sqlite_world.runtime, key)
    stand(sqlite_world, booked, begun)
    standing = begun
    for deed in deeds:
        sources, target = MAY[deed]
        allowed = standing in sources
        assert do(sqlite_world, booked, deed) is allowed
        standing = target if allowed else standing
        kept = row(sqlite_world, booked)
        assert (kept.state, kept.place, kept.number) == (standing, 1, "A101")
        assert now(sqlite_world, booked).row.stage == standing


def test_nothing_is_done_with_a_booking_before_its_day(town: World) -> None:
    """Who is checked in on the wrong page would never be missed."""
    booked = book(town, town.people[0])
    assert not any(do(town, booked, deed) for deed in Deed)
    assert row(town, booked).state == Standing.BOOKED


def test_who_was_checked_in_keeps_the_place_and_the_limits(town: World) -> None:
    """A place is not given twice because somebody sits in the hall already."""
    booked, slot = book(town, town.people[0]), slots.named(rules(town), HALL, DAY.isoformat(), "09:00")
    assert slot
    town.clock.now = TEN_TO_NINE
    for deed in (Deed.CHECK_IN, Deed.SERVE):
        do(town, booked, deed)
        with town.runtime.db.read() as tx:
            left = free(tx, rules(town), [slot], "web", town.clock())
            shown = days.of_hall(tx, town.runtime, rules(town), HALL, DAY)
        quotas = rules(town).appointment.quotas
        assert left == {slot: quotas.web - 1}
        assert [one.free for one in shown.spans if one.guests] == [quotas.web + quotas.phone - 1]


# --- the kiosk -------------------------------------------------------------------------------


def test_people_check_in_with_their_number_and_four_digits(town: World) -> None:
    """With or without its letter, in small letters too; a second time says the same."""
    person = town.people[0]
    booked, tail = book(town, person), person.mobile[-4:]
    town.clock.now = TEN_TO_NINE
    starts_at = datetime(2026, 11, 25, 1, tzinfo=UTC)
    for typed in ("a 101", "１０１", "A101"):
        assert kiosk(town, checkin.plain(typed), tail) == Here("A101", starts_at)
    kept = row(town, booked)
    assert (kept.state, kept.checked_in_at) == (Standing.CHECKED_IN, TEN_TO_NINE)
    assert now(town, booked).row.stage == "checked_in"


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("00:29:59", TooEarly(datetime(2026, 11, 25, 0, 30, tzinfo=UTC))),
        ("00:30:00", Here("A101", datetime(2026, 11, 25, 1, tzinfo=UTC))),
        ("01:15:00", Here("A101", datetime(2026, 11, 25, 1, tzinfo=UTC))),
        ("01:15:01", AtTheDesk()),
    ],
)
def test_a_kiosk_takes_people_from_half_an_hour_before_to_a_quarter_after(
    sqlite_world: World, clock: str, said: object
) -> None:
    [person] = sqlite_world.settle(1)
    book(sqlite_world, person)
    sqlite_world.clock.now = datetime.fromisoformat(f"2026-11-25T{clock}+00:00")
    assert kiosk(sqlite_world, "A101", person.mobile[-4:]) == said


def test_a_kiosk_says_the_same_of_a_wrong_number_wrong_digits_another_hall_and_a_cancelled_one(
    town: World,
) -> None:
    """Whoever tries learns nothing; five tries of a number close it for an hour, whichever hall's."""
    person, other = town.people[0], town.people[1]
    booked, tail = book(town, person), person.mobile[-4:]
    town.clock.now = TEN_TO_NINE
    wrong = f"{(int(tail) + 1) % 10_000:04d}"
    assert kiosk(town, "A101", wrong) == NoMatch(LOOK_UPS.most - 1)
    assert kiosk(town, "B101", tail) == NoMatch(LOOK_UPS.most - 2)
    assert kiosk(town, "A102", tail) == NoMatch(LOOK_UPS.most - 1)
    assert kiosk(town, "A101", tail, hall="dingcheng") == NoMatch(LOOK_UPS.most - 1)
    assert other.mobile[-4:] != tail
    stand(town, booked, Standing.CANCELLED)
    assert kiosk(town, "A101", tail) == NoMatch(LOOK_UPS.most - 3)
    stand(town, booked, Standing.BOOKED)
    kiosk(town, "101", wrong)
    assert isinstance(kiosk(town, "A101", wrong), Locked)
    assert isinstance(kiosk(town, "A101", tail), Locked)
    assert row(town, booked).state == Standing.BOOKED
    assert do(town, booked, Deed.CHECK_IN)  # the desk is not closed


# --- the day ---------------------------------------------------------------------------------


def test_the_day_shows_everybody_masked_and_whom_nobody_can_name(town: World) -> None:
    """By slot and number; who is here waits by the time booked; a person who was erased is a star."""
    late = book(town, town.people[0], slot="09:30")
    early = book(town, town.people[1])
    gone = book(town, town.people[2])
    town.clock.now = TEN_TO_NINE
    do(town, late, Deed.CHECK_IN)
    town.clock.advance(minutes=1)
    do(town, early, Deed.CHECK_IN)
    with town.runtime.db.write() as tx:
        tx.execute(delete(citizens).where(citizens.c.id == now(town, gone).row.citizen_id))
    with town.runtime.db.read() as tx:
        shown = days.of_hall(tx, town.runtime, rules(town), HALL, DAY)
        counted = days.figures(tx, rules(town), DAY)
    assert [(one.number, one.name == "*") for one in shown.guests] == [
        ("A101", False),
        ("A102", True),
        ("A201", False),
    ]
    assert [one.number for one in shown.waiting] == ["A101", "A201"]
    assert all(person.name not in {one.name for one in shown.guests} for person in town.people)
    assert counted == {HALL: {Standing.CHECKED_IN: 2, Standing.BOOKED: 1}}
    assert len(shown.spans) == 14


def test_walk_ins_are_counted_by_hall_matter_and_day_of_the_city(town: World) -> None:
    """One counted by mistake is taken back, today's alone."""
    town.clock.now = datetime(2026, 11, 25, 15, 59, tzinfo=UTC)  # a minute to midnight in Changde
    with town.runtime.db.write() as tx:
        checkin.walk_in(tx, HALL, "card", town.clock())
    town.clock.advance(minutes=2)
    with town.runtime.db.write() as tx:
        assert not checkin.take_back_walk_in(tx, rules(town), HALL, "card", town.clock())
        for _ in range(2):
            checkin.walk_in(tx, HALL, "card", town.clock())
        assert not checkin.take_back_walk_in(tx, rules(town), HALL, "pension", town.clock())
        assert checkin.take_back_walk_in(tx, rules(town), HALL, "card", town.clock())
    with town.runtime.db.read() as tx:
        for day in (DAY, DAY.replace(day=26)):
            assert days.of_hall(tx, town.runtime, rules(town), HALL, day).walked_in == {"card": 1}
            assert days.walk_ins_of(tx, rules(town), day) == {HALL: 1}

"""What halls and other citizens do to an appointment, on both databases: offers, closures, absence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from gateway import cities
from gateway.appointment_rules import Limits
from gateway.appointments import checkin, closures, missed, news, waiting
from gateway.appointments.bookings import Standing
from gateway.appointments.checkin import Deed, Excuse
from gateway.appointments.closures import Closure
from gateway.citizens.register import citizens
from gateway.content import store as content
from gateway.demo.city import Person
from gateway.notifications import store as notifications
from gateway.rules.model import Rules
from gateway.send_windows import SendWindows
from gateway.transactions import registry, reminders
from gateway.transactions.model import State
from gateway.transactions.store import Transaction
from tests.stores.test_appointments import act, answer, book, choose, confirm, hold, now, standings
from tests.stores.test_waiting_machine import small
from tests.world import World

__all__ = ["small"]
Small = Callable[..., Rules]
NIGHT = datetime(2026, 11, 21, 14, tzinfo=UTC)  # 22:00 there
MORNING = datetime(2026, 11, 22, 0, tzinfo=UTC)  # 8:00 of the next day, when texts go out again
NINE = datetime(2026, 11, 25, 1, tzinfo=UTC)


@pytest.fixture
def awake(monkeypatch: pytest.MonkeyPatch, small: Small) -> Rules:
    """Two slots a day with a place each, and messages from 8 to 20."""
    small(1)
    changde = cities.shipped()["changde"]
    versions = tuple(replace(rules, send_windows=SendWindows()) for rules in changde.versions)
    monkeypatch.setitem(cities.shipped(), "changde", replace(changde, versions=versions))
    return versions[-1]


def serve(world: World) -> list[str]:
    """Offer what is free, move who is concerned, judge what is due; the texts taken meanwhile."""
    before = len(world.rows())
    waiting.run_due(world.runtime)
    news.run_due(world.runtime)
    reminders.run_due(world.runtime)
    rows = world.rows()[before:]
    with world.runtime.db.read() as tx:
        versions = (
            content.versions(tx, [(row.template_id, row.template_version) for row in rows]) if rows else {}
        )
    return [
        f"{row.klass} "
        + versions[row.template_id, row.template_version].compiled.render(
            notifications.personalisation(world.runtime, row.id, row.personalisation)
        )
        for row in rows
    ]


def told(world: World, transaction: Transaction) -> str:
    """What its citizen reads of it now."""
    view = now(world, transaction).view(world.clock.now)
    return "".join(words.zh for words in registry.get("appointment").explain(view))


def stage(world: World, transaction: Transaction) -> str:
    return str(now(world, transaction).row.stage)


def waits(world: World, person: Person) -> Transaction:
    ended = confirm(world, choose(world, person, slot="wait").transaction)
    assert (ended.state, ended.row.stage) == (State.SUCCEEDED, "waiting"), ended.row.reason
    world.clock.advance(seconds=1)
    return ended


def full(world: World, people: list[Person]) -> list[Transaction]:
    return [book(world, person, slot=clock) for person, clock in zip(people, ("09:00", "09:30"), strict=True)]


def close(world: World, rules: Rules, hours: float = 10) -> None:
    span = Closure("shi", NINE, NINE + timedelta(hours=hours), "停电检修")
    with world.runtime.db.write() as tx:
        closures.close(tx, rules, uuid4(), span, "test", world.clock.now)


# --- offers ------------------------------------------------------------------------------------


def test_a_place_given_back_at_night_is_kept_and_told_in_the_morning(world: World, awake: Rules) -> None:
    """Nobody else gets it meanwhile; its sixty minutes begin when texts go out; taking it books it."""
    first, second, patient, newcomer = world.settle(4)
    booked, *_ = full(world, [first, second])
    waiter = waits(world, patient)
    world.clock.now = NIGHT
    act(world, booked, "cancel")
    assert "slot" in choose(world, newcomer).value  # before anybody has offered it to anybody
    (text,) = serve(world)
    assert text.startswith("reminder 有空位了：11月25日09:00-09:30，市社保大厅。请在11月22日09:00前凭编号")
    assert "slot" in choose(world, newcomer).value
    world.clock.now = MORNING + timedelta(minutes=59)
    assert "请在今天09:00前确认" in told(world, waiter)
    with world.runtime.db.write() as tx:  # the row itself is asked, whatever the page said
        assert waiting.accept(tx, awake, waiter.id, "A", MORNING + timedelta(hours=1)) is None
    taken = act(world, waiter, "accept").transaction
    assert (taken.row.stage, taken.facts["number"]) == ("booked", "A001")
    assert act(world, waiter, "accept").value is None  # twice is once
    assert standings(world) == {Standing.BOOKED: 2, Standing.CANCELLED: 1}


def test_an_offer_nobody_takes_goes_to_the_next(world: World, awake: Rules) -> None:
    """Its citizen hears so, with what works all the same; a moment too late is too late."""
    first, second, one, two = world.settle(4)
    booked, *_ = full(world, [first, second])
    early, late = waits(world, one), waits(world, two)
    act(world, booked, "cancel")
    serve(world)
    assert (stage(world, early), stage(world, late)) == ("offered", "waiting")
    world.clock.advance(minutes=60)
    refusal = act(world, early, "accept").value
    assert "直接到大厅现场取号" in refusal.zh
    assert "12333" in refusal.zh
    texts = serve(world)
    assert [text.partition("：")[0] for text in texts] == [
        "reminder 候补的空位没有在时间内确认，已给下一位",
        "reminder 有空位了",
    ]
    assert (stage(world, early), stage(world, late)) == ("offer_lapsed", "offered")
    assert "现场取号" in told(world, early)


def test_who_waits_for_a_better_time_keeps_what_they_have_until_they_take_it(
    world: World, awake: Rules
) -> None:
    """Changing into the waiting list gives nothing up; taking the offer gives the old one back."""
    first, second, _, _ = world.settle(4)
    booked, *_ = full(world, [first, second])
    mine = book(world, world.people[2], day="2026-11-26")
    fresh = act(world, mine, "change").transaction
    assert not answer(world, fresh, day="2026-11-25")
    assert not answer(world, fresh, slot="wait")
    waiter = confirm(world, fresh)
    assert (stage(world, waiter), stage(world, mine)) == ("waiting", "booked")
    act(world, booked, "cancel")
    serve(world)
    assert act(world, waiter, "accept").transaction.row.stage == "booked"
    assert stage(world, mine) == "changed"
    assert now(world, mine).facts["changed_to"] == waiter.row.reference


def test_whom_nothing_can_reach_any_more_is_told_what_works(world: World, small: Small) -> None:
    """When the last place could be taken and cancelled no longer, waiting ends."""
    small(1)
    first, second, patient, _ = world.settle(4)
    full(world, [first, second])
    waiter = waits(world, patient)
    world.clock.now = NINE - timedelta(hours=3)
    serve(world)
    assert stage(world, waiter) == "waiting"  # the second slot could still be offered
    world.clock.advance(minutes=31)
    (text,) = serve(world)
    assert text.startswith("reminder 候补没有等到空位：11月25日09:00-10:00，市社保大厅。可直接到大厅现场取号")
    assert stage(world, waiter) == "not_reached"


def test_who_holds_a_place_has_it_though_others_wait(world: World, awake: Rules) -> None:
    """It was theirs before anybody began to wait."""
    first, second, patient, _ = world.settle(4)
    book(world, first, slot="09:30")
    mine = hold(world, second)
    waits(world, patient)
    assert confirm(world, mine).row.stage == "booked"


# --- closures ----------------------------------------------------------------------------------


def test_a_closed_hall_takes_back_tells_and_offers_another(world: World, awake: Rules) -> None:
    """Who booked or waits hears it in the hours of texts; it is no no-show; another hall can be chosen."""
    first, second, patient, newcomer = world.settle(4)
    booked, *_ = full(world, [first, second])
    waiter = waits(world, patient)
    close(world, awake)
    texts = serve(world)
    assert len(texts) == 3
    assert texts[0].startswith(
        "reminder 11月25日09:00-09:30，市社保大厅不办公：停电检修。您的预约已取消，不算爽约"
    )
    assert {stage(world, booked), stage(world, waiter)} == {"cancelled_by_hall"}
    assert "停电检修" in told(world, booked)
    refused = choose(world, newcomer).value
    assert "那时大厅不办公（停电检修）" in refused["slot"].zh
    assert "鼎城区社保窗口" in refused["slot"].zh
    fresh = act(world, booked, "elsewhere").transaction
    assert not answer(world, fresh, hall="dingcheng", day="2026-11-25", slot="09:00")
    assert confirm(world, fresh).row.stage == "booked"
    assert stage(world, booked) == "changed"


def test_who_would_set_out_before_texts_go_out_is_told_at_once(world: World, awake: Rules) -> None:
    """At five in the morning of the day, a result is not held back."""
    booked = book(world, world.settle(1)[0])
    world.clock.now = NINE - timedelta(hours=4)
    close(world, awake)
    (text,) = serve(world)
    assert text.startswith("result 11月25日09:00-09:30，市社保大厅不办公")
    assert stage(world, booked) == "cancelled_by_hall"


def test_a_place_that_was_held_is_not_booked_in_a_closed_hall(world: World, awake: Rules) -> None:
    """The hall was closed between choosing and confirming: refused, with why and what works."""
    held = hold(world, world.settle(1)[0])
    close(world, awake)
    refused = confirm(world, held)
    assert (refused.state, refused.row.reason) == (State.REJECTED, "hall_closed")
    assert "停电检修" in told(world, refused)
    assert "直接到大厅现场取号" in told(world, refused)


def test_a_hall_opened_again_gives_places_but_where_it_is_still_closed(world: World, awake: Rules) -> None:
    """Two closures over one slot: the one that is left holds."""
    world.settle(1)
    close(world, awake)
    close(world, awake, hours=0.5)
    with world.runtime.db.write() as tx:
        whole = max(closures.ahead(tx, world.clock.now), key=lambda row: row.to_at)
        closures.reopen(tx, awake, whole, world.clock.now)
    assert "slot" in choose(world, world.people[0]).value
    assert not choose(world, world.people[0], slot="09:30").value


# --- not having come ---------------------------------------------------------------------------


def day_over(world: World, came: Transaction | None) -> list[str]:
    """The day of a booking passes, its hall checks in whoever came, and the night's work is done."""
    world.clock.now = NINE
    if came:
        with world.runtime.db.write() as tx:
            assert checkin.do(tx, world.runtime, came.id, Deed.CHECK_IN, "desk")
    world.clock.now = NINE + timedelta(hours=15, minutes=1)  # a minute past midnight
    missed.run_due(world.runtime)
    return serve(world)


def test_who_did_not_come_too_often_cannot_book_and_hears_what_works(world: World, small: Small) -> None:
    """It is told once proven, with the day it ends; an excused one does not count."""
    small(9, no_shows=replace(cities.shipped()["changde"].versions[-1].appointment.no_shows, count=1))
    young = [person for person in world.settle(40) if 1970 < person.birth_date.year < 2000][:2]
    absent, present = (book(world, person) for person in young)
    texts = day_over(world, present)
    assert [text.partition("，")[0] for text in texts] == ["reminder 您预约的11月25日09:00-09:30"]
    assert (stage(world, absent), stage(world, present)) == ("no_show", "checked_in")
    chosen = choose(world, young[0], day="2026-11-30")
    assert not chosen.value  # nobody else may learn it
    refused = confirm(world, chosen.transaction)
    assert refused.row.reason == "did_not_come"
    assert "12月25日以后才能再预约" in told(world, refused)
    assert "直接到大厅现场取号" in told(world, refused)
    with world.runtime.db.write() as tx:
        assert checkin.do(tx, world.runtime, absent.id, Deed.EXCUSE, Excuse.ILL)
    assert book(world, young[0], day="2026-11-30").row.stage == "booked"


@pytest.mark.parametrize("why", ["old", "disabled"])
def test_the_old_and_the_disabled_are_exempt(world: World, small: Small, why: str) -> None:
    """Not having come has no consequence for them, and no text says so."""
    small(9, no_shows=replace(cities.shipped()["changde"].versions[-1].appointment.no_shows, count=1))
    young = [person for person in world.settle(40) if 1970 < person.birth_date.year < 2000][:2]
    absent, present = (book(world, person) for person in young)
    changed = {"disabled": True} if why == "disabled" else {"birth_date": datetime(1961, 11, 25).date()}  # noqa: DTZ001
    with world.runtime.db.write() as tx:
        tx.execute(update(citizens).where(citizens.c.id == absent.row.citizen_id).values(**changed))
    assert day_over(world, present) == []
    assert stage(world, absent) == "no_show"
    assert "没有关系" in told(world, absent)
    assert book(world, young[0], day="2026-11-30").row.stage == "booked"


def test_where_nobody_looked_who_came_nobody_is_absent(world: World, small: Small) -> None:
    """A hall that checked nobody in that day kept no book: its bookings stay as they are."""
    small(9)
    booked = book(world, world.settle(1)[0])
    day_over(world, None)
    assert stage(world, booked) == "booked"


def test_a_months_limit_counts_what_was_and_what_is_ahead(world: World, small: Small) -> None:
    """One a month: the next one is in the next month, and waiting counts like having."""
    small(1, limits=Limits(per_month=1))
    person = world.settle(3)[0]
    full(world, world.people[1:])
    waits(world, person)
    refused = confirm(world, choose(world, person, matter="pension", day="2026-11-26").transaction)
    assert refused.row.reason == "too_many_per_month"
    assert "请选别的月" in told(world, refused)
    world.clock.now = datetime(2026, 11, 26, 1, tzinfo=UTC)
    assert book(world, person, matter="pension", day="2026-12-01").row.stage == "booked"

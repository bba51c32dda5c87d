"""Appointments on both databases: no place is given twice, no hold leaks, limits and times are kept."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway import cities
from gateway.appointment_rules import Quotas
from gateway.appointments.bookings import Standing, bookings
from gateway.cities import City
from gateway.demo.city import Person
from gateway.transactions import afterwards, engine, reminders, store
from gateway.transactions.afterwards import NotProven
from gateway.transactions.engine import NotOpen, Result
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.model import State, Words
from gateway.transactions.store import Transaction
from tests.stores.test_transactions import messages, sent_codes
from tests.world import World

NINE = {"matter": "card", "hall": "shi", "day": "2026-11-25", "slot": "09:00"}
CLIENTS, PLACES = 500, 50


@pytest.fixture
def quotas(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set how many places a slot of Changde has, and how many may wait for a full day."""

    def of(web: int, phone: int = 0, waiting: int = 20) -> None:
        changde = cities.shipped()["changde"]
        few = Quotas(web=web, phone=phone, walk_in=0)
        versions = tuple(
            replace(
                rules,
                appointment=replace(
                    rules.appointment,
                    capacity=web + phone,
                    quotas=few,
                    waiting=replace(rules.appointment.waiting, longest=waiting),
                ),
            )
            for rules in changde.versions
        )
        monkeypatch.setitem(cities.shipped(), "changde", City("changde", versions))

    return of


@pytest.fixture
def town(world: World) -> World:
    world.settle(4)
    return world


# --- what a citizen does -------------------------------------------------------------------


def choose(world: World, person: Person, face: str = "web", **changes: str) -> Result[Mapping[str, Words]]:
    """Open a draft and answer everything at once; with the last answer the place is held."""
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "appointment", face)
    who = {"id_number": person.id_number, "name": person.name}
    with world.runtime.db.write() as tx:
        return engine.answer(tx, world.runtime, draft, {**who, **NINE, **changes})


def answer(world: World, transaction: Transaction, **given: str) -> Mapping[str, Words]:
    with world.runtime.db.write() as tx:
        return engine.answer(tx, world.runtime, transaction, given).value


def confirm(world: World, transaction: Transaction) -> Transaction:
    """Prove and submit, in a commit each."""
    with world.runtime.db.write() as tx:
        engine.attest(tx, world.runtime, transaction, "test")
    with world.runtime.db.write() as tx:
        return engine.submit(tx, world.runtime, transaction).transaction


def book(world: World, person: Person, face: str = "web", **changes: str) -> Transaction:
    chosen = choose(world, person, face, **changes)
    assert not chosen.value
    booked = confirm(world, chosen.transaction)
    assert (booked.state, booked.row.stage) == (State.SUCCEEDED, "booked"), booked.row.reason
    return booked


def act(world: World, transaction: Transaction, name: str, *, proven: bool = True) -> Any:
    with world.runtime.db.write() as tx:
        return afterwards.act(tx, world.runtime, transaction, name, "web", proven=proven)


def now(world: World, transaction: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, transaction.id)


def hold(world: World, person: Person, face: str = "web", **changes: str) -> Transaction:
    """Choose and prove who one is, so that the place is kept whoever else comes."""
    chosen = choose(world, person, face, **changes)
    assert not chosen.value
    with world.runtime.db.write() as tx:
        engine.attest(tx, world.runtime, chosen.transaction, "test")
    return chosen.transaction


def standings(world: World) -> dict[str, int]:
    query = select(bookings.c.state, func.count()).group_by(bookings.c.state)
    with world.runtime.db.read() as tx:
        return {row[0]: row[1] for row in tx.execute(query)}


def offered(world: World, transaction: Transaction, field: str) -> list[str]:
    from gateway.transactions import choices
    from gateway.transactions.desk import Desk

    with world.runtime.db.read() as tx:
        found = choices.options(Desk(tx, world.runtime), now(world, transaction), field)
    return [f"{option.value} {option.note.zh if option.note else ''}" for option in found or ()]


# --- the race ------------------------------------------------------------------------------


def test_five_hundred_at_once_get_exactly_the_fifty_places(world: World, quotas: Any) -> None:
    """Fifty are booked, everybody else hears what is free instead, and no hold is left behind.

    Twenty-five hold a place before they have proven who they are; the others take what
    is left once they have, or are told then.
    """
    quotas(PLACES)
    people, start = world.settle(CLIENTS), Barrier(CLIENTS)

    def client(person: Person) -> str | Transaction:
        start.wait()
        chosen = choose(world, person)
        if chosen.value:
            return chosen.value["slot"].zh
        ended = confirm(world, chosen.transaction)
        return ended.facts["instead"] if ended.state is State.REJECTED else ended

    with ThreadPoolExecutor(CLIENTS) as pool:
        said = list(pool.map(client, people))
    winners = [one for one in said if isinstance(one, Transaction)]
    losers = [one for one in said if isinstance(one, str)]
    assert len(winners) == PLACES
    assert {winner.state for winner in winners} == {State.SUCCEEDED}
    assert len({winner.facts["number"] for winner in winners}) == PLACES
    assert len(losers) == CLIENTS - PLACES
    expected = "09:00已经约满。最近的空位：08:30、09:30、10:00；鼎城区社保窗口09:00。"
    assert set(losers) == {expected}
    assert standings(world) == {Standing.BOOKED: PLACES}


def in_one(world: World, person: Person, clock: str) -> Transaction:
    """Begin, answer, prove and submit in one commit, as a service does."""
    who = {"id_number": person.id_number, "name": person.name}
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "appointment", "api")
        engine.answer(tx, world.runtime, draft, {**who, **NINE, "slot": clock}, reserve=False)
        engine.attest(tx, world.runtime, draft, "test", reserve=False)
        return engine.submit(tx, world.runtime, draft).transaction


def submitted(world: World, transaction: Transaction) -> Transaction:
    with world.runtime.db.write() as tx:
        return engine.submit(tx, world.runtime, transaction).transaction


def test_one_person_who_books_several_times_at_once_has_one_place(world: World) -> None:
    """Whichever comes first; a place that is held is booked, or let go for another."""
    for number, person in enumerate(world.settle(8)):
        jobs = [partial(in_one, world, person, clock) for clock in ("10:00", "10:30", "11:00")]
        if number % 2:
            jobs[0] = partial(submitted, world, hold(world, person))
        with ThreadPoolExecutor(len(jobs)) as pool:
            said = [future.result() for future in [pool.submit(job) for job in jobs]]
        assert sorted(one.state for one in said) == [State.REJECTED, State.REJECTED, State.SUCCEEDED]
    assert standings(world) == {Standing.BOOKED: len(world.people)}


# --- holds -----------------------------------------------------------------------------------


def test_a_hold_keeps_the_place_for_five_minutes_and_not_longer(town: World, quotas: Any) -> None:
    """Then it is free again though nobody cleaned up."""
    quotas(1)
    first, second, third, _ = town.people
    assert not choose(town, first).value
    assert "slot" in choose(town, second).value
    town.clock.advance(minutes=5)
    assert not choose(town, second).value
    assert "slot" in choose(town, third).value


def test_a_hold_that_ran_out_is_taken_anew_while_the_place_is_free(town: World, quotas: Any) -> None:
    """Who needed ten minutes for the code has the place all the same."""
    quotas(1)
    chosen = choose(town, town.people[0])
    town.clock.advance(minutes=10)
    assert confirm(town, chosen.transaction).row.stage == "booked"


def test_a_place_lost_meanwhile_is_refused_with_what_is_free(town: World, quotas: Any) -> None:
    """The hold ran out, another booked: a refusal that names the nearest free slots."""
    quotas(1)
    slow, quick, *_ = town.people
    chosen = choose(town, slow)
    town.clock.advance(minutes=5)
    book(town, quick)
    refused = confirm(town, chosen.transaction)
    assert (refused.state, refused.row.reason) == (State.REJECTED, "slot_taken")
    assert "最近的空位：08:30、09:30、10:00" in refused.facts["instead"]
    assert messages(town)[-1].startswith("您的预约没有约上，原因：这个时间已经约满")


def test_a_proven_hold_that_ran_out_is_worth_nothing(town: World, quotas: Any) -> None:
    """Another has the place by then: it is not booked twice."""
    quotas(1)
    slow = hold(town, town.people[0])
    town.clock.advance(minutes=5)
    book(town, town.people[1])
    assert submitted(town, slow).row.reason == "slot_taken"
    assert standings(town) == {Standing.BOOKED: 1}


def test_renewing_the_answers_before_confirming_opens_the_lost_one_again(town: World, quotas: Any) -> None:
    """A face that asks before it submits loses nothing but the time that is gone."""
    quotas(1)
    slow, quick, *_ = town.people
    chosen = choose(town, slow)
    town.clock.advance(minutes=5)
    book(town, quick)
    assert set(answer(town, chosen.transaction)) == {"slot"}
    assert engine.unanswered(now(town, chosen.transaction)) == ["slot"]
    assert not answer(town, chosen.transaction, slot="09:30")


def test_a_person_holds_one_place(town: World, quotas: Any) -> None:
    """Whoever begins again and proves it lets the first place go; so does who chooses another time."""
    quotas(1)
    person, other, third, _ = town.people
    choose(town, person)
    second = hold(town, person, slot="10:00")
    assert not choose(town, other).value  # 09:00 is free again
    assert not answer(town, second, slot="11:00")
    assert not choose(town, third, slot="10:00").value
    assert standings(town) == {Standing.HELD: 3}


def test_who_knows_an_id_number_takes_no_place_from_its_owner(town: World, quotas: Any) -> None:
    """Nobody lets somebody's place go by typing their number: only the proof of who they are does."""
    quotas(1)
    person, other, *_ = town.people
    mine = choose(town, person).transaction
    assert not choose(town, replace(person, name="张三"), slot="10:00").value
    assert "slot" in choose(town, other).value
    assert confirm(town, mine).row.stage == "booked"


def test_made_up_numbers_hold_half_of_a_slot_at_most(town: World, quotas: Any) -> None:
    """Whoever comes next goes on without a hold, and has a place as soon as the proof is there."""
    quotas(3)
    people = town.settle(9)
    for stranger in people[:5]:
        assert not choose(town, stranger).value
    assert standings(town) == {Standing.HELD: 2}
    last = hold(town, people[5])
    assert standings(town) == {Standing.HELD: 3}
    assert "slot" in choose(town, people[6]).value
    assert confirm(town, last).row.stage == "booked"


def test_web_and_phone_have_places_of_their_own(town: World, quotas: Any) -> None:
    """A system that books for citizens takes from the web's."""
    quotas(1, phone=1)
    first, second, third, _ = town.people
    assert not choose(town, first, "api").value
    assert "slot" in choose(town, second, "web").value
    assert not choose(town, second, "phone").value
    assert "slot" in choose(town, third, "phone").value


def test_what_is_offered_counts_down_but_for_ones_own_hold(town: World, quotas: Any) -> None:
    """The note beside an option is what is left; a day without any is not shown, a full hall is named."""
    quotas(2)
    mine = choose(town, town.people[0]).transaction
    other = choose(town, town.people[1], slot="10:00").transaction
    assert offered(town, mine, "slot")[1:4] == ["09:00 还有2个空位", "09:30 还有2个空位", "10:00 还有1个空位"]
    assert offered(town, other, "slot")[1:4] == [
        "09:00 还有1个空位",
        "09:30 还有2个空位",
        "10:00 还有2个空位",
    ]
    assert offered(town, mine, "day")[2] == "2026-11-25 还有27个空位"
    town.runtime.kept.pop(cities.KEPT)  # a process that has not read the rules yet
    quotas(0)  # for slots nobody has asked for yet
    town.runtime.kept.clear()  # as a new start would: a process reads its files once
    assert offered(town, mine, "day") == ["2026-11-25 还有3个空位"]
    assert [note.rpartition("，")[2] for note in offered(town, mine, "hall")] == ["还有3个空位", "约满了"]


# --- what is booked --------------------------------------------------------------------------


def test_a_booking_is_told_with_its_number_and_kept_as_facts(town: World) -> None:
    """The text of the domain handbook; the number says the matter and the place in the day."""
    booked = book(town, town.people[0])
    assert messages(town) == [
        f"预约成功：11月25日09:00-09:30，市社保大厅，预约号A101。请带身份证取号，取消请提前2小时，编号{booked.row.reference}。咨询12333"
    ]
    assert booked.facts["starts_at"] == "2026-11-25T09:00:00+08:00"
    assert booked.facts["hall_address"].startswith("武陵区")


def test_confirming_twice_books_once(town: World) -> None:
    """A double click has one place and one message."""
    booked = book(town, town.people[0])
    confirm(town, booked)
    assert standings(town) == {Standing.BOOKED: 1}
    assert len(messages(town)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"day": "2026-11-26"}, "matter"),
        ({"matter": "pension"}, "day"),
        ({"matter": "pension", "day": "2026-11-26"}, None),
    ],
)
def test_a_person_books_a_matter_once_and_a_day_once(
    town: World, changes: dict[str, str], field: str | None
) -> None:
    """The limit is told once the person has proven who they are, and names the answer to change."""
    book(town, town.people[0])
    chosen = choose(town, town.people[0], **changes)
    assert not chosen.value  # nobody else may learn what this person has booked
    with town.runtime.db.write() as tx:
        engine.attest(tx, town.runtime, chosen.transaction, "test")
    assert set(answer(town, chosen.transaction)) == ({field} if field else set())


def test_two_a_week_are_the_most(town: World) -> None:
    """A third in the same week is refused; the next week is another."""
    person = town.people[0]
    book(town, person)
    book(town, person, matter="pension", day="2026-11-26")
    third = confirm(town, choose(town, person, matter="other", day="2026-11-27").transaction)
    assert third.row.reason == "too_many_per_week"
    town.clock.now = datetime(2026, 11, 26, 1, tzinfo=UTC)
    book(town, person, matter="other", day="2026-11-30")


def test_a_matter_booked_far_ahead_still_counts(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a city lets people book two weeks ahead, an appointment of another week is one too."""
    changde = cities.shipped()["changde"]
    longer = tuple(
        replace(rules, appointment=replace(rules.appointment, window_days=14)) for rules in changde.versions
    )
    monkeypatch.setitem(cities.shipped(), "changde", City("changde", longer))
    for first, second in (("2026-11-24", "2026-12-03"), ("2026-12-04", "2026-11-25")):
        booked = book(town, town.people[0], day=first)
        refused = confirm(town, choose(town, town.people[0], day=second).transaction)
        assert refused.row.reason == "one_per_matter"
        act(town, booked, "cancel")


def test_no_two_of_a_day_have_one_number_whatever_the_rules_were(town: World, quotas: Any) -> None:
    """The rules changed between two slots of a day; numbers still differ."""
    quotas(12)
    numbers = [book(town, person, slot="08:30").facts["number"] for person in town.settle(14)[:12]]
    quotas(10)
    numbers += [book(town, person, slot="09:00").facts["number"] for person in town.people[12:]]
    assert len(set(numbers)) == len(numbers)


def test_two_confirmations_of_one_person_at_once_do_not_run_around_the_limit(town: World) -> None:
    """Two drafts for the same matter, confirmed at the same moment: one is booked."""
    person = town.people[0]
    for day in ("2026-11-24", "2026-11-25"):
        drafts = [choose(town, person, matter="other", day=day, slot=slot) for slot in ("09:00", "15:00")]
        start = Barrier(len(drafts))

        def submit(one: Result[Any], start: Barrier = start) -> str:
            start.wait()
            return str(confirm(town, one.transaction).row.stage)

        with ThreadPoolExecutor(len(drafts)) as pool:
            assert sorted(pool.map(submit, drafts)) == ["", "booked"]
        with town.runtime.db.write() as tx:
            tx.execute(bookings.delete())


def test_a_day_that_has_come_cannot_be_booked(town: World) -> None:
    """An old draft is not confirmed for a time that is no longer offered."""
    chosen = choose(town, town.people[0], day="2026-11-23")
    town.clock.advance(hours=20)
    assert not answer(town, chosen.transaction)
    town.clock.advance(hours=24)
    assert set(answer(town, chosen.transaction)) == {"day"}


# --- afterwards --------------------------------------------------------------------------------


def test_cancelling_gives_the_place_back_and_says_so(town: World, quotas: Any) -> None:
    quotas(1)
    booked = book(town, town.people[0])
    assert act(town, booked, "cancel").value is None
    assert now(town, booked).row.stage == "cancelled"
    assert messages(town)[-1].startswith("预约已取消：11月25日09:00-09:30，市社保大厅")
    assert book(town, town.people[1]).facts["number"] == booked.facts["number"]


@pytest.mark.parametrize("name", ["cancel", "change"])
def test_two_hours_before_it_is_too_late(town: World, name: str) -> None:
    """The refusal says so and what to do; a second before it may still be done."""
    booked = book(town, town.people[0])
    town.clock.now = datetime(2026, 11, 24, 23, 0, 1, tzinfo=UTC)
    refusal = act(town, booked, name).value
    assert refusal
    assert "不到2小时" in refusal.zh
    assert "12333" in refusal.zh
    assert standings(town) == {Standing.BOOKED: 1}
    town.clock.now = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert act(town, booked, name).value is None


def test_cancelling_twice_is_cancelling_once(town: World) -> None:
    """The second time it is done already: no failure, and no second message."""
    booked = book(town, town.people[0])
    act(town, booked, "cancel")
    told = len(messages(town))
    again = act(town, booked, "cancel")
    assert (again.value, again.transaction.row.stage) == (None, "cancelled")
    assert len(messages(town)) == told


def test_who_looked_it_up_gives_a_code_before_it_is_cancelled(town: World) -> None:
    """A reference and four digits are enough to read, not to act; the code belongs to this act alone."""
    booked = book(town, town.people[0])
    assert act(town, booked, "cancel", proven=False).value == NotProven()
    assert now(town, booked).row.stage == "booked"
    with town.runtime.db.write() as tx:
        assert isinstance(afterwards.send_code(tx, town.runtime, booked).value, Sent)
        assert isinstance(afterwards.send_code(tx, town.runtime, booked).value, TooSoon)
    wrong, right = "000000", sent_codes(town)[-1]
    with town.runtime.db.write() as tx:
        assert afterwards.prove(tx, town.runtime, booked, wrong).value == Wrong(4)
        assert engine.prove(tx, town.runtime, booked, right).value == NotOpen()
        assert afterwards.prove(tx, town.runtime, booked, right).value == Proven()
        assert isinstance(afterwards.prove(tx, town.runtime, booked, right).value, Wrong)  # used up


def test_a_change_begun_by_looking_it_up_is_not_proven(town: World) -> None:
    """Its code is asked for before it is confirmed, and until then nothing counts as this person's."""
    old = book(town, town.people[0])
    fresh = act(town, old, "change", proven=False).transaction
    assert (fresh.row.proof, fresh.row.citizen_id) == (None, None)
    assert not answer(town, fresh, day="2026-11-26", slot="10:00")
    with town.runtime.db.write() as tx:
        assert not engine.submit(tx, town.runtime, fresh).value
    assert confirm(town, fresh).row.stage == "booked"
    assert now(town, old).row.stage == "changed"


TOO_LATE = {
    "soon": datetime(2026, 11, 24, 23, 0, 1, tzinfo=UTC),
    "over": datetime(2026, 11, 25, 9, tzinfo=UTC),
}


@pytest.mark.parametrize("moment", TOO_LATE)
def test_a_change_confirmed_too_late_changes_nothing(town: World, moment: str) -> None:
    """Begun in time is not enough: at the confirmation the old one must still be one to give back."""
    old = book(town, town.people[0])
    fresh = act(town, old, "change").transaction
    assert not answer(town, fresh, day="2026-11-26", slot="09:00")
    town.clock.now = TOO_LATE[moment]
    with town.runtime.db.write() as tx:
        refused = engine.submit(tx, town.runtime, fresh).transaction
    assert (refused.state, refused.row.reason) == (State.REJECTED, "too_late_to_change")
    assert now(town, old).row.stage == "booked"
    assert standings(town)[Standing.BOOKED] == 1
    assert "原来的预约不能改了" in messages(town)[-1]


def test_a_change_of_what_was_cancelled_meanwhile_says_so(town: World) -> None:
    """The day is asked for again with the reason, however it is answered."""
    old = book(town, town.people[0])
    fresh = act(town, old, "change").transaction
    act(town, old, "cancel")
    wrong = answer(town, fresh, day="2026-11-26", slot="09:00")
    assert wrong["day"].zh == "原来的预约不能改了。要再来，请重新预约。"


def test_a_change_and_a_cancel_at_once_leave_one_of_both(town: World) -> None:
    """Whichever comes first: never a new place and a cancelled old one by hand, never none by both."""
    for person in town.people:
        old = book(town, person)
        fresh = act(town, old, "change").transaction
        assert not answer(town, fresh, day="2026-11-26", slot="10:00")
        start = Barrier(2)

        def submit(one: Transaction = fresh, start: Barrier = start) -> State:
            start.wait()
            with town.runtime.db.write() as tx:
                return engine.submit(tx, town.runtime, one).transaction.state

        def cancel(one: Transaction = old, start: Barrier = start) -> Any:
            start.wait()
            return act(town, one, "cancel").value

        with ThreadPoolExecutor(2) as pool:
            changed, refused = pool.submit(submit), pool.submit(cancel)
            outcome = (changed.result(), refused.result() is None, now(town, old).row.stage)
        expected = {(State.SUCCEEDED, False, "changed"), (State.REJECTED, True, "cancelled")}
        assert outcome in expected


def test_a_change_books_the_new_time_and_gives_the_old_one_back(town: World, quotas: Any) -> None:
    """In one commit; the old transaction names the new one, and only the new one reminds."""
    quotas(1)
    person, other, *_ = town.people
    old = book(town, person)
    fresh = act(town, old, "change").transaction
    assert engine.unanswered(fresh) == ["day", "slot"]
    assert not answer(town, fresh, day="2026-11-25")
    assert not answer(town, fresh, slot="10:00")
    assert now(town, old).row.stage == "booked"  # until the new one is confirmed
    with town.runtime.db.write() as tx:
        new = engine.submit(tx, town.runtime, fresh).transaction
    assert new.row.stage == "booked"
    assert now(town, old).row.stage == "changed"
    assert now(town, old).facts["changed_to"] == new.row.reference
    assert not choose(town, other).value  # 09:00 is free
    assert planned(town) == {old.id: "dropped", new.id: "planned"}


def test_another_persons_number_in_a_change_takes_nothing_from_the_first(town: World) -> None:
    """A change is proven for one person; somebody else's proof books for them and cancels nothing."""
    first, second, *_ = town.people
    old = book(town, first)
    fresh = act(town, old, "change").transaction
    answer(town, fresh, id_number=second.id_number, name=second.name, day="2026-11-26", slot="10:00")
    assert confirm(town, fresh).row.stage == "booked"
    assert now(town, old).row.stage == "booked"


def test_an_appointment_long_past_is_not_told_as_ahead(town: World) -> None:
    """Neither the headline nor what to do next speaks of going there, and it is no calendar's any more."""
    from gateway.transactions import registry

    kind, booked = registry.get("appointment"), book(town, town.people[0])
    view = now(town, booked).view(datetime(2026, 11, 25, 1, 29, tzinfo=UTC))
    assert (kind.headline(view), bool(kind.calendar(view))) == (Words("已预约", "Booked"), True)
    view = now(town, booked).view(datetime(2026, 12, 20, tzinfo=UTC))
    said = "".join(words.zh for words in kind.explain(view))
    assert kind.headline(view) == Words("预约的时间已经过了", "Its time has passed")
    assert kind.calendar(view) is None
    assert "取号" not in said
    assert "提前" not in said
    assert "请重新预约" in said


# --- the reminder ------------------------------------------------------------------------------


def planned(world: World) -> dict[Any, str]:
    table = reminders.reminders.c
    with world.runtime.db.read() as tx:
        return {
            row.transaction_id: row.state for row in tx.execute(select(table.transaction_id, table.state))
        }


def reminded(world: World) -> list[str]:
    """Work the reminders off an hour later than the earliest; what went out."""
    world.clock.now = datetime(2026, 11, 24, 2, tzinfo=UTC)
    reminders.run_due(world.runtime)
    return [row.klass for row in world.rows() if row.klass == "reminder"]


def test_the_day_before_between_nine_and_ten_a_reminder_goes_out(town: World) -> None:
    booked = book(town, town.people[0])
    with town.runtime.db.read() as tx:
        due_at = tx.execute(select(reminders.reminders.c.due_at)).scalar_one()
    assert datetime(2026, 11, 24, 1, tzinfo=UTC) <= due_at < datetime(2026, 11, 24, 2, tzinfo=UTC)
    assert reminded(town) == ["reminder"]
    assert planned(town) == {booked.id: "told"}


def test_a_cancelled_appointment_is_not_reminded_of(town: World) -> None:
    booked = book(town, town.people[0])
    act(town, booked, "cancel")
    assert planned(town) == {booked.id: "dropped"}
    assert reminded(town) == []


@pytest.mark.parametrize("name", ["cancel", "change"])
def test_a_reminder_that_waits_to_go_out_ends_with_its_appointment(town: World, name: str) -> None:
    """It was judged and taken while the lane stood still; then the citizen gave the place back."""
    booked = book(town, town.people[0])
    assert reminded(town) == ["reminder"]
    fresh = act(town, booked, name).transaction
    if name == "change":
        assert not answer(town, fresh, day="2026-11-26", slot="09:00")
        assert confirm(town, fresh).row.stage == "booked"
    assert [row.status for row in town.rows() if row.klass == "reminder"] == ["cancelled"]


def test_a_reminder_is_worth_nothing_once_the_time_has_come(town: World) -> None:
    book(town, town.people[0])
    reminded(town)
    (expires_at,) = (row.expires_at for row in town.rows() if row.klass == "reminder")
    assert expires_at == datetime(2026, 11, 25, 1, tzinfo=UTC)


def test_a_reminder_is_judged_anew_before_it_goes_out(town: World) -> None:
    """One that was planned while the appointment was given back some other way says nothing."""
    booked = book(town, town.people[0])
    with town.runtime.db.write() as tx:
        store.change(tx, town.runtime, booked.id, stage="cancelled")
    assert reminded(town) == []
    assert planned(town) == {booked.id: "dropped"}


def test_a_visit_tomorrow_booked_after_ten_is_not_reminded_of(town: World) -> None:
    """Its moment has passed; the confirmation of today says it all."""
    town.clock.now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    book(town, town.people[0])
    assert planned(town) == {}

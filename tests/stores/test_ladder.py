"""The ladder on both databases: text, call, e-mail, a person; by the deadline; everybody counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from gateway.broadcasts import definition as definitions
from gateway.broadcasts import expand, pages, progress, recipients, rehearsal, store, tickets
from gateway.broadcasts.definition import DefinitionError
from gateway.broadcasts.expand import run_due
from gateway.broadcasts.people import People
from gateway.broadcasts.step import Limits
from gateway.broadcasts.store import CANCEL, START
from gateway.cities import shipped
from gateway.citizens import register
from gateway.delivery import ledger, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.levers import dead_letters
from gateway.messages import Message
from gateway.notifications import inbound, suppression
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.providers import Accepted, Cause, Delivery, Inbound, Outcome, Rejected
from gateway.transactions import call_backs
from tests.world import Scripted, World

SMALL = Limits(page=3, window=9, scan=4)
LANES = ("sms.bulk", "voice.bulk", "email.bulk")
LADDER: Mapping[str, Any] = {
    "then": [
        {"channel": "voice", "wait_seconds": 600},
        {"channel": "email", "wait_seconds": 600},
        {"channel": "call_back", "wait_seconds": 600},
    ],
    "within_seconds": 86_400,
}
Script = Mapping[tuple[str, int], str]  # what comes of a channel's message to the nth person


@pytest.fixture
def city(world: World) -> World:
    """A provider for each channel; people are settled by the test."""
    return _equip(world)


def _equip(world: World) -> World:
    providers = {"scripted": world.provider}
    for name, channel in (("calls", "voice"), ("mails", "email")):
        one = Scripted()
        one.name, one.channel = name, channel
        providers[name] = one
    weights = {"sms": {"scripted": 1}, "voice": {"calls": 1}, "email": {"mails": 1}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, **providers},
        settings=replace(world.runtime.settings, providers=weights),
    )
    return world


def _settle(world: World, count: int) -> list[UUID]:
    """So many people, each with an e-mail address; their ids."""
    world.settle(count)
    with world.runtime.db.write() as tx:
        ids = [world._citizen(tx, person) for person in world.people]
        for place, key in enumerate(ids):
            address = f"p{place}@example.com"
            sealed = world.runtime.vault.seal("citizens.email", key, address)
            index = world.runtime.vault.index("email", address)
            values = {"email": sealed, "email_index": index}
            tx.execute(update(register.citizens).where(register.citizens.c.id == key).values(**values))
    return ids


def _script(world: World, outcomes: Script) -> None:
    """Whom nothing is said of gets their message, and no receipt."""
    for provider in world.runtime.providers.values():
        assert isinstance(provider, Scripted)
        provider.script = partial(_outcome, world, outcomes, provider.channel)


def _outcome(world: World, outcomes: Script, channel: str, handover: str, message: Message) -> Outcome:
    if outcomes.get((channel, _place(world, message.address))) == "failed":
        return Rejected("bad", Cause.RECIPIENT)
    return Accepted(f"ref-{handover}")


def _place(world: World, address: str) -> int:
    if "@" in address:
        return int(address[1 : address.index("@")])
    return [f"+86{person.mobile}" for person in world.people].index(address)


def _report(world: World, outcomes: Script, words: Sequence[str]) -> None:
    """The receipts of what was taken, of those whose outcome is among these words."""
    for provider in world.runtime.providers.values():
        assert isinstance(provider, Scripted)
        with world.runtime.db.write() as tx:
            for number, (_, message) in enumerate(provider.took):
                word = outcomes.get((provider.channel, _place(world, message.address)), "")
                if word in words:
                    said = Delivery.UNDELIVERED if word == "undelivered" else Delivery.DELIVERED
                    receipts.keep(tx, world.runtime, provider.name, provider.report(number, said))
    receipts.apply_due(world.runtime)


def _started(world: World, **keys: Any) -> UUID:
    now = world.clock.now
    given = {"template": "policy/retirement_age", "audience": {}, **LADDER, **keys}
    definition = definitions.read(given, shipped()["changde"].rules_now(now), now)
    with world.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, world.runtime, definition).people
    with world.runtime.db.write() as tx:
        key = store.create(tx, world.runtime, definition, "test", counted=counted)
        assert store.act(tx, world.runtime, key, START, "test") is None
    return key


def _people(world: World, key: UUID) -> People:
    with world.runtime.db.read() as tx:
        return progress.of(tx, store.find(tx, key), world.clock.now).people


def _state(world: World, key: UUID) -> str:
    with world.runtime.db.read() as tx:
        return str(store.find(tx, key).state)


def _turn(world: World, outcomes: Script) -> None:
    run_due(world.runtime, SMALL)
    for lane in LANES:
        run_lane(world.runtime, lane)
    _report(world, outcomes, ("delivered", "undelivered"))


def _to_the_end(world: World, key: UUID, outcomes: Script) -> People:
    """Run everything until it is over; at every look each person counts once."""
    _script(world, outcomes)
    for turn in range(200):
        _turn(world, outcomes)
        assert _people(world, key).audience == len(world.people)
        if _state(world, key) == "finished":
            return _people(world, key)
        world.clock.advance(seconds=5 if turn < 10 else 150)
    raise AssertionError(f"still {_people(world, key)}")


def _open(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(call_backs.open_ones(tx))


def _channels(world: World, citizen: UUID) -> list[str]:
    return [row.channel for row in world.rows() if row.citizen_id == citizen]


def _all_missed(people: range, *channels: str) -> dict[tuple[str, int], str]:
    return {(channel, place): "undelivered" for channel in channels for place in people}


# --- the rungs ------------------------------------------------------------------------------


def test_whom_no_message_reaches_is_called_mailed_and_then_on_the_list(city: World) -> None:
    """One after the other, each once; whoever a rung reached climbs no further."""
    texted, called, mailed, nobody = _settle(city, 4)
    outcomes: Script = {
        **_all_missed(range(1, 4), "sms"),
        **_all_missed(range(2, 4), "voice"),
        **_all_missed(range(3, 4), "email"),
        ("sms", 0): "delivered",
        ("voice", 1): "delivered",
        ("email", 2): "delivered",
    }
    key = _started(city)
    people = _to_the_end(city, key, outcomes)
    assert _channels(city, texted) == ["sms"]
    assert _channels(city, called) == ["sms", "voice"]
    assert _channels(city, mailed) == _channels(city, nobody) == ["sms", "voice", "email"]
    [ticket] = _open(city)
    assert (ticket.citizen_id, ticket.kind, ticket.broadcast_id) == (nobody, "unreached", key)
    assert people == People({"sms": 1, "voice": 1, "email": 1, "call_back": 0}, 0, 1, 0, 0)
    with city.runtime.db.write() as tx:
        assert call_backs.done(tx, city.runtime, ticket.id)
    assert _people(city, key).reached["call_back"] == 1
    with city.runtime.db.read() as tx:
        assert ledger.balanced(tx)


def test_a_rung_some_are_too_young_for_leaves_them_to_the_next(city: World) -> None:
    """They are not called, but mailed."""
    ids = _settle(city, 6)
    then = [{**LADDER["then"][0], "older_than": 60}, *LADDER["then"][1:]]
    _to_the_end(city, _started(city, then=then), _all_missed(range(6), "sms", "voice", "email"))
    by = {key: _channels(city, key) for key in ids}
    assert {tuple(one) for one in by.values()} == {("sms", "email"), ("sms", "voice", "email")}
    assert len(_open(city)) == 6


def test_who_wants_no_notices_is_neither_called_nor_on_the_list(city: World) -> None:
    """Left alone on purpose is not unreached."""
    _settle(city, 2)
    with city.runtime.db.write() as tx:
        said = Inbound("m1", f"+86{city.people[0].mobile}", "", "R", city.clock.now)
        inbound.receive(tx, city.runtime, [("scripted", said)])
    key = _started(city)
    people = _to_the_end(city, key, _all_missed(range(2), "sms", "voice", "email"))
    assert (people.left_alone, people.to_call, len(city.rows())) == (1, 1, 4)


def test_who_has_no_address_at_all_is_on_the_list(city: World) -> None:
    """No wish of theirs: a person may find another way."""
    (one,) = _settle(city, 1)
    with city.runtime.db.write() as tx:
        nothing = {"mobile": None, "mobile_index": None, "email": None, "email_index": None}
        tx.execute(update(register.citizens).values(**nothing))
    people = _to_the_end(city, _started(city), {})
    assert (people.to_call, _open(city)[0].citizen_id) == (1, one)


def test_a_replay_that_arrived_ends_the_ladder(city: World) -> None:
    """Whoever was written to anew and reached is not called by the rung after."""
    _settle(city, 2)
    _script(city, {("sms", 0): "failed", ("sms", 1): "failed"})
    key = _started(city)
    run_due(city.runtime, SMALL)
    run_lane(city.runtime, "sms.bulk")
    _script(city, {})
    cause = dead_letters.Cause(Status.FAILED, Class.NOTICE, "sms", "bad")
    assert sum(dead_letters.replay(city.runtime, cause, city.clock.now, most=1)) == 1
    run_lane(city.runtime, "sms.bulk")
    [anew] = [row for row in city.rows() if row.replay_of]
    _report(city, {("sms", place): "delivered" for place in range(2)}, ["delivered"])
    people = _people(city, key)
    assert (people.reached["sms"], people.waiting, people.audience) == (1, 1, 2)
    assert anew.first_id == anew.replay_of


# --- by the deadline -----------------------------------------------------------------------------


def test_a_short_deadline_leads_straight_to_the_list(city: World) -> None:
    """No call could ring and be answered in the minutes there are."""
    ids = _settle(city, 3)
    key = _started(city, within_seconds=840)
    begun = city.clock.now
    people = _to_the_end(city, key, _all_missed(range(3), "sms"))
    assert people.to_call == 3
    assert {tuple(_channels(city, one)) for one in ids} == {("sms",)}
    assert all((ticket.created_at - begun).total_seconds() <= 840 for ticket in _open(city))


def test_who_still_waits_for_a_message_at_the_deadline_is_on_the_list(city: World) -> None:
    """The texts lie in a lane that stands still; what goes out later withdraws the ticket."""
    _settle(city, 2)
    key = _started(city, within_seconds=3600)
    run_due(city.runtime, SMALL)
    city.clock.advance(seconds=3301)
    run_due(city.runtime, SMALL)
    assert {ticket.citizen_id for ticket in _open(city)} == {row.citizen_id for row in city.rows()}
    assert _state(city, key) == "running"  # it can still be paused and cancelled
    people = _to_the_end(city, key, {("sms", place): "delivered" for place in range(2)})
    assert (people.reached["sms"], people.to_call) == (2, 0)
    city.clock.advance(minutes=1)
    run_due(city.runtime, SMALL)
    assert _open(city) == []


def test_a_page_of_a_follow_up_is_not_made_after_the_deadline(city: World) -> None:
    """Its worker died; its people are on the list by then, and get no call beside."""
    ids = _settle(city, 2)
    outcomes = _all_missed(range(2), "sms")
    _script(city, outcomes)
    key = _started(city, within_seconds=3600)
    while True:
        if due := expand._claimed(city.runtime):
            step = expand.plan(city.runtime, due.row, SMALL)
            page = expand.keep(city.runtime, due.row, step)
            if page and due.row.stage == 2:
                break
            if page:
                expand.make(city.runtime, due.row, page, step.requests)
        run_lane(city.runtime, "sms.bulk")
        _report(city, outcomes, ["undelivered"])
        city.clock.advance(seconds=1)
    city.clock.advance(seconds=3600)
    for _ in range(3):
        run_due(city.runtime, SMALL)
        city.clock.advance(seconds=1)
    assert expand.make(city.runtime, due.row, page, step.requests) == 0
    assert {tuple(_channels(city, one)) for one in ids} == {("sms",)}
    assert sorted(ticket.citizen_id for ticket in _open(city)) == sorted(ids)
    assert (_state(city, key), _people(city, key).to_call) == ("finished", 2)
    with city.runtime.db.read() as tx:
        assert not pages.are_open(tx, key)


def test_a_pace_that_cannot_keep_the_deadline_is_refused(city: World) -> None:
    """Before anybody is written to."""
    _settle(city, 20)
    with pytest.raises(DefinitionError, match="within_seconds: is too short: at 1 a minute"):
        _started(city, pace=1, within_seconds=1200)


# --- late, twice, cancelled ---------------------------------------------------------------------------


def test_a_late_receipt_withdraws_the_ticket(city: World) -> None:
    """Within a minute, also when the broadcast is finished; a ticket that is done stays done."""
    _settle(city, 3)
    outcomes = {("sms", 0): "late", ("voice", 1): "late", ("sms", 2): "late"}
    key = _started(city)
    people = _to_the_end(city, key, outcomes)
    assert (people.to_call, len(_open(city))) == (3, 3)
    last = next(one for one in _open(city) if one.citizen_id == city.rows()[2].citizen_id)
    with city.runtime.db.write() as tx:
        assert call_backs.done(tx, city.runtime, last.id)
    _report(city, outcomes, ["late"])
    assert _people(city, key).to_call == 0
    city.clock.advance(minutes=1)
    run_due(city.runtime, SMALL)
    assert _open(city) == []
    with city.runtime.db.read() as tx:
        states = tx.execute(select(call_backs.call_backs.c.state)).scalars().all()
    assert sorted(states) == ["done", "withdrawn", "withdrawn"]


def test_an_answer_counts_as_reached_without_any_receipt(city: World) -> None:
    """Whoever answered is neither called nor on the list."""
    _settle(city, 2)
    asks = {"kind": "auth_help", "choices": [["1", "能自己办"], ["2", "需要帮助"]]}
    then = [{"channel": "call_back", "wait_seconds": 600}]
    key = _started(city, template="policy/auth_help", asks=asks, then=then)
    run_due(city.runtime, SMALL)
    run_lane(city.runtime, "sms.bulk")
    with city.runtime.db.write() as tx:
        said = Inbound("m1", f"+86{city.people[0].mobile}", "", "2", city.clock.now)
        inbound.receive(tx, city.runtime, [("scripted", said)])
    people = _to_the_end(city, key, {})
    assert (people.reached["sms"], people.to_call, people.audience) == (1, 1, 2)


def test_a_cancelled_broadcast_calls_nobody(city: World) -> None:
    """What is no longer true is told to nobody."""
    _settle(city, 2)
    key = _started(city, within_seconds=3600)
    run_due(city.runtime, SMALL)
    city.clock.advance(seconds=3301)
    run_due(city.runtime, SMALL)
    assert len(_open(city)) == 2
    with city.runtime.db.write() as tx:
        assert store.act(tx, city.runtime, key, CANCEL, "test") is None
    run_due(city.runtime, SMALL)
    assert _open(city) == []
    assert _people(city, key).left_alone == 2


def test_a_worker_that_dies_at_any_rung_leaves_no_second_call_and_no_second_ticket(city: World) -> None:
    """Before it cut a page or after: the next makes it, once."""
    ids = _settle(city, 4)
    outcomes = _all_missed(range(4), "sms", "voice", "email")
    _script(city, outcomes)
    key = _started(city)
    for turn in range(200):
        due = expand._claimed(city.runtime)
        if due and not due.page:  # this worker dies, and its commit comes after its lease
            step = expand.plan(city.runtime, due.row, SMALL)
            page = expand.keep(city.runtime, due.row, step) if turn % 2 else None
            city.clock.advance(seconds=31)
            _turn(city, outcomes)
            if page:
                assert expand.make(city.runtime, due.row, page, step.requests) == 0
            assert expand.keep(city.runtime, due.row, step) is None
        city.clock.advance(seconds=60)
        if _state(city, key) == "finished":
            break
    assert {tuple(_channels(city, one)) for one in ids} == {("sms", "voice", "email")}
    assert sorted(ticket.citizen_id for ticket in _open(city)) == sorted(ids)


def test_the_same_page_of_tickets_written_twice_is_one_ticket_each(city: World) -> None:
    """Also where the first was done meanwhile: whoever was called is not called again."""
    _settle(city, 2)
    key = _started(city)
    _to_the_end(city, key, _all_missed(range(2), "sms", "voice", "email"))
    again = [(ticket.notification_id, ticket.citizen_id) for ticket in _open(city)]
    with city.runtime.db.write() as tx:
        call_backs.done(tx, city.runtime, _open(city)[0].id)
        call_backs.open_tickets(tx, city.runtime, key, again)
    assert len(_open(city)) == 1


# --- lists -------------------------------------------------------------------------------------------


def test_a_list_of_mobiles_ends_with_a_ticket_that_knows_the_number_only_through_its_message(
    city: World,
) -> None:
    """The address stays sealed with the first message; the ticket holds ids."""
    now = city.clock.now
    then = [{"channel": "voice"}, {"channel": "call_back"}]
    keys = {"template": "policy/retirement_age", "then": then}
    definition = definitions.read(keys, shipped()["changde"].rules_now(now), now)
    kind, lines = recipients.read_csv("mobile,name\n13800138000,王芳\n".encode())
    with city.runtime.db.read() as tx:
        checked = recipients.check(tx, city.runtime, kind, "sms", lines)
    key = rehearsal.store_list(city.runtime, definition, checked, "test")
    with city.runtime.db.write() as tx:
        store.act(tx, city.runtime, key, START, "test")
    for _ in range(40):
        run_due(city.runtime, SMALL)
        for lane in LANES:
            run_lane(city.runtime, lane)
        city.clock.advance(seconds=60)
    [ticket] = _open(city)
    assert b"138001" not in city.rows()[0].address
    assert (ticket.citizen_id, ticket.notification_id) == (None, city.rows()[0].id)
    with city.runtime.db.read() as tx:
        told = tickets.told(tx, city.runtime, [ticket])[ticket.id]
    assert (told.name, told.number, [channel for channel, _ in told.tried]) == (
        "王*",
        "+8613800138000",
        ["sms", "voice"],
    )
    with city.runtime.db.write() as tx:
        tx.execute(delete(notifications))
        told = tickets.told(tx, city.runtime, [ticket])[ticket.id]
    assert (told.name, told.number, told.tried) == ("*", "", ())  # old rows are forgotten; the page opens


# --- in people ------------------------------------------------------------------------------------------

MESSAGES = st.tuples(st.sampled_from(["sms", "voice", "email"]), st.integers(0, 4))
WORDS = st.sampled_from(["delivered", "undelivered", "failed", "silent", "late", "stopped"])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=st.dictionaries(MESSAGES, WORDS))
def test_the_sum_in_people_is_always_the_audience(sqlite_world: World, outcomes: Script) -> None:
    """Whatever comes of each message, at every look, and after the last late receipt."""
    world = sqlite_world
    if not world.people:
        _equip(world)
        _settle(world, 5)
    _forget(world)
    _stop(world, {place for (_, place), word in outcomes.items() if word == "stopped"})
    key = _started(world)
    people = _to_the_end(world, key, outcomes)
    assert people.waiting == people.unreached == 0  # each was reached, is to be called, or left alone
    _report(world, outcomes, ["late"])
    people = _people(world, key)
    assert people.audience == 5
    reached = {
        _place(world, message.address)
        for provider in world.runtime.providers.values()
        if isinstance(provider, Scripted)
        for _, message in provider.took
        if outcomes.get((provider.channel, _place(world, message.address))) in ("delivered", "late")
    }
    assert sum(people.reached.values()) == len(reached)


def _stop(world: World, places: set[int]) -> None:
    """These want no notices on their mobiles."""
    with world.runtime.db.write() as tx:
        mobiles = [f"+86{world.people[place].mobile}" for place in sorted(places)]
        index = world.runtime.vault.index
        suppression.suppress(tx, [(index("mobile", one), "scripted", world.clock()) for one in mobiles])


def _forget(world: World) -> None:
    """Everything but the people."""
    with world.runtime.db.write() as tx:
        mine = (call_backs.call_backs, attempts, notifications, store.broadcasts)
        for table in (*mine, suppression.suppressions):
            tx.execute(delete(table))
    for provider in world.runtime.providers.values():
        assert isinstance(provider, Scripted)
        provider.took.clear()

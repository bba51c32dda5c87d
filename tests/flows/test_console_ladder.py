"""The console of a ladder: whom nothing reached, what was tried, where everybody stands; who gets two."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from gateway.app import create_app
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import store
from gateway.broadcasts.expand import run_due
from gateway.cities import shipped
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.providers import Cause, Rejected
from gateway.security import mask_mobile
from gateway.transactions import call_backs
from tests.flows.operator import Operator, employ
from tests.world import World


@pytest.fixture
def world(sqlite_world: World) -> World:
    employ(sqlite_world)
    sqlite_world.settle(3)
    return sqlite_world


@pytest.fixture
def operator(world: World) -> Operator:
    someone = Operator(create_app(world.runtime))
    someone.sign_in()
    return someone


def unreached(world: World) -> None:
    """A broadcast whose text has no receipt, so that everybody is to be called."""
    now = world.clock()
    then = [{"channel": "call_back", "wait_seconds": 60}]
    keys = {"template": "policy/retirement_age", "name": "延迟退休", "audience": {}, "then": then}
    definition = definitions.read(keys, shipped()["changde"].rules_now(now), now)
    with world.runtime.db.write() as tx:
        key = store.create(tx, world.runtime, definition, "test", counted=len(world.people))
        store.act(tx, world.runtime, key, store.START, "test")
    for _ in range(6):
        run_due(world.runtime)
        run_lane(world.runtime, "sms.bulk")
        world.clock.advance(seconds=30)


def test_whom_no_notice_reached_is_listed_with_what_was_tried(operator: Operator, world: World) -> None:
    """Masked, with the notice's name; the whole number only for a reason; done is done."""
    unreached(world)
    person = world.people[0]
    with world.runtime.db.read() as tx:
        citizen = world._citizen(tx, person)
        mine = str(next(row.id for row in call_backs.open_ones(tx) if row.citizen_id == citizen))
    listed = operator.get("/ops/calls")
    assert "延迟退休" in listed
    assert "短信没有回执" in listed
    assert mask_mobile(person.mobile) in listed
    assert person.mobile not in operator.page.text
    operator.post("/ops/calls/number", id=mine, reason="call")
    assert person.mobile in operator.page.text
    operator.post("/ops/calls/done", id=mine)
    assert mask_mobile(person.mobile) not in operator.get("/ops/calls")


def test_a_ladder_is_shown_in_people(operator: Operator, world: World) -> None:
    """By rung, and how many are to be called."""
    unreached(world)
    said = operator.get("/ops/broadcasts")
    assert "待回电 to be called 3" in said
    assert "人工回电 called by a person 0" in said


def test_before_a_replay_it_says_who_may_get_a_second_message(operator: Operator, world: World) -> None:
    """Masked, beside the number of them."""
    world.take(2)
    world.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    run_lane(world.runtime, "sms.normal")
    with world.runtime.db.write() as tx:
        tx.execute(update(attempts).values(outcome="unknown"))
    operator.get("/ops/dead")
    cause = {"status": "failed", "klass": "result", "channel": "sms", "reason": "isv.BLACK_LIST"}
    said = operator.post("/ops/dead/plan", **cause)
    assert "这些人可能收到第二条" in said
    assert mask_mobile(world.people[0].mobile) in said
    assert world.people[0].mobile not in operator.page.text

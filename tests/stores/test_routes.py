"""Which provider carries what, on both databases: breakers, bounds, destinations, an operator's wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.delivery import ledger, route_book, routes
from gateway.delivery.attempt import never, run_lane
from gateway.delivery.number_caps import by_provider
from gateway.delivery.route_book import Override
from gateway.delivery.store import attempts
from gateway.messages import Cap, Limits
from gateway.notifications.request import Class
from gateway.providers import Accepted, Cause, Outcome, Rejected, Unreachable
from gateway.route_settings import Allowance
from gateway.traffic.board import Board
from gateway.traffic.breaker import REST, REST_ACCOUNT
from gateway.traffic.shared_in_redis import InRedis
from tests.valkey import Valkey
from tests.world import Scripted, World

NORMAL, URGENT, BULK = "sms.normal", "sms.urgent", "sms.bulk"
Script = Callable[[str, Any], Outcome]


def _carriers(world: World, weights: Mapping[str, int], **changes: Any) -> dict[str, Scripted]:
    """Let these scripted providers, one message a call, carry text messages alone."""
    made = {}
    for name in weights:
        made[name] = Scripted(batch=1)
        made[name].name = name
    settings = replace(
        world.runtime.settings, providers={"sms": weights, "voice": {}, "email": {}}, **changes
    )
    world.runtime = replace(world.runtime, providers={**world.runtime.providers, **made}, settings=settings)
    return made


def _down(_handover: str, _message: Any) -> Outcome:
    return Unreachable("refused")


def _up(handover: str, _message: Any) -> Outcome:
    return Accepted(f"ref-{handover}")


def _empty(_handover: str, _message: Any) -> Outcome:
    return Rejected("no_money", Cause.ACCOUNT)


def _send(world: World, count: int = 30, klass: Class = Class.RESULT, lane: str = NORMAL) -> None:
    """Take some and work the lane as long as something is due, a second apart."""
    world.take(count, klass)
    for _ in range(5):
        run_lane(world.runtime, lane)
        world.clock.advance(seconds=1)


def _history(world: World) -> list[tuple[str, str, str, str]]:
    with world.runtime.db.read() as tx:
        rows = reversed(route_book.history(tx, 100))
        return [(row.provider, row.was, row.became, row.why) for row in rows]


def _calls(made: Mapping[str, Scripted]) -> dict[str, int]:
    """How many calls each got since this was asked last."""
    found = {name: len(one.calls) for name, one in made.items()}
    for one in made.values():
        one.calls.clear()
    return found


# --- breakers ---------------------------------------------------------------------------------


def test_while_one_is_down_the_other_carries_and_nothing_is_lost(world: World) -> None:
    """Opened after its failures, left alone while it rests, probed, and back with its whole weight."""
    made = _carriers(world, {"one": 9, "two": 1})
    made["one"].script = _down
    world.settle(30)
    _send(world)
    assert _history(world) == [("one", "closed", "open", "failing")]
    _calls(made)
    _send(world)
    assert _calls(made) == {"one": 0, "two": 30}
    made["one"].script = _up
    world.clock.advance(seconds=REST)
    for _ in range(3):
        _send(world, 5)
    assert [event[2] for event in _history(world)] == ["open", "half_open", "closed"]
    _calls(made)
    _send(world)
    assert _calls(made)["one"] > 15
    assert world.statuses() == {"accepted": 30 + 30 + 15 + 30}
    taken = [message.address for one in made.values() for _, message in one.took]
    assert len(taken) == 105
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)


def test_a_probe_that_fails_is_carried_by_the_other_and_the_rest_is_longer(world: World) -> None:
    """A probe is one message, and no code while others may be one."""
    made = _carriers(world, {"one": 9, "two": 1})
    made["one"].script = _down
    world.settle(30)
    _send(world)
    world.clock.advance(seconds=REST)
    _calls(made)
    _send(world, 5, Class.CODE, URGENT)
    assert _calls(made)["one"] == 0
    _send(world, 5)
    assert _calls(made)["one"] == 1
    with world.runtime.db.read() as tx:
        last = route_book.standing(tx)["one"]
    assert (last.became, last.until - last.at) == ("open", timedelta(seconds=2 * REST))
    assert set(world.statuses()) == {"accepted"}


def test_when_both_are_slow_nobody_is_opened(world: World) -> None:
    """Slowness is judged beside the others: a slow hour changes nothing and is no news."""
    made = _carriers(world, {"one": 1, "two": 1})

    def slowly(handover: str, message: Any) -> Outcome:
        world.clock.advance(seconds=4)
        return _up(handover, message)

    for one in made.values():
        one.script = slowly
    world.settle(20)
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, lease=3600.0))
    for _ in range(4):
        _send(world, 20)
    assert _history(world) == []
    assert all(count > 20 for count in _calls(made).values())


def test_when_both_are_down_both_are_still_tried(world: World) -> None:
    """Opening nobody is better than nobody; the messages wait as before and go when one is back."""
    made = _carriers(world, {"one": 1, "two": 1})
    for one in made.values():
        one.script = _down
    world.settle(20)
    _send(world, 20)
    assert _history(world) == []
    assert min(_calls(made).values()) > 0
    made["two"].script = _up
    for _ in range(40):
        run_lane(world.runtime, NORMAL)
        world.clock.advance(seconds=30)
    assert world.statuses() == {"accepted": 20}


def test_an_empty_account_is_left_alone_at_once(world: World) -> None:
    """One answer is enough, and its rest is as long as people need."""
    made = _carriers(world, {"one": 9, "two": 1})
    made["one"].script = _empty
    world.settle(30)
    world.take(1)
    while not made["one"].calls:
        run_lane(world.runtime, NORMAL)
        world.take(1)
    _calls(made)
    _send(world)
    assert _calls(made)["one"] == 0
    with world.runtime.db.read() as tx:
        event = route_book.standing(tx)["one"]
    assert (event.became, event.why) == ("open", "account")
    assert event.until - event.at == timedelta(seconds=REST_ACCOUNT)


def test_where_no_other_can_carry_it_the_open_one_is_tried(world: World) -> None:
    """The least bad: a message that only one provider reaches does not wait for a breaker."""
    made = _carriers(world, {"one": 1, "two": 1})
    made["two"].limits = Limits(countries=frozenset({"1"}))
    made["one"].script = _empty
    world.settle(2)
    _send(world, 1)
    made["one"].script = _up
    _calls(made)
    _send(world, 1)
    assert _calls(made) == {"one": 1, "two": 0}


# --- bounds -------------------------------------------------------------------------------------


def test_no_more_go_in_a_second_than_a_provider_takes(world: World) -> None:
    """Ten at once, some kept for codes; the others wait for their reason and go as tokens come."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(per_second=10)})
    world.settle(30)
    world.take(30)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 8}
    waiting = [row for row in world.rows() if row.status == "waiting"]
    assert {row.reason for row in waiting if row.reason} == {"provider_rate"}
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 0}
    world.take(2, Class.CODE)
    run_lane(world.runtime, URGENT)
    assert _calls(made) == {"one": 2}
    for _ in range(4):
        world.clock.advance(seconds=1)
        run_lane(world.runtime, NORMAL)
        assert _calls(made)["one"] <= 8
    assert world.statuses() == {"accepted": 32}


def test_a_lane_that_ran_out_moves_no_rows_about(world: World) -> None:
    """Of a long backlog only some are touched, and none again within the second."""
    _carriers(world, {"one": 1}, allowances={"one": Allowance(per_second=10)})
    world.settle(100)
    world.take(100)
    for _ in range(3):
        run_lane(world.runtime, NORMAL)
        touched = [row for row in world.rows() if row.status != "waiting" or row.reason]
        assert len(touched) == 40


def test_tokens_a_claim_did_not_use_are_there_for_the_next(world: World) -> None:
    """A claim takes them for as many rows as it may find."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(per_second=10)})
    world.settle(3)
    for _ in range(2):
        world.take(3)
        run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 6}


def test_what_one_may_not_be_given_the_other_takes(world: World) -> None:
    """A bound is no breaker: who has room carries."""
    made = _carriers(world, {"one": 9, "two": 1}, allowances={"one": Allowance(per_second=10)})
    world.settle(30)
    world.take(30)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 8, "two": 22}
    assert world.statuses() == {"accepted": 30}


def test_a_day_quota_waits_for_the_next_day_at_most(world: World) -> None:
    """It is looked at again within an hour, for it may be raised; at midnight in the city it is full."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(per_day=10)})
    world.settle(30)
    world.take(12)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 8}
    late = [row for row in world.rows() if row.reason == "provider_day_quota"]
    assert {row.due_at - world.clock.now for row in late} == {timedelta(hours=1)}
    world.clock.advance(hours=1)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 0}
    world.clock.now = world.clock.now.replace(hour=16, minute=0, second=1)  # 00:00:01 in Changde
    run_lane(world.runtime, NORMAL)
    assert world.statuses() == {"accepted": 12}


def test_two_processes_together_never_exceed_a_bound(world: World, valkey: Valkey) -> None:
    """They share one broker: what one took the other does not have."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(per_second=10)})
    first, second = (replace(world.runtime, board=Board(InRedis(valkey.url))) for _ in range(2))
    world.settle(50)
    world.take(50)
    for _ in range(4):
        for runtime in (first, second):
            run_lane(runtime, NORMAL)
        assert _calls(made) == {"one": 8}
        world.clock.advance(seconds=1)


def test_two_processes_share_what_they_heard(world: World, valkey: Valkey) -> None:
    """A provider one process found broken is left alone by the other, and the history tells it once."""
    made = _carriers(world, {"one": 9, "two": 1})
    made["one"].script = _empty
    first, second = (replace(world.runtime, board=Board(InRedis(valkey.url))) for _ in range(2))
    world.settle(30)
    world.take(30)
    run_lane(first, NORMAL)
    _calls(made)
    world.clock.advance(seconds=2)
    world.take(20)
    run_lane(first, NORMAL)
    run_lane(second, NORMAL)
    assert _calls(made)["one"] == 0
    assert _history(world) == [("one", "closed", "open", "account")]


def test_a_broker_killed_in_the_middle_stops_no_message(world: World, valkey: Valkey) -> None:
    """Each process goes on by itself; nothing is raised, nothing waits."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(per_second=100, concurrent=2)})
    world.runtime = replace(world.runtime, board=Board(InRedis(valkey.url)))
    world.settle(20)
    world.take(20)

    def kill(handover: str, message: Any) -> Outcome:
        if len(made["one"].calls) == 5:
            valkey.kill()
        return _up(handover, message)

    made["one"].script = kill
    run_lane(world.runtime, NORMAL)
    world.clock.advance(seconds=1)
    world.take(20)
    run_lane(world.runtime, NORMAL)
    assert world.statuses() == {"accepted": 40}


def test_no_more_calls_at_a_time_than_a_provider_takes(world: World) -> None:
    """Two threads are in a call, the others wait for a place."""
    made = _carriers(world, {"one": 1}, allowances={"one": Allowance(concurrent=2)})
    inside: list[int] = []
    most: list[int] = []

    def count(handover: str, message: Any) -> Outcome:
        inside.append(1)
        most.append(len(inside))
        for _ in range(20_000):
            pass
        inside.pop()
        return _up(handover, message)

    made["one"].script = count
    world.settle(12)
    world.take(12)
    run_lane(world.runtime, NORMAL)
    assert world.statuses() == {"accepted": 12}
    assert max(most) <= 2


def test_a_place_nobody_leaves_holds_no_call_back_for_ever(world: World) -> None:
    """Without a free place in time a call is not begun, and its message waits for the next try."""
    allowances = {"one": Allowance(concurrent=1)}
    _carriers(world, {"one": 1}, allowances=allowances)
    until = world.clock.now + timedelta(seconds=0.05)
    with (
        routes.calling(world.runtime, "one", NORMAL, until, never) as first,
        routes.calling(world.runtime, "one", NORMAL, until, never) as second,
    ):
        assert (first, second) == (True, False)
    with routes.calling(world.runtime, "one", NORMAL, until, never) as third:
        assert third


# --- destinations and numbers ----------------------------------------------------------------------


def test_a_number_goes_by_its_destinations_weights(world: World) -> None:
    """Mainland numbers by their own setting, everybody else by the channel's."""
    places = {"sms": {"86": {"one": 0, "two": 1}}}
    made = _carriers(world, {"one": 1, "two": 0}, destinations=places)
    world.settle(10)
    world.take(10)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 0, "two": 10}
    assert world.runtime.weights_towards("sms", "+12025550123") == {"one": 1, "two": 0}
    assert world.runtime.weights("sms") == {"one": 1, "two": 1}


def test_a_number_a_provider_would_refuse_for_goes_to_another_or_waits(world: World) -> None:
    """A second code within the minute goes by the other provider, the third when that minute is over."""
    made = _carriers(world, {"one": 1, "two": 1})
    world.clock.advance(seconds=20)
    cap = Cap(1, timedelta(minutes=1), of="code", calendar=True)
    for one in made.values():
        one.limits = Limits(caps=(cap,))
    world.settle(1)
    for codes, expected in ((1, {"accepted": 1}), (2, {"accepted": 2, "waiting": 1})):
        for _ in range(codes):  # the second and third in one claim
            world.take(1, Class.CODE)
        run_lane(world.runtime, URGENT)
        assert world.statuses() == expected
    assert sorted(_calls(made).values()) == [1, 1]
    [last] = [row for row in world.rows() if row.status == "waiting"]
    assert last.reason == "provider_number_cap"
    assert last.due_at == world.clock.now.replace(second=0) + timedelta(minutes=1)
    world.take(1)  # no code: not counted with them
    run_lane(world.runtime, NORMAL)
    world.clock.advance(minutes=1)
    run_lane(world.runtime, URGENT)
    assert world.statuses() == {"accepted": 4}


def test_a_text_a_number_had_too_often_waits_and_another_text_goes(world: World) -> None:
    """Each text is counted by itself; whoever had few messages is not even looked up."""
    made = _carriers(world, {"one": 1})
    made["one"].limits = Limits(caps=(Cap(3, timedelta(hours=24), of="notice", same_text=True),))
    world.settle(2)
    for _ in range(4):
        world.take(1)
        run_lane(world.runtime, NORMAL)
        world.clock.advance(minutes=1)
    last = world.rows()[-1]
    assert (last.status, last.reason) == ("waiting", "provider_number_cap")
    assert last.due_at == world.clock.now - timedelta(minutes=4) + timedelta(hours=24)
    with world.runtime.db.read() as tx:
        index = tx.execute(select(attempts.c.address_index)).scalars().first()
        assert index
        numbers = by_provider(tx, world.runtime, "sms", [(index, Class.RESULT), (b"other", Class.RESULT)])
    assert not numbers.until(["one"], index, Class.RESULT, uuid4())
    assert numbers.until(["one"], index, Class.RESULT, last.template_id)
    assert not numbers.until(["one"], b"other", Class.RESULT, last.template_id)


# --- an operator's wish ------------------------------------------------------------------------------


def test_an_override_holds_for_its_time_and_ends_by_itself(world: World) -> None:
    """Set, in force, over; each with its line in the history, and who did it in the audit."""
    made = _carriers(world, {"one": 1, "two": 0})
    until = world.clock.now + timedelta(hours=2)
    wish = Override("sms", {"one": 0, "two": 5}, until, "ops", "prices")
    with world.runtime.db.write() as tx:
        route_book.override(tx, world.runtime, wish)
    world.settle(10)
    world.take(10)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 0, "two": 10}
    world.clock.now = until
    world.take(10)
    run_lane(world.runtime, NORMAL)
    assert _calls(made) == {"one": 10, "two": 0}
    with world.runtime.db.write() as tx:
        route_book.forget_old(tx, world.clock.now)
        said = tx.execute(select(audit.audit.c.actor, audit.audit.c.action)).all()
    assert _history(world) == [
        ("one", "sms=1", "sms=0", "override: prices"),
        ("two", "sms=0", "sms=5", "override: prices"),
        ("one", "sms=0", "sms=settings", "override_expired"),
        ("two", "sms=5", "sms=settings", "override_expired"),
    ]
    assert [tuple(row) for row in said] == [("ops", "route.set")]


def test_a_provider_that_only_an_override_uses_has_a_breaker_too(world: World) -> None:
    """Whoever carries is judged, whatever the settings say of it."""
    made = _carriers(world, {"one": 1, "two": 0})
    made["two"].script = _empty
    wish = Override("sms", {"two": 50}, world.clock.now + timedelta(hours=2), "ops", "prices")
    with world.runtime.db.write() as tx:
        route_book.override(tx, world.runtime, wish)
    world.settle(30)
    _send(world)
    assert ("two", "closed", "open", "account") in _history(world)
    assert world.statuses() == {"accepted": 30}


def test_a_cleared_override_ends_at_once(world: World) -> None:
    """Clearing twice clears once."""
    made = _carriers(world, {"one": 1, "two": 0})
    wish = Override("sms", {"one": 0, "two": 5}, world.clock.now + timedelta(hours=2), "ops", "prices")
    with world.runtime.db.write() as tx:
        route_book.override(tx, world.runtime, wish)
        assert route_book.clear(tx, world.runtime, "sms", "ops") == 2
        assert route_book.clear(tx, world.runtime, "sms", "ops") == 0
    world.settle(1)
    _send(world, 1)
    assert _calls(made) == {"one": 1, "two": 0}


# --- when what they share is lost -----------------------------------------------------------------------


def test_a_wiped_broker_closes_breakers_and_the_history_says_so(world: World, valkey: Valkey) -> None:
    """Nothing shown as open is closed in truth."""
    made = _carriers(world, {"one": 9, "two": 1})
    made["one"].script = _empty
    world.runtime = replace(world.runtime, board=Board(InRedis(valkey.url)))
    world.settle(30)
    _send(world)
    valkey.kill()
    valkey.start()
    made["one"].script = _up
    world.runtime = replace(world.runtime, board=Board(InRedis(valkey.url)))
    _send(world)
    assert _history(world)[-1] == ("one", "open", "closed", "state_lost")


@pytest.mark.parametrize("outcome", [Unreachable("not_tried"), Unreachable("too_late")])
def test_what_was_not_tried_says_nothing_of_the_provider(world: World, outcome: Outcome) -> None:
    """A call that was not made is no failure of whoever was not called."""
    _carriers(world, {"one": 1, "two": 1})
    for _ in range(50):
        world.runtime.board.report("one", [outcome], 0.1)
    world.settle(1)
    _send(world, 1)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(attempts.c.outcome)).scalars().all() == ["accepted"]
    assert _history(world) == []

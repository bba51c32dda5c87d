"""A database that fails for a moment, two hands at one lever: nothing is lost for it, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from gateway.delivery import ledger, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.notifications import pauses
from gateway.notifications import store as notifications
from gateway.notifications.pauses import Kind
from gateway.notifications.request import Class, Request
from gateway.providers import Callback, Cause, Inbound, Rejected
from tests.world import World

NORMAL, BULK = "sms.normal", "sms.bulk"
CALLBACK = Callback("sms-report", "https://example.cn/", {}, b"[]", "127.0.0.1")


@contextmanager
def _failing(world: World, concerned: Callable[[str], bool], times: int) -> Iterator[None]:
    """The first so many statements of a kind fail as in a deadlock."""
    left = times

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal left
        if left and concerned(statement):
            left -= 1
            raise OperationalError("deadlock", None, Exception("deadlock detected"))

    event.listen(world.runtime.db.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(world.runtime.db.engine, "before_cursor_execute", fail)


def _asks_for_unknown(statement: str) -> bool:
    return statement.startswith("WITH picked") and "status = 'unknown'" in statement


def test_messages_leased_are_handed_over_though_the_next_claim_fails(world: World) -> None:
    """Each claim's work is done before anything else can go wrong."""
    world.settle(3)
    world.take(3, Class.NOTICE)
    with _failing(world, _asks_for_unknown, 1), pytest.raises(OperationalError):
        run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 3}


def test_a_receipt_outlives_a_database_that_fails_twice(world: World) -> None:
    """It is the database's fault, not the callback's: it is applied when the lease has ended."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, NORMAL)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0))
    with _failing(world, lambda statement: statement.startswith("UPDATE attempts"), 2):
        receipts.apply_due(world.runtime)
    world.clock.advance(minutes=1)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 1}


def test_two_hands_at_one_lever_pause_it_once(world: World) -> None:
    """The second is told that it was paused already."""
    together, done = Barrier(2), list[bool]()

    def pull() -> None:
        together.wait(10)
        with world.runtime.db.write() as tx:
            done.append(pauses.pause(tx, Kind.LANE, BULK, "test", world.clock()))

    hands = [Thread(target=pull) for _ in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(10)
    assert sorted(done) == [False, True]


def test_whom_a_provider_calls_opted_out_gets_no_notice_by_any_other(world: World) -> None:
    """The notice ends as suppressed, and so does the next one, without asking the provider again."""
    world.settle(1)
    world.provider.script = lambda _handover, _message: Rejected("21610", Cause.OPTED_OUT)
    for _ in range(2):
        world.take(1, Class.NOTICE)
        run_lane(world.runtime, BULK)
    assert world.statuses() == {"suppressed": 2}
    assert world.provider.calls == [1]


def test_wishes_count_in_the_order_they_were_sent(world: World) -> None:
    """An older stop that arrives after a newer start changes nothing."""
    (person,) = world.settle(1)
    mobile, now = "+86" + person.mobile, world.clock()
    older, newer = now.replace(minute=0), now.replace(minute=1)
    for said in (Inbound("2", mobile, "1", "START", newer), Inbound("1", mobile, "1", "R", older)):
        world.provider.said = [said]
        with world.runtime.db.write() as tx:
            receipts.keep(tx, world.runtime, "scripted", CALLBACK)
        receipts.apply_due(world.runtime)
    world.take(1, Class.NOTICE)
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 1}


def test_sums_are_not_summed_again_and_again(world: World) -> None:
    """However many accounts there are, a ledger and counts without news are left alone."""
    world.settle(1)
    many = [
        Request(
            None, "sms", Class.NOTICE, "card_loss/failed", "zh-CN", {}, broadcast_id=world.runtime.new_id()
        )
        for _ in range(ledger.LONG)
    ]
    with world.runtime.db.write() as tx:
        notifications.take(tx, world.runtime, many)
        measures.add(
            tx, {("attempts", f"p{n}", "accepted"): 1 for n in range(measures.LONG + 1)}, world.clock()
        )
        assert (ledger.is_long(tx), measures.is_long(tx)) == (True, True)
        measures.compact(tx)
    ledger.compact(world.runtime)
    with world.runtime.db.read() as tx:
        assert (ledger.is_long(tx), measures.is_long(tx)) == (False, False)
        assert ledger.balanced(tx)

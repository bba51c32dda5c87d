"""Workers whose commits touch the same rows: no two wait for each other, and nothing counts twice.

On PostgreSQL, where the second worker comes in at the very statement that used to go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from gateway.delivery import ledger, measures, reachability, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.reachability import Said
from gateway.delivery.record import Answer, record
from gateway.delivery.store import attempts
from gateway.notifications import suppression
from gateway.providers import Accepted, Callback, Cause, Delivery
from tests.world import World

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LANE = "sms.normal"
HELD = ("FROM notifications", "FOR UPDATE")


def _keep(world: World, *pushes: Callback) -> None:
    with world.runtime.db.write() as tx:
        for push in pushes:
            receipts.keep(tx, world.runtime, "scripted", push)


def _before(world: World, words: tuple[str, ...], number: int, act: Callable[[], None]) -> None:
    """Do something else just before the ``number``-th statement with these words."""
    met = 0

    def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal met
        if all(word in statement for word in words):
            met += 1
            if met == number:
                act()

    event.listen(world.runtime.db.engine, "before_cursor_execute", look)


@pytest.mark.parametrize("second", [Delivery.UNDELIVERED, Delivery.DELIVERED])
def test_a_receipt_another_worker_applies_first_is_counted_once(world: World, second: Delivery) -> None:
    """The same or another verdict in a second callback: the first counts, and message and attempt agree."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    _keep(world, world.provider.report(0, Delivery.UNDELIVERED, Cause.AWAY))

    def overtake() -> None:
        _keep(world, replace(world.provider.report(0, second), url="https://x.cn/another"))
        receipts.apply_due(world.runtime)

    _before(world, HELD, 1, overtake)
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        counted = {key[2]: n for key, n in measures.totals(tx).items() if key[0] == measures.RECEIPTS}
        said = tx.execute(select(attempts.c.receipt)).scalar_one()
        assert ledger.balanced(tx)
    assert (counted, said, world.statuses()) == ({second: 1}, second, {second: 1})


def test_many_receipts_and_the_answer_to_their_call_do_not_wait_for_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of receipts beyond one statement, those applied first hold nobody up while the next are begun."""
    monkeypatch.setattr(receipts, "AT_ONCE", 2)
    world.settle(4)
    world.take(4)
    claimed = claim_lane(world.runtime, LANE, 4)
    call = claimed.handovers[0]
    world.provider.took = [(call.id, message) for message in reversed(call.messages)]
    _keep(world, *(world.provider.report(number) for number in range(4)))

    def answer() -> None:
        with world.runtime.db.write() as tx:
            tx.execute(text("SET LOCAL lock_timeout = '1s'"))
            record(tx, world.runtime, [Answer(claimed.lease, call, [Accepted(f"ref-{call.id}")] * 4)])

    _before(world, HELD, 2, answer)
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        answers = tx.execute(select(attempts.c.outcome)).scalars().all()
    assert (answers, world.statuses()) == (["accepted"] * 4, {"delivered": 4})


def test_what_stands_against_addresses_is_held_before_the_first_change(world: World) -> None:
    """One address found dead and another alive again: a worker that hears the reverse waits at once."""
    now, dead, alive = world.clock.now, b"d" * 16, b"a" * 16
    free: list[int] = []
    with world.runtime.db.write() as tx:
        both = [(dead, "mails", now), (alive, "mails", now)]
        suppression.suppress(tx, both, suppression.DEAD_ADDRESS, now + timedelta(days=1))

    def look() -> None:
        with world.runtime.db.write() as other:
            rows = other.execute(select(suppression.suppressions).with_for_update(skip_locked=True))
            free.append(len(rows.all()))

    words = [Said(dead, "email", "mails", now, suppression.COMPLAINT)]
    words += [Said(alive, "email", "mails", now, Delivery.DELIVERED)]
    _before(world, ("INSERT INTO suppressions",), 1, look)
    with world.runtime.db.write() as tx:
        reachability.heed(tx, words, now)
    assert free == [0]

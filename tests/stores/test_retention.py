"""Old messages on both databases: what is forgotten when, what stays, and that no batch reads the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from gateway.delivery import ledger, retention
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.errors import ForgottenError
from gateway.levers import dead_letters
from gateway.notifications import store
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import FORGOTTEN, notifications
from gateway.ops import timeline
from gateway.providers import Cause, Rejected
from tests.plans import fill, plans_of, scans
from tests.world import World

LANES = ("sms.urgent", "sms.normal", "sms.bulk")
DAYS = {Class.CODE: 1, Class.RESULT: 90, Class.REMINDER: 90, Class.NOTICE: 30}


def _sent(world: World, klass: Class, count: int = 1) -> None:
    world.take(count, klass)
    for lane in LANES:
        run_lane(world.runtime, lane)


def _kept(world: World) -> list[Any]:
    return [row for row in world.rows() if row.personalisation != FORGOTTEN]


def _number(world: World, table: Any) -> int:
    with world.runtime.db.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.mark.parametrize("klass", DAYS)
def test_what_a_message_said_is_kept_as_long_as_its_class_says(klass: Class, world: World) -> None:
    """Then it is gone, and the row and its attempts are not."""
    world.settle(2)
    _sent(world, klass, 2)
    world.clock.advance(days=DAYS[klass])
    assert retention.tidy(world.runtime)[klass] == 0
    world.clock.advance(seconds=1)
    assert retention.tidy(world.runtime)[klass] == 2
    assert [(row.personalisation, row.address, row.status) for row in world.rows()] == [
        (FORGOTTEN, None, "accepted")
    ] * 2
    assert _number(world, attempts) == 2
    assert retention.tidy(world.runtime)[klass] == 0


def test_classes_are_forgotten_apart(world: World) -> None:
    """A code's day is no result's, though they stand in one table."""
    world.settle(1)
    for klass in (Class.RESULT, Class.CODE, Class.NOTICE, Class.CODE):
        _sent(world, klass)
    world.clock.advance(days=2)
    retention.tidy(world.runtime)
    assert [row.klass for row in _kept(world)] == ["result", "notice"]
    world.clock.advance(days=30)
    retention.tidy(world.runtime)
    assert [row.klass for row in _kept(world)] == ["result"]


def test_what_may_still_go_out_is_kept_and_forgotten_later(world: World) -> None:
    """A deployment may keep content for less long than a message lives: its life comes first."""
    days = {**world.runtime.settings.keep, "notice": 1}
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, keep=days))
    world.settle(2)
    world.take(1, Class.NOTICE)
    world.clock.advance(hours=30)
    assert retention.tidy(world.runtime)["notice"] == 0
    run_lane(world.runtime, "sms.bulk")
    assert world.statuses() == {"accepted": 1}
    world.clock.advance(hours=42)
    assert retention.tidy(world.runtime)["notice"] == 1


def test_attempts_go_after_a_year_and_rows_after_three_and_the_books_still_balance(world: World) -> None:
    """The ledger speaks of what is kept; younger rows stay whole."""
    world.settle(2)
    _sent(world, Class.RESULT, 2)
    world.clock.advance(days=366)
    assert retention.tidy(world.runtime)["attempts"] == 2
    assert (_number(world, attempts), _number(world, notifications)) == (0, 2)
    world.clock.advance(days=731)
    _sent(world, Class.RESULT, 1)
    assert retention.tidy(world.runtime)["history"] == 2
    assert (_number(world, attempts), _number(world, notifications)) == (1, 1)
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
        (account,) = ledger.accounts(tx)
    assert (account.taken, account.standing) == (1, {"accepted": 1})


def test_a_broadcast_of_years_ago_still_tells_what_became_of_it(world: World) -> None:
    """Only the lane's account forgets its rows."""
    world.settle(2)
    mine = world.runtime.new_id()
    world.take(2, Class.NOTICE, broadcast_id=mine)
    run_lane(world.runtime, "sms.bulk")
    world.clock.advance(days=1_100)
    retention.tidy(world.runtime)
    ledger.compact(world.runtime)
    with world.runtime.db.read() as tx:
        (account,) = ledger.of_broadcast(tx, mine)
        assert ledger.balanced(tx)
        assert ledger.accounts(tx) == []
    assert (account.taken, account.standing) == (2, {"accepted": 2})


def test_walks_go_on_in_batches_where_they_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a commit: all are looked at, none twice, and a message's attempts are never parted."""
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    world.settle(7)
    _sent(world, Class.NOTICE, 7)
    with world.runtime.db.write() as tx:  # each was tried once more
        rows = [row._asdict() for row in tx.execute(select(attempts))]
        tx.execute(insert(attempts), [{**row, "handover": row["handover"][:12] + "x"} for row in rows])
    world.clock.advance(days=366)
    forgotten = retention.tidy(world.runtime)
    assert (forgotten["notice"], forgotten["attempts"]) == (7, 14)
    with world.runtime.db.read() as tx:
        marks = {row.walk: (row.upto, row.rows) for row in tx.execute(select(retention.tidied))}
    last = world.rows()[-1].id
    assert (marks["notice"], marks["attempts"]) == ((last, 7), (last, 14))


def test_a_message_tried_again_much_later_keeps_all_its_attempts_till_the_last_is_old(world: World) -> None:
    """They go together: none is left behind the mark."""
    world.settle(1)
    _sent(world, Class.RESULT)
    with world.runtime.db.write() as tx:
        (row,) = tx.execute(select(attempts)).all()
        again = {"handover": row.handover[:12] + "x", "started_at": row.started_at + timedelta(days=2)}
        tx.execute(insert(attempts), [{**row._asdict(), **again}])
    world.clock.advance(days=366)
    assert retention.tidy(world.runtime)["attempts"] == 0
    world.clock.advance(days=2)
    assert retention.tidy(world.runtime)["attempts"] == 2


def test_what_is_due_is_counted_without_forgetting_it(world: World) -> None:
    """The same number that a walk then forgets."""
    world.settle(2)
    _sent(world, Class.CODE, 2)
    world.clock.advance(days=2)
    for expected in ((2, 0), (0, 2)):
        with world.runtime.db.read() as tx:
            code = next(one for one in retention.standing(tx, world.runtime) if one.walk == "code")
        assert (code.due, code.forgotten) == expected
        retention.tidy(world.runtime)


# --- who reads a message that was forgotten ------------------------------------------------------


def test_a_forgotten_message_is_never_replayed_and_the_plan_says_so(world: World) -> None:
    """It counts among what never goes; its timeline says why."""
    world.settle(1)
    world.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.CONTENT)
    _sent(world, Class.RESULT)
    (row,) = world.rows()
    with world.runtime.db.write() as tx:
        tx.execute(update(notifications).values(personalisation=FORGOTTEN))
    cause = dead_letters.Cause(Status.FAILED, Class.RESULT, "sms", "isv.BLACK_LIST")
    with world.runtime.db.read() as tx:
        plan = dead_letters.plan(tx, cause, world.clock.now)
        lines = timeline.of_message(tx, row.id) or ()
    assert (plan.fresh, plan.again, plan.late) == (0, 0, 1)
    assert sum(dead_letters.replay(world.runtime, cause, world.clock.now)) == 0
    assert lines[0].detail.endswith("what it said is no longer kept")
    with pytest.raises(ForgottenError, match="no longer kept"):
        store.personalisation(world.runtime, row.id, FORGOTTEN)


# --- what it costs -------------------------------------------------------------------------------


def test_no_batch_reads_the_table(postgres_url: str, make_world: Callable[[str], World]) -> None:
    """40,000 rows of four weeks, the older half due: each statement goes by an index of theirs."""
    world = make_world(postgres_url)
    fill(world)
    world.clock.now = world.rows()[20_000].created_at + timedelta(days=30)
    with plans_of(world) as found:
        forgotten = retention.tidy(world.runtime)
    assert forgotten["notice"] == 20_000
    assert len([plan for plan in found if " on notifications" in plan or " on attempts" in plan]) > 20
    assert scans(found) == []

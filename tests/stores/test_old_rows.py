"""Nothing slows with age: what is asked all the time never reads the rows that have ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from gateway.app import create_app
from gateway.delivery import lanes, ledger, measures, reconcile
from gateway.notifications import store
from gateway.notifications.request import Class
from gateway.ops import dead_letters, queues
from tests.plans import fill, plans_of, scans
from tests.world import World


@pytest.fixture
def old(postgres_url: str, make_world: Callable[[str], World]) -> World:
    """A month of old messages, and one that waits."""
    world = make_world(postgres_url)
    world.settle(1)
    fill(world)
    world.take(1, Class.RESULT)
    return world


def test_what_is_asked_all_the_time_goes_by_indexes(old: World) -> None:
    """The sweep, the queues, the dead letters, the metrics, with 40,000 ended rows and one that waits."""
    now = old.clock.now
    with plans_of(old) as found:
        with old.runtime.db.read() as tx:
            lanes.due(tx, now)
            lanes.standing(tx, now)
            queues.open_work(tx, old.runtime)
            reconcile.standing(tx, now)
            dead_letters.recent(tx, now, timedelta(hours=24))
            ledger.adds_up(tx)
        assert create_app(old.runtime).test_client().get("/metrics").status_code == 200
    assert len(found) > 10
    assert scans(found) == []


def test_the_ledger_is_read_in_one_statement_over_its_sums(world: World) -> None:
    """However many broadcasts and messages there were: lanes times entries, and what is fresh."""
    world.settle(2)
    for _ in range(30):
        world.take(2, Class.NOTICE, broadcast_id=world.runtime.new_id())
    ledger.compact(world.runtime)
    statements: list[str] = []
    event.listen(
        world.runtime.db.engine, "before_cursor_execute", lambda _c, _k, words, *_: statements.append(words)
    )
    with world.runtime.db.read() as tx:
        assert ledger.adds_up(tx)
        read = tx.execute(select(store.ledger.c.id).where(ledger.LANES)).all()
        assert ledger.accounts(tx)[0].taken == 60
    assert len(read) == 2  # taken and waiting
    assert len([words for words in statements if "ledger" in words]) == 3


def test_counts_of_long_ago_are_one_number(world: World) -> None:
    """A year of units, summed up every day, is a row each and some blocks."""
    with world.runtime.db.write() as tx:
        for _ in range(100):
            world.clock.advance(days=1)
            measures.add(tx, {(measures.UNITS, "aliyun_sms", "accepted"): 5}, world.clock.now)
            measures.compact(tx)
        assert len(tx.execute(select(measures.measures)).all()) <= measures.DAYS_KEPT + 2
        assert measures.totals(tx)[measures.UNITS, "aliyun_sms", "accepted"] == 500

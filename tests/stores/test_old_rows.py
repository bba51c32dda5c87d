"""Nothing slows with age: what is asked all the time never reads the rows that have ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, func, insert, select, text, update

from gateway.app import create_app
from gateway.delivery import lanes, ledger, measures, reconcile
from gateway.delivery.attempt import run_lane
from gateway.levers import dead_letters
from gateway.notifications import entries
from gateway.notifications.request import Class
from gateway.notifications.status import DEAD
from gateway.notifications.store import notifications
from gateway.ops import queues
from gateway.providers import Cause, Rejected
from tests.flows.test_api_notifications import Api
from tests.plans import OLD, fill, plans_of, scans
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
            dead_letters.groups(tx, *DEAD, since=now - dead_letters.LISTED)
            ledger.adds_up(tx)
        assert create_app(old.runtime).test_client().get("/metrics").status_code == 200
    assert len(found) > 10
    assert scans(found) == []


def test_a_page_of_a_services_messages_goes_by_indexes(old: World) -> None:
    """The first page and one deep down in 40,000 in the order of the index, one by reference."""
    api, columns = Api(old), notifications.c
    with old.runtime.db.write() as tx:
        mine = {"service_id": UUID(api.key[-73:-37]), "key_type": "normal"}
        tx.execute(update(notifications).values(**mine, reference=func.concat("case ", columns.created_at)))
        older = select(columns.id).order_by(columns.created_at).offset(OLD // 2)
        deep = tx.execute(older.limit(1)).scalar_one()
        tx.execute(text("ANALYZE"))
    for query, rows in (
        ("", 250),
        (f"older_than={deep}", 250),
        ("template_type=sms", 250),
        ("reference=x", 0),
    ):
        with plans_of(old) as found:
            page = api.get(f"/v2/notifications?{query}").json["notifications"]
        about = [plan for plan in found if " on notifications" in plan]
        assert (len(page), bool(about), scans(found)) == (rows, True, []), query
        assert rows == 0 or not [plan for plan in about if "Sort" in plan], query


def test_a_long_backlog_costs_who_watches_one_step_for_each_lane(old: World) -> None:
    """40,000 that wait: nobody counts them, neither the sweep nor the figures."""
    columns = notifications.c
    with old.runtime.db.write() as tx:
        waits = {"status": "waiting", "due_at": columns.created_at}
        tx.execute(update(notifications).where(columns.status == "delivered").values(**waits))
        tx.execute(insert(entries.ledger), [{"lane": "sms.bulk", "entry": "waiting", "difference": OLD}])
        tx.execute(text("ANALYZE"))
    with plans_of(old) as found, old.runtime.db.read() as tx:
        assert lanes.due(tx, old.clock.now) == {"sms.bulk", "sms.normal"}
        bulk = next(one for one in lanes.standing(tx, old.clock.now) if one.name == "sms.bulk")
    assert (bulk.depth, bulk.oldest_s > 0) == (OLD, True)
    about = [plan for plan in found if " on notifications" in plan]
    assert len(about) == 2
    assert not [plan for plan in about if "Aggregate" in plan or "Unique" in plan or "Sort" in plan]


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
        read = tx.execute(select(entries.ledger.c.id).where(ledger.LANES)).all()
        assert ledger.accounts(tx)[0].taken == 60
    assert len(read) == 2  # taken and waiting
    assert len([words for words in statements if "ledger" in words]) == 3


def test_dead_letters_nobody_can_help_any_more_are_not_listed(world: World) -> None:
    """After ninety days; whoever asks for all of them still gets them."""
    world.settle(1)
    world.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.CONTENT)
    world.take(1)
    run_lane(world.runtime, "sms.normal")
    for days, listed in ((90, 1), (1, 0)):
        world.clock.advance(days=days, seconds=-1)
        with world.runtime.db.read() as tx:
            since = world.clock.now - dead_letters.LISTED
            assert len(dead_letters.groups(tx, *DEAD, since=since)) == listed
            assert len(dead_letters.groups(tx, *DEAD)) == 1


def test_counts_of_long_ago_are_one_number(world: World) -> None:
    """A year of units, summed up every day, is a row each and some blocks."""
    with world.runtime.db.write() as tx:
        for _ in range(100):
            world.clock.advance(days=1)
            measures.add(tx, {(measures.UNITS, "aliyun_sms", "accepted"): 5}, world.clock.now)
            measures.compact(tx)
        assert len(tx.execute(select(measures.measures)).all()) <= measures.DAYS_KEPT + 2
        assert measures.totals(tx)[measures.UNITS, "aliyun_sms", "accepted"] == 500

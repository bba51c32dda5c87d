"""How PostgreSQL goes about what workers ask, when it knows little of a table, or what was true once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from gateway.broadcasts import recipients
from gateway.broadcasts.audience import Span
from gateway.db import Db
from gateway.delivery.store import attempts
from gateway.rows import update_each
from tests.plans import plans_of
from tests.world import World

TRIES = """
INSERT INTO attempts (notification_id, handover, provider, address_index, lease, started_at, receipt)
SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), 'h', 'scripted', '\\x01', 1, now(), 'delivered'
FROM generate_series(1, 20000) AS n
"""
LIST = """
INSERT INTO broadcast_recipients (broadcast_id, position, citizen_id, language)
SELECT :broadcast, n, gen_random_uuid(), 'zh-CN' FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
def working(postgres_url: str, make_world: Callable[[str], World]) -> Iterator[World]:
    """A world whose connections are a worker's."""
    world = make_world(postgres_url)
    db = Db(postgres_url, by_index=True)
    yield replace(world, runtime=replace(world.runtime, db=db))
    db.close()


def test_receipts_find_their_attempts_by_key_where_hardly_any_is_without_one(working: World) -> None:
    """Statistics say that none waits for its receipt; a thousand do, and no index is read whole for them."""
    with working.runtime.db.write() as tx:
        tx.execute(text(TRIES))
        tx.execute(text("ANALYZE attempts"))
        keys = tx.execute(select(attempts.c.notification_id).limit(1_000)).scalars().all()
    given: dict[str, Any] = {"notification_id": keys, "handover": ["h"] * len(keys)}
    values: dict[str, Any] = {"receipt": ["delivered"] * len(keys)}
    with plans_of(working) as found, working.runtime.db.write() as tx:
        assert update_each(tx, attempts, given, values, unset="receipt") == 0
    assert "Index Cond: ((notification_id = given.of_notification_id)" in found[0]


def test_a_list_just_stored_is_read_in_its_order(working: World) -> None:
    """Nobody has counted its lines yet: a page of them is no reason to gather all and sort them."""
    key = working.runtime.new_id()
    with working.runtime.db.write() as tx:
        tx.execute(text(LIST), {"broadcast": key})
    with plans_of(working) as found, working.runtime.db.read() as tx:
        page = recipients.page(tx, working.runtime, key, Span(None, 100))
    assert page.cursor == "100"
    assert "Sort" not in found[0]
    assert "Bitmap" not in found[0]


def test_what_is_read_whole_after_all_is_not_compiled(working: World) -> None:
    """It counts as dear beyond measure, and would be compiled each time."""
    with working.runtime.db.read() as tx:
        plan = "\n".join(tx.execute(text("EXPLAIN SELECT sum(tries) FROM notifications")).scalars())
    assert "Seq Scan" in plan
    assert "JIT" not in plan

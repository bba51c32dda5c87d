"""Promises on both databases: one runs, each point is said once, kept and extended as it happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from gateway import calendar_notices, cities
from gateway.promises import listed, ticks
from gateway.services import store as services
from gateway.services import webhooks
from gateway.services.webhooks import Kind
from gateway.transactions import engine, promises, store
from gateway.transactions.store import Transaction
from tests.world import World

ZONE = ZoneInfo("Asia/Shanghai")
NOTICE = """[[notice]]
year = 2027
source = "a test"
holidays = [{ from = 2027-02-01, to = 2027-02-28 }]
workdays = []
"""


@pytest.fixture
def matter(world: World) -> Transaction:
    """A transaction of a service that wants to be told, with five days promised for a reply."""
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, "counter", world.clock())
        where = (Kind.TRANSACTION, "https://counter.example/told", "token", "secret-secret")
        webhooks.subscribe(tx, world.runtime.vault, service, *where, world.clock())
        it = engine.open_draft(tx, world.runtime, "card_loss", "api", service)
        store.change(
            tx, world.runtime, it.id, answers=store.sealed(world.runtime, it.id, "answers", {"a": "b"})
        )
        assert promises.make(tx, world.runtime, it.id, "reply", 5, "day", world.clock())
        assert not promises.make(tx, world.runtime, it.id, "reply", 9, "day", world.clock() + timedelta(1))
    return it


def row(world: World, it: Transaction) -> Any:
    with world.runtime.db.read() as tx:
        return promises.of(tx, it.id)[-1]


def warned(world: World, it: Transaction) -> Sequence[str]:
    with world.runtime.db.read() as tx:
        return [one.detail for one in store.events(tx, it.id) if one.event == "promise_warned"]


def test_the_office_is_warned_four_times(world: World, matter: Transaction) -> None:
    """Half, four fifths, last day, overdue: each once, on the timeline and to the service."""
    assert row(world, matter).due_on == date(2026, 11, 26)
    for _ in range(7 * 24):
        ticks.run_due(world.runtime)
        world.clock.advance(hours=1)
    points = ["half", "most", "due", "overdue"]
    assert warned(world, matter) == [f"reply {point}" for point in points]
    with world.runtime.db.read() as tx:
        told = tx.execute(select(webhooks.events.c.detail).order_by(webhooks.events.c.created_at)).scalars()
        assert list(told) == [f"draft  reply {point}" for point in points]
        (late,) = listed.running(tx, world.runtime, late=True)
        assert (late.reference, late.said, late.late) == (matter.row.reference, "overdue", True)
        assert listed.standing(tx, world.runtime) == listed.Standing(1, 1, 0, 0, 0)


def test_what_is_promised_for_today_counts_as_having_its_last_day(world: World, matter: Transaction) -> None:
    """A call within hours, of which nobody has been warned yet; the reply in five days is not among them."""
    with world.runtime.db.write() as tx:
        assert promises.make(tx, world.runtime, matter.id, "call_back", 0, "day", world.clock())
        sums = listed.standing(tx, world.runtime)
        assert (sums.running, sums.due) == (2, 1)


@pytest.mark.parametrize(("days", "late"), [(5, False), (6, True)])
def test_what_was_kept_is_said_no_more(world: World, matter: Transaction, days: int, late: bool) -> None:
    """Kept on its last day is in time, on the next one late; neither is warned of again."""
    at = world.clock.advance(days=days)
    with world.runtime.db.write() as tx:
        assert promises.kept(tx, world.runtime, matter.id, "reply", at)
        assert not promises.kept(tx, world.runtime, matter.id, "reply", at)
    world.clock.advance(days=30)
    assert ticks.run_due(world.runtime) == 0
    assert (row(world, matter).state, row(world, matter).late) == ("kept", late)
    assert warned(world, matter) == []


def test_an_extended_one_is_counted_anew(world: World, matter: Transaction) -> None:
    """Fifteen days from when it was promised; what lies before is not said again, what lies ahead is."""
    world.clock.advance(days=4)
    ticks.run_due(world.runtime)
    with world.runtime.db.write() as tx:
        assert promises.extend(tx, world.runtime, matter.id, "reply", 15, "day", world.clock())
        assert not promises.extend(tx, world.runtime, matter.id, "reply", 15, "day", world.clock())
    assert (row(world, matter).due_on, row(world, matter).extended) == (date(2026, 12, 6), 1)
    world.clock.advance(days=5)
    ticks.run_due(world.runtime)
    assert warned(world, matter) == ["reply most", "reply half"]
    world.clock.advance(days=30)  # nobody looked for a month: one word, not three
    ticks.run_due(world.runtime)
    assert warned(world, matter)[2:] == ["reply overdue"]


def test_who_is_erased_awaits_nothing(world: World, matter: Transaction) -> None:
    """What was promised about a matter that is emptied is dropped in silence."""
    with world.runtime.db.write() as tx:
        store.change(tx, world.runtime, matter.id, answers=None)
    world.clock.advance(days=30)
    ticks.run_due(world.runtime)
    assert row(world, matter).state == "dropped"
    assert warned(world, matter) == []


def test_a_notice_entered_moves_what_was_provisional(world: World, matter: Transaction) -> None:
    """Sixty working days into an unknown year move with that year's notice, once, by their own day."""
    now = datetime(2026, 12, 1, 10, tzinfo=ZONE)
    with world.runtime.db.write() as tx:
        tx.execute(update(promises.promises).values(state="kept", due_at=None))
        assert promises.make(tx, world.runtime, matter.id, "reply", 60, "working_day", now)
    before = row(world, matter)
    assert before.provisional
    with world.runtime.db.write() as tx:
        calendar_notices.put(tx, NOTICE, [2027], now, "a test")
    world.runtime.kept.pop(cities.KEPT, None)
    with world.runtime.db.write() as tx:
        assert promises.recompute(tx, world.runtime) == (1, None)
        assert promises.recompute(tx, world.runtime) == (0, None)
    after = row(world, matter)
    assert after.due_on > before.due_on
    assert not after.provisional


def test_a_race_to_promise_leaves_one(world: World, matter: Transaction) -> None:
    """The database itself refuses a second running promise of a kind."""
    values = {name: getattr(row(world, matter), name) for name in promises.promises.c.keys()}  # noqa: SIM118
    values |= {"id": world.runtime.new_id(), "made_at": world.clock() + timedelta(1)}
    with pytest.raises(Exception, match=r"(?i)unique"), world.runtime.db.write() as tx:
        tx.execute(insert(promises.promises).values(**values))


def test_a_notice_that_brings_a_day_forward_loses_no_warning(world: World, matter: Transaction) -> None:
    """What is reached by the new day and was never said is said, once; what was said before is not."""
    now = datetime(2026, 12, 28, 10, tzinfo=ZONE)
    with world.runtime.db.write() as tx:
        tx.execute(update(promises.promises).values(state="kept", due_at=None))
        assert promises.make(tx, world.runtime, matter.id, "reply", 10, "working_day", now)
    assert row(world, matter).due_on == date(2027, 1, 12)
    world.clock.now = datetime(2027, 1, 4, 12, tzinfo=ZONE)
    ticks.run_due(world.runtime)
    assert warned(world, matter) == []
    notice = NOTICE.replace("from = 2027-02-01, to = 2027-02-28", "from = 2027-01-01, to = 2027-01-01")
    notice = notice.replace("workdays = []", "workdays = [2027-01-02, 2027-01-03]")
    with world.runtime.db.write() as tx:
        calendar_notices.put(tx, notice, [2027], now, "a test")
    world.runtime.kept.pop(cities.KEPT, None)
    with world.runtime.db.write() as tx:
        assert promises.recompute(tx, world.runtime) == (1, None)
    assert row(world, matter).due_on == date(2027, 1, 8)
    for _ in range(2):
        ticks.run_due(world.runtime)
    assert warned(world, matter) == ["reply half"]

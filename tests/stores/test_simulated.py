"""What test keys ask for: played to its end, and nothing of it reaches a provider, a measure or a replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from celeryconfig import GENERAL_QUEUES, URGENT_QUEUES
from gateway.delivery import explain, lanes, ledger, measures, simulated
from gateway.delivery.addressing import addresses_of
from gateway.delivery.store import attempts
from gateway.levers import dead_letters
from gateway.notifications import store
from gateway.notifications.request import TEST, TREATMENT, Class, Origin, Request
from gateway.notifications.status import DEAD
from gateway.notifications.store import notifications
from gateway.services import store as store_of_services
from gateway.services import webhooks
from gateway.services.store import TYPES
from tasks import delivery
from tasks.app import app, message
from tests.world import World

LANE = "sms.test"
ASKED = Origin(uuid4(), TEST)
ENDS = {
    "+8613800138000": ("delivered", None),
    "+447700900003": ("undelivered", "away"),
    "+8613000000003": ("undelivered", "away"),
    "+447700900002": ("undelivered", "recipient"),
    "+8613000000002": ("undelivered", "recipient"),
}


TEXTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "sms": ("card_loss/failed", {}),
    "email": ("card_loss/succeeded", {"card_tail": "1234", "until": "明天", "bank": "银行"}),
}


def _take(world: World, addresses: Sequence[str], channel: str = "sms", origin: Origin = ASKED) -> set[str]:
    text, values = TEXTS[channel]
    with world.runtime.db.write() as tx:
        asked = [
            Request(None, channel, Class.RESULT, text, "zh-CN", values, address=one, origin=origin)
            for one in addresses
        ]
        return store.take(tx, world.runtime, asked)


def _stand(world: World) -> dict[str | None, tuple[str, str | None]]:
    """How the messages stand, by their address."""
    rows = world.rows()
    with world.runtime.db.read() as tx:
        addresses = addresses_of(tx, world.runtime, "mobile", rows)
    return {one: (row.status, row.reason) for one, row in zip(addresses, rows, strict=True)}


def _play(world: World, lane: str = LANE) -> None:
    """To the end."""
    for _ in range(2):
        simulated.run_lane(world.runtime, lane)
        world.clock.advance(seconds=1)


def test_a_tests_address_says_how_it_ends(world: World) -> None:
    """Accepted at once, ended a second later; the books balance and the sweep finds both steps."""
    assert _take(world, list(ENDS)) == {LANE}
    for expected in (["accepted"] * len(ENDS), [status for status, _ in ENDS.values()]):
        with world.runtime.db.read() as tx:
            assert lanes.due(tx, world.clock.now) == {LANE}
        assert simulated.run_lane(world.runtime, LANE) == len(ENDS)
        assert Counter(row.status for row in world.rows()) == Counter(expected)
        with world.runtime.db.read() as tx:
            assert ledger.balanced(tx)
            assert not lanes.due(tx, world.clock.now)
        world.clock.advance(seconds=1)
    assert _stand(world) == ENDS
    assert all(row.handed_over_at and row.completed_at and row.due_at is None for row in world.rows())


def test_its_service_is_told_of_a_tests_end_like_of_any_other(world: World) -> None:
    """Once for each, when it ended and not before."""
    with world.runtime.db.write() as tx:
        now, vault = world.clock.now, world.runtime.vault
        owner = store_of_services.ensure_service(tx, "counter", now)
        webhooks.subscribe(tx, vault, owner, webhooks.Kind.RECEIPT, "https://example.cn/", "t", "s", now)
    _take(world, list(ENDS), origin=Origin(owner, TEST))
    simulated.run_lane(world.runtime, LANE)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(func.count()).select_from(webhooks.events)).scalar_one() == 0
    world.clock.advance(seconds=1)
    simulated.run_lane(world.runtime, LANE)
    with world.runtime.db.read() as tx:
        told = set(tx.execute(select(webhooks.events.c.subject)).scalars())
    assert told == {row.id for row in world.rows()}


def test_nothing_of_a_test_reaches_a_provider_a_measure_or_a_replay(world: World) -> None:
    """Nobody is written to, no try is counted, and no operator can send it out afterwards."""
    _take(world, list(ENDS))
    _play(world)
    assert world.provider.took == []
    with world.runtime.db.write() as tx:
        assert tx.execute(select(func.count()).select_from(attempts)).scalar_one() == 0
        assert measures.totals(tx) == {}
        assert dead_letters.groups(tx, *DEAD) == []
        said = [one.why.said.en for one in explain.of_rows(tx, world.runtime, world.rows())]
        assert sum("simulator reports that it arrived" in one for one in said) == 1
        real = notifications.c.id == world.rows()[0].id
        tx.execute(update(notifications).values(status="undelivered", reason="away"))
        tx.execute(update(notifications).where(real).values(key_type="normal"))
        [group] = dead_letters.groups(tx, *DEAD)
        assert group.number == 1
        assert dead_letters.plan(tx, group.cause, world.clock.now) == dead_letters.Plan(1, 0, 0)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("wang@example.cn", "delivered"),
        ("temp-fail@simulator.notify", "undelivered"),
        ("Perm-Fail@simulator.notify", "undelivered"),
    ],
)
def test_mail_is_played_too(sqlite_world: World, address: str, status: str) -> None:
    """The simulator's two addresses fail as Notify's do."""
    assert _take(sqlite_world, [address], "email") == {"email.test"}
    _play(sqlite_world, "email.test")
    assert sqlite_world.statuses() == {status: 1}


def test_a_test_waits_for_its_hour_and_expires_like_any_other(sqlite_world: World) -> None:
    """What is scheduled is played then; what nobody worked in its time was too late."""
    _take(sqlite_world, ["+8613800138000"])
    later = sqlite_world.clock.now + timedelta(hours=1)
    with sqlite_world.runtime.db.write() as tx:
        tx.execute(update(notifications).values(due_at=later))
    assert simulated.run_lane(sqlite_world.runtime, LANE) == 0
    sqlite_world.clock.advance(hours=TREATMENT[Class.RESULT].life / timedelta(hours=1))
    assert simulated.run_lane(sqlite_world.runtime, LANE) == 1
    assert _stand(sqlite_world) == {"+8613800138000": ("expired", "too_late")}


def test_a_cell_that_cannot_be_opened_stops_no_other_test(sqlite_world: World) -> None:
    _take(sqlite_world, ["+8613800138000", "+8613800138001"])
    with sqlite_world.runtime.db.write() as tx:
        first = sqlite_world.rows()[0].id
        tx.execute(update(notifications).where(notifications.c.id == first).values(address=b"\x01" * 40))
    _play(sqlite_world)
    assert _stand(sqlite_world)[None] == ("undelivered", "cannot_be_opened")
    assert sqlite_world.statuses() == {"undelivered": 1, "delivered": 1}


def test_every_lane_wakes_a_task_somebody_works(sqlite_world: World) -> None:
    """A test's lane wakes the queue of the simulated; that and all others are read by a worker."""
    assert TEST in TYPES
    names = [
        f"{channel}.{urgency}"
        for channel in sqlite_world.runtime.settings.providers
        for urgency in (*{one.urgency for one in TREATMENT.values()}, TEST)
    ]
    assert delivery.simulate.name in app.tasks
    for lane in (*names, "transactions", "receipts", "broadcasts", "reminders"):
        task, told, queue = message(lane)
        assert queue in {*URGENT_QUEUES, *GENERAL_QUEUES}
        assert (queue == "simulated") == (task == delivery.simulate.name) == lane.endswith(".test")
        assert told in ([], [lane])

"""A lost card followed through the engine, on both databases: what is told, when, and what may be done."""

from __future__ import annotations

import pytest

from gateway.citizens import passwords, register
from gateway.transactions import afterwards, reminders, steps, store
from gateway.transactions.model import State
from gateway.transactions.store import Transaction
from tests.stores.test_transactions import begin, identify, messages, submit
from tests.town import Town
from tests.transaction_vectors import QUERY_PASSWORD, live_by
from tests.world import World

BOTH = {"card_loss": {"bank_sync": "two_way", "remote_cancel_allowed": True}}


@pytest.fixture
def town(world: World) -> Town:
    town = Town()
    world.runtime._back_offices["card_core"] = town
    world.settle(1)
    with world.runtime.db.write() as tx:
        (key,) = register.ids(tx, world.runtime.vault, [world.people[0].id_number]).values()
        passwords.put(tx, world.runtime, key, QUERY_PASSWORD)
    return town


def done(world: World, town: Town, kind: str = "card_loss") -> Transaction:
    transaction = begin(world, kind)
    identify(world, transaction)
    assert submit(world, transaction)
    pass_on(world, town)
    return transaction


def pass_on(world: World, town: Town, **by: float) -> None:
    """Let the time pass and the workers work, as often as something is due."""
    town.now = world.clock.advance(**by)
    while steps.run_due(world.runtime):
        pass


def now(world: World, transaction: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, transaction.id)


def reminded(world: World) -> list[str]:
    reminders.run_due(world.runtime)
    return [row.klass for row in world.rows() if row.klass == "reminder"]


def test_a_report_is_followed_until_it_lapses(world: World, town: Town) -> None:
    """A reminder a day before, asked of the card; then the end is told, and nothing is due any more."""
    loss = done(world, town)
    assert now(world, loss).row.stage == "temp_lost"
    pass_on(world, town, days=6, hours=-1)
    assert reminded(world) == []
    pass_on(world, town, hours=2)
    assert reminded(world) == ["reminder"]
    pass_on(world, town, days=1)
    ended = now(world, loss)
    assert (ended.state, ended.row.stage, ended.row.due_at) == (State.SUCCEEDED, "lapsed", None)
    assert messages(world)[1:] == [
        "您尾号6266的社保卡临时挂失已到期解除，卡可以使用。如卡未找到请马上再挂失，或到窗口办理正式挂失。咨询12333"
    ]


def test_a_release_is_seen_by_its_report_at_once(world: World, town: Town) -> None:
    """Whoever looks at the report after the release reads that it was released, and hears it once."""
    live_by(world, BOTH)
    loss = done(world, town)
    assert now(world, loss).row.stage == "temp_lost_both"
    world.clock.advance(minutes=2)
    release = done(world, town, "card_release")
    assert now(world, release).row.stage == "released"
    assert (now(world, loss).row.stage, now(world, loss).row.due_at) == ("released", None)
    assert len(messages(world)) == 2
    world.clock.advance(days=6)
    assert reminded(world) == []


def test_a_bank_that_comes_back_is_told_and_one_that_does_not_as_well(world: World, town: Town) -> None:
    """The card is blocked whatever the bank does; its half follows by a message of its own."""
    live_by(world, BOTH)
    town.bank = "down"
    loss = done(world, town)
    assert (now(world, loss).state, now(world, loss).row.stage) == (State.SUCCEEDED, "temp_lost_bank_waiting")
    for _ in range(12):
        pass_on(world, town, hours=1)
    assert len(messages(world)) == 1
    town.bank = ""
    pass_on(world, town, hours=1)
    assert now(world, loss).row.stage == "temp_lost_both"
    assert messages(world)[1].startswith("您尾号6266的社保卡，银行账户也已挂失，11月27日")


def test_what_is_offered_afterwards_opens_the_next_matter(world: World, town: Town) -> None:
    """The card found: a release. Not found: a visit for the formal report, its matter chosen already."""
    loss = done(world, town)
    opened = {}
    for name in ("found", "formal"):
        with world.runtime.db.write() as tx:
            made = afterwards.act(tx, world.runtime, loss, name, "web", proven=True)
        opened[made.transaction.row.type] = made.transaction
    assert set(opened) == {"card_release", "appointment"}
    assert opened["appointment"].answers["matter"] == "card"
    assert opened["card_release"].answers["id_number"] == world.people[0].id_number
    assert opened["card_release"].row.proof is None, "a release asks for more proof than the report did"
    pass_on(world, town, days=8)
    view = now(world, loss).view(world.clock())
    assert list(afterwards.offered(world.runtime, view)) == ["formal"]
    assert town.blocks == 1

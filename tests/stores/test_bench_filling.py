"""The bench's own way in writes what the door would have written."""

from __future__ import annotations

from itertools import repeat

from gateway.bench import filling
from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.notifications import store
from gateway.notifications.request import Class, Request
from tests.world import World

NOTICE = Request(
    None, "sms", Class.NOTICE, "policy/retirement_age", "zh-CN", {"name": "王*", "核验码": "000000"}
)


def test_a_filled_lane_is_as_the_door_would_have_filled_it(world: World) -> None:
    """Row by row but for ids and seals; the ledger balances, and it can be sent."""
    asked = [NOTICE._replace(address=f"+86138000000{n:02}") for n in range(12)]
    filling.fill(world.runtime, asked)
    filled = world.rows()
    with world.runtime.db.write() as tx:
        store.take(tx, world.runtime, asked)
    taken = world.rows()[12:]
    sealed = {"id", "address", "personalisation"}
    for one, other in zip(filled, taken, strict=True):
        assert {k: v for k, v in one._mapping.items() if k not in sealed} == {
            k: v for k, v in other._mapping.items() if k not in sealed
        }
        opened = store.personalisation(world.runtime, one.id, one.personalisation)
        assert opened == NOTICE.personalisation
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
    run_lane(world.runtime, "sms.bulk")
    assert len(world.provider.took) == 24


def test_more_than_one_commit_takes_is_taken_in_several(world: World) -> None:
    """A million is not one transaction."""
    filling.fill(world.runtime, repeat(NOTICE._replace(address="+8613800000000"), 25), at_once=10)
    assert world.statuses() == {"waiting": 25}
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)

"""The hourly job on both databases: of every table it forgets what the list says is due, and nothing else."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Float,
    Integer,
    LargeBinary,
    Uuid,
    func,
    insert,
    select,
    text,
    update,
)

from gateway.appointments.bookings import Standing
from gateway.broadcasts.store import State as Push
from gateway.db import Utc, metadata
from gateway.delivery.retention import tidied
from gateway.retention import job, matters, report
from gateway.retention.policies import POLICIES
from gateway.retention.policy import Policy
from gateway.transactions import call_backs, store
from gateway.transactions.model import State
from tests.world import World

AGED = [policy for policy in POLICIES if policy.old is not None]
SECOND = timedelta(seconds=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)
# What makes a row one of those a policy is for, where a row of nulls and zeros is none.
MEANT: dict[tuple[str, str], dict[str, Any]] = {
    ("transactions", "rows"): {"state": State.SUCCEEDED},
    ("bookings", "rows"): {"state": Standing.HELD},
    ("call_backs", "rows"): {"state": call_backs.DONE},
    ("broadcasts", "drafts"): {"state": Push.DRAFT},
    ("inbound", "what people wrote, and from where"): {"text": b"x", "address": b"x"},
}
# What a row stands on, beside its foreign keys.
STANDS_ON: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "broadcast_recipients": {"broadcast_id": ("broadcasts", {"state": Push.FINISHED})},
    "webhook_events": {"webhook_id": ("webhooks", {})},
}


def _value(world: World, column: Any, at: datetime) -> Any:
    """Something of the column's kind; times are all the moment asked for."""
    kind = column.type
    number = next(_numbers)
    if isinstance(kind, Utc):
        return at
    if column.name in {"due_at", "lease"}:
        return None
    if isinstance(kind, Uuid):
        return world.runtime.new_id()
    if isinstance(kind, LargeBinary):
        return number.to_bytes(16, "big")
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Date):
        return at.date()
    if isinstance(kind, Integer | BigInteger | Float):
        return number
    return str(at.date()) if column.name == "day" else f"{number}"[: getattr(kind, "length", None) or 8]


def _put(world: World, policy: Policy, at: datetime) -> None:
    """A row of the policy's table all of whose times are this one; and the rows it stands on."""
    with world.runtime.db.write() as tx:
        _insert(world, tx, metadata.tables[policy.table], at, MEANT.get((policy.table, policy.what), {}))


def _insert(world: World, tx: Any, table: Any, at: datetime, given: dict[str, Any]) -> dict[str, Any]:
    row = {
        column.name: _value(world, column, at)
        for column in table.columns
        if column.name not in {"due_at", "lease"}
    }
    for key in table.foreign_keys:
        row[key.parent.name] = _insert(world, tx, key.column.table, at, {})[key.column.name]
    for column, (other, meant) in STANDS_ON.get(table.name, {}).items():
        row[column] = _insert(world, tx, metadata.tables[other], at, meant)["id"]
    row |= given
    tx.execute(insert(table).values(**row))
    return row


def _number(world: World, table: str) -> int:
    with world.runtime.db.read() as tx:
        return tx.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()


def _due(world: World, policy: Policy) -> int:
    with world.runtime.db.read() as tx:
        found = [
            one
            for one in report.lines(tx, world.runtime)
            if (one.table, one.what) == (policy.table, policy.what)
        ]
    return found[0].due or 0


@pytest.mark.parametrize("policy", AGED, ids=lambda one: f"{one.table} {one.what}")
def test_what_is_due_is_counted_and_forgotten_and_what_is_not_stays(
    policy: Policy, sqlite_world: World
) -> None:
    """To the second, whichever room does it: an old row goes, one that has a second left does not."""
    world = sqlite_world
    span = policy.span(world.runtime.settings.keep) or timedelta()
    edge = timedelta(days=1) if policy.table == "book_matches" else SECOND
    _put(world, policy, world.clock.now - span + edge)
    assert _due(world, policy) == 0
    job.run(world.runtime)
    young = _number(world, policy.table)
    assert young >= 1
    _put(world, policy, LONG_AGO)
    assert _due(world, policy) >= 1
    assert job.run(world.runtime)[policy.table] >= 1
    assert _due(world, policy) == 0
    with world.runtime.db.read() as tx:
        mark = tx.execute(select(tidied).where(tidied.c.walk == policy.table)).one()
    assert (mark.rows >= 1, mark.at) == (True, world.clock.now)


def test_every_table_is_gone_through_on_both_databases(world: World) -> None:
    """An old row in each: all that is due is forgotten in one run, and nothing is due after it."""
    for policy in AGED:
        _put(world, policy, LONG_AGO)
    forgotten = job.run(world.runtime)
    assert {policy.table for policy in AGED} <= forgotten.keys()
    with world.runtime.db.read() as tx:
        assert [one for one in report.lines(tx, world.runtime) if one.due] == []


def test_a_matter_goes_with_all_that_hangs_on_it_alone_and_none_that_is_going_on(world: World) -> None:
    """Its timeline and its place; what is still to be looked at, moved lately or never ended stays."""
    keys = {}
    for name, state, later in (
        ("over", State.SUCCEEDED, timedelta()),
        ("moved", State.SUCCEEDED, timedelta(days=2)),
        ("waiting", State.SUBMITTED, timedelta()),
        ("followed", State.SUCCEEDED, timedelta()),
    ):
        at = world.clock.now
        with world.runtime.db.write() as tx:
            keys[name] = store.create(tx, world.runtime, "card_loss", "web", None, at).id
            row = store.transactions.c.id == keys[name]
            due = at if name == "followed" else None
            moved = {"state": state, "due_at": due, "updated_at": at + later}
            tx.execute(update(store.transactions).where(row).values(**moved))
    world.clock.advance(days=1_096, seconds=1)
    forgotten = job.run(world.runtime)
    assert (forgotten["transactions"], forgotten["timeline"]) == (1, 1)
    with world.runtime.db.read() as tx:
        left = set(tx.execute(select(store.transactions.c.id)).scalars())
        told = set(tx.execute(select(store.timeline.c.transaction_id)).scalars())
    assert left == told == set(keys.values()) - {keys["over"]}


def test_a_table_that_cannot_be_gone_through_keeps_no_other_from_its_turn(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad table, and the rest is forgotten all the same."""
    calls = next(policy for policy in POLICIES if policy.table == "calls")
    _put(sqlite_world, calls, LONG_AGO)
    with sqlite_world.runtime.db.write() as tx:
        tx.execute(text("DROP TABLE tallies"))
    assert job.run(sqlite_world.runtime)["calls"] == 1


def test_more_than_a_batch_is_forgotten_in_several_commits(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until nothing is due."""
    monkeypatch.setattr(job, "AT_ONCE", 2)
    monkeypatch.setattr(matters, "AT_ONCE", 2)
    chosen = [policy for policy in POLICIES if policy.table in {"walk_ins", "transactions"}]
    for policy in chosen * 5:
        _put(sqlite_world, policy, LONG_AGO)
    forgotten = job.run(sqlite_world.runtime)
    assert (forgotten["walk_ins"], forgotten["transactions"]) == (5, 5)

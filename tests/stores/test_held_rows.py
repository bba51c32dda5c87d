"""What a commit holds of transactions is read once, and always stands as the database has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select

from gateway.errors import UnknownNameError
from gateway.transactions import engine, store
from gateway.transactions.model import State
from gateway.transactions.store import Transaction, transactions
from tests.world import World


@pytest.fixture
def begun(world: World) -> Transaction:
    with world.runtime.db.write() as tx:
        return engine.open_draft(tx, world.runtime, "card_loss", "web")


def _in_the_books(tx: Connection, it: Transaction) -> tuple[object, ...]:
    row = tx.execute(select(transactions).where(transactions.c.id == it.id)).one()
    return row.state, row.stage, row.due_at, row.updated_at


def _known(it: Transaction) -> tuple[object, ...]:
    return it.row.state, it.row.stage, it.row.due_at, it.row.updated_at


def _submit_then_fail(tx: Connection, world: World, begun: Transaction) -> None:
    store.change(tx, world.runtime, begun.id, state=State.SUBMITTED)
    engine.open_draft(tx, world.runtime, "nothing", "web")


def test_what_is_changed_in_a_commit_is_seen_in_it_without_asking_again(
    world: World, begun: Transaction
) -> None:
    """By whom it was changed, alone or with many others: nobody goes on from how it stood before."""
    asked: list[str] = []
    event.listen(world.runtime.db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with world.runtime.db.write() as tx:
        held = store.load(tx, world.runtime, begun.id, hold=True)
        assert _known(held) == _in_the_books(tx, begun)
        world.clock.advance(seconds=1)
        assert store.change(tx, world.runtime, begun.id, state=State.SUBMITTED, stage="seen")
        asked.clear()
        changed = store.load(tx, world.runtime, begun.id)
        assert not asked
        assert _known(changed) == _in_the_books(tx, begun)
        assert changed.row.stage == "seen"
        later = world.clock() + timedelta(hours=1)
        store.change_all(tx, transactions.c.id == begun.id, due_at=later)
        assert store.load(tx, world.runtime, begun.id).row.due_at == later
        assert not store.change(tx, world.runtime, begun.id, under=1, state=State.FAILED)
        assert store.load(tx, world.runtime, begun.id).state is State.SUBMITTED


def test_what_one_commit_held_no_other_takes_for_granted(world: World, begun: Transaction) -> None:
    """Whether it was committed or taken back: each reads for itself."""
    with pytest.raises(UnknownNameError), world.runtime.db.write() as tx:
        _submit_then_fail(tx, world, begun)
    for stage in ("one", "two"):
        with world.runtime.db.write() as tx:
            before = store.load(tx, world.runtime, begun.id, hold=True)
            assert before.state is State.DRAFT
            assert _known(before) == _in_the_books(tx, begun)
            store.change(tx, world.runtime, begun.id, stage=stage)
    with world.runtime.db.read() as tx:
        assert store.load(tx, world.runtime, begun.id).row.stage == "two"

"""Transactions driven through the engine by whatever answers in whatever order: what holds all along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from gateway.back_offices import (
    AlreadyDone,
    Done,
    Pending,
    Refused,
    Returned,
    Silent,
    StepOutcome,
    Unavailable,
)
from gateway.errors import UndeclaredMoveError
from gateway.transactions import choices, engine, outcome, registry, steps, store
from gateway.transactions.desk import Desk
from gateway.transactions.form import example
from gateway.transactions.headlines import headline
from gateway.transactions.model import ENDS, OPEN, RETURNED, Changed, State, TransactionType
from gateway.transactions.store import Transaction
from tests.world import World

KINDS = [kind for kind in registry.types().values() if kind.back_office and kind.stages]
SOON = timedelta(hours=1)


@st.composite
def runs(draw: st.DrawFn) -> tuple[TransactionType, Sequence[Any]]:
    """A type, and what is said and done to one transaction of it; also what must not be."""
    kind = draw(st.sampled_from(KINDS))
    stage = st.sampled_from([*(one for one in kind.stages if one != RETURNED), "nowhere"])
    again = st.none() | st.integers(1, 48).map(lambda hours: hours * SOON)
    facts: st.SearchStrategy[dict[str, str]] = st.sampled_from([{}, {"card_tail": "6266"}])
    said = (
        st.builds(lambda one, at, known: ("step", Done, one, at, known), stage, again, facts)
        | st.builds(lambda one, at, known: ("step", AlreadyDone, one, at, known), stage, again, facts)
        | st.builds(lambda one, at, known: ("step", Pending, one, at, known), stage, again, facts)
        | st.sampled_from([("step", Refused), ("step", Returned), ("step", Silent), ("step", Unavailable)])
    )
    later = st.builds(lambda one, at: ("look", one, at), stage, again) | st.just(("look", None, None))
    done = st.sampled_from(
        [("submit",), ("submit",), ("resume",), ("wait", 0.01), ("wait", 25), ("wait", 721)]
    )
    return kind, draw(st.lists(said | said | done | later, max_size=12))


def _answers(tx: Connection, world: World, it: Transaction) -> Transaction:
    """Answered as the form's own examples, else by the first of each choice."""
    person, today = world.people[0], world.clock().date()
    known = {"id_number": person.id_number, "name": person.name}
    while missing := engine.unanswered(it):
        field = registry.get(it.row.type).form().fields[missing[0]]
        offered = choices.options(Desk(tx, world.runtime), it, missing[0])
        value = known.get(missing[0]) or (offered[0].value if offered else example(field, today))
        answered = engine.answer(tx, world.runtime, it, {missing[0]: value})
        assert not answered.value
        it = answered.transaction
    return it


def _outcome(world: World, said: Sequence[Any]) -> StepOutcome:
    kind, *known = said
    built: StepOutcome
    if known:
        stage, wait, facts = known
        built = kind(stage=stage, again_at=world.clock() + wait if wait else None, facts=facts)
    else:
        built = kind("other")
    return built


def _do(tx: Connection, world: World, it: Transaction, what: Sequence[Any]) -> None:
    match what:
        case ("step", *said):
            outcome.record(tx, world.runtime, it, _outcome(world, said))
        case ("submit",) if it.state in OPEN:
            now = _answers(tx, world, it)
            engine.attest(tx, world.runtime, now, "counter")
            assert engine.submit(tx, world.runtime, now).value
        case ("resume",):
            engine.resume(tx, world.runtime, it)
        case ("look", stage, wait) if it.state in ENDS:
            at = world.clock() + wait if wait else None
            found = Silent("timeout") if stage is None else Changed(stage, it.facts, None, at)
            outcome.looked(tx, world.runtime, it, found)


def _holds(world: World, kind: TransactionType, before: Transaction, now: Transaction) -> None:
    """What is true of every step."""
    if before.state in ENDS:
        assert now.state is before.state
    again = before.row.stage == RETURNED and now.row.stage == ""  # submitted anew
    if now.row.stage != before.row.stage and not again:
        assert now.row.stage in kind.stages[before.row.stage].then
    assert not (now.row.trouble and now.state in ENDS)
    sent_back = now.state in OPEN and now.row.stage == RETURNED
    unfortunate = now.state in {State.REJECTED, State.FAILED, State.CANCELLED}
    assert (now.row.reason is not None) == (sent_back or unfortunate)
    if now.state in OPEN or now.is_asked:
        assert now.row.due_at is not None  # nothing is forgotten
    view = now.view(world.clock())
    assert headline(kind, view).words.zh
    assert kind.explain(view)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=runs())
def test_whatever_comes_ends_stay_and_only_declared_moves_are_made(
    sqlite_world: World, run: tuple[TransactionType, Sequence[Any]]
) -> None:
    """Also late, twice, undeclared or out of turn: refused whole, or as the machine says."""
    world, (kind, doings) = sqlite_world, run
    if not world.people:
        world.settle(1)
    with world.runtime.db.write() as tx:
        it = _answers(tx, world, engine.open_draft(tx, world.runtime, kind.name, "api"))
    for what in doings:
        before = it
        if what[0] == "wait":
            world.clock.advance(hours=what[1])
            _abandoned(world)
        else:
            try:
                with world.runtime.db.write() as tx:
                    _do(tx, world, it, what)
            except UndeclaredMoveError:
                assert what[0] in {"step", "look"}
        with world.runtime.db.read() as tx:
            it = store.load(tx, world.runtime, it.id)
        _holds(world, kind, before, it)
        if not it.answers:
            break  # a draft nobody finished


def _abandoned(world: World) -> None:
    """Drafts whose time is over end; whom the lease concerns is no matter here."""
    for row in steps._claim(world.runtime):
        with world.runtime.db.write() as tx:
            store.change(tx, world.runtime, row.id, lease=None, calling=False)

"""What a result opens by itself, on both databases: once, in its commit, for the same person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.back_offices import AlreadyDone, Done, Opening, Refused
from gateway.citizens import mandates, register
from gateway.citizens.mandates import Kind
from gateway.errors import UndeclaredMoveError
from gateway.transactions import engine, helping, outcome, registry, steps, store
from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import CHOSEN, Changed, Option, Stage, State, TransactionType, View, Words
from gateway.transactions.store import Transaction, transactions
from tests.world import World

W = Words("事", "matter")
OPENING = Opening("order", {"kind": "ask"}, "order")


class OrderForm(Who):
    kind = Chosen(**described(W, W, W, CHOSEN))


@dataclass(slots=True)
class Town:
    """Two types: the results of one open the other. Both say what a test tells them to."""

    world: World
    says: Any = field(default_factory=Done)
    told: list[dict[str, str]] = field(default_factory=list)  # facts its messages could name

    def personalise(self, view: View) -> dict[str, str]:
        self.told.append(dict(view.facts))
        return {}

    def submitted(self, helper: int | None = None, whose: int = 0) -> Transaction:
        """The opening type's, asked for by a person (the first) or by a helper for them, confirmed."""
        runtime, person = self.world.runtime, self.world.people[whose]
        given: dict[str, object] = {"id_number": person.id_number, "name": person.name}
        with runtime.db.write() as tx:
            it = engine.open_draft(tx, runtime, "opener", "web")
            if helper is not None:
                it = engine.act_for(tx, runtime, it, helped=True)
                other = self.world.people[helper]
                given |= {helping.NUMBER: other.id_number, helping.NAME: other.name}
            assert not engine.answer(tx, runtime, it, given).value
            engine.attest(tx, runtime, it, "test")
            assert engine.submit(tx, runtime, it).value
        return self.now(it)

    def now(self, it: Transaction) -> Transaction:
        with self.world.runtime.db.read() as tx:
            return store.load(tx, self.world.runtime, it.id)

    def orders(self) -> Sequence[Transaction]:
        with self.world.runtime.db.read() as tx:
            rows = tx.execute(select(transactions).where(transactions.c.type == "order")).all()
        return [store.opened(self.world.runtime, row) for row in rows]

    def events(self, it: Transaction) -> list[tuple[str, str | None]]:
        with self.world.runtime.db.read() as tx:
            return [(event.event, event.detail) for event in store.events(tx, it.id)]

    def looks(self, says: Changed) -> None:
        self.says = says
        self.world.clock.advance(hours=3)
        steps.run_due(self.world.runtime)


@pytest.fixture
def town(world: World, monkeypatch: pytest.MonkeyPatch) -> Town:
    world.settle(3)
    town = Town(world)
    opener = TransactionType(
        name="opener",
        title=W,
        summary=W,
        effect=lambda _rules: (),
        form=Who,
        perform=lambda _desk, _case: town.says,
        follow=lambda _desk, _case, _view: town.says,
        personalise=town.personalise,
        explain=lambda _view: (),
        stages={"": Stage(W, ("going",)), "going": Stage(W, ("stalled",)), "stalled": Stage(W)},
    )
    order = replace(
        opener,
        name="order",
        form=OrderForm,
        perform=lambda _desk, _case: Done({"got": "1"}),
        personalise=lambda _view: {},
        choices={"kind": lambda _desk, _case: [Option("ask", W)]},
        stages={},
    )
    for kind in (opener, order):
        monkeypatch.setitem(registry.types(), kind.name, kind)
    return town


def stalled(town: Town, opens: Opening | None = OPENING) -> Changed:
    return Changed("stalled", {"leg": "1"}, "failed", town.world.clock() + timedelta(hours=4), opens)


def test_a_later_look_opens_one_order_for_the_same_person_and_names_it(town: Town) -> None:
    """It is in the look's commit, under its proof, worked off by itself; looking again opens no other."""
    town.says = Done({"leg": "1"}, "going", town.world.clock())
    it = town.submitted()
    town.looks(stalled(town))
    (order,) = town.orders()
    row, mine = order.row, town.now(it)
    assert mine.facts == town.told[-1] == {"leg": "1", "order": row.reference}
    assert (row.face, row.begun_by, row.begun_as) == ("system", it.id, "order")
    assert (row.subject, row.citizen_id, row.proof) == (it.row.subject, it.row.citizen_id, "attested")
    assert order.answers == {**it.answers, "kind": "ask"}
    assert (order.state, order.facts) == (State.SUCCEEDED, {"got": "1"})
    assert ("opened", row.reference) in town.events(it)
    begun = [("created", "system"), ("opened_from", it.row.reference), ("submitted", None)]
    assert town.events(order)[:4] == [*begun, ("succeeded", None)]
    town.looks(stalled(town))
    assert len(town.orders()) == 1
    assert len(town.told) == 3
    assert town.now(it).facts == town.told[-1] == {"leg": "1", "order": row.reference}


@pytest.mark.parametrize(
    "says", [Done({}, "", None, OPENING), AlreadyDone({}, "", None, OPENING), Refused("no", opens=OPENING)]
)
def test_every_result_may_open_one_in_the_commit_that_records_it(
    town: Town, says: Done | AlreadyDone | Refused
) -> None:
    """Where the confirmation's own commit has the result, it has the order as well, to be worked off."""
    town.says = says
    it = town.submitted()
    (order,) = town.orders()
    assert order.state is State.SUBMITTED
    assert it.facts == {"order": order.row.reference}
    assert order.row.due_at == town.world.clock()
    steps.run_due(town.world.runtime)
    assert town.now(order).state is State.SUCCEEDED


def test_who_asks_again_about_the_same_is_named_the_order_there_is(town: Town) -> None:
    """Of one person, by what it is about; another person, or another thing, has an order of its own."""
    town.says = Done({}, "", None, replace(OPENING, about="leg2 9"))
    first, again = town.submitted(), town.submitted()
    other = town.submitted(whose=1)
    town.says = Done({}, "", None, replace(OPENING, about="leg3 9"))
    later = town.submitted()
    named = [it.facts["order"] for it in (first, again, other, later)]
    assert named[0] == named[1]
    assert len(set(named)) == len(town.orders()) == 3
    assert ("opened", named[0]) not in town.events(again)


def test_what_is_not_recorded_opens_nothing(town: Town) -> None:
    """Neither a worker whose lease ran out, nor a move the machine does not declare."""
    town.says = Done({}, "going", town.world.clock())
    it = town.submitted()
    runtime = town.world.runtime
    (claimed,) = steps._claim(runtime)
    town.world.clock.advance(seconds=31)
    steps._claim(runtime)
    with runtime.db.write() as tx:
        assert outcome.looked(tx, runtime, store.opened(runtime, claimed), stalled(town)) == set()
    undeclared = replace(stalled(town), stage="elsewhere")
    with pytest.raises(UndeclaredMoveError), runtime.db.write() as tx:
        outcome.move(tx, runtime, town.now(it), undeclared, "followed")
    assert town.orders() == []
    assert town.now(it).row.stage == "going"


@pytest.mark.parametrize(
    ("opening", "changes"),
    [
        (Opening("unknown", {}), {}),
        (Opening("order", {}), {}),
        (Opening("order", {"kind": "other"}), {}),
        (Opening("order", {"kind": "ask", "more": "1"}), {}),
        (OPENING, {"risky": True}),
        (OPENING, {"check": lambda _case: {"kind": W}}),
    ],
)
def test_what_cannot_be_opened_undoes_nothing_and_is_said(
    town: Town, monkeypatch: pytest.MonkeyPatch, opening: Opening, changes: dict[str, Any]
) -> None:
    """The result stands, the citizen is told it, and the timeline says that nothing was opened."""
    monkeypatch.setitem(registry.types(), "order", replace(registry.get("order"), **changes))
    town.says = Done({"leg": "1"}, "going", None, opening)
    it = town.submitted()
    assert (it.state, it.facts, town.orders()) == (State.SUCCEEDED, {"leg": "1"}, [])
    assert ("not_opened", opening.type) in town.events(it)
    assert town.told == [{"leg": "1"}]


@pytest.mark.parametrize("matters", [["opener"], ["opener", "order"]])
def test_a_helper_goes_on_only_where_the_mandate_does(town: Town, matters: list[str]) -> None:
    """Who may help in the first matter alone has no part in what it opens: that is the citizen's own."""
    runtime = town.world.runtime
    with runtime.db.write() as tx:
        person, helper = (register.find(tx, runtime.vault, one.id_number) for one in town.world.people[:2])
        assert person
        assert helper
        mandates.add(tx, runtime, person.id, helper.id, Kind.RELATIVE, "counter", matters=matters)
    town.says = Done({}, "", None, OPENING)
    it = town.submitted(helper=1)
    (order,) = town.orders()
    assert it.row.helper_id == helper.id
    assert order.row.citizen_id == person.id
    goes_on = "order" in matters
    assert (order.row.helper_id, order.row.helped) == ((helper.id, True) if goes_on else (None, False))
    assert (helping.NUMBER in order.answers) is goes_on

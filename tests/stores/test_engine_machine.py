"""The engine in any order of answers, silences, later looks, actions and repeats, against a model."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from gateway.back_offices import AlreadyDone, Done, Pending, Refused, Returned, Silent, Unavailable
from gateway.errors import UndeclaredMoveError
from gateway.notifications.store import notifications
from gateway.transactions import afterwards, engine, outcome, registry, reminders, steps, store
from gateway.transactions.form import Who
from gateway.transactions.model import Action, Changed, Level, View, Words
from gateway.transactions.store import Transaction, timeline, transactions
from tests.world import START, World

ENDS = {"succeeded", "already_done", "rejected", "failed", "cancelled"}
TYPES = dict(registry.types())
EXAMPLES = 50
SOON, DAY = timedelta(minutes=5), timedelta(hours=24)
DO = Words("做", "Do")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is answered next: which value, and the stage it names, as a place in a list of them."""

    what: str
    where: int
    looks_again: bool
    later: timedelta


ANSWERS = ("done", "already", "refused", "pending", "pending", "returned", "silent", "down")
drawn = st.builds(
    Drawn,
    st.sampled_from(ANSWERS),
    st.integers(0, 99),
    st.booleans(),
    st.sampled_from([timedelta(), timedelta(), timedelta(seconds=70), timedelta(hours=25)]),
)


def _never_begun(view: View, _now: datetime) -> Words | None:
    """What every type refuses (``tests/unit/test_machines.py``)."""
    return DO if view.state == "cancelled" else None


class Life(RuleBasedStateMachine):
    """One transaction of any type with its own machine; its form is short, its office says what is drawn."""

    world: ClassVar[World]
    monkeypatch: ClassVar[pytest.MonkeyPatch]

    @initialize(name=st.sampled_from(sorted(TYPES)))
    def begin(self, name: str) -> None:
        self.says: Any = None
        real = TYPES[name]
        scripted = replace(
            real,
            form=Who,
            choices={},
            check=lambda _case: {},
            hold=None,
            held_until=None,
            level=Level.KNOWN,
            risky=False,
            follow_up=lambda _view: (),
            confirms=lambda _case: None,
            perform=lambda _office, _case: self.says,
            follow=lambda _office, _case, _view: self.says,
            actions={"do": Action(DO, _never_begun, lambda _desk, _case: self.says)},
        )
        self.monkeypatch.setitem(registry.types(), name, scripted)
        self.kind = scripted
        if real.back_office:
            self.world.runtime._back_offices[real.back_office] = object()
        self.world.clock.now = START
        with self.world.runtime.db.write() as tx:
            for table in (reminders.reminders, timeline, transactions, notifications):
                tx.execute(table.delete())
            self.it = engine.open_draft(tx, self.world.runtime, name, "web")
        self.state, self.stage, self.seen, self.told = "draft", "", "draft", 0
        self.silent_since: Any = None
        self.waiting_told = False

    # --- what is and what should be ------------------------------------------------------------

    def now(self) -> Transaction:
        with self.world.runtime.db.read() as tx:
            return store.load(tx, self.world.runtime, self.it.id)

    def messages(self) -> int:
        with self.world.runtime.db.read() as tx:
            query = select(func.count()).where(notifications.c.klass == "result")
            return int(tx.execute(query).scalar_one())

    def goes(self, stage: str) -> bool:
        """Whether the type's own table has this move."""
        stages = self.kind.stages
        if not stages:
            return True
        return stage in stages and (stage == self.stage or stage in stages[self.stage].then)

    def named(self, where: int) -> str:
        """A stage: mostly one that may follow, now and then any other, or one nobody declared."""
        stages = self.kind.stages
        near = [*stages[self.stage].then, self.stage] if stages else ["a", "b"]
        far = [*near, *stages, "undeclared"] if where % 4 == 0 else near
        return far[where // 4 % len(far)]

    def _answer(self, it: Drawn) -> Any:
        stage = self.named(it.where)
        again_at = self.world.clock.now + SOON if it.looks_again else None
        match it.what:
            case "done":
                return Done({}, stage, again_at)
            case "already":
                return AlreadyDone({}, stage, again_at)
            case "pending":
                return Pending(stage, again_at)
            case "returned" if self.kind.stages:  # a type without stages has no words for it
                return Returned("other", ("name",))
            case "silent":
                return Silent("timeout")
            case "down":
                return Unavailable("down")
            case _:
                return Refused("other")

    def _expect(self, said: Any) -> None:
        """The model's step for an answer; an undeclared move counts as silence."""
        now = self.world.clock.now
        stage = {"Refused": self.stage, "Returned": "returned"}.get(type(said).__name__)
        stage = stage if stage is not None else getattr(said, "stage", self.stage)
        if not self.goes(stage):
            said, stage = Silent("bug"), self.stage
        since = self.silent_since or now
        self.silent_since = None
        self.stage = stage
        match said:
            case Done():
                self.state = "succeeded"
            case AlreadyDone():
                self.state = "already_done"
            case Refused():
                self.state = "rejected"
            case Pending():
                self.state = "submitted"
            case Returned():
                self.state, self.waiting_told = "draft", False
            case _ if now - since >= DAY:
                self.state = "failed"
            case _:
                self.silent_since = since
                self.state = "upstream_unknown" if isinstance(said, Silent) else "submitted"

    # --- what may happen -------------------------------------------------------------------------

    @precondition(lambda self: self.state in {"draft", "identity_pending"})
    @rule(it=drawn)
    def confirm(self, it: Drawn) -> None:
        """Answer, prove, confirm; a type of our own database is done in the same commit, or not at all."""
        runtime, person = self.world.runtime, self.world.people[0]
        with runtime.db.write() as tx:
            given = {"id_number": person.id_number, "name": person.name}
            assert not engine.answer(tx, runtime, self.it, given).value
            engine.attest(tx, runtime, self.it, "test")
        own = self.kind.back_office is None
        before, self.stage = self.stage, ""
        self.says = self._answer(it) if own else None
        declared = not own or isinstance(self.says, Silent | Unavailable) or self._is_declared(self.says)
        try:
            with runtime.db.write() as tx:
                assert engine.submit(tx, runtime, self.it).value
        except UndeclaredMoveError:
            assert not declared
            self.state, self.stage = "identity_pending", before
            return
        assert declared
        self.state, self.silent_since = "submitted", self.world.clock.now
        if own:
            self._expect(self.says)
        self._told(before)

    def _is_declared(self, said: Any) -> bool:
        if isinstance(said, Refused):
            return self.goes(self.stage)
        return self.goes("returned" if isinstance(said, Returned) else said.stage)

    @precondition(lambda self: self.state not in {"draft", "identity_pending"})
    @rule(it=drawn, event=st.booleans())
    def time_comes(self, it: Drawn, event: bool) -> None:
        """Its office is asked, or what has ended is looked at; where nothing is due, nothing happens."""
        due = self.now().row.due_at
        if due is None:
            self.world.clock.advance(hours=1)
            assert steps.run_due(self.world.runtime) == 0
            return
        self.world.clock.now = max(self.world.clock.now, due) + it.later
        self._worked(it, event=event)

    def _worked(self, it: Drawn, *, event: bool) -> None:
        before, ended = self.stage, self.state in ENDS
        if not ended:
            self.says = self._answer(it)
            self._expect(self.says)
        elif it.what in ("silent", "down"):
            self.says = Silent("timeout")
        else:
            self.says = self._changed(it, event=event)
            if self.goes(self.says.stage):
                self.stage = self.says.stage
        assert steps.run_due(self.world.runtime) == 1
        self._told(before)

    def _changed(self, it: Drawn, *, event: bool) -> Changed:
        again_at = self.world.clock.now + SOON if it.looks_again else None
        return Changed(self.named(it.where), {}, "failed" if event else None, again_at)

    @precondition(lambda self: self.state in {"draft", "identity_pending"})
    @rule(gone=st.integers(0, 5))
    def left_alone(self, gone: int) -> None:
        """Nobody finishes it in time (once in six): it is cancelled, and nothing is told."""
        due = self.now().row.due_at
        if gone:
            return
        self.world.clock.now = max(self.world.clock.now, due)
        steps.run_due(self.world.runtime)
        self.state = "cancelled"
        self._told(self.stage)

    @rule(it=drawn)
    def acts(self, it: Drawn) -> None:
        """An action moves the stage of what has ended, as declared; of anything else it is refused."""
        runtime, before = self.world.runtime, self.stage
        self.says = self._changed(it, event=False)
        try:
            with runtime.db.write() as tx:
                said = afterwards.act(tx, runtime, self.it, "do", "web", proven=True).value
        except UndeclaredMoveError:
            assert not self.goes(self.says.stage)
            return
        assert (said is None) == (self.state in ENDS - {"cancelled"})
        if said is None:
            assert self.goes(self.says.stage)
            self.stage = self.says.stage
        self._told(before)

    @precondition(lambda self: self.state not in {"draft", "identity_pending"})
    @rule()
    def repeats(self) -> None:
        """What was confirmed is confirmed, answered, attested and resumed again: nothing comes of it."""
        runtime, before = self.world.runtime, self.now().row
        with runtime.db.write() as tx:
            assert engine.submit(tx, runtime, self.it).value == (self.state != "cancelled")
            engine.answer(tx, runtime, self.it, {"name": "另一个人"})
            assert engine.attest(tx, runtime, self.it, "again").value == engine.NotOpen()
            assert not engine.resume(tx, runtime, self.it).value
        assert self.now().row == before
        self._told(self.stage)

    @precondition(lambda self: self.state not in {"draft", "identity_pending"})
    @rule(first=drawn, second=drawn)
    def a_worker_is_late(self, first: Drawn, second: Drawn) -> None:
        """Whose lease ran out while another answered changes nothing with an answer of its own."""
        runtime, due = self.world.runtime, self.now().row.due_at
        if due is None:
            return
        self.world.clock.now = max(self.world.clock.now, due)
        (claimed,) = steps._claim(runtime)
        self.world.clock.advance(seconds=31)
        late, ended = self._answer(first), self.state in ENDS
        self._worked(second, event=False)
        before = self.now().row
        with suppress(UndeclaredMoveError), runtime.db.write() as tx:
            it = store.opened(runtime, claimed)
            if ended:
                outcome.looked(tx, runtime, it, Changed(self.named(first.where), {}, "failed"))
            else:
                outcome.record(tx, runtime, it, late)
        assert self.now().row == before
        assert self.messages() == self.told

    def _told(self, stage: str) -> None:
        """At most one message for each thing that happens; one for each result and each return."""
        count, row = self.messages(), self.now().row
        new, self.told = count - self.told, count
        result = self.state != self.seen and self.state in ENDS - {"cancelled"}
        returned = self.state == "draft" and self.stage == "returned" != stage
        expected = new == 1 if result or returned else new <= 1
        assert expected, (self.kind.name, stage, row.state, row.stage, row.reason, new)
        if new and not (result or returned) and self.stage == stage and self.state not in ENDS:
            assert row.told_waiting
            assert not self.waiting_told
            self.waiting_told = True

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        """State and stage are the model's; an end stays one; what waits for its office is looked at again."""
        row = self.now().row
        assert (row.state, row.stage) == (self.state, self.stage)
        assert self.seen not in ENDS or row.state == self.seen
        assert row.reference == self.it.row.reference
        if row.state in {"draft", "upstream_unknown"} or self.silent_since:
            assert row.due_at is not None
        assert (row.unanswered_since is not None) == (self.silent_since is not None)
        self.seen = row.state


def test_no_order_of_events_leaves_an_end_or_makes_a_move_nobody_declared(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every type: state, stage, messages and what is due agree with the model at every step."""
    Life.world, Life.monkeypatch = sqlite_world, monkeypatch
    sqlite_world.settle(1)
    few = settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None, database=None)
    unshrunk = settings(few, phases=[Phase.generate], print_blob=True)  # each step works a database
    run_state_machine_as_test(Life, settings=settings(unshrunk, suppress_health_check=list(HealthCheck)))

"""Filings from the citizen's answers to the register and back: filed, returned, in force, changed, over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from gateway.filings import standing
from gateway.transactions import afterwards, engine, reminders, steps, store
from gateway.transactions.identity import Proven
from gateway.transactions.model import State
from gateway.transactions.store import Transaction
from integrations.filing_register import Filing
from tests.stores.test_transactions import begin, messages, prove, sent_codes, submit
from tests.world import World

ANSWERS = {
    "kind": "pensioner_elsewhere",
    "request": "file",
    "destination": "上海浦东",
    "contact": "138 0013 8000",
    "start": "20261201",
    "lasting": "dated",
    "end": "20261231",
    "reason": "children",
    "commitment": "1",
    "address": "世纪大道100号",
}
KIND, SPAN = "退休人员异地居住备案", "2026年12月1日至2026年12月31日"


@dataclass
class Register:
    """A filing register of one person; ``lost``: so many answers to what it does never arrive."""

    world: World
    rows: list[Filing] = field(default_factory=list)
    lost: int = 0
    down: bool = False
    done: list[str] = field(default_factory=list)

    def filings(self, *_: str) -> Sequence[Filing] | Unavailable:
        return Unavailable("http_503") if self.down else self.rows[::-1]

    def submit(
        self, _number: str, _name: str, _city: str, serial: str, kind: str, details: Mapping[str, str]
    ) -> Any:
        if any(row.kind == kind and row.state in standing.OPEN for row in self.rows):
            return Refused("in_review")
        for row in self.rows:
            if row.kind == kind and row.state == "returned":
                self.put(row.serial or "", "cancelled", ended_by=serial)
        now = self.world.clock()
        number = str(len(self.rows) + 1)
        self.rows.append(Filing(number, kind, "submitted", now, serial, None, dict(details), None, ""))
        return self._answer("submit")

    def correct(self, _number: str, _city: str, serial: str, details: Mapping[str, str]) -> Any:
        self.put(serial, "submitted", details=dict(details), cause=None, note="")
        return self._answer("correct")

    def cancel(self, _id_number: str, _city: str, number: str, serial: str) -> Any:
        if self.rows[int(number) - 1].state == "cancelled":
            return AlreadyDone()
        self.put(self.rows[int(number) - 1].serial or "", "cancelled", ended_by=serial)
        return self._answer("cancel")

    def _answer(self, did: str) -> Done | Silent:
        self.done.append(did)
        self.lost -= 1
        return Silent("read_timeout") if self.lost >= 0 else Done()

    def put(self, serial: str, state: str, **more: Any) -> None:
        """A reviewer's word, now."""
        since = self.world.clock()
        self.rows = [
            replace(row, state=state, since=since, **more) if row.serial == serial else row
            for row in self.rows
        ]


@pytest.fixture
def register(world: World) -> Register:
    world.settle(1)
    register = Register(world)
    world.runtime._back_offices["filing_register"] = register
    return register


def now(world: World, transaction: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, transaction.id)


def later(world: World, **by: float) -> None:
    world.clock.advance(**by)
    steps.run_due(world.runtime)


def confirmed(world: World, transaction: Transaction) -> Transaction:
    """Proven by a code and confirmed; the register was asked once."""
    world.clock.advance(seconds=61)  # another code
    with world.runtime.db.write() as tx:
        engine.send_code(tx, world.runtime, store.load(tx, world.runtime, transaction.id))
    if not now(world, transaction).row.proof:
        assert prove(world, transaction, sent_codes(world)[-1]) == Proven()
    assert submit(world, transaction)
    steps.run_due(world.runtime)
    return now(world, transaction)


def filed(world: World, answers: Mapping[str, str] = ANSWERS, **changes: str) -> Transaction:
    return confirmed(world, begin(world, "filing", **{**answers, **changes}))


def in_force(world: World, register: Register) -> Transaction:
    transaction = filed(world)
    register.put(transaction.row.reference, "active")
    later(world, hours=4)
    return now(world, transaction)


def acted(world: World, transaction: Transaction, name: str, **answers: str) -> Transaction:
    """One of its actions, asked for by whoever proved who they are, and the draft it opens answered."""
    with world.runtime.db.write() as tx:
        done = afterwards.act(tx, world.runtime, now(world, transaction), name, "web", proven=True)
        assert done.value is None
        assert done.transaction.id != transaction.id
        answered = engine.answer(tx, world.runtime, done.transaction, answers)
        assert answered.value == {}
        assert engine.unanswered(answered.transaction) == []
        return answered.transaction


def stands(world: World, transaction: Transaction) -> tuple[str, str]:
    it = now(world, transaction)
    return it.state.value, it.row.stage


def test_what_is_filed_is_told_step_by_step_until_it_is_in_force(world: World, register: Register) -> None:
    """Submitted with a day it is promised for, accepted and reviewed in silence, then in force; read anew."""
    transaction = filed(world)
    assert register.rows[0].details == {
        "destination": "310115",
        "address": "世纪大道100号",
        "contact": "13800138000",
        "start": "2026-12-01",
        "end": "2026-12-31",
        "reason": "children",
        "commitment": "1",
    }
    seen = [stands(world, transaction)]
    for word in ("accepted", "reviewing", "active"):
        register.put(transaction.row.reference, word)
        later(world, hours=5)
        seen.append(stands(world, transaction))
    pending = [("submitted", word) for word in ("submitted", "accepted", "reviewing")]
    assert seen == [*pending, ("succeeded", "active")]
    assert messages(world) == [
        f"您的{KIND}已提交，编号{transaction.row.reference}，预计11月27日前审完，结果会发短信。咨询12333",
        f"您的{KIND}已生效，期限{SPAN}。情况有变化请凭编号{transaction.row.reference}修改。咨询12333",
    ]


def test_a_lost_answer_is_looked_up_and_nothing_is_filed_twice(world: World, register: Register) -> None:
    """The register is asked by our reference; an outage of a day and a half under review loses nothing."""
    register.lost = 1
    transaction = filed(world)
    assert stands(world, transaction)[0] == "upstream_unknown"
    later(world, minutes=1)
    assert (register.done, stands(world, transaction)) == (["submit"], ("submitted", "submitted"))
    register.down = True
    later(world, hours=4)
    later(world, hours=20)
    register.put(transaction.row.reference, "active")
    register.down = False
    later(world, minutes=2)
    assert stands(world, transaction) == ("succeeded", "active")


def test_what_came_back_is_corrected_under_its_number_and_nothing_else_asked_again(
    world: World, register: Register
) -> None:
    """Only what was wrong is open, with the reviewer's words; the same answers may be given again."""
    transaction = filed(world)
    register.put(transaction.row.reference, "returned", cause="address_unclear", note="请写明门牌号")
    later(world, hours=1)
    back = now(world, transaction)
    assert stands(world, transaction) == ("draft", "returned")
    assert engine.unanswered(back) == ["address"]
    assert back.facts["note"] == "请写明门牌号"
    assert messages(world)[-1] == (
        f"您的{KIND}被退回，原因：地址不清楚。请凭编号{back.row.reference}在网页改好再交，不用从头办。咨询12333"
    )
    with world.runtime.db.write() as tx:
        engine.answer(tx, world.runtime, back, {"address": ANSWERS["address"]})  # it was right after all
    assert stands(world, confirmed(world, transaction)) == ("submitted", "submitted")
    assert (register.done, register.rows[0].serial) == (["submit", "correct"], back.row.reference)
    register.put(transaction.row.reference, "rejected", cause="not_entitled")
    later(world, hours=1)
    rejected = now(world, transaction)
    assert (rejected.state, rejected.row.reason) == (State.REJECTED, "not_entitled")


def test_who_does_not_correct_it_in_time_is_told_before_it_is_forgotten(
    world: World, register: Register
) -> None:
    """After thirty days it is cancelled and its answers are gone; the citizen knows nothing is in force."""
    transaction = filed(world)
    register.put(transaction.row.reference, "returned", cause="address_unclear")
    later(world, hours=1)
    known = len(messages(world))
    later(world, days=29)
    assert len(messages(world)) == known
    later(world, days=2)
    assert stands(world, transaction) == ("cancelled", "returned")
    assert messages(world)[known:] == [
        f"您的{KIND}退回后没有改好，期限已过，已取消，没有备案成。要办请重新备案，或拨12333转人工"
    ]
    assert not now(world, transaction).answers
    again = filed(world)
    register.put(again.row.reference, "active")
    later(world, hours=4)
    assert stands(world, again) == ("succeeded", "active")


def test_who_begins_anew_instead_of_correcting_has_the_new_one(world: World, register: Register) -> None:
    """What was sent back is over then; correcting it afterwards says so and files nothing."""
    first = filed(world)
    register.put(first.row.reference, "returned", cause="address_unclear")
    later(world, hours=1)
    second = filed(world, address="世纪大道200号")
    assert stands(world, second) == ("submitted", "submitted")
    with world.runtime.db.write() as tx:
        engine.answer(tx, world.runtime, now(world, first), {"address": "世纪大道100号"})
    assert stands(world, confirmed(world, first)) == ("succeeded", "cancelled")
    assert register.done == ["submit", "submit"]


def test_the_very_same_filing_in_force_was_already_done(world: World, register: Register) -> None:
    """Another one of its kind is filed and changes it; until it is in force the old one stands."""
    first = in_force(world, register)
    again = filed(world)
    assert stands(world, again) == ("already_done", "active")
    assert len(register.rows) == 1
    other = filed(world, address="人民大道1号")
    assert stands(world, other) == ("submitted", "submitted")
    assert stands(world, first) == ("succeeded", "active")
    refused = filed(world, address="人民大道2号")
    assert (refused.state, refused.row.reason) == (State.REJECTED, "in_review")


def test_one_in_force_is_changed_by_a_new_one_and_then_over(world: World, register: Register) -> None:
    """Only what changes is asked, with the commitment; the old one ends as changed, without a message."""
    first = in_force(world, register)
    fresh = acted(world, first, "extend", lasting="open", commitment="1")
    assert fresh.row.replaces == first.id
    second = confirmed(world, fresh)
    assert register.rows[1].details["end"] == ""
    register.put(first.row.reference, "changed", ended_by=second.row.reference)
    register.put(second.row.reference, "active")
    later(world, hours=4)
    assert stands(world, second) == ("succeeded", "active")
    later(world, seconds=1)
    assert stands(world, first) == ("succeeded", "changed")
    assert [text.split("，")[0] for text in messages(world)[-2:]] == [
        f"您的{KIND}已提交",
        f"您的{KIND}已生效",
    ]


def test_one_in_force_is_ended_at_once_even_where_the_answer_is_lost(
    world: World, register: Register
) -> None:
    """Nothing is asked but to confirm; our own reference tells that it was us."""
    first = in_force(world, register)
    ending = acted(world, first, "end")
    register.lost = 1
    assert stands(world, confirmed(world, ending))[0] == "upstream_unknown"
    later(world, minutes=1)
    assert stands(world, ending) == ("succeeded", "cancelled")
    assert register.done.count("cancel") == 1
    later(world, seconds=1)
    assert stands(world, first) == ("succeeded", "cancelled")
    assert messages(world)[-1] == f"您的{KIND}已取消。以后要再办，请重新备案。咨询12333"
    again = confirmed(world, begin(world, "filing", kind=ANSWERS["kind"], request="cancel"))
    assert stands(world, again) == ("already_done", "cancelled")


def test_what_cannot_be_ended_says_so(world: World, register: Register) -> None:
    """There is none in force."""
    refused = confirmed(world, begin(world, "filing", kind="flexible", request="cancel"))
    assert (refused.state, refused.row.reason) == (State.REJECTED, "nothing_filed")


def test_a_filing_runs_out_and_its_citizen_was_reminded_before(world: World, register: Register) -> None:
    """Thirty and seven days before its end at nine, then the word that it is over: each once."""
    transaction = in_force(world, register)
    told = []
    for day in range(45):
        world.clock.now = datetime(2026, 11, 22, 1, 5, tzinfo=UTC) + timedelta(days=day)
        reminders.run_due(world.runtime)
        steps.run_due(world.runtime)
        told.append(len([row for row in world.rows() if row.klass == "reminder"]))
        if day == 40:
            register.put(transaction.row.reference, "expired")
    rises = [day for day in range(1, 45) if told[day] > told[day - 1]]
    assert rises == [9, 32]  # 1 and 24 December
    assert stands(world, transaction) == ("succeeded", "expired")
    assert messages(world)[-1] == f"您的{KIND}已到期。还需要的话，请重新备案。咨询12333"


def test_one_the_register_lists_no_more_runs_out_all_the_same(world: World, register: Register) -> None:
    """Its last day has passed: nobody is told that it is in force, nor asked about it for ever."""
    transaction = in_force(world, register)
    register.rows.clear()
    later(world, days=30)
    assert stands(world, transaction) == ("succeeded", "active")
    later(world, days=31)
    assert stands(world, transaction) == ("succeeded", "expired")
    assert now(world, transaction).row.due_at is None


def test_no_reminder_goes_out_for_what_is_over(world: World, register: Register) -> None:
    """The register is asked just before: what was ended at a counter is told as ended, not as ending."""
    transaction = in_force(world, register)
    register.put(transaction.row.reference, "cancelled")
    world.clock.now = datetime(2026, 12, 24, 2, tzinfo=UTC)
    reminders.run_due(world.runtime)
    steps.run_due(world.runtime)
    assert [row for row in world.rows() if row.klass == "reminder"] == []
    assert stands(world, transaction) == ("succeeded", "cancelled")
    assert messages(world)[-1].startswith(f"您的{KIND}已取消")


def test_a_medical_filing_is_answered_and_nothing_is_kept(world: World, register: Register) -> None:
    """The answer names the bureau and its number; what was answered before stays, and nobody is asked."""
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "filing", "web")
        answered = engine.answer(tx, world.runtime, draft, {"kind": "medical"})
    assert "12393" in answered.value["kind"].zh
    assert now(world, draft).answers == {}


def test_an_earlier_answer_that_no_longer_fits_the_new_one_is_open_again(
    world: World, register: Register
) -> None:
    """Whoever moves the first day behind the last gives the last one anew, and agrees anew."""
    draft = begin(world, "filing", **ANSWERS)
    with world.runtime.db.write() as tx:
        answered = engine.answer(tx, world.runtime, draft, {"start": "20270115"})
    assert answered.value == {}
    assert engine.unanswered(answered.transaction) == ["end", "commitment"]

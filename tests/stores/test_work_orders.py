"""Work orders at their platform, on both databases: wishes carried there, promises, grades, silence kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.back_offices import AlreadyDone, Done, Refused, Unavailable
from gateway.call_backs import undelivered
from gateway.call_backs.trying import Result
from gateway.delivery.attempt import run_lane
from gateway.delivery.receipts import apply_due, keep
from gateway.levers import calling
from gateway.notifications.questions import questions
from gateway.promises import ticks
from gateway.providers import Callback, Delivery, Inbound
from gateway.transactions import (
    afterwards,
    answers,
    call_backs,
    engine,
    evaluations,
    promises,
    registry,
    steps,
    store,
)
from gateway.transactions.store import Transaction
from tests.stores.test_transactions import begin, identify, messages, submit
from tests.world import World

TEXT = "上个月的养老金没有到账，想知道原因。"
NEWS = "您关注的事项有新进展。请拨12333按4，或在网页凭编号$reference查询"


@dataclass(frozen=True, slots=True)
class Order:
    since: datetime
    state: str = "registered"
    replied_at: datetime | None = None
    extension: str | None = None
    reopened_at: datetime | None = None
    grade: int | None = None
    parts: frozenset[str] = frozenset()
    reply: str = ""


@dataclass(slots=True)
class Platform:
    """A platform in memory that keeps what it was told of whom; ``down`` answers nothing."""

    world: World
    orders: dict[str, Order] = field(default_factory=dict)
    named: list[dict[str, str]] = field(default_factory=list)
    down: bool = False

    def order(self, serial: str) -> Any:
        return Unavailable("connect_failed") if self.down else self.orders.get(serial)

    def register(self, serial: str, number: str, city: str, kind: str, text: str, who: dict[str, str]) -> Any:
        self.orders[serial] = Order(self.world.clock())
        self.named.append(dict(who))
        return Done()

    def supplement(self, serial: str, part: str, text: str) -> Any:
        return self.set(serial, parts=self.orders[serial].parts | {part})

    def withdraw(self, serial: str) -> Any:
        over = self.orders[serial].replied_at is not None
        return Refused("over") if over else self.set(serial, state="withdrawn")

    def reopen(self, serial: str) -> Any:
        if self.orders[serial].reopened_at:
            return AlreadyDone()
        now = self.world.clock()
        return self.set(serial, state="registered", reopened_at=now, replied_at=None, extension=None)

    def rate(self, serial: str, grade: int) -> Any:
        return self.set(serial, state="evaluated", grade=grade)

    def set(self, serial: str, **values: Any) -> Done:
        self.orders[serial] = replace(self.orders[serial], since=self.world.clock(), **values)
        return Done()


@pytest.fixture
def platform(world: World) -> Platform:
    platform = Platform(world)
    world.runtime._back_offices["work_order_platform"] = platform
    world.settle(2)
    return platform


def handed_in(world: World, kind: str = "consultation") -> Transaction:
    world.clock.advance(minutes=2)  # another code is sent no sooner
    draft = begin(world, "work_order", kind=kind, text=TEXT)
    identify(world, draft)
    assert submit(world, draft)
    steps.run_due(world.runtime)
    return now(world, draft)


def now(world: World, it: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, it.id)


def looked(world: World, it: Transaction, **later: float) -> Transaction:
    world.clock.advance(**(later or {"hours": 2}))
    steps.run_due(world.runtime)
    return now(world, it)


def replied(world: World, platform: Platform, it: Transaction) -> Transaction:
    platform.set(str(it.id), state="replied", replied_at=world.clock.advance(hours=2), reply="已补发")
    return looked(world, it)


def act(world: World, it: Transaction, name: str, face: str = "web") -> Any:
    with world.runtime.db.write() as tx:
        return afterwards.act(tx, world.runtime, now_in(tx, world, it), name, face, proven=True, here=True)


def now_in(tx: Any, world: World, it: Transaction) -> Transaction:
    return store.load(tx, world.runtime, it.id)


def said(world: World, it: Transaction) -> Sequence[str]:
    return [text.replace(it.row.reference, "$reference") for text in messages(world)]


def rows(world: World, table: Any) -> Sequence[Any]:
    with world.runtime.db.read() as tx:
        return tx.execute(select(table)).all()


def stands(world: World, it: Transaction) -> list[tuple[str, bool, int]]:
    with world.runtime.db.read() as tx:
        return [(one.state, one.late, one.amount) for one in promises.of(tx, it.id)]


def test_of_a_report_the_platform_learns_nobody_s_name(world: World, platform: Platform) -> None:
    """A question is handed in under a name, a report without one; no text says what a report is about."""
    handed_in(world)
    it = handed_in(world, "fund_supervision")
    assert platform.named == [
        {"id_number": world.people[0].id_number, "name": world.people[0].name},
        {},
    ]
    it = replied(world, platform, it)
    assert said(world, it)[1:] == [NEWS, NEWS]
    shown = " ".join(map(str, world_explains(world, it)))
    assert "已补发" not in shown
    assert "举报" not in shown
    assert it.facts["reply"] == ""


def world_explains(world: World, it: Transaction) -> Sequence[Any]:
    return registry.get("work_order").explain(it.view(world.clock()))


def test_a_promise_is_extended_and_kept_as_the_platform_tells(world: World, platform: Platform) -> None:
    """Five days, fifteen once it is extended, kept by the reply; told once each."""
    it = handed_in(world)
    assert stands(world, it) == [("running", False, 5)]
    platform.set(str(it.id), state="processing", extension="complex")
    looked(world, it)
    assert stands(world, it) == [("running", False, 15)]
    replied(world, platform, it)
    assert stands(world, it) == [("kept", False, 15)]
    assert len(said(world, it)) == 3


def test_at_half_time_who_still_waits_hears_so(world: World, platform: Platform) -> None:
    """Once, and only where nobody has begun; the office is warned either way."""
    waits, moves = handed_in(world), handed_in(world)
    platform.set(str(moves.id), state="processing")
    looked(world, moves)
    before = len(messages(world))
    world.clock.advance(days=3)
    ticks.run_due(world.runtime)
    ticks.run_due(world.runtime)
    (text,) = messages(world)[before:]
    assert text.startswith(f"工单{waits.row.reference}还在等待办理")
    with world.runtime.db.read() as tx:
        for it in (waits, moves):
            assert [one.detail for one in store.events(tx, it.id) if one.event == "promise_warned"] == [
                "reply half"
            ]


def test_what_is_wanted_is_carried_there_when_the_platform_answers_again(
    world: World, platform: Platform
) -> None:
    """A withdrawal is written down at once, waits for the platform, ends the promise and is told once."""
    it = handed_in(world)
    platform.down = True
    assert act(world, it, "withdraw").value is None
    assert looked(world, it).row.stage == "withdrawing"
    platform.down = False
    it = looked(world, it)
    assert (it.row.stage, it.row.due_at) == ("withdrawn", None)
    assert platform.orders[str(it.id)].state == "withdrawn"
    assert stands(world, it) == [("dropped", False, 5)]
    assert said(world, it)[-1] == "工单$reference已撤回，不再办理。咨询12333"


def test_what_is_added_goes_to_the_one_there_is(world: World, platform: Platform) -> None:
    """Asked for the words alone, it opens no second work order, and nothing is added to one that is over."""
    it = handed_in(world)
    more = act(world, it, "add").transaction
    assert set(more.answers) >= {"kind"}
    assert "text" not in more.answers
    with world.runtime.db.write() as tx:
        engine.answer(tx, world.runtime, now_in(tx, world, more), {"text": "还有去年十二月的也没有到。"})
    assert submit(world, more)
    steps.run_due(world.runtime)
    assert now(world, more).row.stage == "added"
    assert list(platform.orders) == [str(it.id)]
    assert platform.orders[str(it.id)].parts == {str(more.id)}
    assert stands(world, more) == []
    it = replied(world, platform, it)
    assert str(act(world, it, "add").value).startswith("这件工单已经办完")


def test_who_is_not_satisfied_is_called_and_may_have_it_done_again_once(
    world: World, platform: Platform
) -> None:
    """The grade goes to the platform, a call is asked for, the second round has its own promise."""
    it = handed_in(world)
    assert str(act(world, it, "grade_1").value).startswith("还没有答复")
    it = replied(world, platform, it)
    assert str(act(world, it, "reopen").value).startswith("评价不满意以后")
    assert act(world, it, "grade_1", "phone").value is None
    assert str(act(world, it, "grade_5").value).startswith("您已经评价过了")
    assert [(row.grade, row.face) for row in rows(world, evaluations.evaluations)] == [(1, "phone")]
    with world.runtime.db.read() as tx:
        (call,) = calling.listed(tx, world.runtime)
    assert (call.kind, call.name, call.reference) == ("return_visit", "", it.row.reference)
    it = looked(world, it)
    assert (it.row.stage, platform.orders[str(it.id)].grade) == ("evaluated", 1)
    assert act(world, it, "reopen").value is None
    it = looked(world, it, minutes=1)
    assert it.row.stage == "registered"
    assert stands(world, it) == [("kept", False, 5), ("running", False, 5)]
    it = replied(world, platform, it)
    assert stands(world, it) == [("kept", False, 5), ("kept", False, 5)]
    assert str(act(world, it, "reopen").value).startswith("已经重办过一次")


@pytest.mark.parametrize(("reply", "grade", "calls"), [("2", 3, 0), ("不满意", 1, 1)])
def test_a_reply_by_text_is_an_evaluation(
    world: World, platform: Platform, reply: str, grade: int, calls: int
) -> None:
    """1, 2, 3 or their words to the text that asked; given once, whatever is replied again."""
    it = replied(world, platform, handed_in(world))
    for lane in ("sms.urgent", "sms.normal"):
        run_lane(world.runtime, lane)
    asked = rows(world, questions)
    assert [row.kind for row in asked] == ["evaluation"]
    number = world.provider.took[-1][1].address
    for text in (reply, "1"):
        world.provider.said = [Inbound(f"in-{text}", number, "106900012333", text, world.clock())]
        with world.runtime.db.write() as tx:
            keep(tx, world.runtime, "scripted", Callback("sms-up", "", {}, text.encode(), "127.0.0.1"))
        apply_due(world.runtime)
        answers.run_due(world.runtime)
    world.provider.said = []
    assert [(row.grade, row.face) for row in rows(world, evaluations.evaluations)] == [(grade, "sms")]
    assert len(rows(world, call_backs.call_backs)) == calls
    assert now(world, it).facts["grade"] == str(grade)


def test_a_result_that_reached_nobody_becomes_one_call(world: World, platform: Platform) -> None:
    """Once for its transaction, though two results failed; none while another is on its way."""
    it = handed_in(world)
    replied(world, platform, it)
    for lane in ("sms.urgent", "sms.normal"):
        run_lane(world.runtime, lane)
    last = len(world.provider.took) - 1
    for some in (range(last), [last]):
        assert undelivered.run_due(world.runtime) == 0  # the answer itself may still arrive
        with world.runtime.db.write() as tx:
            for number in some:
                keep(tx, world.runtime, "scripted", world.provider.report(number, Delivery.UNDELIVERED))
        apply_due(world.runtime)
    assert {row.status for row in world.rows() if row.klass == "result"} == {"undelivered"}
    assert undelivered.run_due(world.runtime) == 1
    assert undelivered.run_due(world.runtime) == 0
    (call,) = rows(world, call_backs.call_backs)
    assert (call.kind, call.transaction_id) == (undelivered.KIND, it.id)


def test_who_waits_for_two_calls_about_two_matters_gets_both(world: World, platform: Platform) -> None:
    """A call about one does not tell of the other, and both were said to come."""
    both = [replied(world, platform, handed_in(world)) for _ in range(2)]
    for it in both:
        assert act(world, it, "grade_1").value is None
    with world.runtime.db.read() as tx:
        asked = {(one.kind, one.reference) for one in calling.listed(tx, world.runtime)}
    assert asked == {("return_visit", it.row.reference) for it in both}


def test_who_holds_the_telephone_does_not_learn_of_a_report(world: World, platform: Platform) -> None:
    """A message that is checked is ours, and how a matter stands: not which."""
    replied(world, platform, handed_in(world, "fund_supervision"))
    for lane in ("sms.urgent", "sms.normal"):
        run_lane(world.runtime, lane)
    world.clock.advance(minutes=2)
    day = f"{world.clock() + timedelta(hours=8):%Y-%m-%d}"
    checked = begin(world, "message_check", way="mobile", mobile=world.people[0].mobile, day=day)
    identify(world, checked)
    assert submit(world, checked)
    found = json.loads(now(world, checked).facts["found"])
    assert {what for _, _, _, what, _ in found} == {"办理结果"}


def test_what_is_not_looked_at_for_long_is_told_with_its_day(world: World, platform: Platform) -> None:
    """A platform that lost ours is asked on, and the promise that runs out is on the office's list."""
    it = handed_in(world)
    platform.orders.clear()
    for _ in range(8):
        it = looked(world, it, days=1)
        ticks.run_due(world.runtime)
    assert it.row.stage == "registered"
    assert it.row.due_at > world.clock() - timedelta(minutes=1)
    with world.runtime.db.read() as tx:
        assert [row.said for row in promises.of(tx, it.id)] == ["overdue"]


def told(world: World, it: Transaction) -> str:
    return "".join(words.zh for words in world_explains(world, now(world, it)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_a_day_that_has_passed_is_not_promised_any_more(world: World, platform: Platform) -> None:
    """Neither on the page nor at half time, where that is said late: it is late, and what to do is said."""
    it = handed_in(world)
    assert "预计11月26日前答复" in told(world, it)
    before = len(messages(world))
    world.clock.advance(days=6)
    ticks.run_due(world.runtime)
    assert "预计11月26日" not in "".join((*messages(world)[before:], told(world, it)))
    assert "12333" in told(world, it)
    assert "晚了" in told(world, it)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_nobody_is_asked_for_a_grade_that_would_be_thrown_away(world: World, platform: Platform) -> None:
    """The second answer says what may be done with it, and the call that was made is not promised again."""
    it = replied(world, platform, handed_in(world))
    act(world, it, "grade_1")
    assert "工作人员会打电话回访" in told(world, it)
    with world.runtime.db.write() as tx:
        (call,) = calling.listed(tx, world.runtime)
        calling.tried(tx, world.runtime, call.id, Result.TALKED, "ann")
    assert "会打电话回访" not in told(world, it)
    looked(world, it)
    act(world, it, "reopen")
    it = replied(world, platform, looked(world, it, minutes=1))
    assert "请评价" not in messages(world)[-1]
    assert "会打电话回访" not in told(world, it)
    assert "12333" in told(world, it)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_the_answer_of_the_first_round_is_none_of_the_second(world: World, platform: Platform) -> None:
    """A platform that goes on showing its last answer has not given another one."""
    it = replied(world, platform, handed_in(world))
    act(world, it, "grade_1")
    it = looked(world, it)
    first = platform.orders[str(it.id)].replied_at
    act(world, it, "reopen")
    looked(world, it, minutes=1)
    platform.set(str(it.id), replied_at=first)
    before = len(messages(world))
    it = looked(world, it)
    assert messages(world)[before:] == []
    assert stands(world, it) == [("kept", False, 5), ("running", False, 5)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_a_wish_the_platform_refuses_is_said_to_be_refused(world: World, platform: Platform) -> None:
    """Else it would be offered, taken and dropped for ever."""
    it = handed_in(world)
    platform.set(str(it.id), state="processing", replied_at=world.clock())
    act(world, it, "withdraw")
    it = looked(world, it, minutes=1)
    assert it.row.stage == "processing"
    assert "没有撤回" in told(world, it)

"""What messages ask and people answer: whose question a reply is for, and what is left to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select

from gateway.delivery import receipts
from gateway.delivery.attempt import run_lane
from gateway.levers import dead_letters
from gateway.notifications import inbound, questions, replies, suppression
from gateway.notifications.asks import Asks
from gateway.notifications.inbound import Received
from gateway.notifications.questions import OPEN_FOR
from gateway.notifications.questions import questions as rows
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.providers import Callback, Cause, Delivery, Inbound, Rejected
from gateway.transactions import answers
from gateway.transactions.store import timeline
from tests.world import Scripted, World

RATING = Asks("rating", (("1", "满意"), ("2", "基本满意"), ("3", "不满意")))
COMING = Asks("coming", (("1", "来"), ("9", "不来")))
LANE = "sms.normal"


@pytest.fixture
def town(sqlite_world: World) -> World:
    """Two people who can be asked."""
    sqlite_world.settle(2)
    return sqlite_world


def ask(world: World, asks: Asks = RATING, count: int = 1, **changes: Any) -> list[UUID]:
    """Ask the first people, and hand it over."""
    keys = world.take(count, asks=asks, **changes)
    run_lane(world.runtime, LANE)
    world.clock.advance(minutes=5)
    return keys


def said(world: World, text: str, number: int = 0, **changes: Any) -> Inbound:
    message = Inbound(uuid4().hex, f"+86{world.people[number].mobile}", "106", text, world.clock())
    return replace(message, **changes)


def hear(world: World, *messages: Inbound, calls: Mapping[tuple[str, str], UUID] | None = None) -> Received:
    with world.runtime.db.write() as tx:
        return inbound.receive(tx, world.runtime, [("scripted", one) for one in messages], calls)


def answered(world: World) -> dict[UUID, str]:
    with world.runtime.db.read() as tx:
        return {row.id: row.answer for row in tx.execute(select(rows)) if row.answer}


def for_people(world: World) -> list[str]:
    """The texts nobody has read yet, in their order."""
    table = inbound.inbound
    with world.runtime.db.read() as tx:
        found = tx.execute(select(table).where(inbound.WAITING).order_by(table.c.received_at)).all()
    return [world.runtime.vault.open("inbound.text", row.id, row.text) for row in found]


# --- whose question it is ------------------------------------------------------------------------


def test_an_answer_goes_to_its_own_number(town: World) -> None:
    """Two people asked the same answer differently, in one push."""
    first, second = ask(town, count=2)
    assert hear(town, said(town, "回复1满意"), said(town, "3", 1)) == Received(2, 2)
    assert sorted(answered(town).values()) == ["1", "3"]
    assert set(answered(town)) == {first, second}
    assert for_people(town) == []


def test_the_newest_question_that_understands_it_is_answered(town: World) -> None:
    """In its own words an older one as well; what none understands is for people."""
    [older] = ask(town)
    [newer] = ask(town, COMING)
    hear(town, said(town, "1"))
    assert answered(town) == {newer: "1"}
    hear(town, said(town, "满意"), said(town, "谢谢"))
    assert answered(town) == {newer: "1", older: "1"}
    assert for_people(town) == ["谢谢"]


def test_who_answers_again_answers_no_older_question(town: World) -> None:
    """The same once more is a repetition, another choice is for people: the newest one was meant."""
    [older] = ask(town, Asks("a", (("1", "来"), ("2", "不来"))))
    [newer] = ask(town, Asks("b", (("1", "是"), ("2", "否"))))
    assert hear(town, said(town, "1")) == Received(1, 1)
    assert hear(town, said(town, "1"), said(town, "2")) == Received(2, 0)
    assert (answered(town), for_people(town)) == ({newer: "1"}, ["2"])
    hear(town, said(town, "2不来"))
    assert answered(town) == {newer: "1", older: "2"}


def test_an_older_question_is_answered_in_its_own_words(town: World) -> None:
    [older] = ask(town)
    ask(town, COMING)
    hear(town, said(town, "不满意"))
    assert answered(town) == {older: "3"}


def test_words_that_mean_stop_go_first(town: World) -> None:
    """Those the provider names and those we know, whatever they could answer as well."""
    ask(town, Asks("policy", (("1", "订阅"), ("2", "退订"))), count=2)
    assert hear(town, said(town, "2退订"), said(town, "1", 1, wish="stop")) == Received(2, 0)
    assert answered(town) == {}
    assert for_people(town) == []
    with town.runtime.db.read() as tx:
        assert suppression.count(tx) == 2


def test_a_question_closes_72_hours_after_its_hand_over(town: World) -> None:
    """A reply said in time counts, however late the provider pushes it; one said later does not."""
    [key] = town.take(asks=RATING)
    town.clock.advance(hours=60)
    run_lane(town.runtime, LANE)
    town.clock.advance(seconds=OPEN_FOR.total_seconds())
    late = said(town, "2")
    hear(town, late)
    assert answered(town) == {}
    assert for_people(town) == ["2"]
    hear(town, said(town, "1", at=town.clock() - timedelta(minutes=1)))
    assert answered(town) == {key: "1"}


def test_a_reply_without_a_time_was_said_when_it_came(town: World) -> None:
    """After 71 hours in time, though a worker gets to it after 73."""
    [key] = ask(town)
    town.clock.advance(hours=71)
    town.provider.said = [said(town, "1", at=None)]
    with town.runtime.db.write() as tx:
        receipts.keep(tx, town.runtime, "scripted", Callback("sms-up", "", {}, b"1", "127.0.0.1"))
    town.clock.advance(hours=2)
    receipts.apply_due(town.runtime)
    assert answered(town) == {key: "1"}


def test_a_reply_older_than_the_question_answers_the_one_before(town: World) -> None:
    """Pushed late, it must not answer what was asked after it was said."""
    [older] = ask(town)
    early = said(town, "1")
    town.clock.advance(minutes=5)
    ask(town)
    hear(town, early)
    assert answered(town) == {older: "1"}


def test_what_was_never_handed_over_asks_nothing(town: World) -> None:
    """Neither a message that waits nor one that was refused."""
    town.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    ask(town)
    town.take(asks=RATING)
    hear(town, said(town, "1"))
    assert (answered(town), for_people(town)) == ({}, ["1"])


def test_the_first_answer_counts(town: World) -> None:
    """The same once more is a repetition; another one is for people."""
    [key] = ask(town)
    assert hear(town, said(town, "1"), said(town, "满意"), said(town, "3")) == Received(3, 1)
    assert answered(town) == {key: "1"}
    assert for_people(town) == ["3"]


def test_a_push_repeated_counts_once(town: World) -> None:
    """Even where an older question is still open."""
    [older] = ask(town)
    ask(town)
    once = said(town, "1")
    assert [hear(town, once).answers, hear(town, once).answers] == [1, 0]
    assert older not in answered(town)


def test_who_cannot_be_reached_is_asked_nothing(town: World) -> None:
    """Nobody without a telephone number, and nobody by e-mail: what is sent back is not read."""
    town.take(asks=RATING, citizen_id=None)
    town.take(asks=RATING, channel="email", template="card_loss/succeeded", personalisation=LETTER)
    [known] = town.take(asks=RATING, citizen_id=None, address="+8613800138000")
    with town.runtime.db.read() as tx:
        assert list(questions.of(tx, [row.id for row in town.rows()])) == [known]
        assert questions.of(tx, [known]) == {known: RATING}


def test_what_is_replayed_asks_again(town: World) -> None:
    """The new message is the one that is answered."""
    script = town.provider.script
    town.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    [dead] = ask(town)
    town.provider.script = script
    why = dead_letters.Cause(Status.FAILED, Class.RESULT, "sms", "isv.BLACK_LIST")
    assert sum(dead_letters.replay(town.runtime, why, town.clock())) == 1
    run_lane(town.runtime, LANE)
    hear(town, said(town, "1"))
    [key] = answered(town)
    assert key != dead


def test_a_replay_of_what_was_answered_asks_nothing(town: World) -> None:
    """The receipt came late, or was wrong: the answer is known."""
    [key] = ask(town)
    hear(town, said(town, "1"))
    with town.runtime.db.write() as tx:
        callback = town.provider.report(0, Delivery.UNDELIVERED, Cause.AWAY)
        receipts.keep(tx, town.runtime, "scripted", callback)
    receipts.apply_due(town.runtime)
    why = dead_letters.Cause(Status.UNDELIVERED, Class.RESULT, "sms", str(town.rows()[0].reason))
    assert sum(dead_letters.replay(town.runtime, why, town.clock(), again=True)) == 1
    with town.runtime.db.read() as tx:
        assert tx.execute(select(rows.c.id)).scalars().all() == [key]


LETTER = {"card_tail": "6266", "until": "11月28日16:05", "bank": "银行账户请联系发卡行另行挂失"}


def test_questions_are_forgotten_with_the_replies(town: World) -> None:
    """Both after 90 days; one whose answer nobody has taken up stays."""
    ask(town, transaction_id=uuid4())
    [kept] = ask(town, transaction_id=uuid4())
    hear(town, said(town, "1"))
    town.clock.advance(days=91)
    with town.runtime.db.write() as tx:
        inbound.forget_old(tx, town.clock())
        questions.forget_old(tx, town.clock())
        assert tx.execute(select(rows.c.id)).scalars().all() == [kept]
        assert tx.execute(select(inbound.inbound.c.text)).scalars().all() == [None]


# --- keys in a call --------------------------------------------------------------------------------


CALL: dict[str, Any] = {"channel": "voice", "template": "pension_auth/remind_due"}
SPOKEN = {"city": "常德", "when": "12月31日到期"}


def voice(world: World) -> Scripted:
    """Let somebody carry calls."""
    carrier = Scripted(batch=1)
    carrier.name, carrier.channel = "caller", "voice"
    channels = {**world.runtime.settings.providers, "voice": {"caller": 1}}
    settings = replace(world.runtime.settings, providers=channels)
    world.runtime = replace(
        world.runtime, providers={**world.runtime.providers, "caller": carrier}, settings=settings
    )
    return carrier


def push(world: World, carrier: Scripted, *said: Inbound) -> None:
    """What people said comes in by the callback door."""
    carrier.said = list(said)
    with world.runtime.db.write() as tx:
        callback = Callback("sms-report", "", {}, said[0].id.encode(), "127.0.0.1")
        receipts.keep(tx, world.runtime, carrier.name, callback)
    world.clock.advance(seconds=1)
    receipts.apply_due(world.runtime)


def test_a_key_answers_the_question_of_its_own_call(town: World) -> None:
    """Whatever was asked since; a call that asks waits for keys. Keys of an unknown call answer nothing."""
    carrier = voice(town)
    [call] = town.take(asks=RATING, **CALL, personalisation=SPOKEN)
    town.take(2, **CALL, personalisation=SPOKEN)
    for _ in range(2):  # one call in a minute to a number
        run_lane(town.runtime, "voice.normal")
        town.clock.advance(minutes=2)
    assert sorted(message.asks for _, message in carrier.took) == [False, False, True]
    [handover] = [handover for handover, message in carrier.took if message.asks]
    ask(town)
    push(town, carrier, said(town, "1", id="c1#keys", handover="00000000000000"))
    assert answered(town) == {}
    push(town, carrier, said(town, "2", id="c2#keys", handover=handover))
    assert answered(town) == {call: "2"}
    assert for_people(town) == ["1"]
    with town.runtime.db.read() as tx:
        assert questions.asking(tx, [call]) == set()


# --- both databases -----------------------------------------------------------------------------


def test_however_many_say_something_no_statement_takes_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Databases bound the parameters of one; how it is cut changes nothing."""
    for room in (inbound, replies, suppression):
        monkeypatch.setattr(room, "AT_ONCE", 2)
    statements: list[str] = []
    event.listen(world.runtime.db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    world.settle(5)
    keys = ask(world, count=5)
    statements.clear()
    spoken = [said(world, text, number) for number in range(5) for text in ("1", "STOP", "谢谢")]
    assert hear(world, *spoken) == Received(15, 5)
    assert answered(world) == dict.fromkeys(keys, "1")
    assert sum("INSERT INTO inbound" in one for one in statements) == 8
    with world.runtime.db.read() as tx:
        assert suppression.count(tx) == 5


def test_an_answer_comes_to_the_timeline_of_its_transaction_once(world: World) -> None:
    """With its kind and digit alone; one that belongs to no transaction comes to none."""
    world.settle(2)
    about = uuid4()
    [mine, other] = ask(world, count=2)
    with world.runtime.db.write() as tx:
        tx.execute(rows.update().where(rows.c.id == mine).values(transaction_id=about))
    assert other
    hear(world, said(world, "1"), said(world, "3", 1))
    assert [answers.run_due(world.runtime), answers.run_due(world.runtime)] == [1, 0]
    with world.runtime.db.read() as tx:
        [line] = tx.execute(select(timeline)).all()
    assert (line.transaction_id, line.event, line.detail[:7]) == (about, "answered", "rating ")

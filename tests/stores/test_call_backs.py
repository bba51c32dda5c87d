"""People who are to be called: one line, one caller at a time, tries by their cause, and what is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from gateway import audit
from gateway.call_backs.trying import Result
from gateway.errors import UnknownNameError
from gateway.levers import calling
from gateway.levers.holding import NotNowError
from gateway.rights import erase, person, tables
from gateway.transactions import (
    afterwards,
    anonymous,
    call_backs,
    devices,
    engine,
    look_up,
    proving,
    registry,
    store,
)
from gateway.transactions.identity import Proven, Wrong
from gateway.transactions.look_up import NoMatch
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from tests.stores.test_transactions import begin, identify, messages, prove, sent_codes, submit
from tests.world import World

ANN, BOB = "ann", "bob"


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    world.settle(2)


def ask(world: World, number: str = "13800138000", **more: str) -> Transaction:
    """Somebody nobody knows asks to be called."""
    draft = begin(world, "callback_request", **{"number": number, "wish": "soon", "matter": "other", **more})
    identify(world, draft)
    assert submit(world, draft)
    return now(world, draft)


def now(world: World, it: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, it.id)


def line(world: World) -> list[calling.Waiting]:
    with world.runtime.db.read() as tx:
        return calling.listed(tx, world.runtime)


def take(world: World, key: UUID, who: str = ANN) -> str:
    with world.runtime.db.write() as tx:
        return calling.take(tx, world.runtime, key, who)[0].number


def tried(world: World, key: UUID, result: Result, who: str = ANN) -> calling.Came:
    with world.runtime.db.write() as tx:
        return calling.tried(tx, world.runtime, key, result, who)


def test_who_asked_is_called_in_turn_by_one_person_and_tried_by_the_cause(world: World) -> None:
    """Busy is tried in five minutes, unanswered in fifteen; after three tries a text says so."""
    first, second = ask(world), ask(world, "07367255555")
    assert (first.facts["ahead"], second.facts["ahead"]) == ("0", "1")
    mine, other = line(world)
    assert (mine.mobile, mine.due, mine.taken_by) == ("138****8000", True, None)
    assert take(world, mine.id) == "+8613800138000"
    assert take(world, mine.id) == "+8613800138000"  # pressed twice
    assert now(world, first).row.stage == "calling"
    with pytest.raises(NotNowError, match="ann is calling"):
        take(world, mine.id, BOB)
    with pytest.raises(NotNowError):
        tried(world, mine.id, Result.TALKED, BOB)
    for result, minutes, ahead in ((Result.BUSY, 5, other.id), (Result.NO_ANSWER, 15, other.id)):
        came = tried(world, mine.id, result)
        assert came.again_at == world.clock() + timedelta(minutes=minutes)
        assert now(world, first).row.stage == "waiting"
        assert line(world)[0].id == ahead  # whose turn has come is first
        world.clock.advance(minutes=minutes)
        take(world, mine.id)
    before = len(messages(world))
    assert not tried(world, mine.id, Result.NO_ANSWER).reached
    assert now(world, first).row.stage == "not_reached"
    (said,) = messages(world)[before:]
    assert "打了3次尾号8000的电话，都没有打通" in said
    with pytest.raises(UnknownNameError):
        tried(world, mine.id, Result.TALKED)
    assert tried(world, other.id, Result.TALKED, BOB).reached  # a note beside the list needs no taking
    assert now(world, second).row.stage == "talked"
    assert line(world) == []
    with world.runtime.db.read() as tx:
        actions = tx.execute(select(audit.audit.c.action).order_by(audit.audit.c.number)).scalars().all()
    assert actions.count("call_back.taken") == 4
    assert actions.count("call_back.done") == 1


def test_a_call_somebody_forgot_comes_free_by_itself(world: World) -> None:
    """After half an hour another may take it; meanwhile it cannot be called off by its citizen."""
    it = ask(world)
    key = line(world)[0].id
    take(world, key)
    with world.runtime.db.write() as tx:
        refused = afterwards.act(tx, world.runtime, now(world, it), "withdraw", "web", proven=True)
    assert refused.value is not None
    world.clock.advance(minutes=31)
    assert take(world, key, BOB)


def test_what_is_called_off_or_goes_wrong_leaves_the_line_and_the_number_may_ask_again(world: World) -> None:
    """Withdrawn, or a wrong number, which a text asks to be put right; then there is room for another."""
    it = ask(world)
    with world.runtime.db.write() as tx:
        afterwards.act(tx, world.runtime, it, "withdraw", "web", proven=True)
    assert now(world, it).row.stage == "withdrawn"
    again = ask(world)
    assert again.row.stage == "waiting"
    before = len(messages(world))
    tried(world, line(world)[0].id, Result.WRONG_NUMBER)
    assert "请核对号码再登记一次" in messages(world)[before]
    assert now(world, again).facts["last"] == "wrong_number"


def test_who_was_asked_to_be_called_by_day_waits_until_people_are_there(world: World) -> None:
    """At night nobody's turn has come, and what is tried in the evening goes on in the morning."""
    world.clock.now = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # 23:00
    it = ask(world)
    assert not line(world)[0].due
    assert it.facts["from"] == "2026-11-22T00:00:00+00:00"
    world.clock.now = datetime(2026, 11, 22, 11, 55, tzinfo=UTC)  # 19:55, by five minutes before they go
    came = tried(world, line(world)[0].id, Result.NO_ANSWER)
    assert str(came.again_at) == "2026-11-23 08:00:00+08:00"


# --- nobody need be known ------------------------------------------------------------------------


def test_a_mobile_is_asked_for_its_code_and_nobody_is_locked_out_by_who_knows_it(world: World) -> None:
    """Wrong codes count for the transaction alone; a number gets three codes a day."""
    answers = {"number": "13800138000", "wish": "soon", "matter": "other"}
    draft = begin(world, "callback_request", **answers)
    assert not submit(world, draft)
    wrong = "000000" if sent_codes(world)[-1] != "000000" else "111111"
    said = [prove(world, draft, wrong) for _ in range(5)]
    assert isinstance(said[0], Wrong)
    assert isinstance(said[-1], Locked)
    other = begin(world, "callback_request", **answers)
    assert prove(world, other, sent_codes(world)[-1]) == Proven()
    assert submit(world, other)
    assert now(world, other).row.proof == anonymous.NOBODY
    begin(world, "callback_request", **answers)
    with world.runtime.db.write() as tx:
        fourth = engine.open_draft(tx, world.runtime, "callback_request", "web")
        fourth = engine.answer(tx, world.runtime, fourth, answers).transaction
        assert isinstance(engine.send_code(tx, world.runtime, fourth).value, Locked)
    assert len(sent_codes(world)) == 3


def test_one_place_asks_so_often_in_an_hour_and_no_more(world: World) -> None:
    """Where nobody need be known the place is what is counted."""
    draft = begin(world, "callback_request", number="07367255555", wish="soon", matter="other")
    with world.runtime.db.write() as tx:
        here = devices.of_number(world.runtime, "13800138000")
        said = [anonymous.too_many(tx, world.runtime, draft, here) for _ in range(11)]
        assert anonymous.too_many(tx, world.runtime, draft, None) is None
    assert said[:10] == [None] * 10
    assert isinstance(said[10], Locked)


def test_a_number_is_put_into_the_line_three_times_a_day_whoever_gives_it(world: World) -> None:
    """A landline gives no code: else anybody could have it rung again as often as it refuses."""
    asked = []
    for _ in range(4):
        draft = begin(world, "callback_request", number="07367255555", wish="soon", matter="other")
        assert submit(world, draft)
        asked.append(now(world, draft))
        for one in line(world):
            tried(world, one.id, Result.REFUSED)
    assert [it.row.stage for it in asked] == ["waiting", "waiting", "waiting", ""]
    assert (asked[3].state, asked[3].row.reason) == ("rejected", "too_often")
    world.clock.advance(hours=24)
    assert ask(world, "07367255555").row.stage == "waiting"


def test_the_reference_and_the_numbers_last_four_find_it_and_a_code_to_it_acts(world: World) -> None:
    """As with a registered person; a landline takes no code, so nothing is sent."""
    it, landline = ask(world), ask(world, "07367255555")
    runtime = world.runtime
    with runtime.db.write() as tx:
        assert look_up.find(tx, runtime, it.row.reference, "8000") == it.id
        assert isinstance(look_up.find(tx, runtime, it.row.reference, "0000"), NoMatch)
        said = afterwards.act(tx, runtime, it, "withdraw", "web", proven=False)
        assert isinstance(said.value, afterwards.NotProven)
        afterwards.send_code(tx, runtime, it)
        assert afterwards.send_code(tx, runtime, landline).value == engine.NotOpen()
    with runtime.db.write() as tx:
        assert afterwards.prove(tx, runtime, it, sent_codes(world)[-1]).value == Proven()


def test_what_a_registered_person_asked_for_by_their_number_alone_is_theirs_to_see_and_erase(
    world: World,
) -> None:
    """It is found by the blind index of the number, where nobody else has that one."""
    me = world.people[0]
    it = ask(world, me.mobile)
    with world.runtime.db.read() as tx:
        mine = person.find(tx, world.runtime, me.id_number)
        theirs = person.find(tx, world.runtime, world.people[1].id_number)
    assert it.id in mine.keys[tables.Key.TRANSACTION]
    assert it.id not in theirs.keys[tables.Key.TRANSACTION]


def test_a_call_whose_matter_cannot_be_opened_can_still_be_closed(world: World) -> None:
    """It stands in the line without a number; whoever takes it may say so."""
    ask(world)
    with world.runtime.db.write() as tx:
        tx.execute(update(store.transactions).values(answers=b"damaged"))
    (mine,) = line(world)
    assert take(world, mine.id) == ""
    tried(world, mine.id, Result.WRONG_NUMBER)
    assert line(world) == []


def test_nobody_is_left_in_the_line_who_was_erased(world: World) -> None:
    """Their number is gone, so a call could never be made: it is called off with the rest."""
    me = world.people[0]
    ask(world, me.mobile)
    other = ask(world, "07367255555")
    with world.runtime.db.write() as tx:
        erase.erase(tx, world.runtime, me.id_number, "cli", even_open=True)
    assert [one.reference for one in line(world)] == [other.row.reference]


def test_whoever_is_known_already_is_called_at_their_registered_number(world: World) -> None:
    """Their number is put in and needs no code; of somebody else's matter nothing is taken."""
    known: Any = begin(world, "card_status")
    identify(world, known)
    with world.runtime.db.write() as tx:
        known = store.load(tx, world.runtime, known.id)
        fresh = engine.open_draft(tx, world.runtime, "callback_request", "web")
        carried = proving.carry(tx, world.runtime, fresh, known, frozenset({"code"}))  # type: ignore[arg-type]
        assert carried.answers == {"number": f"+86{world.people[0].mobile}"}
        assert not proving.missing(carried)
        stranger = engine.open_draft(tx, world.runtime, "callback_request", "web")
        assert proving.carry(tx, world.runtime, stranger, known, frozenset()).answers == {}


def test_ten_who_ask_at_once_each_have_a_place(world: World) -> None:
    """The places told are those of the line."""
    asked = [ask(world, f"0736725555{n}") for n in range(6)]
    assert [it.facts["ahead"] for it in asked] == [str(n) for n in range(6)]
    with world.runtime.db.read() as tx:
        rows = call_backs.open_ones(tx, now=world.clock())
    assert [row.transaction_id for row in rows] == [it.id for it in asked]


def test_what_came_of_a_try_is_counted_once_however_often_it_is_said(world: World) -> None:
    """A button pressed twice is one call: the next try has its own time, and three are three."""
    it = ask(world)
    key = line(world)[0].id
    take(world, key)
    first, again = (tried(world, key, Result.NO_ANSWER) for _ in range(2))
    assert again.again_at == first.again_at
    assert (line(world)[0].tries, now(world, it).facts["tries"]) == (1, "1")


def told(world: World, it: Transaction) -> str:
    it = now(world, it)
    return "".join(words.zh for words in registry.get(it.row.type).explain(it.view(world.clock())))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_who_was_taken_and_not_called_is_not_said_to_be_called(world: World) -> None:
    """Once whoever took it has let it lie, it waits again in words too, and may be called off."""
    it = ask(world)
    take(world, line(world)[0].id)
    assert "正在打给您" in told(world, it)
    world.clock.advance(minutes=29)
    take(world, line(world)[0].id)  # still at it
    world.clock.advance(minutes=2)
    assert "正在打给您" in told(world, it)
    world.clock.advance(minutes=31)
    assert "正在打给您" not in told(world, it)
    with world.runtime.db.write() as tx:
        done = afterwards.act(tx, world.runtime, now(world, it), "withdraw", "web", proven=True)
    assert done.value is None
    assert now(world, it).row.stage == "withdrawn"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_a_time_that_has_passed_is_not_promised_any_more(world: World) -> None:
    """Who was not called in time reads that, with what to do; who asks again is told a time to come."""
    it = ask(world)
    assert "11月21日" not in told(world, it)
    world.clock.advance(days=1)
    assert "说好的时间已经过了" in told(world, it)
    assert "12333" in told(world, it)
    before = len(messages(world))
    again = ask(world)
    assert "以前" not in told(world, it)
    assert "今天" in messages(world)[-1]
    assert len(messages(world)) > before
    assert datetime.fromisoformat(again.facts["until"]) > world.clock()

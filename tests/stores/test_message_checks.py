"""Whether a message is ours: what went to a number on a day, told by its kind, and notices by their code."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.broadcasts import definition as definitions
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.expand import run_due
from gateway.cities import shipped
from gateway.delivery.attempt import run_lane
from gateway.notifications import check_codes
from gateway.transactions import engine, look_up, registry, store
from gateway.transactions.store import Transaction
from tests.stores.test_transactions import begin, identify, messages, sent_codes, submit
from tests.world import World


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    world.settle(2)


def asked(world: World, **answers: str) -> Transaction:
    draft = begin(world, "message_check", **answers)
    run_lane(world.runtime, "sms.urgent")  # its own code
    identify(world, draft)
    assert submit(world, draft)
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, draft.id)


def told(world: World, it: Transaction) -> str:
    return "\n".join(words.zh for words in registry.get(it.row.type).explain(it.view(world.clock())))


def pushed(world: World) -> str:
    """A notice goes out to everybody; its code."""
    now = world.clock()
    keys = {"template": "policy/retirement_age", "name": "延迟退休", "audience": {}}
    definition = definitions.read(keys, shipped()["changde"].rules_now(now), now)
    with world.runtime.db.write() as tx:
        key = broadcasts.create(tx, world.runtime, definition, "test", counted=len(world.people))
        code = str(broadcasts.find(tx, key).check_code)
        assert check_codes.find(tx, code) is None  # a draft is not out yet
        broadcasts.act(tx, world.runtime, key, broadcasts.START, "test")
    run_due(world.runtime)
    run_lane(world.runtime, "sms.bulk")
    return code


def test_what_went_to_a_mobile_that_day_is_told_by_its_kind_and_never_by_its_words(world: World) -> None:
    """Each once with its time, the check's own code left out; another day or mobile: nothing."""
    me, other = world.people[:2]
    begin(world, "card_status")
    run_lane(world.runtime, "sms.urgent")
    pushed(world)
    world.clock.advance(minutes=2)
    it = asked(world, way="mobile", mobile=me.mobile, day="2026-11-21")
    run_lane(world.runtime, "sms.urgent")
    kinds = [line[3] for line in json.loads(it.facts["found"])]
    assert kinds == ["验证码（社保卡状态查询）", "政策通知《延迟退休》"]
    said = told(world, it)
    assert "我们给" in said
    assert it.facts["count"] == "2"
    assert "16:05，短信，政策通知《延迟退休》" in said
    code = sent_codes(world)[0]
    assert code not in said + json.dumps(dict(it.facts))
    assert me.name not in json.dumps(dict(it.facts), ensure_ascii=False)
    assert "我们发过2条" in messages(world)[-1]
    for number, day in ((other.mobile, "2026-11-20"), ("13700000001", "2026-11-21")):
        world.clock.advance(seconds=61)
        nothing = asked(world, way="mobile", mobile=number, day=day)
        assert nothing.facts["count"] == "0"
        assert "您收到的不是我们发的" in told(world, nothing)


def test_a_notice_carries_its_code_which_tells_what_it_is_called_and_since_when(world: World) -> None:
    """In the text as it went out; looked up without any proof, found again by its last four digits."""
    code = pushed(world)
    texts = [message.text for _, message in world.provider.took]
    assert all(f"核验码{code}" in text or f"Code {code}" in text for text in texts)
    assert len(texts) == len(world.people)
    it = asked(world, way="code", check_code=code)
    assert "我们的通知《延迟退休》，11月21日开始发的" in told(world, it)
    assert messages(world) == []
    with world.runtime.db.write() as tx:
        assert look_up.find(tx, world.runtime, it.row.reference, code[-4:]) == it.id
    world.clock.advance(days=60)  # in another year an old code may stand under a fake
    assert "2026年11月21日开始发的" in told(world, it)


@given(st.integers(0, 99_999), st.integers(0, 5), st.integers(1, 9))
def test_a_mistyped_digit_is_seen_before_anything_is_called_a_fraud(number: int, at: int, more: int) -> None:
    """Any one digit that is wrong, and any two neighbours swapped."""
    code = check_codes.made(number)
    assert check_codes.is_one(code)
    wrong = code[:at] + str((int(code[at]) + more) % 10) + code[at + 1 :]
    assert not check_codes.is_one(wrong)
    swapped = code[: at and at - 1] + code[at : at + 1] + code[at - 1 : at] + code[at + 1 :]
    assert at == 0 or swapped == code or not check_codes.is_one(swapped)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"way": "mobile", "mobile": "0736-7255555"}, "mobile"),
        ({"way": "code", "check_code": "123456"}, "check_code"),
        ({"way": "mobile", "mobile": "13800138000", "day": "earlier", "date": "2026-13-01"}, "date"),
        ({"way": "mobile", "mobile": "13800138000", "day": "earlier", "date": "20260801"}, "date"),
        ({"way": "mobile", "mobile": "13800138000", "day": "earlier", "date": "20261122"}, "date"),
        ({"way": "mobile", "mobile": "13800138000", "day": "2026-11-01"}, "day"),
    ],
)
def test_what_cannot_be_looked_at_is_said_at_once(world: World, given_: dict[str, str], field: str) -> None:
    """A landline, a code with a wrong digit, no day, a day too long ago or ahead."""
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "message_check", "web")
        assert set(engine.answer(tx, world.runtime, draft, given_).value) == {field}


def test_codes_are_dropped_when_nobody_asks_any_more(world: World) -> None:
    """After four hundred days, with its notice long forgotten."""
    code = pushed(world)
    with world.runtime.db.write() as tx:
        check_codes.forget_old(tx, world.clock() + check_codes.KEPT - timedelta(days=1))
        assert check_codes.find(tx, code)
        check_codes.forget_old(tx, world.clock() + check_codes.KEPT + timedelta(days=1))
        assert check_codes.find(tx, code) is None

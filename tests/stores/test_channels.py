"""Channels and levers on both databases: providers, wishes to stop, what an operator holds still."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.citizens import register
from gateway.delivery import ledger, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.notifications import inbound, pauses, suppression
from gateway.notifications import store as notifications
from gateway.notifications.pauses import Kind
from gateway.notifications.request import Class, Request
from gateway.providers import Accepted, Callback, Delivery, Inbound, Unreachable
from tests.world import Scripted, World

BULK, NORMAL = "sms.bulk", "sms.normal"


def _carriers(world: World, channel: str, weights: Mapping[str, int]) -> dict[str, Scripted]:
    """Let these scripted providers carry a channel, beside the one there is."""
    made = {}
    for name in weights:
        made[name] = Scripted(batch=1)
        made[name].name, made[name].channel = name, channel
    settings = replace(
        world.runtime.settings, providers={**world.runtime.settings.providers, channel: weights}
    )
    world.runtime = replace(world.runtime, providers={**world.runtime.providers, **made}, settings=settings)
    return made


def _take(world: World, request: Request) -> UUID:
    before = {row.id for row in world.rows()}
    with world.runtime.db.write() as tx:
        notifications.take(tx, world.runtime, [request])
    (key,) = [row.id for row in world.rows() if row.id not in before]
    return UUID(str(key))


def _receive(world: World, *said: Inbound) -> int:
    with world.runtime.db.write() as tx:
        return inbound.receive(tx, world.runtime, [("scripted", one) for one in said]).new


def _notices(world: World, count: int = 1, **changes: Any) -> list[UUID]:
    return world.take(count, Class.NOTICE, **changes)


# --- providers ------------------------------------------------------------------------------


def test_what_one_provider_cannot_be_reached_for_another_carries(world: World) -> None:
    """Failover: the provider just tried is excluded while there is another."""
    made = _carriers(world, "sms", {"first": 1, "second": 1})
    for provider in made.values():
        provider.script = lambda handover, message: (
            Unreachable("down") if sum(len(one.calls) for one in made.values()) == 1 else Accepted(handover)
        )
    world.settle(1)
    world.take()
    run_lane(world.runtime, NORMAL)
    assert world.statuses() == {"accepted": 1}
    assert sorted(len(provider.calls) for provider in made.values()) == [1, 1]


def test_weights_share_the_work(world: World) -> None:
    """With 3 to 1 a provider carries about three quarters."""
    made = _carriers(world, "sms", {"three": 3, "one": 1})
    world.settle(200)
    world.take(200)
    run_lane(world.runtime, NORMAL)
    assert sum(len(provider.took) for provider in made.values()) == 200
    assert 110 < len(made["three"].took) < 190  # 5 sigma around 150


def test_an_e_mail_is_composed_with_subject_text_and_html(world: World) -> None:
    """An e-mail goes to the registered address, with its values in every part."""
    post = _carriers(world, "email", {"post": 1})["post"]
    people = world.settle(60)
    person = next(person for person in people if person.email and person.language == "zh-CN")
    with world.runtime.db.read() as tx:
        citizen = register.find(tx, world.runtime.vault, person.id_number)
    assert citizen
    _take(world, Request(citizen.id, "email", Class.RESULT, "card_loss/succeeded", "zh-CN", _VALUES))
    run_lane(world.runtime, "email.normal")
    ((_, message),) = post.took
    assert message.address == person.email
    assert message.subject == "您尾号6266的社保卡已临时挂失"
    assert all("11月28日16:05" in part for part in (message.text, message.html))


def test_somebody_the_register_does_not_know_is_reached_at_the_address_given(world: World) -> None:
    """The address is stored sealed with the row and used as it is."""
    request = Request(None, "sms", Class.NOTICE, "card_loss/failed", "zh-CN", {}, address="+8613800138000")
    key = _take(world, request)
    row = next(row for row in world.rows() if row.id == key)
    assert b"13800138000" not in row.address
    run_lane(world.runtime, BULK)
    assert [message.address for _, message in world.provider.took] == ["+8613800138000"]


def test_a_closed_channel_keeps_its_messages_waiting(world: World) -> None:
    """Without a provider for a channel nothing is lost and nothing is tried."""
    request = Request(None, "email", Class.NOTICE, "card_loss/succeeded", "zh-CN", _VALUES, address="a@b.cn")
    _take(world, request)
    run_lane(world.runtime, "email.bulk")
    assert world.statuses() == {"waiting": 1}


_VALUES = {"card_tail": "6266", "until": "11月28日16:05", "bank": "银行账户请联系发卡行另行挂失"}


# --- wishes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["R", "td", " T ", "n", "退订", "Ｒ", "退订。", "TD退订 不要再发", "别发退订"]
)
def test_a_stop_word_is_heeded_however_it_is_written(word: str) -> None:
    """R, TD, T, N and 退订, in full or half width, with or without a full stop."""
    assert suppression.wish(word) == "stop"


@pytest.mark.parametrize("text", ["", "谢谢", "R我", "no", "1", "请不要退订", "我没有退订", "别退订"])
def test_anything_else_is_no_stop_word(text: str) -> None:
    """A sentence that holds the word is left to people."""
    assert suppression.wish(text) is None


def _meant(text: str) -> bool:
    """The rule, sign by sign: a refusing word that nothing right before it takes back, in a short text."""
    words, modal = ("退订", "拒收", "取消订阅"), "要想用会能是有再"
    spoken = [place for place, sign in enumerate(text) if sign.isalnum()]
    if len(spoken) > 10:
        return "".join(text[place] for place in spoken) in suppression.STOP
    for at, place in enumerate(spoken):
        said = "".join(text[one] for one in spoken[at:])
        before = text[:place]
        taken_back = before.endswith(tuple(no + more for no in "不别没" for more in ("", *modal)))
        if said.startswith(words) and not taken_back:
            return True
    return "".join(text[place] for place in spoken) in suppression.STOP


PIECES = [
    "退订",
    "拒收",
    "取消",
    "订阅",
    "订",
    "不",
    "别",
    "没",
    "要",
    "有",
    "发",
    "TD",
    "R",
    "谢谢",
    "，",
    " ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=7))
@settings(max_examples=100)
def test_a_refusal_is_read_as_the_rule_says(pieces: list[str]) -> None:
    """“退订，别再发了” is one, “不要退订” is none; a long text is left to people."""
    text = "".join(pieces)
    assert (suppression.wish(text) == "stop") == _meant(text)


def test_who_said_stop_gets_no_notices_but_results_and_codes(world: World) -> None:
    """An opt-out never blocks a result or a code (domain.md, Compliance)."""
    (person,) = world.settle(1)
    mobile = "+86" + person.mobile
    assert _receive(world, Inbound("1", mobile, "106", "退订")) == 1
    _notices(world)
    world.take(1, Class.RESULT)
    world.take(1, Class.CODE)
    for lane in (BULK, NORMAL, "sms.urgent"):
        run_lane(world.runtime, lane)
    assert world.statuses() == {"suppressed": 1, "accepted": 2}


def test_who_said_start_gets_notices_again(world: World) -> None:
    """A wish to stop is lifted by the person alone."""
    (person,) = world.settle(1)
    mobile = "+86" + person.mobile
    _receive(world, Inbound("1", mobile, "106", "R"), Inbound("2", mobile, "106", "START"))
    _notices(world)
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 1}


def test_a_message_pushed_twice_counts_once(world: World) -> None:
    """A provider repeats a push it got no answer to: the old stop must not undo a later start."""
    (person,) = world.settle(1)
    mobile = "+86" + person.mobile
    stop, start = Inbound("1", mobile, "106", "R"), Inbound("2", mobile, "106", "START")
    assert [_receive(world, stop), _receive(world, start), _receive(world, stop)] == [1, 1, 0]
    _notices(world)
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 1}


def test_what_people_send_comes_in_by_the_callback_door(world: World) -> None:
    """An inbound message in a callback is kept and heeded by the worker that applies receipts."""
    (person,) = world.settle(1)
    world.provider.said = [Inbound("77", "+86" + person.mobile, "106", "T")]
    with world.runtime.db.write() as tx:
        callback = Callback("sms-report", "https://x.cn/?a=1", {}, json.dumps({}).encode(), "127.0.0.1")
        receipts.keep(tx, world.runtime, "scripted", callback)
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        assert suppression.count(tx) == 1


# --- what an operator holds still ----------------------------------------------------------------


def _pause(world: World, kind: Kind, name: str) -> None:
    with world.runtime.db.write() as tx:
        assert pauses.pause(tx, kind, name, "test", world.clock())


def _resume(world: World, kind: Kind, name: str) -> None:
    with world.runtime.db.write() as tx:
        assert pauses.resume(tx, kind, name)


def test_a_paused_lane_moves_nothing_until_it_is_resumed(world: World) -> None:
    """Its rows stay where they are; the other lanes go on."""
    world.settle(1)
    world.take()
    _notices(world)
    _pause(world, Kind.LANE, BULK)
    for lane in (BULK, NORMAL):
        run_lane(world.runtime, lane)
    assert world.statuses() == {"waiting": 1, "accepted": 1}
    _resume(world, Kind.LANE, BULK)
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 2}


def test_a_paused_provider_is_given_nothing(world: World) -> None:
    """What it would have carried goes through another, or waits."""
    made = _carriers(world, "sms", {"first": 1, "second": 1})
    world.settle(20)
    world.take(20)
    _pause(world, Kind.PROVIDER, "first")
    run_lane(world.runtime, NORMAL)
    assert (len(made["first"].took), len(made["second"].took)) == (0, 20)


def test_a_paused_broadcast_stands_still_while_others_go_on(world: World) -> None:
    """Only its own rows wait, and they go out once it is resumed."""
    world.settle(3)
    mine = uuid4()
    _notices(world, 2, broadcast_id=mine)
    _notices(world, 1)
    _pause(world, Kind.BROADCAST, str(mine))
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"waiting": 2, "accepted": 1}
    _resume(world, Kind.BROADCAST, str(mine))
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 3}


# --- the books ---------------------------------------------------------------------------------


def test_a_broadcast_has_its_own_account_in_the_ledger(world: World) -> None:
    """Taken and standing are told per broadcast, before and after the ledger is compacted."""
    world.settle(4)
    mine = uuid4()
    _notices(world, 3, broadcast_id=mine)
    _notices(world, 1)
    run_lane(world.runtime, BULK)
    for _ in range(2):
        with world.runtime.db.read() as tx:
            (account,) = ledger.of_broadcast(tx, mine)
            assert (account.taken, account.standing) == (3, {"accepted": 3})
            assert ledger.balanced(tx)
        ledger.compact(world.runtime)


def test_attempts_receipts_and_times_are_counted(world: World) -> None:
    """Counts add up over commits and survive being compacted."""
    world.settle(2)
    world.take(2)
    world.clock.advance(seconds=2)
    run_lane(world.runtime, NORMAL)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0, Delivery.DELIVERED))
    receipts.apply_due(world.runtime)
    expected = {
        ("attempts", "scripted", "accepted"): 2.0,
        ("receipts", "scripted", "delivered"): 1.0,
        ("handover_le", NORMAL, "2.5"): 2.0,
        ("handover_sum", NORMAL, ""): 4.0,
    }
    for _ in range(2):
        with world.runtime.db.write() as tx:
            assert measures.totals(tx) == expected
            measures.compact(tx)


# --- send windows ---------------------------------------------------------------------------------


def test_at_night_notices_wait_for_the_morning_and_results_do_not(world: World) -> None:
    """In a city with send windows; nothing is lost by waiting."""
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, city="shanghai"))
    world.clock.now = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # Monday, 3 in the morning there
    world.settle(1)
    _notices(world)
    world.take()
    for lane in (BULK, NORMAL):
        run_lane(world.runtime, lane)
    assert world.statuses() == {"waiting": 1, "accepted": 1}
    world.clock.advance(hours=5)
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 2}

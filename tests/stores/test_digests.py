"""Notices of one person that share a message: which do, what it says, and that each still ends for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from gateway import cities
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import expand, progress, rehearsal
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.progress import Progress
from gateway.broadcasts.step import Limits
from gateway.broadcasts.store import START
from gateway.chaos import books as chaos
from gateway.cities import City
from gateway.citizens import register
from gateway.content import registered
from gateway.content import store as content
from gateway.delivery import books, joining, ledger, measures, receipts, retention
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.explain import of
from gateway.delivery.store import attempts, digests
from gateway.digest_hours import DigestHours
from gateway.levers import cancelling
from gateway.messages import Cap
from gateway.messages import Limits as Carried
from gateway.notice_cap import NoticeCap
from gateway.notifications import store
from gateway.notifications.pauses import Kind, pause, resume
from gateway.notifications.preferences import ANY, Wish, prefer
from gateway.notifications.request import Class, Request
from gateway.notifications.suppression import DEAD_ADDRESS, suppressions
from gateway.ops import timeline
from gateway.provider_books import Totals
from gateway.providers import (
    Absent,
    Accepted,
    Cause,
    Delivery,
    Found,
    Inquiry,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)
from gateway.send_windows import SendWindows
from tests.world import Scripted, World, report

LANE = "sms.bulk"
NAME = {"name": "王*", "核验码": "000000"}
ALL = ("甲", "乙", "丙", "丁", "戊", "己")
DAWN = datetime(2026, 11, 1, tzinfo=UTC)
TUESDAY = "2026-11-24"
Place = tuple[str, str]


# --- short words -------------------------------------------------------------------------------


def _at(world: World, text: str) -> None:
    world.clock.now = datetime.fromisoformat(f"{text}+08:00")


def _lives_by(world: World, patch: pytest.MonkeyPatch, **rules: Any) -> None:
    """The city with other rules."""
    name = world.runtime.settings.city
    versions = tuple(replace(one, **rules) for one in cities.shipped()[name].versions)
    patch.setitem(cities.shipped(), name, City(name, versions))


def _ids(world: World) -> list[UUID]:
    with world.runtime.db.read() as tx:
        found = [register.find(tx, world.runtime.vault, person.id_number) for person in world.people]
    return [citizen.id for citizen in found if citizen]


def _notices(world: World, *titles: str, **changes: Any) -> None:
    """One notice under each title for the first of the people, each of a broadcast of its own."""
    for title in titles:
        world.clock.advance(microseconds=1)  # taken one after the other
        more = {"broadcast_id": uuid4(), "title": title, "digest": True, **changes}
        world.take(klass=Class.NOTICE, **more)


def _run(world: World, lane: str = LANE) -> list[str]:
    """Work the lane off; what went out meanwhile."""
    before = len(world.provider.took)
    run_lane(world.runtime, lane)
    return [message.text for _, message in world.provider.took[before:]]


def _stand(world: World) -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in world.rows()]


def _push(world: World, number: int, delivery: Delivery, cause: Cause | None = None) -> None:
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(number, delivery, cause))
    receipts.apply_due(world.runtime)


def _attempts(world: World) -> Sequence[Any]:
    with world.runtime.db.read() as tx:
        return tx.execute(select(attempts).order_by(attempts.c.started_at)).all()


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx) and not ledger.differences(tx)


def _why(world: World, number: int = 0) -> str:
    with world.runtime.db.read() as tx:
        found = of(tx, world.runtime, world.rows()[number].id)
    assert found
    return found.why.said.en


def _told(count: int, titles: str) -> str:
    return f"您有{count}条人社通知：{titles}。详情请拨打12333咨询，拒收请回复R"


# --- one message ---------------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", [Delivery.DELIVERED, Delivery.UNDELIVERED])
def test_three_notices_are_one_message_and_end_by_its_receipt(world: World, delivery: Delivery) -> None:
    """Each has its attempt under the one hand-over; whatever comes of that is the end of all three."""
    world.settle(2)
    _notices(world, "延迟退休", "认证帮办", "社保卡换发")
    assert _run(world) == [_told(3, "延迟退休、认证帮办、社保卡换发")]
    tried = _attempts(world)
    assert (len({one.notification_id for one in tried}), len({one.handover for one in tried})) == (3, 1)
    assert world.statuses() == {"accepted": 3}
    _push(world, 0, delivery)
    assert world.statuses() == {str(delivery): 3}
    assert _balanced(world)


def test_a_receipt_finds_all_of_them_by_the_providers_reference(world: World) -> None:
    """A vendor that does not say our hand-over's id speaks of the whole message as well."""
    world.settle(1)
    _notices(world, "延迟退休", "认证帮办")
    _run(world)
    handover, message = world.provider.took[0]
    came = report(f"ref-{handover}", "", message.address, Delivery.DELIVERED)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", came)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 2}


def test_one_alone_goes_as_itself(world: World) -> None:
    """A message that says one title would say less than the notice."""
    world.settle(1)
    _notices(world, "延迟退休")
    assert "延迟退休" not in _run(world)[0]


def test_others_share_nothing(world: World) -> None:
    """Another person's, a result, a notice that may not wait and one without a title go by themselves."""
    world.settle(2)
    _notices(world, "延迟退休", "认证帮办")
    world.take(2, klass=Class.NOTICE, title="别的", digest=False)
    world.take(klass=Class.NOTICE, title=None, digest=True)
    world.take(2, klass=Class.RESULT)
    texts = _run(world) + _run(world, "sms.normal")
    assert [text for text in texts if "条人社通知" in text] == [_told(2, "延迟退休、认证帮办")]
    assert len(texts) == 6
    assert world.statuses() == {"accepted": 7}


def test_a_claim_brings_together_what_is_beyond_its_limit(world: World) -> None:
    """Whoever claims one of a person's notices has them all, and another worker none of them."""
    world.settle(1)
    _notices(world, "甲", "乙", "丙")
    first, second = claim_lane(world.runtime, LANE, 1), claim_lane(world.runtime, LANE, 10)
    assert [len(call.held) for call in first.handovers] == [3]
    assert (second.rows, list(second.handovers)) == (0, [])


def test_a_message_tells_so_many_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond that goes beside it, by the same rules."""
    monkeypatch.setattr(joining, "MOST", 2)
    world.settle(1)
    _notices(world, "甲", "乙", "丙")
    texts = _run(world)
    assert texts.count(_told(2, "甲、乙")) == 1
    assert len(texts) == 2


def test_people_share_a_call_and_not_a_message(world: World) -> None:
    """Digests of several people go in one batch, each outcome to its own notices."""
    people = world.settle(3)
    world.take(3, klass=Class.NOTICE, title="甲", digest=True)
    world.take(3, klass=Class.NOTICE, title="乙", digest=True)
    bad = f"+86{people[1].mobile}"
    world.provider.script = lambda handover, message: (
        Rejected("bad", Cause.RECIPIENT) if message.address == bad else Accepted(f"ref-{handover}")
    )
    _run(world)
    assert world.provider.calls == [3]
    assert Counter((row.citizen_id, row.status) for row in world.rows()) == {
        (citizen, "failed" if place == 1 else "accepted"): 2 for place, citizen in enumerate(_ids(world))
    }
    assert _balanced(world)


def test_an_email_holds_the_letters_one_under_the_other(world: World) -> None:
    """Under one subject, in full, each under its own; it needs no titles."""
    people = world.settle(60)
    post = Scripted()
    post.name, post.channel = "post", "email"
    weights = {**world.runtime.settings.providers, "email": {"post": 1}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "post": post},
        settings=replace(world.runtime.settings, providers=weights),
    )
    citizen = next(key for key, person in zip(_ids(world), people, strict=True) if person.email)
    kept = {"name": "王*", "card_tail": "6266", "until": "11月28日16:05", "bank": "-"}
    asked = [("policy/retirement_age", {**NAME, "name": "王<b>"}), ("card_loss/succeeded", kept)]
    with world.runtime.db.write() as tx:
        requests = [
            Request(citizen, "email", Class.NOTICE, text, "zh-CN", values, digest=True)
            for text, values in asked
        ]
        store.take(tx, world.runtime, requests)
    run_lane(world.runtime, "email.bulk")
    ((_, message),) = post.took
    assert message.subject == "您有2条通知"
    for words in ("延迟退休：您的退休年龄看出生年月和岗位", "1/2 ", "2/2 ", "女职工逐步延至55岁或58岁"):
        assert words in message.text
        assert words in message.html
    assert "<b>" not in message.html
    assert message.unsubscribe in message.text
    assert world.statuses() == {"accepted": 2}


# --- what is left out ------------------------------------------------------------------------------


def test_what_is_not_wanted_paused_or_withdrawn_is_left_out(world: World) -> None:
    """The rest goes without it, and it ends or waits as it would have alone."""
    world.settle(1)
    (citizen,) = _ids(world)
    held, off = uuid4(), uuid4()
    _notices(world, "留下甲", "留下乙")
    _notices(world, "暂停", broadcast_id=held)
    _notices(world, "撤回", broadcast_id=off)
    _notices(world, "不要", template="policy/retirement_age", personalisation=NAME)
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, citizen, "policy", "sms", Wish.OFF, "page")
        pause(tx, Kind.BROADCAST, str(held), "li", world.clock())
        gone = next(row.id for row in world.rows() if row.title == "撤回")
        cancelling.notification(tx, world.runtime, str(gone), "li")
    assert _run(world) == [_told(2, "留下甲、留下乙")]
    assert {row.title: (row.status, row.reason) for row in world.rows()} == {
        "留下甲": ("accepted", None),
        "留下乙": ("accepted", None),
        "暂停": ("waiting", None),
        "撤回": ("cancelled", "operator_cancelled"),
        "不要": ("suppressed", "not_wanted"),
    }
    with world.runtime.db.write() as tx:
        resume(tx, Kind.BROADCAST, str(held))
    assert "条人社通知" not in _run(world)[0]
    assert _balanced(world)


def test_one_that_is_left_goes_as_itself(world: World) -> None:
    """Where the other is not wanted there is nothing to gather."""
    world.settle(1)
    _notices(world, "甲")
    _notices(world, "不要", template="policy/retirement_age", personalisation=NAME)
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, _ids(world)[0], "policy", "sms", Wish.OFF, "page")
    (text,) = _run(world)
    assert "甲" not in text


def test_what_its_time_has_passed_for_is_left_out(world: World) -> None:
    """It ends as expired, and the message is of no use after the first of the others' ends."""
    world.settle(1)
    _notices(world, "晚了", expires=world.clock() + timedelta(minutes=1))
    _notices(world, "甲", "乙")
    _notices(world, "丙", expires=world.clock() + timedelta(hours=1))
    world.clock.advance(minutes=2)
    assert _run(world) == [_told(3, "丙、甲、乙")]
    assert world.provider.took[0][1].expires_at == world.rows()[-1].expires_at
    assert world.rows()[0].status == "expired"


@pytest.mark.parametrize("why", ["too_long", "no_text"])
def test_what_cannot_be_told_together_goes_singly(world: World, why: str) -> None:
    """Each once, at once, and never held for a digest again, not even by its owner's wish."""
    world.settle(1)
    if why == "too_long":
        world.provider.limits = Carried(variable=3)
    else:
        world.provider.needs_template = True
        _approve(world, "card_loss/failed")
    (citizen,) = _ids(world)
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, citizen, ANY, ANY, Wish.DAILY, "page")
    _notices(world, "延迟退休", "认证帮办")
    texts = _run(world)
    assert [text for text in texts if "条人社通知" in text] == []
    assert len(texts) == 2
    assert world.statuses() == {"accepted": 2}
    assert _balanced(world)


def test_a_text_around_them_that_asks_for_more_stops_no_lane(world: World) -> None:
    """Whatever somebody wrote there: they go singly, and so does everybody else's."""
    with world.runtime.db.write() as tx:
        around = content.to_send(tx, joining.TEXT, "sms", "zh-CN", ())
        tx.execute(
            insert(content.template_versions).values(
                template_id=around.id,
                version=around.version + 1,
                body="您有((count))条通知：((titles))，请在((deadline))前查看。",
                state=content.State.PUBLISHED,
                created_at=world.clock.now,
                created_by="somebody",
            )
        )
    world.settle(1)
    _notices(world, *ALL[:3])
    assert len(_run(world)) == 3
    assert world.statuses() == {"accepted": 3}


def _approve(world: World, name: str) -> None:
    """The scripted provider knows this text, and no other."""
    with world.runtime.db.write() as tx:
        version = content.to_send(tx, name, "sms", "zh-CN", ())
        known = registered.Registration(*version.key, "scripted", "SMS_1", "approved", "")
        registered.record_registration(tx, known, world.clock())


# --- hours, caps, wishes ---------------------------------------------------------------------------


def test_a_digest_counts_once_and_waits_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the cap it is one notice, now and later; over the cap all of it waits for the next day's digest."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(3, 0), send_windows=SendWindows())
    _at(world, f"{TUESDAY}T10:00")
    world.settle(1)
    _notices(world, "甲", "乙", "丙")
    world.take(klass=Class.NOTICE)
    assert _told(3, "甲、乙、丙") in (texts := _run(world))
    assert len(texts) == 2
    _notices(world, "己", "庚", "辛")
    assert _run(world) == [_told(3, "己、庚、辛")]
    _notices(world, "丁", "戊")
    assert _run(world) == []
    waiting = [row for row in world.rows() if row.status == "waiting"]
    assert {(row.reason, row.due_at.isoformat()) for row in waiting} == {
        ("frequency_cap", "2026-11-25T02:00:00+00:00")
    }
    world.clock.now = waiting[0].due_at
    assert _run(world) == [_told(2, "丁、戊")]


def test_a_closed_window_opens_with_the_digest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may join others does not go at eight when they go at ten."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, f"{TUESDAY}T21:00")
    world.settle(1)
    _notices(world, "甲")
    world.take(klass=Class.NOTICE)
    _run(world)
    assert [row.due_at.isoformat() for row in world.rows()] == [
        "2026-11-25T02:00:00+00:00",
        "2026-11-25T00:00:00+00:00",
    ]


def test_one_a_day_is_a_wish(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices of a day wait for the digest and come as one message; a reminder goes, and others' go."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, f"{TUESDAY}T11:00")
    world.settle(2)
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, _ids(world)[0], "card_loss", ANY, Wish.DAILY, "page")
    world.take(2, klass=Class.NOTICE, title="甲")
    world.take(klass=Class.REMINDER)
    assert len(_run(world)) + len(_run(world, "sms.normal")) == 2
    world.clock.advance(hours=2)
    world.take(klass=Class.NOTICE, title="乙")
    assert _run(world) == []
    assert _why(world, -1) == (
        "waiting: it waits for a digest of its person's notices, with 1 more so far; "
        "it will go at 2026-11-25 10:00."
    )
    _at(world, "2026-11-25T10:00")
    assert _run(world) == [_told(2, "甲、乙")]
    assert _why(world, -1).startswith("accepted: scripted took it (in one message with 1 more); ")


def test_what_would_not_live_to_see_the_digest_does_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish for one a day delays nothing beyond its time; a city without digests holds nothing."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, f"{TUESDAY}T11:00")
    world.settle(1)
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, _ids(world)[0], ANY, ANY, Wish.DAILY, "page")
    world.take(klass=Class.NOTICE, expires=world.clock() + timedelta(hours=5))
    assert len(_run(world)) == 1
    _lives_by(world, monkeypatch, digest=DigestHours(()))
    world.take(klass=Class.NOTICE)
    assert len(_run(world)) == 1


def test_vendors_caps_count_a_digest_once(world: World) -> None:
    """As one message of a text of its own: its notices' texts have their allowance still."""
    world.provider.limits = Carried(
        caps=(Cap(2, timedelta(hours=1)), Cap(1, timedelta(hours=1), same_text=True))
    )
    world.settle(1)
    _notices(world, "甲", "乙")
    _notices(world, "丙", template="policy/retirement_age", personalisation=NAME)
    assert len(_run(world)) == 1
    world.take(klass=Class.NOTICE)
    assert len(_run(world)) == 1
    world.take(klass=Class.NOTICE, template="policy/auth_help", personalisation=NAME)
    assert _run(world) == []
    assert _stand(world)[-1] == ("waiting", "provider_number_cap")


def test_an_address_is_given_up_after_three_messages_not_three_notices(world: World) -> None:
    """Three notices in one message that found nobody are one sign."""
    world.settle(1)
    for place in range(3):
        _notices(world, "甲", "乙", "丙")
        _run(world)
        with world.runtime.db.read() as tx:
            assert tx.execute(select(suppressions)).all() == []
        _push(world, place, Delivery.UNDELIVERED, Cause.RECIPIENT)
    with world.runtime.db.read() as tx:
        assert [row.reason for row in tx.execute(select(suppressions))] == [DEAD_ADDRESS]


def test_notices_told_by_a_call_are_one_call(world: World) -> None:
    """A telephone rings once for them; that is what caps, units and the books of the day count."""
    calls = Counting()
    weights = {**world.runtime.settings.providers, "voice": {"calls": 1}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "calls": calls},
        settings=replace(world.runtime.settings, providers=weights),
    )
    world.settle(1)
    _notices(world, *ALL, channel="voice", template="policy/retirement_age", personalisation=NAME)
    run_lane(world.runtime, "voice.bulk")
    ((_, message),) = calls.took
    assert "您有6条通知：甲、乙、丙、丁、戊、己。" in message.text
    _notices(world, "庚", "辛", channel="voice", template="policy/retirement_age", personalisation=NAME)
    run_lane(world.runtime, "voice.bulk")
    assert _stand(world)[6:] == [("waiting", "callee_cap")] * 2  # one a minute, five an hour
    world.clock.advance(minutes=2)
    run_lane(world.runtime, "voice.bulk")
    assert [message.text[16:23] for _, message in calls.took] == ["您有6条通知：", "您有2条通知："]
    assert books.match(world.runtime, "calls", world.clock().date())
    with world.runtime.db.read() as tx:
        used = measures.in_between(tx, measures.UNITS, "calls", DAWN, world.clock() + timedelta(days=1))
        (matched,) = books.of_day(tx, world.clock().date())
    assert used == {"accepted": 2}
    assert matched.difference == 0


class Counting(Scripted):
    """A provider of calls that tells its sums of a day, a unit for each."""

    name, channel = "calls", "voice"
    day_zone = UTC

    def units(self, _text: str, _signature: str) -> int:
        return 1

    def counted(self, _day: date) -> Totals:
        return Totals(taken=2, delivered=0, undelivered=0, open=2)


# --- lost answers, another try -----------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
def test_a_lost_answer_is_asked_about_once(world: World, taken: bool) -> None:
    """With its own words: what is found is true of all it told, what never was goes together again."""
    world.settle(1)
    _notices(world, *ALL)
    (call,) = claim_lane(world.runtime, LANE, 10).handovers
    if taken:
        world.provider.hand_over(call.id, call.messages[:1])  # and the worker dies
    asked: list[Inquiry] = []
    usual = world.provider.find

    def find(inquiry: Inquiry) -> Any:
        asked.append(inquiry)
        world.provider.found = None
        try:
            return usual(inquiry)
        finally:
            world.provider.found = find

    world.provider.found = find
    world.clock.advance(seconds=31)
    _run(world)
    assert world.statuses() == {"unknown": 6}
    world.clock.advance(seconds=11)
    _run(world)
    assert [one.text for one in asked] == [_told(6, "、".join(ALL))]
    assert world.statuses() == {"accepted": 6}
    assert [message.text for _, message in world.provider.took] == [_told(6, "、".join(ALL))]
    assert _balanced(world)


def test_what_was_not_taken_goes_together_again(world: World) -> None:
    """With what came due meanwhile; nobody gets any of it twice."""
    answers: Any = iter((Throttled("busy"), Unreachable("down")))
    world.provider.script = lambda handover, _message: next(answers, Accepted(f"ref-{handover}"))
    world.settle(1)
    _notices(world, "甲", "乙")
    for _ in range(3):
        _run(world)
        world.clock.advance(seconds=10)
        _notices(world, "丙") if len(world.rows()) < 3 else None
    _run(world)
    assert [message.text for _, message in world.provider.took] == [_told(3, "甲、乙、丙")]
    assert world.statuses() == {"accepted": 3}


# --- broadcasts ----------------------------------------------------------------------------------


def _started(world: World, **keys: Any) -> UUID:
    now = world.clock()
    given = {"template": "policy/retirement_age", "audience": {}, "digest": True, **keys}
    definition = definitions.read(given, cities.shipped()["changde"].rules_now(now), now)
    with world.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, world.runtime, definition).people
    with world.runtime.db.write() as tx:
        key = broadcasts.create(tx, world.runtime, definition, "test", counted=counted)
        assert broadcasts.act(tx, world.runtime, key, START, "test") is None
    expand.run_due(world.runtime, Limits(page=2, window=2, scan=4))
    return key


def _progress(world: World, key: UUID) -> Progress:
    with world.runtime.db.read() as tx:
        return progress.of(tx, broadcasts.find(tx, key), world.clock())


def test_two_broadcasts_reach_each_person_by_one_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the next working day at ten; each counts all of its people as reached."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, "2026-11-27T15:00")  # a Friday
    world.settle(5)
    first, second = (
        _started(world, title="延迟退休", title_en="Retirement"),
        _started(world, title="认证帮办"),
    )
    assert _run(world) == []
    _at(world, "2026-11-30T10:00")
    texts = _run(world)
    assert len(texts) == 5
    assert set(texts) <= {
        _told(2, "延迟退休、认证帮办"),
        "You have 2 notices: Retirement, 认证帮办. To hear more call 12333. Stop: reply R",
    }
    for number in range(5):
        _push(world, number, Delivery.DELIVERED)
    for key in (first, second):
        assert _progress(world, key).people.reached["sms"] == 5
    assert _balanced(world)


# --- on record -----------------------------------------------------------------------------------


def test_the_timeline_tells_of_one_message(world: World) -> None:
    """Whoever looks a notice up sees that its hand-over told others as well; old records go with it."""
    world.settle(1)
    _notices(world, "甲", "乙")
    _run(world)
    with world.runtime.db.read() as tx:
        lines = timeline.of_message(tx, world.rows()[0].id)
        assert len(tx.execute(select(digests)).all()) == 1
    assert lines
    assert [line.what for line in lines if "one message for 2 notices" in line.detail] == [
        "handing_over",
        "accepted",
    ]
    world.clock.advance(days=3_000)
    retention.tidy(world.runtime)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(digests)).all() == []


def test_chaos_reads_a_digest_as_one_message(world: World) -> None:
    """What was told together arrived once; what was never handed over is there one by one."""
    world.settle(1)
    _notices(world, "甲", "乙", "丙")
    assert len(chaos.read(world.runtime).rows) == 3
    _run(world)
    (written,) = chaos.read(world.runtime).rows
    assert written.words == _told(3, "甲、乙、丙")


# --- whatever the mixture ------------------------------------------------------------------------

WISHES = st.sampled_from([None, Wish.OFF, Wish.DAILY])
NOTICE = st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from(["甲", "乙", None]), st.integers(1, 80))
OUTCOMES = st.sampled_from(["accepted", "throttled", "unreachable", "unknown", "lost", "refused"])


@given(
    notices=st.lists(NOTICE, min_size=1, max_size=9),
    wishes=st.tuples(WISHES, WISHES, WISHES),
    cap=st.integers(0, 2),
    outcomes=st.lists(OUTCOMES, max_size=5),
    batch=st.sampled_from([1, 3]),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
def test_whatever_the_mixture_each_notice_ends_once(
    sqlite_world: World,
    notices: list[tuple[int, bool, str | None, int]],
    wishes: tuple[Wish | None, ...],
    cap: int,
    outcomes: list[str],
    batch: int,
) -> None:
    """Nobody gets any of them twice, each comes to one end, the ledger balances, the cap is kept."""
    with pytest.MonkeyPatch.context() as patch:
        _lives_by(sqlite_world, patch, notice_cap=NoticeCap(cap, 0), send_windows=SendWindows())
        _mixture(sqlite_world, notices, wishes, cap, outcomes, batch)


def _mixture(
    world: World,
    notices: list[tuple[int, bool, str | None, int]],
    wishes: tuple[Wish | None, ...],
    cap: int,
    outcomes: list[str],
    batch: int,
) -> None:
    world.people or world.settle(3)
    world.clock.now += timedelta(days=200)  # nothing of the example before counts any more
    earlier = {row.id for row in world.rows()}
    world.provider.took.clear()
    world.provider.batch = batch
    people = _ids(world)
    with world.runtime.db.write() as tx:
        for citizen, wish in zip(people, wishes, strict=True):
            prefer(tx, world.runtime, citizen, ANY, ANY, wish, "page")
        for person, joins, title, hours in notices:
            ends = world.clock() + timedelta(hours=hours)
            one = Request(people[person], "sms", Class.NOTICE, "card_loss/failed", "zh-CN", {}, expires=ends)
            store.take(tx, world.runtime, [one._replace(digest=joins, title=title)])
    came: dict[str, Any] = {
        "throttled": Throttled("busy"),
        "unreachable": Unreachable("down"),
        "unknown": Unknown("timeout"),
        "lost": Unknown("timeout"),
        "refused": Rejected("bad", Cause.CONTENT),
    }
    following = iter(outcomes)

    def script(handover: str, message: Any) -> Any:
        how = next(following, "accepted")
        if how == "lost":  # it had the message, and nobody heard so
            world.provider.took.append((handover, message))
        return came.get(how, Accepted(f"ref-{handover}"))

    def find(inquiry: Inquiry) -> Any:
        had = ((handover, message.address) for handover, message in world.provider.took)
        return Found("") if (inquiry.handover, inquiry.address) in had else Absent()

    world.provider.script, world.provider.found = script, find
    for _ in range(16):
        run_lane(world.runtime, LANE)
        world.clock.advance(hours=6)
    rows = [row for row in world.rows() if row.id not in earlier]
    assert len(rows) == len(notices)
    assert all(row.status in ("accepted", "failed", "expired", "suppressed") for row in rows)
    assert _balanced(world)
    indexed = world.runtime.vault.index
    taken = [(handover, indexed("mobile", message.address)) for handover, message in world.provider.took]
    assert len(set(taken)) == len(taken)
    theirs = [row for row in _attempts(world) if (row.handover, row.address_index) in taken]
    went = Counter(row.notification_id for row in theirs)
    assert set(went.values()) <= {1}
    assert went.keys() == {row.id for row in rows if row.status == "accepted"}
    if cap:
        days = {(row.handover, row.address_index): row.started_at for row in theirs}
        zone = cities.shipped()["changde"].versions[-1].zone
        each = Counter((address, at.astimezone(zone).date()) for (_, address), at in days.items())
        assert max(each.values(), default=0) <= cap

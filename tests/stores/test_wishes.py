"""What holds a message at the claim: the calendar, what people want, how much they had lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from gateway import audit, cities
from gateway.cities import City
from gateway.citizens import register
from gateway.delivery import ledger, receipts, route_book
from gateway.delivery.attempt import run_lane
from gateway.delivery.explain import of
from gateway.delivery.route_book import Override
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.errors import UnknownNameError
from gateway.notice_cap import NoticeCap
from gateway.notifications import preferences, store, suppression
from gateway.notifications.pauses import Kind, pause
from gateway.notifications.preferences import ANY, Wish, prefer, wished
from gateway.notifications.request import Class, Request
from gateway.notifications.suppression import OPTED_OUT
from gateway.providers import Cause, Delivery, Rejected, Throttled, Unknown
from gateway.send_windows import SendWindows
from tests.world import Scripted, World

BULK, NORMAL = "sms.bulk", "sms.normal"
VALUES = {"name": "王*", "核验码": "000000", "card_tail": "6266", "until": "11月28日16:05", "bank": "-"}


def _lives_by(world: World, monkeypatch: pytest.MonkeyPatch, **rules: Any) -> None:
    """The city with other rules."""
    name = world.runtime.settings.city
    versions = tuple(replace(one, **rules) for one in cities.shipped()[name].versions)
    monkeypatch.setitem(cities.shipped(), name, City(name, versions))


def _at(world: World, text: str) -> None:
    world.clock.now = datetime.fromisoformat(f"{text}+08:00")


def _stand(world: World) -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in world.rows()]


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return bool(ledger.balanced(tx))


def _ids(world: World) -> list[UUID]:
    with world.runtime.db.read() as tx:
        found = [register.find(tx, world.runtime.vault, person.id_number) for person in world.people]
    return [citizen.id for citizen in found if citizen]


def _prefer(world: World, citizen: UUID, category: str, channel: str, on: bool | None) -> None:
    wish = None if on is None else Wish.ON if on else Wish.OFF
    with world.runtime.db.write() as tx:
        prefer(tx, world.runtime, citizen, category, channel, wish, "page")


# --- the calendar ------------------------------------------------------------------------------


def test_a_notice_of_a_friday_night_waits_for_monday(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result beside it goes at once, and what would be too old on Monday goes on Saturday."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, "2026-11-27T21:00")
    world.settle(1)
    world.take(klass=Class.NOTICE)
    world.take(klass=Class.REMINDER, expires=world.clock() + timedelta(hours=24))
    world.take()
    run_lane(world.runtime, BULK)
    run_lane(world.runtime, NORMAL)
    due = {
        row.klass: row.due_at.astimezone(cities.shipped()["changde"].versions[-1].zone)
        for row in world.rows()
    }
    assert f"{due['notice']:%a %H:%M}" == "Mon 08:00"
    assert f"{due['reminder']:%a %H:%M}" == "Sat 08:00"
    assert world.statuses() == {"waiting": 2, "accepted": 1}
    _at(world, "2026-11-30T08:00")
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"waiting": 1, "accepted": 2}
    assert _balanced(world)


def test_what_no_window_opens_for_ends_when_its_time_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not kept until a window it does not live to see."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, "2026-11-24T21:00")
    world.settle(1)
    world.take(klass=Class.NOTICE, expires=world.clock() + timedelta(hours=1))
    run_lane(world.runtime, BULK)
    assert _why(world) == "waiting: the city's SMS window is closed; it expires before that, at 22:00."
    world.clock.advance(hours=1)
    run_lane(world.runtime, BULK)
    assert _stand(world) == [("expired", "too_late")]


# --- what people want ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "goes"),
    [
        ({}, True),
        ({("policy", "sms"): False}, False),
        ({("policy", ANY): False}, False),
        ({(ANY, "sms"): False}, False),
        ({(ANY, ANY): False}, False),
        ({("policy", "voice"): False, ("survey", ANY): False}, True),
        ({(ANY, ANY): False, ("policy", "sms"): True}, True),
        ({("policy", ANY): False, (ANY, "sms"): True}, False),
        ({(ANY, "sms"): False, ("policy", ANY): True}, True),
    ],
)
def test_the_most_exact_wish_decides(said: dict[tuple[str, str], bool], goes: bool) -> None:
    """Category and channel, then category, then channel, then all; nothing said means yes."""
    wishes = {place: Wish.ON if on else Wish.OFF for place, on in said.items()}
    assert wished(wishes, "policy", "sms") is (Wish.ON if goes else Wish.OFF)


def test_who_wants_no_notices_gets_none_but_results(world: World) -> None:
    """Reminders and notices of that category end as suppressed; codes, results and other people go on."""
    world.settle(2)
    _prefer(world, _ids(world)[0], "card_loss", ANY, on=False)
    for klass in Class:
        world.take(2, klass)
    for lane in ("sms.urgent", NORMAL, BULK):
        run_lane(world.runtime, lane)
    stopped = [row for row in world.rows() if row.status == "suppressed"]
    assert {(row.klass, row.reason, row.citizen_id) for row in stopped} == {
        ("notice", "not_wanted", _ids(world)[0]),
        ("reminder", "not_wanted", _ids(world)[0]),
    }
    assert world.statuses() == {"suppressed": 2, "accepted": 6}
    assert _balanced(world)


def test_a_wish_counts_that_comes_while_a_push_waits(world: World) -> None:
    """It is read when the message is claimed, and taken back in the same way."""
    world.settle(1)
    (citizen,) = _ids(world)
    world.take(klass=Class.NOTICE)
    _prefer(world, citizen, ANY, "sms", on=False)
    run_lane(world.runtime, BULK)
    _prefer(world, citizen, ANY, "sms", on=None)
    world.take(klass=Class.NOTICE)
    run_lane(world.runtime, BULK)
    assert _stand(world) == [("suppressed", "not_wanted"), ("accepted", None)]


def test_no_wish_takes_a_stop_back(world: World) -> None:
    """Whoever replied R gets no notices, whatever stands in the preferences."""
    (person,) = world.settle(1)
    (citizen,) = _ids(world)
    index = world.runtime.vault.index("mobile", f"+86{person.mobile}")
    with world.runtime.db.write() as tx:
        suppression.suppress(tx, [(index, "scripted", world.clock())], OPTED_OUT)
    _prefer(world, citizen, "card_loss", "sms", on=True)
    world.take(klass=Class.NOTICE)
    run_lane(world.runtime, BULK)
    assert _stand(world) == [("suppressed", OPTED_OUT)]


def test_a_wish_is_written_once_and_on_record(world: World) -> None:
    """The last word stands, with when and through whom; nobody wishes for what there is none of."""
    world.settle(1)
    (citizen,) = _ids(world)
    _prefer(world, citizen, "policy", "sms", on=False)
    world.clock.advance(hours=1)
    _prefer(world, citizen, "policy", "sms", on=True)
    for unknown in ((citizen, "weather", ANY), (citizen, ANY, "pigeon"), (UUID(int=1), ANY, ANY)):
        with pytest.raises(UnknownNameError):
            _prefer(world, *unknown, on=False)
    with world.runtime.db.read() as tx:
        (kept,) = preferences.of(tx, citizen)
        told = tx.execute(select(audit.audit.c.action, audit.audit.c.subject)).all()
    assert (kept.wish, kept.at, kept.through) == (Wish.ON, world.clock(), "page")
    assert [action for action, _ in told] == ["preference.off", "preference.on"]
    assert told[0].subject == f"{citizen} policy sms"


# --- how much they had ---------------------------------------------------------------------------


def test_over_the_cap_a_notice_waits_for_the_next_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the broadcast; results and reminders neither wait nor count."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(2, 6), send_windows=SendWindows())
    _at(world, "2026-11-24T10:00")
    world.settle(2)
    world.take(2, Class.REMINDER)
    world.take(2)
    for count in (1, 1, 2):
        world.take(count, Class.NOTICE, broadcast_id=UUID(int=count))
    for lane in (NORMAL, BULK):
        run_lane(world.runtime, lane)
    (held,) = [row for row in world.rows() if row.status == "waiting"]
    assert (held.reason, held.citizen_id) == ("frequency_cap", _ids(world)[0])
    assert held.due_at == datetime.fromisoformat("2026-11-25T08:00+08:00")
    world.clock.now = held.due_at
    run_lane(world.runtime, BULK)
    assert world.statuses() == {"accepted": 8}
    assert _balanced(world)


def test_what_would_be_too_old_by_then_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends as suppressed, with the cap as its reason."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(1, 0))
    world.settle(1)
    for _ in range(2):
        world.take(klass=Class.NOTICE, expires=world.clock() + timedelta(hours=2))
        run_lane(world.runtime, BULK)
    assert _stand(world) == [("accepted", None), ("suppressed", "frequency_cap")]


def test_a_person_is_counted_over_all_channels(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice by e-mail and one by text are two; a third of the day waits."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(2, 0))
    people = world.settle(60)
    _open_email(world)
    number = next(n for n, person in enumerate(people) if person.email)
    citizen = _ids(world)[number]
    for channel in ("email", "sms", "email"):
        _notice(world, citizen, channel)
        run_lane(world.runtime, f"{channel}.bulk")
    assert [status for status, _ in _stand(world)] == ["accepted", "accepted", "waiting"]


def test_people_who_share_a_telephone_are_counted_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap is for a person; an address of nobody known is one by itself."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(1, 0))
    one, other = city.people(2)
    world.people = [one, replace(other, mobile=one.mobile)]
    with world.runtime.db.write() as tx:
        register.add(tx, world.runtime.vault, [entry(person) for person in world.people])
    first, second = _ids(world)
    for citizen in (first, second, None, None, second):
        _notice(world, citizen, "sms", None if citizen else f"+86{one.mobile}")
        run_lane(world.runtime, BULK)
    assert [status for status, _ in _stand(world)] == ["accepted"] * 3 + ["waiting"] * 2


def test_only_notices_that_go_are_held_and_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reminder goes to whoever had enough; a notice that is not wanted takes nobody's place."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(1, 0))
    world.settle(1)
    (citizen,) = _ids(world)
    _prefer(world, citizen, "policy", ANY, on=False)
    world.take(klass=Class.NOTICE, template="policy/auth_help", personalisation=VALUES)
    world.take(klass=Class.NOTICE)
    run_lane(world.runtime, BULK)
    assert _stand(world) == [("suppressed", "not_wanted"), ("accepted", None)]
    world.take(klass=Class.REMINDER)
    run_lane(world.runtime, NORMAL)
    assert _stand(world)[2] == ("accepted", None)


def test_what_did_not_arrive_does_not_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follow-up by another way is not held back by the message it follows."""
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(1, 0))
    world.settle(1)
    world.take(klass=Class.NOTICE)
    run_lane(world.runtime, BULK)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0, Delivery.UNDELIVERED))
    receipts.apply_due(world.runtime)
    world.take(klass=Class.NOTICE)
    run_lane(world.runtime, BULK)
    assert [status for status, _ in _stand(world)] == ["undelivered", "accepted"]


def _statements(world: World, lane: str) -> list[str]:
    """What a claim asks the database while it works a lane off."""
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(world.runtime.db.engine, "before_cursor_execute", note)
    run_lane(world.runtime, lane)
    event.remove(world.runtime.db.engine, "before_cursor_execute", note)
    return seen


def test_a_claim_asks_once_for_all_its_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One query for what they want and one for what they had, however many they are; none without a cap."""
    world.settle(30)
    world.take(30, Class.NOTICE)
    free = _statements(world, BULK)
    _lives_by(world, monkeypatch, notice_cap=NoticeCap(9, 9))
    world.take(30, Class.NOTICE)
    capped = _statements(world, BULK)
    assert sum("FROM preferences" in one for one in free) == 1
    assert sum("FROM citizens JOIN" in one for one in free) == 0
    assert sum("FROM citizens JOIN" in one for one in capped) == 1


# --- why ---------------------------------------------------------------------------------------


def _why(world: World, number: int = 0) -> str:
    with world.runtime.db.read() as tx:
        found = of(tx, world.runtime, world.rows()[number].id)
    assert found
    return found.why.said.en


def test_the_stored_facts_make_the_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Along the life of one message: due, closed, paused, unknown, and one nobody knows."""
    _at(world, "2026-11-24T19:59")
    world.settle(1)
    world.take(klass=Class.NOTICE)
    assert _why(world) == "waiting: it was not tried yet; it is due and goes with the next claim of sms.bulk."
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    world.clock.advance(minutes=1)
    closed = "waiting: the city's SMS window is closed; it will go at 2026-11-25 08:00."
    assert _why(world) == closed
    run_lane(world.runtime, BULK)
    assert _why(world) == closed
    with world.runtime.db.write() as tx:
        pause(tx, Kind.LANE, BULK, "li", world.clock())
        assert of(tx, world.runtime, UUID(int=1)) is None
    assert "lane sms.bulk is paused by li" in _why(world)


def test_an_unknown_one_says_whom_it_asks_and_when(world: World) -> None:
    """The provider is the last attempt's, the time the row's own."""
    world.provider.script = lambda _handover, _message: Unknown("timeout")
    _at(world, "2026-11-24T14:02")
    world.settle(1)
    world.take()
    run_lane(world.runtime, NORMAL)
    assert _why(world) == "unknown: scripted gave no clear answer (timeout); it is asked again at 14:02:10."


def test_a_provider_held_still_is_named(world: World) -> None:
    """Where none can carry it, each of the channel's says why."""
    world.settle(1)
    with world.runtime.db.write() as tx:
        pause(tx, Kind.PROVIDER, "scripted", "li", world.clock())
    world.take()
    run_lane(world.runtime, NORMAL)
    assert _why(world).startswith("waiting: no provider can carry it now (scripted: paused); it will go at ")


def test_a_provider_without_a_weight_for_a_while_is_named(world: World) -> None:
    """Nobody looks for the fault at a provider that an operator left out."""
    world.settle(1)
    until = world.clock() + timedelta(hours=1)
    with world.runtime.db.write() as tx:
        route_book.override(tx, world.runtime, Override("sms", {"scripted": 0}, until, "li", "prices"))
    world.take()
    run_lane(world.runtime, NORMAL)
    assert "(scripted: left out by an operator's weights)" in _why(world)


def test_what_is_meant_for_the_night_goes_in_the_morning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window at its own time counts, not the one that is open while somebody asks."""
    _lives_by(world, monkeypatch, send_windows=SendWindows())
    _at(world, "2026-11-24T14:00")
    world.settle(1)
    night = world.clock() + timedelta(hours=9)
    world.take(klass=Class.NOTICE, not_before=night)
    assert _why(world) == "waiting: it was not tried yet; it will go at 2026-11-25 08:00."
    world.clock.now = night
    run_lane(world.runtime, BULK)
    assert _why(world) == "waiting: the city's SMS window is closed; it will go at 2026-11-25 08:00."


def test_a_broadcast_held_still_is_named(world: World) -> None:
    """Its messages wait with it."""
    world.settle(1)
    world.take(klass=Class.NOTICE, broadcast_id=UUID(int=7))
    with world.runtime.db.write() as tx:
        pause(tx, Kind.BROADCAST, str(UUID(int=7)), "li", world.clock())
    assert _why(world).startswith(f"waiting: broadcast {UUID(int=7)} is paused by li; ")


def test_the_last_try_is_the_one_told(world: World) -> None:
    """What the provider said before is over."""
    said = iter(("busy", "full"))
    world.provider.script = lambda _handover, _message: Throttled(next(said))
    world.settle(1)
    world.take()
    run_lane(world.runtime, NORMAL)
    world.clock.advance(seconds=2)
    run_lane(world.runtime, NORMAL)
    assert "scripted said full the last time" in _why(world)


def test_a_dead_letter_says_that_another_took_its_place(world: World) -> None:
    """Whoever finds the old one need not send again."""
    world.provider.script = lambda _handover, _message: Rejected("isv.X", Cause.CONTENT)
    world.settle(1)
    (dead,) = world.take()
    run_lane(world.runtime, NORMAL)
    assert _why(world).startswith("failed: scripted refused it for good with isv.X; that is its end, since ")
    world.take(replay_of=dead)
    assert _why(world).endswith("; another took its place by a replay.")


def _open_email(world: World) -> None:
    post = Scripted()
    post.name, post.channel = "post", "email"
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "post": post},
        settings=replace(
            world.runtime.settings, providers={**world.runtime.settings.providers, "email": {"post": 1}}
        ),
    )


def _notice(world: World, citizen: UUID | None, channel: str, address: str | None = None) -> None:
    asked: Sequence[Request] = [
        Request(citizen, channel, Class.NOTICE, "card_loss/succeeded", "zh-CN", VALUES, address=address)
    ]
    with world.runtime.db.write() as tx:
        store.take(tx, world.runtime, asked)

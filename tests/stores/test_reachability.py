"""What answers and receipts say about an address: who said stop, who complained, where nobody is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.delivery import receipts
from gateway.delivery.attempt import run_lane
from gateway.notifications import suppression
from gateway.notifications.request import Class
from gateway.notifications.suppression import suppressions
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Complaint,
    Delivery,
    Inbound,
    Receipt,
    Rejected,
    Report,
)
from tests.world import Scripted, World

LANES = ("sms.urgent", "sms.normal", "sms.bulk")
UNDELIVERED = Delivery.UNDELIVERED


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Most rules here are no matter of the database."""
    sqlite_world.settle(1)
    return sqlite_world


@pytest.fixture
def either(database_url: str, make_world: Callable[[str], World]) -> World:
    """A World on each kind of database, for those that are."""
    made = make_world(database_url)
    made.settle(1)
    return made


def _send(world: World, klass: Class = Class.RESULT) -> str:
    """Take one message and hand over what can be; returns what became of it."""
    (key,) = world.take(1, klass)
    for lane in LANES:
        run_lane(world.runtime, lane)
    row = next(row for row in world.rows() if row.id == key)
    return str(row.reason if row.status == "suppressed" else row.status)


def _report(world: World, delivery: Delivery, cause: Cause | None = None, number: int = -1) -> None:
    """The receipt of the last message handed over, or of another."""
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(number, delivery, cause))
    receipts.apply_due(world.runtime)


def _hear(world: World, *said: Report) -> None:
    world.provider.said = list(said)
    with world.runtime.db.write() as tx:
        body = str(world.runtime.new_id()).encode()
        receipts.keep(tx, world.runtime, "scripted", Callback("sms-report", "", {}, body, ""))
    receipts.apply_due(world.runtime)
    world.provider.said = []


def _complain(world: World) -> None:
    """Call the message that is sent first unwanted."""
    _send(world)
    _hear(world, Complaint(_mobile(world), handover=world.provider.took[-1][0]))


def _mobile(world: World) -> str:
    return "+86" + world.people[0].mobile


def _missing(world: World, times: int) -> None:
    for _ in range(times):
        _send(world)
        _report(world, UNDELIVERED, Cause.RECIPIENT)


def _every_class(world: World) -> dict[Class, str]:
    return {klass: _send(world, klass) for klass in Class}


GOES = dict.fromkeys(Class, "accepted")


# --- wishes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["complaint", "opted_out"])
def test_a_wish_stops_notices_alone(world: World, reason: str) -> None:
    """Somebody who complained, or opted out at a carrier, still gets reminders, results and codes."""
    if reason == "complaint":
        _complain(world)
    else:
        _send(world)
        _report(world, UNDELIVERED, Cause.OPTED_OUT)
    assert _every_class(world) == GOES | {Class.NOTICE: reason}


def test_a_complaint_counts_only_of_an_address_its_message_went_to(either: World) -> None:
    """Whoever knows no hand-over, or one to somebody else, silences nobody; what may come early is kept."""
    world = either
    _send(world)
    handover = world.provider.took[-1][0]
    for forged in (
        Complaint(_mobile(world)),
        Complaint(_mobile(world), handover="zzz"),
        Complaint("+8613800138000", handover=handover),
    ):
        _hear(world, forged)
    with world.runtime.db.read() as tx:
        assert suppression.count(tx) == 0
        assert receipts.waiting(tx) == {"unmatched": 3}
    _hear(world, Complaint(_mobile(world), handover=handover))
    assert _send(world, Class.NOTICE) == "complaint"


def test_a_complaint_that_is_looked_at_again_undoes_no_start_said_since(world: World) -> None:
    """It counts from when it came, though its push waits for a message nobody knows yet."""
    _send(world)
    complaint = Complaint(_mobile(world), handover=world.provider.took[-1][0])
    push: list[Report] = [complaint, Receipt("ref-unknown", _mobile(world), Delivery.DELIVERED, "0")]
    _hear(world, *push)
    assert _send(world, Class.NOTICE) == "complaint"
    world.clock.advance(seconds=0.5)  # the push is due again after one
    _hear(world, Inbound("1", _mobile(world), "106", "START"))
    world.provider.said = list(push)
    world.clock.advance(minutes=1)
    assert receipts.apply_due(world.runtime) == 1
    assert _send(world, Class.NOTICE) == "accepted"


@pytest.mark.parametrize("reason", ["complaint", "opted_out", "dead_address"])
def test_who_says_start_gets_everything_again(world: World, reason: str) -> None:
    """The person's own word lifts a complaint and an opt-out, and shows that somebody is there."""
    if reason == "complaint":
        _complain(world)
    elif reason == "opted_out":
        _send(world)
        _report(world, UNDELIVERED, Cause.OPTED_OUT)
    else:
        _missing(world, 3)
    assert _send(world, Class.NOTICE) == reason
    world.clock.advance(minutes=1)
    _hear(world, Inbound("1", _mobile(world), "106", "START"))
    assert _every_class(world) == GOES


def test_a_late_receipt_does_not_take_back_a_start(world: World) -> None:
    """What a carrier says of a message from before the start is over; of a later one it counts."""
    _send(world)
    world.clock.advance(minutes=1)
    _hear(world, Inbound("1", _mobile(world), "106", "START"))
    _report(world, UNDELIVERED, Cause.OPTED_OUT)
    assert _send(world, Class.NOTICE) == "accepted"
    world.clock.advance(minutes=1)
    _send(world)
    _report(world, UNDELIVERED, Cause.OPTED_OUT)
    assert _send(world, Class.NOTICE) == "opted_out"


def _came(world: World, text: str) -> None:
    """A push without a time comes in at the door."""
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", Callback("sms-up", "", {}, text.encode(), ""))


def test_the_last_wish_counts_however_late_somebody_gets_to_an_earlier_one(world: World) -> None:
    """Where the provider gives no time, a message was said when it came, not when it was applied."""
    _came(world, "START")
    receipts._claimed(world.runtime)  # by a worker that dies
    world.clock.advance(seconds=10)
    for text, seconds in (("STOP", 0), ("START", 31)):
        if text == "STOP":
            _came(world, text)
        world.clock.advance(seconds=seconds)
        world.provider.said = [Inbound(text, _mobile(world), "106", text)]
        assert receipts.apply_due(world.runtime) == 1
    assert _send(world, Class.NOTICE) == "opted_out"


def test_an_old_start_undoes_nothing_that_was_said_since(either: World) -> None:
    """Neither when the person writes something else, nor when the start itself comes in late."""
    world = either
    _hear(world, Inbound("1", _mobile(world), "106", "START"))
    said_at = world.clock.advance(days=1)
    world.clock.advance(days=60)
    _send(world)
    _report(world, UNDELIVERED, Cause.OPTED_OUT)
    _hear(world, Inbound("2", _mobile(world), "106", "你们不要再发了"))
    assert _send(world, Class.NOTICE) == "opted_out"
    _hear(world, Inbound("3", _mobile(world), "106", "START", said_at))
    assert _send(world, Class.NOTICE) == "opted_out"
    world.clock.advance(minutes=1)
    _hear(world, Inbound("4", _mobile(world), "106", "START"))
    assert _send(world, Class.NOTICE) == "accepted"


def test_what_was_said_again_is_as_old_as_the_last_time(world: World) -> None:
    """A start between a person's stop and the carrier's word ends neither."""
    _hear(world, Inbound("1", _mobile(world), "106", "STOP"))
    between = world.clock.advance(minutes=1)
    world.clock.advance(minutes=1)
    _send(world)
    _report(world, UNDELIVERED, Cause.OPTED_OUT)
    _hear(world, Inbound("2", _mobile(world), "106", "START", between))
    assert _send(world, Class.NOTICE) == "opted_out"


# --- dead addresses ----------------------------------------------------------------------------


def test_a_number_where_three_messages_found_nobody_gets_no_notices_and_reminders(either: World) -> None:
    """Two may be an accident; codes and results go on, and each further failure renews it."""
    _missing(either, 2)
    assert _every_class(either) == GOES
    _missing(either, 1)
    dead = GOES | {Class.NOTICE: "dead_address", Class.REMINDER: "dead_address"}
    assert _every_class(either) == dead
    either.clock.advance(days=20)
    _missing(either, 1)
    with either.runtime.db.read() as tx:
        (row,) = tx.execute(select(suppressions)).all()
    assert row.until == either.clock.now + timedelta(days=90)


def test_a_number_the_provider_refuses_at_once_counts_alike(world: World) -> None:
    """Whether it says so in its answer or in a receipt."""
    world.provider.script = lambda _handover, _message: Rejected("bad number", Cause.RECIPIENT)
    assert [_send(world) for _ in range(3)] == ["failed"] * 3
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")
    assert _send(world, Class.NOTICE) == "dead_address"


def test_tries_of_one_message_count_once(world: World) -> None:
    """Two providers that refuse the same number are no second message."""
    _missing(world, 1)
    refusals = iter([Rejected("1", Cause.RECIPIENT), Rejected("2", Cause.RECIPIENT)])
    for _ in range(2):
        world.provider.script = lambda _handover, _message: next(refusals)
    _send(world)
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")
    assert _send(world, Class.NOTICE) == "accepted"


def test_failures_more_than_thirty_days_apart_make_no_dead_number(world: World) -> None:
    """A number may be off for a while now and then."""
    _missing(world, 2)
    world.clock.advance(days=31)
    _missing(world, 1)
    assert _send(world, Class.NOTICE) == "accepted"


def test_something_delivered_makes_a_number_live_again(world: World) -> None:
    """And the count begins anew."""
    _missing(world, 3)
    _send(world)
    _report(world, Delivery.DELIVERED)
    assert _send(world, Class.NOTICE) == "accepted"
    _missing(world, 2)
    assert _send(world, Class.NOTICE) == "accepted"


def test_an_old_delivery_reported_late_proves_nothing(world: World) -> None:
    """What arrived before the failures does not make the number live again."""
    _send(world)
    world.clock.advance(minutes=1)
    _missing(world, 3)
    _report(world, Delivery.DELIVERED, number=0)
    assert _send(world, Class.NOTICE) == "dead_address"


def test_a_dead_number_is_tried_again_after_ninety_days(world: World) -> None:
    """It may be somebody else's by then, or the same person's again; the row is dropped then."""
    _missing(world, 3)
    world.clock.advance(days=90)
    assert _send(world, Class.NOTICE) == "accepted"
    with world.runtime.db.write() as tx:
        suppression.forget_old(tx, world.clock.now)
        assert suppression.count(tx) == 0


def test_an_e_mail_that_bounces_for_good_is_the_last_notice_there(world: World) -> None:
    """One hard bounce is enough; the telephone of the same person is another address."""
    post = Scripted(batch=1)
    post.name, post.channel = "post", "email"
    weights = {**world.runtime.settings.providers, "email": {"post": 1}}
    changed = replace(world.runtime.settings, providers=weights)
    world.runtime = replace(
        world.runtime, providers={**world.runtime.providers, "post": post}, settings=changed
    )
    said: dict[str, Any] = {
        "channel": "email",
        "template": "card_loss/succeeded",
        "address": "wang@example.cn",
    }
    said["personalisation"] = {"card_tail": "6266", "until": "11月28日", "bank": "请联系发卡行"}
    world.take(1, Class.NOTICE, **said)
    run_lane(world.runtime, "email.bulk")
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "post", post.report(0, UNDELIVERED, Cause.RECIPIENT))
    receipts.apply_due(world.runtime)
    world.take(1, Class.REMINDER, **said)
    run_lane(world.runtime, "email.normal")
    assert [row.reason for row in world.rows()] == ["undelivered", "dead_address"]
    assert _send(world, Class.NOTICE) == "accepted"

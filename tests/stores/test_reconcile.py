"""Lost answers on both databases: asked about ever more rarely, told by receipts, counted, never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.delivery import ledger, measures, receipts, reconcile
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.providers import Absent, Accepted, CannotTell, Delivery, Found, Inquiry, Outcome, Unknown
from tests.world import Scripted, World, report

LANES = {Class.CODE: "sms.urgent", Class.RESULT: "sms.normal", Class.REMINDER: "sms.normal"}
LANES[Class.NOTICE] = "sms.bulk"
ASKED = (Class.RESULT, Class.REMINDER, Class.NOTICE)
HOURS = timedelta(hours=1)


class Mute(Scripted):
    """It cannot be asked."""

    find = None  # type: ignore[assignment]


def _lost(world: World, klass: Class, *, taken: bool = False) -> str:
    """One message whose answer was lost; returns its lane."""
    world.settle(1)
    world.take(1, klass)

    def lose(handover: str, message: Any) -> Outcome:
        if taken:
            world.provider.took.append((handover, message))
        return Unknown("read_timeout")

    world.provider.script = lose
    run_lane(world.runtime, LANES[klass])
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")
    return LANES[klass]


def _row(world: World) -> Any:
    return world.rows()[0]


def _work_when_due(world: World, lane: str) -> None:
    world.clock.now = _row(world).due_at
    run_lane(world.runtime, lane)


def _inquiries(world: World) -> dict[str, float]:
    with world.runtime.db.read() as tx:
        totals = measures.totals(tx)
    return {detail: n for (name, _, detail), n in totals.items() if name == measures.INQUIRIES}


def test_an_unknown_code_goes_out_again_at_once(world: World) -> None:
    """Nobody is asked: twice is better than late."""
    _lost(world, Class.CODE, taken=True)
    assert (_row(world).status, _row(world).tries, len(world.provider.took)) == ("waiting", 2, 2)
    assert _inquiries(world) == {}


@pytest.mark.parametrize("klass", ASKED)
def test_what_the_provider_never_had_is_sent_again(klass: Class, world: World) -> None:
    """Shown not taken, so nobody gets it twice: one message arrived."""
    lane = _lost(world, klass)
    assert _row(world).status == "unknown"
    world.provider.found = lambda _inquiry: Absent()
    _work_when_due(world, lane)
    assert (_row(world).status, len(world.provider.took), _row(world).tries) == ("accepted", 1, 2)
    assert _inquiries(world) == {"absent": 1}


@pytest.mark.parametrize("klass", ASKED)
def test_what_the_provider_had_is_not_sent_again(klass: Class, world: World) -> None:
    """Found: accepted as it is."""
    lane = _lost(world, klass, taken=True)
    _work_when_due(world, lane)
    assert (_row(world).status, len(world.provider.took), _row(world).tries) == ("accepted", 1, 1)
    assert _inquiries(world) == {"found": 1}


@pytest.mark.parametrize("klass", ASKED)
def test_what_nobody_can_tell_is_left_unknown_and_never_sent_again(klass: Class, world: World) -> None:
    """Asked more and more rarely for its receipt window, then counted as unknown for good."""
    lane, asked = _lost(world, klass), []

    def nothing(inquiry: Inquiry) -> CannotTell:
        asked.append(world.clock.now - inquiry.at)
        return CannotTell("down")

    world.provider.found = nothing
    while _row(world).due_at is not None and len(asked) < 170:
        _work_when_due(world, lane)
    row = _row(world)
    assert (row.status, row.reason, row.tries, world.provider.took) == ("unknown", "down", 1, [])
    gaps = [later - sooner for sooner, later in pairwise(asked)]
    assert gaps[:-1] == sorted(gaps[:-1])
    assert asked[-1] == 72 * HOURS
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
        assert reconcile.standing(tx, world.clock.now) == {}


def test_a_worker_lost_over_a_question_does_not_start_the_pauses_anew(world: World) -> None:
    """They follow from the age alone."""
    lane = _lost(world, Class.RESULT)
    world.provider.found = lambda _inquiry: CannotTell("down")
    world.clock.advance(hours=3)
    run_lane(world.runtime, lane)
    assert _row(world).due_at == world.clock.now + timedelta(minutes=30)


@pytest.fixture
def mute(world: World) -> Mute:
    """The provider, unable to answer questions."""
    mute = Mute()
    world.provider = mute
    world.runtime = replace(world.runtime, providers={mute.name: mute})
    return mute


def test_who_cannot_be_asked_is_looked_at_once_more_at_the_end_of_the_receipt_window(
    world: World, mute: Mute
) -> None:
    """No looking every few seconds; unknown for good only then."""
    lane = _lost(world, Class.NOTICE)
    started = world.clock.now
    _work_when_due(world, lane)
    row = _row(world)
    assert (row.status, row.reason, row.due_at) == (
        "unknown",
        "provider_cannot_be_asked",
        started + 72 * HOURS,
    )
    _work_when_due(world, lane)
    assert (_row(world).status, _row(world).due_at, mute.took) == ("unknown", None, [])
    assert _inquiries(world) == {}


def test_the_report_of_a_message_whose_answer_was_lost_tells(world: World, mute: Mute) -> None:
    """It names our hand-over and the address: delivered, without a question."""
    lane = _lost(world, Class.RESULT, taken=True)
    _work_when_due(world, lane)
    handover, message = mute.took[0]
    with world.runtime.db.write() as tx:
        came = report("ref-late", handover, message.address, Delivery.DELIVERED)
        receipts.keep(tx, world.runtime, "scripted", came)
    receipts.apply_due(world.runtime)
    assert _row(world).status == "delivered"


def test_what_is_being_found_out_is_counted_by_provider_and_age(world: World) -> None:
    """The figures of /metrics; each age up to its bound."""
    world.settle(4)
    world.provider.script = lambda _handover, _message: Unknown("read_timeout")
    world.take(4)
    run_lane(world.runtime, "sms.normal")
    keys = [row.id for row in world.rows()]
    for key, minutes in zip(keys, (0.5, 5, 61, 3000), strict=True):
        with world.runtime.db.write() as tx:
            at = world.clock.now - timedelta(minutes=minutes)
            tx.execute(update(notifications).where(notifications.c.id == key).values(handed_over_at=at))
    with world.runtime.db.read() as tx:
        assert reconcile.standing(tx, world.clock.now) == {
            ("scripted", "1m"): 1,
            ("scripted", "10m"): 1,
            ("scripted", "1d"): 1,
            ("scripted", "older"): 1,
        }


def test_a_found_reference_is_kept_with_its_attempt(world: World) -> None:
    """So that the receipt finds it."""
    lane = _lost(world, Class.RESULT)
    world.provider.found = lambda _inquiry: Found("SM1")
    _work_when_due(world, lane)
    with world.runtime.db.read() as tx:
        (attempt,) = tx.execute(select(attempts)).all()
    assert (attempt.outcome, attempt.provider_ref) == ("accepted", "SM1")

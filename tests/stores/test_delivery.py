"""The delivery engine on both databases: claim, attempt, outcome, lost workers, receipts, ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Event, Thread, current_thread
from typing import Any

import pytest
from sqlalchemy import select

from gateway.delivery import ledger, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.record import Answer, record
from gateway.delivery.store import attempts
from gateway.notifications.request import Class
from gateway.providers import Accepted, Cause, Delivery, Outcome, Rejected, Throttled, Unknown, Unreachable
from tests.world import World, report

LANE = "sms.normal"


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx)


def _attempts(world: World) -> Sequence[Any]:
    with world.runtime.db.read() as tx:
        return tx.execute(select(attempts).order_by(attempts.c.started_at)).all()


def _push(world: World, number: int, delivery: Delivery = Delivery.DELIVERED) -> None:
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(number, delivery))
    receipts.apply_due(world.runtime)


def test_a_taken_message_is_handed_over_and_its_receipt_ends_it(world: World) -> None:
    """waiting → accepted → delivered, with one attempt, and the ledger balances at every stop."""
    world.settle(1)
    world.take()
    assert world.statuses() == {"waiting": 1}
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}
    _push(world, 0)
    assert world.statuses() == {"delivered": 1}
    assert len(_attempts(world)) == 1
    assert _balanced(world)


def test_due_messages_of_one_template_share_a_call(world: World) -> None:
    """A hundred messages of one template are one hand-over to a provider that batches."""
    world.settle(150)
    world.take(150)
    run_lane(world.runtime, LANE)
    assert sorted(world.provider.calls) == [50, 100]


def test_an_address_stands_once_in_a_call(world: World) -> None:
    """Receipts are told apart by number, so two messages to one person are two calls."""
    world.settle(1)
    world.take()
    world.take()
    run_lane(world.runtime, LANE)
    assert world.provider.calls == [1, 1]


def test_two_claims_share_no_row(world: World) -> None:
    """What one worker holds another does not get."""
    world.settle(30)
    world.take(30)
    first = claim_lane(world.runtime, LANE, 20)
    second = claim_lane(world.runtime, LANE, 20)
    held = [one.id for claimed in (first, second) for call in claimed.handovers for one in call.held]
    assert (first.rows, second.rows) == (20, 10)
    assert len(set(held)) == 30


def test_the_attempt_is_on_record_before_the_call(world: World) -> None:
    """A provider that looks into our database while it is called finds the attempt committed."""
    world.settle(1)
    world.take()
    seen: list[int] = []

    def look(handover: str, _message: Any) -> Accepted:
        seen.append(
            len([row for row in _attempts(world) if row.handover == handover and row.outcome is None])
        )
        return Accepted("ref")

    world.provider.script = look
    run_lane(world.runtime, LANE)
    assert seen == [1]


# --- lost workers and unknown outcomes -------------------------------------------------------


def test_a_worker_lost_after_the_call_does_not_send_twice(world: World) -> None:
    """The provider had it: found on asking, so it is accepted, not sent again."""
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    call = claimed.handovers[0]
    world.provider.hand_over(call.id, call.messages)  # and the worker dies before it writes the answer down
    world.clock.advance(seconds=31)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"unknown": 1}
    world.clock.advance(seconds=11)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}
    assert len(world.provider.took) == 1
    assert _balanced(world)


def test_a_worker_lost_before_the_call_sends_once(world: World) -> None:
    """The provider never had it: absent on asking, so it goes out, once."""
    world.settle(1)
    world.take()
    claim_lane(world.runtime, LANE, 10)
    world.clock.advance(seconds=31)
    run_lane(world.runtime, LANE)
    world.clock.advance(seconds=11)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}
    assert len(world.provider.took) == 1


def test_a_code_with_a_lost_answer_goes_out_again_at_once(world: World) -> None:
    """For a code, twice is better than late."""
    world.settle(1)
    world.take(klass=Class.CODE)
    answers: Iterator[Outcome] = iter([Unknown("timeout"), Accepted("ref")])
    world.provider.script = lambda _handover, _message: next(answers)
    run_lane(world.runtime, "sms.urgent")
    assert world.provider.calls == [1, 1]
    assert world.statuses() == {"accepted": 1}


def test_a_late_answer_tells_what_became_of_one_given_up_as_unknown(world: World) -> None:
    """A call that outlived its lease was taken after all; its receipt finds the attempt."""
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    call = claimed.handovers[0]
    outcomes = world.provider.hand_over(call.id, call.messages)
    world.clock.advance(seconds=31)
    run_lane(world.runtime, LANE)
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, [Answer(claimed.lease, call, outcomes)])
    assert world.statuses() == {"accepted": 1}
    _push(world, 0)
    assert world.statuses() == {"delivered": 1}
    assert _balanced(world)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Unreachable("read_timeout"), "waiting"),
        (Throttled("450"), "waiting"),
        (Rejected("550", Cause.CONTENT), "failed"),
        (Unknown("read_timeout"), "unknown"),
    ],
)
def test_a_late_answer_that_it_was_not_taken_counts_like_one_in_time(
    world: World, outcome: Outcome, status: str
) -> None:
    """What a call that outlived its lease surely did not hand over is not unknown for ever."""
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    world.clock.advance(seconds=31)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"unknown": 1}
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, [Answer(claimed.lease, claimed.handovers[0], [outcome])])
    assert world.statuses() == {status: 1}
    assert _balanced(world)


def test_a_late_answer_says_nothing_of_a_later_try(world: World) -> None:
    """The first call handed nothing over; whether the second did is as unknown as before."""
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    world.clock.advance(seconds=31)
    run_lane(world.runtime, LANE)
    world.provider.script = lambda _handover, _message: Unknown("timeout")
    world.clock.advance(seconds=11)
    run_lane(world.runtime, LANE)
    assert (len(_attempts(world)), world.statuses()) == (2, {"unknown": 1})
    with world.runtime.db.write() as tx:
        record(
            tx, world.runtime, [Answer(claimed.lease, claimed.handovers[0], [Unreachable("read_timeout")])]
        )
    assert world.statuses() == {"unknown": 1}


def test_a_provider_that_answers_for_too_few_leaves_all_unknown(world: World) -> None:
    """What a broken provider did is not known, so it is asked about, not guessed."""
    world.settle(3)
    world.take(3)
    hand_over = world.provider.hand_over
    world.provider.hand_over = lambda handover, messages: hand_over(handover, messages)[:1]  # type: ignore[method-assign]
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"unknown": 3}
    assert _balanced(world)


def test_a_call_that_breaks_our_own_code_is_unknown_and_keeps_no_lane_waiting(world: World) -> None:
    """Whatever goes wrong around a call, its messages have an answer and the run of the lane ends."""
    world.settle(3)
    world.take(3)
    called = Event()

    def clock() -> datetime:
        if called.is_set() and current_thread().name.startswith(LANE):  # in the thread of the call, after it
            raise ArithmeticError
        return world.clock()

    def call(handover: str, _message: Any) -> Accepted:
        called.set()
        return Accepted(f"ref-{handover}")

    world.provider.script = call
    run = Thread(target=run_lane, args=(replace(world.runtime, clock=clock), LANE), daemon=True)
    run.start()
    run.join(10)
    assert not run.is_alive()
    assert {(row.status, row.reason) for row in world.rows()} == {("unknown", "our_bug")}
    assert _balanced(world)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Throttled("limit"), "waiting"),
        (Unreachable("refused"), "waiting"),
        (Unknown("timeout"), "unknown"),
        (Rejected("bad number", Cause.RECIPIENT), "failed"),
        (Rejected("bad text", Cause.CONTENT), "failed"),
        (Rejected("no money", Cause.ACCOUNT), "waiting"),
        (Rejected("never heard of"), "failed"),
    ],
)
def test_each_outcome_leaves_its_status_and_a_balanced_ledger(
    world: World, outcome: Any, status: str
) -> None:
    """An outcome is a value, and each value has one place it leads to."""
    world.settle(1)
    world.take()
    world.provider.script = lambda _handover, _message: outcome
    run_lane(world.runtime, LANE)
    assert world.statuses() == {status: 1}
    assert _balanced(world)


def test_an_expired_code_is_never_sent(world: World) -> None:
    """A code older than five minutes helps nobody but a thief."""
    world.settle(1)
    world.take(klass=Class.CODE)
    world.clock.advance(minutes=5)
    run_lane(world.runtime, "sms.urgent")
    assert world.provider.calls == []
    assert world.statuses() == {"expired": 1}


# --- receipts ----------------------------------------------------------------------------------


def test_a_receipt_may_come_before_the_answer(world: World) -> None:
    """A receipt that overtakes the hand-over's own answer is not undone by it."""
    world.settle(1)
    world.take()

    def early(handover: str, message: Any) -> Accepted:
        early_report = report(f"ref-{handover}", handover, message.address, Delivery.DELIVERED)
        with world.runtime.db.write() as tx:
            receipts.keep(tx, world.runtime, "scripted", early_report)
        receipts.apply_due(world.runtime)
        return Accepted(f"ref-{handover}")

    world.provider.script = early
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"delivered": 1}
    assert _balanced(world)


def test_receipts_twice_and_reversed_change_nothing(world: World) -> None:
    """The first final receipt counts; later ones move no status back."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    _push(world, 0, Delivery.UNDELIVERED)
    _push(world, 0, Delivery.UNDELIVERED)
    _push(world, 0, Delivery.DELIVERED)
    _push(world, 0, Delivery.PENDING)
    assert world.statuses() == {"undelivered": 1}
    assert _balanced(world)


def test_an_unmatched_receipt_is_kept_and_matched_later(world: World) -> None:
    """A receipt for a reference nobody knows yet is put back, not dropped."""
    world.settle(1)
    world.take()
    claimed = claim_lane(world.runtime, LANE, 10)
    call = claimed.handovers[0]
    early = report("ref-later", "", call.messages[0].address, Delivery.DELIVERED)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", early)
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        assert receipts.waiting(tx) == {"unmatched": 1}
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, [Answer(claimed.lease, call, [Accepted("ref-later")])])
    world.clock.advance(seconds=5)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 1}


def test_an_accepted_message_without_a_receipt_ends_when_its_window_ends(world: World) -> None:
    """After 72 hours "accepted" is all that will ever be known, and says so."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    world.clock.advance(hours=72)
    run_lane(world.runtime, LANE)
    row = world.rows()[0]
    assert (row.status, row.reason, row.due_at) == ("accepted", "no_receipt", None)


# --- ledger --------------------------------------------------------------------------------------


def test_compacting_keeps_every_account(world: World) -> None:
    """Summing up old entries changes no sum."""
    world.settle(40)
    for _ in range(3):
        world.take(40)
        run_lane(world.runtime, LANE)
    with world.runtime.db.read() as tx:
        before = ledger.accounts(tx)
    saved = ledger.compact(world.runtime)
    with world.runtime.db.read() as tx:
        assert ledger.accounts(tx) == before
    assert saved > 0
    assert _balanced(world)


def test_the_ledger_shows_a_row_that_vanished(world: World) -> None:
    """Entries are written apart from the rows, so a lost row shows."""
    from gateway.notifications.store import notifications

    world.settle(2)
    world.take(2)
    with world.runtime.db.write() as tx:
        tx.execute(notifications.delete().where(notifications.c.id == world.rows()[0].id))
    assert not _balanced(world)

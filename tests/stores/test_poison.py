"""One bad row, cell or callback stops nobody else, and is there to be seen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.citizens import register
from gateway.content import editing, registration
from gateway.content import store as content
from gateway.content.editing import Author
from gateway.delivery import receipts
from gateway.delivery.attempt import run_lane
from gateway.errors import UnknownNameError
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.providers import (
    Accepted,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Found,
    Outcome,
    RegistrationUnanswered,
    Rejected,
    Review,
    ReviewState,
    Unknown,
    Unreachable,
)
from gateway.runtime import Runtime
from gateway.transactions import engine, steps, store
from tests.stores.test_transactions import Desk, begin, desk, prove, sent_codes, submit
from tests.world import Scripted, World, report

__all__ = ["desk"]  # a fixture of the neighbour's
LANE = "sms.normal"


def _keep(world: World, *pushes: Callback) -> None:
    with world.runtime.db.write() as tx:
        for push in pushes:
            receipts.keep(tx, world.runtime, "scripted", push)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b'[{"reference":"r"}]',
        b'[{"reference":"r","address":"+8613800138000","delivery":"delivered","code":"\\ud800","handover":"\\u0000"}]',
        b"[" * 50_000,
    ],
)
def test_a_bad_callback_holds_up_no_other(world: World, body: bytes) -> None:
    """What cannot be read or stored is set aside; the receipts beside it are applied."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    _keep(world, Callback("sms-report", "", {}, body, "127.0.0.1"), world.provider.report(0))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 1}


def test_a_push_of_twenty_thousand_receipts_is_applied(world: World) -> None:
    """However many come at once, statements stay within what databases bound."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    item: dict[str, Any] = json.loads(world.provider.report(0).body)[0]
    others = [{**item, "reference": f"r{n}", "handover": f"h{n}"} for n in range(20_000)]
    _keep(world, Callback("sms-report", "", {}, json.dumps([*others, item]).encode(), "127.0.0.1"))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 1}


def test_a_damaged_message_fails_alone(world: World) -> None:
    """A cell that does not open ends its own message as a dead letter; the others go out."""
    world.settle(10)
    ids = world.take(10)
    with world.runtime.db.write() as tx:
        damaged = update(notifications).where(notifications.c.id == ids[0])
        tx.execute(damaged.values(personalisation=b"\x01damaged"))
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 9, "failed": 1}


def test_a_damaged_address_suppresses_only_its_own(world: World) -> None:
    """The register's bad cell costs one person's message, not everybody's."""
    world.settle(10)
    world.take(10)
    with world.runtime.db.write() as tx:
        one = tx.execute(select(register.citizens.c.id_index).limit(1)).scalar_one()
        damaged = update(register.citizens).where(register.citizens.c.id_index == one)
        tx.execute(damaged.values(mobile=b"\x01damaged"))
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 9, "suppressed": 1}


def test_a_damaged_transaction_fails_alone(world: World, desk: Desk) -> None:
    """It ends visibly, and its neighbour is done."""
    references = []
    for number in (0, 1):
        world.people = world.people[number:]
        transaction = begin(world)
        prove(world, transaction, sent_codes(world)[-1])
        submit(world, transaction)
        references.append(transaction.id)
    with world.runtime.db.write() as tx:
        store.change(tx, world.runtime, references[0], answers=b"\x01damaged")
    steps.run_due(world.runtime)
    with world.runtime.db.read() as tx:
        columns = store.transactions.c
        states = dict(tx.execute(select(columns.id, columns.state)).all())
    assert [states[one] for one in references] == ["failed", "succeeded"]


# --- texts under review ------------------------------------------------------------------------


class Reviewing(Scripted):
    """A provider that carries reviewed texts only, and reviews as the test says."""

    needs_template = True

    def __init__(self) -> None:
        super().__init__()
        self.reviews = ReviewState.APPROVED
        self.reachable = True

    def register(self, name: str, body: str, kind: str) -> str:
        if not self.reachable:
            raise RegistrationUnanswered("connect_failed")
        return f"T{abs(hash((name, body)))}"

    sign_name = "常德人社"

    def review(self, code: str, body: str = "") -> Review:
        return Review(self.reviews, "a, b" if self.reviews is ReviewState.MISMATCH else "")

    def review_signature(self) -> Review:
        return Review(ReviewState.APPROVED)


@pytest.fixture
def reviewing(world: World) -> Reviewing:
    provider = Reviewing()
    world.provider = provider
    world.runtime = replace(world.runtime, providers={provider.name: provider})
    world.settle(1)
    return provider


def _register(runtime: Runtime) -> list[str]:
    return [item.state for item in registration.register(runtime)]


def _reword(world: World) -> None:
    """A new version of the text that ``World.take`` sends."""
    with world.runtime.db.write() as tx:
        template = content.to_send(tx, "card_loss/failed", "sms", "zh-CN", [])
        author = Author("cli", world.runtime.vault, world.clock.now)
        editing.publish(tx, author, *editing.add_version(tx, author, template.id, "新的文字。").key)


def test_the_approved_text_goes_on_while_a_new_one_is_reviewed(world: World, reviewing: Reviewing) -> None:
    """A changed text stops no message: the version approved before is sent until the review is done."""
    _register(world.runtime)
    _reword(world)
    world.take()
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}


def test_a_message_waits_for_the_first_review_of_its_text(world: World, reviewing: Reviewing) -> None:
    """Not registered yet is a reason to wait, not to give up."""
    world.take()
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"waiting": 1}
    _register(world.runtime)
    world.clock.advance(minutes=1)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}


def test_what_a_provider_decides_later_is_fetched_and_nothing_handed_in(
    world: World, reviewing: Reviewing
) -> None:
    """The message that waited for it goes; a text that is new waits for whoever hands it in."""
    reviewing.reviews = ReviewState.PENDING
    pending = _register(world.runtime)
    world.take()
    assert registration.pull(world.runtime) == 0
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"waiting": 1}
    _reword(world)
    reviewing.reviews = ReviewState.APPROVED
    assert registration.pull(world.runtime) == len(pending)
    assert registration.pull(world.runtime) == 0
    world.clock.advance(minutes=1)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1}
    assert len(_register(world.runtime)) == 1


def test_a_provider_that_cannot_be_reached_refuses_no_text(world: World, reviewing: Reviewing) -> None:
    """A lost connection while registering is tried again, not recorded as a refusal."""
    reviewing.reachable = False
    assert _register(world.runtime) == []
    reviewing.reachable = True
    assert set(_register(world.runtime)) == {"approved"}


# --- time -----------------------------------------------------------------------------------------


ODD = ["no\0word", "half a \ud800", "long" * 50]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_keeps_no_other_from_being_recorded(world: World, odd: str) -> None:
    """A vendor's code or reference may hold anything; those whose answers share its commit are kept too."""
    world.settle(5)
    world.take(5)
    said: list[Outcome] = [Rejected(odd, Cause.RECIPIENT), Unreachable(odd), Unknown(odd), Accepted(odd)]
    answers = iter(said)
    world.provider.batch = 1
    world.provider.script = lambda handover, _message: next(answers, Accepted(f"ref-{handover}"))
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"failed": 1, "waiting": 1, "unknown": 1, "accepted": 2}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("finding", [Found, CannotTell])
def test_an_odd_finding_is_learnt_from(world: World, odd: str, finding: type[Found | CannotTell]) -> None:
    """Else its message would be asked about at the end of every lease, for ever."""
    world.settle(1)
    world.take()
    world.provider.script = lambda _handover, _message: Unknown("answer_lost")
    world.provider.found = lambda _inquiry: finding(odd)
    run_lane(world.runtime, LANE)
    world.clock.advance(seconds=world.runtime.settings.reconcile_after)
    run_lane(world.runtime, LANE)
    [row] = world.rows()
    assert (row.status, row.lease) == ("accepted" if finding is Found else "unknown", None)


def test_calls_are_not_begun_when_the_lease_is_nearly_over(world: World) -> None:
    """A slow vendor cannot make a worker send what another has taken over by then."""
    world.provider.batch = 1
    world.settle(12)
    world.take(12)

    def slow(_handover: str, _message: Any) -> Accepted:
        world.clock.advance(seconds=9)
        return Accepted("ref")

    world.provider.script = slow
    for _ in range(20):
        run_lane(world.runtime, LANE)
        assert {row.reason for row in world.rows()} <= {None, "not_tried"}
        world.clock.advance(seconds=31)
    addresses = [message.address for _, message in world.provider.took]
    assert len(addresses) == len(set(addresses)) == 12


def test_a_code_that_grew_old_in_the_queue_of_calls_is_not_sent(world: World) -> None:
    """Its five minutes are looked at just before the call."""
    world.provider.batch = 1
    world.settle(8)
    world.take(8, klass=Class.CODE)
    world.clock.advance(minutes=4, seconds=55)

    def slow(_handover: str, _message: Any) -> Accepted:
        world.clock.advance(seconds=3)
        return Accepted("ref")

    world.provider.script = slow
    run_lane(world.runtime, "sms.urgent")
    assert len(world.provider.took) < 8
    assert world.statuses().get("expired", 0) == 8 - len(world.provider.took)


def test_questions_do_not_keep_codes_waiting(world: World) -> None:
    """However many lost answers there are to ask about, what is to be sent goes first."""
    world.settle(60)
    world.take(60, waited_for=True)
    world.provider.script = lambda _handover, _message: Unknown("timeout")
    run_lane(world.runtime, "sms.urgent")
    world.clock.advance(seconds=11)
    world.take(1, klass=Class.CODE)
    asked: list[int] = []

    def found(_inquiry: Any) -> CannotTell:
        asked.append(len(world.provider.took))
        return CannotTell("down")

    world.provider.found = found
    world.provider.script = lambda _handover, _message: Accepted("ref")
    run_lane(world.runtime, "sms.urgent")
    assert asked
    assert min(asked) == 1  # the code was out before the first question


def test_a_newer_code_withdraws_the_one_still_waiting(world: World, desk: Desk) -> None:
    """Only one code is worth anything, so only one is sent."""
    transaction = begin(world)
    world.clock.advance(seconds=61)
    with world.runtime.db.write() as tx:
        engine.send_code(tx, world.runtime, transaction)
    run_lane(world.runtime, "sms.urgent")
    assert world.statuses() == {"accepted": 1, "cancelled": 1}


def test_delivered_by_one_attempt_is_delivered(world: World) -> None:
    """A failed first attempt does not hide that the second one arrived."""
    world.settle(1)
    world.take(klass=Class.CODE)
    answers = iter([Unknown("timeout"), Accepted("ref-2")])
    calls: list[tuple[str, Any]] = []

    def script(handover: str, message: Any) -> Any:
        calls.append((handover, message))
        return next(answers)

    world.provider.script = script
    run_lane(world.runtime, "sms.urgent")
    (first, message), (second, _) = calls
    _keep(world, report("", first, message.address, Delivery.UNDELIVERED))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"accepted": 1}
    _keep(world, report("ref-2", second, message.address, Delivery.DELIVERED))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 1}


def test_a_refused_text_ends_when_every_provider_has_refused_it(world: World) -> None:
    """Failing over has an end: a dead letter with the reason, not retries for three days."""
    other = Scripted()
    other.name = "other"
    for provider in (world.provider, other):
        provider.script = lambda _handover, _message: Rejected("bad text", Cause.CONTENT)
    both = {"scripted": world.provider, "other": other}
    weights = {"scripted": 1, "other": 1}
    world.runtime = replace(
        world.runtime, providers=both, settings=replace(world.runtime.settings, providers={"sms": weights})
    )
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"failed": 1}
    assert (len(world.provider.calls), len(other.calls)) == (1, 1)


def test_a_text_registered_with_other_variables_is_shown_and_not_sent(
    world: World, reviewing: Reviewing
) -> None:
    """The version approved before goes on; once it is mended there and asked for again, the new one does."""
    _register(world.runtime)
    _reword(world)
    with world.runtime.db.read() as tx:
        new = next(t for t in content.newest_versions(tx) if t.body == "新的文字。")
    reviewing.reviews = ReviewState.MISMATCH
    said = registration.link(world.runtime, new, reviewing.name, "SMS_7")
    assert (said.state, said.code) == ("mismatch", "SMS_7")
    assert said.reason == "its variables there: a, b; ours: none"
    world.take()
    run_lane(world.runtime, LANE)
    assert [message.text for _, message in reviewing.took] != ["新的文字。"]
    assert world.statuses() == {"accepted": 1}
    reviewing.reviews = ReviewState.APPROVED
    assert [one.state for one in registration.hand_in(world.runtime, new)] == ["approved"]
    world.take()
    run_lane(world.runtime, LANE)
    assert (reviewing.took[-1][1].text, reviewing.took[-1][1].template) == ("新的文字。", "SMS_7")
    with pytest.raises(UnknownNameError, match="known: scripted"):
        registration.link(world.runtime, new, "other", "SMS_7")

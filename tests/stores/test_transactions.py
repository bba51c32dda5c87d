"""The transaction engine on both databases: proof and its limits, steps, silence, what citizens are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.back_offices import Done, Silent, Unavailable
from gateway.notifications import store as notifications
from gateway.transactions import engine, proving, registry, steps, store
from gateway.transactions.identity import Proven, Sent, TooSoon, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import State
from gateway.transactions.references import is_reference
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from tests.contract.sandbox_process import until
from tests.transaction_vectors import QUERY_PASSWORD
from tests.world import World


@dataclass(frozen=True, slots=True)
class Card:
    number: str
    state: str = "normal"
    lost_until: datetime | None = None
    lost_serial: str | None = None
    lost_from: datetime | None = None
    released_serial: str | None = None
    bank: str = ""


@dataclass(slots=True)
class Desk:
    """A card system in memory. ``answer`` may lose what it says, after the work is done."""

    card: Card = field(default_factory=lambda: Card("F12346266"))
    reports: list[str] = field(default_factory=list)
    answer: Callable[[Done], Any] = lambda done: done
    find: Callable[[list[Card]], Any] = lambda cards: cards

    def find_cards(self, id_number: str, name: str, city: str) -> Any:
        return self.find([self.card])

    def report_loss(
        self, card: Card, id_number: str, until: datetime, serial: str, begins: datetime | None = None
    ) -> Any:
        self.reports.append(serial)
        self.card = replace(self.card, state="temp_lost", lost_until=until, lost_serial=serial)
        return self.answer(Done())


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk()
    world.runtime._back_offices["card_core"] = desk
    world.settle(3)
    return desk


def begin(world: World, kind: str = "card_loss", /, **changes: str) -> Transaction:
    person = world.people[0]
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, kind, "web")
        who = {"id_number": person.id_number, "name": person.name}
        asked = registry.get(kind).form().fields
        answers = {**{name: value for name, value in who.items() if name in asked}, **changes}
        answered = engine.answer(tx, world.runtime, draft, answers)
        assert not answered.value
        return engine.send_code(tx, world.runtime, answered.transaction).transaction


def sent_codes(world: World) -> list[str]:
    return [
        notifications.personalisation(world.runtime, row.id, row.personalisation)["code"]
        for row in world.rows()
        if row.klass == "code" and (row.citizen_id or row.address)  # one to a stranger goes to nobody
    ]


def messages(world: World) -> list[str]:
    """The texts of everything but codes, as they would go out."""
    from gateway.content import store as content

    with world.runtime.db.read() as tx:
        rows = [row for row in world.rows() if row.klass == "result"]
        keys = [(row.template_id, row.template_version) for row in rows]
        versions = content.versions(tx, keys) if keys else {}
    return [
        versions[key].compiled.render(
            notifications.personalisation(world.runtime, row.id, row.personalisation)
        )
        for key, row in zip(keys, rows, strict=True)
    ]


def prove(world: World, transaction: Transaction, code: str) -> Any:
    with world.runtime.db.write() as tx:
        current = store.load(tx, world.runtime, transaction.id)
        return engine.prove(tx, world.runtime, current, code).value


def identify(world: World, transaction: Transaction) -> None:
    """Prove who asks by a code, and by the query password where more is asked for, if anything is."""
    if not proving.missing(transaction):
        return
    assert prove(world, transaction, sent_codes(world)[-1]) == Proven()
    with world.runtime.db.write() as tx:
        now = store.load(tx, world.runtime, transaction.id)
        if Factor.PASSWORD in proving.missing(now):
            assert engine.give_password(tx, world.runtime, now, QUERY_PASSWORD).value == Proven()


def submit(world: World, transaction: Transaction) -> bool:
    with world.runtime.db.write() as tx:
        return engine.submit(tx, world.runtime, store.load(tx, world.runtime, transaction.id)).value


def submitted(world: World) -> Transaction:
    transaction = begin(world)
    assert prove(world, transaction, sent_codes(world)[-1]) == Proven()
    assert submit(world, transaction)
    return transaction


def state(world: World, transaction: Transaction) -> State:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, transaction.id).state


# --- the main line -----------------------------------------------------------------------------


def test_a_proven_report_blocks_the_card_and_tells_the_citizen(world: World, desk: Desk) -> None:
    """submitted → the card system blocks → succeeded, with the city's words and the city's date."""
    transaction = submitted(world)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.SUCCEEDED
    assert desk.card.state == "temp_lost"
    assert messages(world) == [
        "您尾号6266的社保卡已临时挂失，11月28日16:05自动解除，银行账户请联系发卡行另行挂失。咨询12333"
    ]


def test_a_card_already_blocked_is_a_success_with_another_message(world: World, desk: Desk) -> None:
    """The upstream's 01 is a success: the card is blocked, which is what was wanted."""
    desk.card = Card("F12346266", "temp_lost", world.clock.now + timedelta(days=2), "another")
    transaction = submitted(world)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.ALREADY_DONE
    assert "此前已临时挂失，11月23日16:05" in messages(world)[0]
    assert desk.reports == []


@pytest.mark.parametrize("card_state", ["formal_lost", "replacing", "replaced", "cancelled"])
def test_a_refusal_says_why_and_what_to_do(world: World, desk: Desk, card_state: str) -> None:
    """A card that cannot be blocked here is refused with a reason in words and the next step."""
    desk.card = Card("F12346266", card_state)
    transaction = submitted(world)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.REJECTED
    assert "原因：" in messages(world)[0]
    assert "请带身份证到社保窗口办理" in messages(world)[0]


# --- silence and outage --------------------------------------------------------------------------


def test_a_silent_card_system_is_asked_not_repeated(world: World, desk: Desk) -> None:
    """The answer was lost but the work was done: asking finds it, and nothing is done twice."""
    desk.answer = lambda _done: Silent("timeout")
    transaction = submitted(world)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.UPSTREAM_UNKNOWN
    world.clock.advance(seconds=10)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.SUCCEEDED
    assert len(desk.reports) == 1
    assert "已临时挂失" in messages(world)[0]


def test_a_worker_lost_during_its_call_is_asked_about(world: World, desk: Desk) -> None:
    """A row left with a call under way is done by looking first, so the card is blocked once."""
    transaction = submitted(world)
    (claimed,) = steps._claim(world.runtime)
    until = world.clock.now + timedelta(days=7)
    assert isinstance(desk.report_loss(desk.card, "", until, claimed.reference), Done)  # and the worker dies
    world.clock.advance(seconds=31)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.SUCCEEDED
    assert len(desk.reports) == 1


def test_a_renewal_that_comes_too_late_wakes_nothing(world: World, desk: Desk) -> None:
    """One that ended while its lease was about to be renewed stays ended, due when its type says."""
    transaction = submitted(world)
    claimed = steps._claim(world.runtime)
    steps._work(world.runtime, claimed[0])
    steps._renew(world.runtime, claimed)
    with world.runtime.db.read() as tx:
        row = store.load(tx, world.runtime, transaction.id).row
    assert (row.state, row.lease) == (State.SUCCEEDED, None)
    assert row.due_at == world.clock.now + timedelta(days=1), "the look its type named, not the lease's end"


def test_a_call_that_outlasts_its_lease_keeps_it(world: World, desk: Desk) -> None:
    """Leases are renewed while a call runs, so nobody else takes the transaction meanwhile."""
    transaction = submitted(world)
    brisk = replace(world.runtime.settings, lease=0.15)
    world.runtime = replace(world.runtime, settings=brisk)

    def renewed() -> bool:
        with world.runtime.db.read() as tx:
            due_at = store.load(tx, world.runtime, transaction.id).row.due_at
        return bool(due_at > world.clock.now)

    def slow(cards: list[Card]) -> list[Card]:
        world.clock.advance(seconds=1)
        until(renewed)
        assert steps._claim(world.runtime) == []
        return cards

    desk.find = slow
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.SUCCEEDED
    assert len(desk.reports) == 1


def test_an_hour_without_the_card_system_ends_well_and_is_told_once(world: World, desk: Desk) -> None:
    """The report is kept, retried, the citizen told once that it waits, and then told the result."""
    desk.find = lambda _cards: Unavailable("connection_refused")
    transaction = submitted(world)
    for _ in range(60):
        steps.run_due(world.runtime)
        world.clock.advance(minutes=1)
    assert state(world, transaction) is State.SUBMITTED
    assert [text[:16] for text in messages(world)] == ["您的社保卡临时挂失申请已收到，社"]
    desk.find = lambda cards: cards
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.SUCCEEDED
    assert len(messages(world)) == 2


def test_a_day_without_the_card_system_hands_over_to_people(world: World, desk: Desk) -> None:
    """Nothing waits for ever: after 24 hours it fails and the message names the telephone."""
    desk.find = lambda _cards: Unavailable("connection_refused")
    transaction = submitted(world)
    world.clock.advance(hours=24)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.FAILED
    assert "请拨打12333转人工办理" in messages(world)[-1]


def test_repeating_the_confirmation_changes_nothing(world: World, desk: Desk) -> None:
    """A double click submits once."""
    transaction = submitted(world)
    assert submit(world, transaction)
    steps.run_due(world.runtime)
    assert submit(world, transaction)
    steps.run_due(world.runtime)
    assert len(desk.reports) == 1
    assert len(messages(world)) == 1


# --- proof -----------------------------------------------------------------------------------------


def test_unknown_and_known_people_hear_the_same(world: World, desk: Desk) -> None:
    """Sending a code answers alike for a stranger, a wrong name and the right person; only one gets it."""
    known = begin(world)
    stranger = begin(world, id_number="430702196002290338")
    misnamed = begin(world, id_number=world.people[1].id_number, name="张三")
    assert {state(world, one) for one in (known, stranger, misnamed)} == {State.IDENTITY_PENDING}
    assert len(sent_codes(world)) == 1


def test_five_wrong_codes_lock_for_a_day(world: World, desk: Desk) -> None:
    """The fifth wrong code locks the person, even for the right code, until 24 hours are over."""
    transaction = begin(world)
    right = sent_codes(world)[0]
    wrong = "000000" if right != "000000" else "111111"
    said = [prove(world, transaction, wrong) for _ in range(5)]
    assert said[:4] == [Wrong(4), Wrong(3), Wrong(2), Wrong(1)]
    assert isinstance(said[4], Locked)
    assert isinstance(prove(world, transaction, right), Locked)
    world.clock.advance(hours=24, seconds=1)
    with world.runtime.db.write() as tx:
        again = engine.send_code(tx, world.runtime, store.load(tx, world.runtime, transaction.id))
    assert isinstance(again.value, Sent)
    assert prove(world, transaction, sent_codes(world)[-1]) == Proven()


def test_the_lock_follows_the_person_not_the_transaction(world: World, desk: Desk) -> None:
    """Starting again does not give five more tries."""
    first = begin(world)
    wrong = "000000" if sent_codes(world)[0] != "000000" else "111111"
    for _ in range(5):
        prove(world, first, wrong)
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "card_loss", "web")
        person = world.people[0]
        answered = engine.answer(
            tx, world.runtime, draft, {"id_number": person.id_number, "name": person.name}
        )
        assert isinstance(engine.send_code(tx, world.runtime, answered.transaction).value, Locked)


def test_an_old_code_proves_nothing(world: World, desk: Desk) -> None:
    """A code lives five minutes."""
    transaction = begin(world)
    world.clock.advance(minutes=5)
    assert prove(world, transaction, sent_codes(world)[0]) == Wrong(4)


def test_a_code_is_sent_again_after_a_minute_and_five_times_an_hour(world: World, desk: Desk) -> None:
    """Sooner is refused with the time to wait; the sixth within the hour is refused till the hour ends."""
    transaction = begin(world)

    def again() -> Any:
        with world.runtime.db.write() as tx:
            return engine.send_code(tx, world.runtime, store.load(tx, world.runtime, transaction.id)).value

    assert isinstance(again(), TooSoon)
    answers = []
    for _ in range(5):
        world.clock.advance(seconds=61)
        answers.append(again())
    assert [type(answer) for answer in answers] == [Sent, Sent, Sent, Sent, Locked]
    world.clock.advance(hours=1)
    assert isinstance(again(), Sent)


def test_only_the_newest_code_counts(world: World, desk: Desk) -> None:
    """A second code makes the first worthless."""
    transaction = begin(world)
    world.clock.advance(seconds=61)
    with world.runtime.db.write() as tx:
        engine.send_code(tx, world.runtime, store.load(tx, world.runtime, transaction.id))
    first, second = sent_codes(world)
    if first != second:
        assert isinstance(prove(world, transaction, first), Wrong)
    assert prove(world, transaction, second) == Proven()


def test_somebody_who_knows_only_the_number_cannot_replace_the_code(world: World, desk: Desk) -> None:
    """A request under a wrong name leaves the code on the right person's handset good."""
    transaction = begin(world)
    begin(world, name="张三")
    assert prove(world, transaction, sent_codes(world)[0]) == Proven()


def test_changing_who_asks_withdraws_the_proof(world: World, desk: Desk) -> None:
    """A proof is for one person: another ID number must be proven anew before anything is submitted."""
    transaction = begin(world)
    prove(world, transaction, sent_codes(world)[0])
    with world.runtime.db.write() as tx:
        current = store.load(tx, world.runtime, transaction.id)
        engine.answer(tx, world.runtime, current, {"id_number": world.people[1].id_number})
    assert not submit(world, transaction)


def test_a_submitted_transaction_takes_no_more_answers(world: World, desk: Desk) -> None:
    """After confirming, the answers stand: they were confirmed as they were."""
    transaction = submitted(world)
    with world.runtime.db.write() as tx:
        current = store.load(tx, world.runtime, transaction.id)
        changed = engine.answer(tx, world.runtime, current, {"id_number": world.people[1].id_number})
    assert changed.transaction.answers["id_number"] == world.people[0].id_number
    assert state(world, transaction) is State.SUBMITTED


def test_an_unfinished_draft_is_cancelled_and_its_answers_erased(world: World, desk: Desk) -> None:
    """What nobody confirmed within a day leaves no personal data behind."""
    transaction = begin(world)
    world.clock.advance(hours=24, seconds=1)
    steps.run_due(world.runtime)
    assert state(world, transaction) is State.CANCELLED
    with world.runtime.db.read() as tx:
        row = store.load(tx, world.runtime, transaction.id)
    assert (row.row.answers, row.answers) == (None, {})


def test_the_timeline_holds_no_personal_data(world: World, desk: Desk) -> None:
    """Events and codes only, so that erasing a citizen leaves it whole."""
    submitted(world)
    steps.run_due(world.runtime)
    with world.runtime.db.read() as tx:
        rows = tx.execute(select(store.timeline.c.event, store.timeline.c.detail)).all()
    text = json.dumps([list(row) for row in rows], ensure_ascii=False)
    person = world.people[0]
    assert "succeeded" in text
    for secret in (person.id_number, person.name, person.mobile, *sent_codes(world)):
        assert secret not in text


def test_references_carry_a_check_digit(world: World, desk: Desk) -> None:
    """One wrong digit or two swapped ones are noticed before anything is looked up."""
    reference = begin(world).row.reference
    assert is_reference(reference)
    for place in range(14):
        for digit in "0123456789":
            changed = reference[:place] + digit + reference[place + 1 :]
            assert is_reference(changed) == (changed == reference)
    for place in range(13):
        swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
        assert is_reference(swapped) == (swapped == reference)

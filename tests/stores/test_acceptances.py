"""What a provider took as a whole: one row, then with each receipt, then written onto what is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from celery.signals import worker_shutdown
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import event, select

from gateway.delivery import acceptances, explain, ledger, measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import Claimed, claim_lane
from gateway.delivery.inquiring import claim_questions
from gateway.delivery.reconcile import ask
from gateway.delivery.record import Answer, record
from gateway.delivery.store import attempts
from gateway.notifications import entries
from gateway.notifications.store import notifications
from gateway.ops import figures, timeline
from gateway.providers import Absent, Callback, Delivery
from tasks import broadcasts
from tests.stores.test_plans_of_workers import working
from tests.stores.test_races import at_once
from tests.stores.test_taking import _start
from tests.world import START, World

LANE = "sms.normal"
PEOPLE = 12
LEASE = 30.0
__all__ = ["working"]  # a fixture of the neighbour's
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _open(world: World, people: int = PEOPLE) -> Claimed:
    """Take a message for each of the first people, and hold them as a worker does that calls next."""
    if len(world.people) < people:
        world.settle(people)
    world.take(people)
    return claim_lane(world.runtime, LANE, people)


def _answer(world: World, claimed: Claimed) -> list[Answer]:
    """Make the calls."""
    return [
        Answer(claimed.lease, call, world.provider.hand_over(call.id, call.messages))
        for call in claimed.handovers
    ]


def _record(world: World, answers: list[Answer]) -> None:
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, answers, fold=True)


def _fold(world: World, people: int = PEOPLE) -> list[Answer]:
    """Messages that are being sent, taken by their provider, with nothing but the acceptance to say so."""
    answers = _answer(world, _open(world, people))
    _record(world, answers)
    return answers


def _unfold(world: World) -> None:
    """All of them, due or not."""
    acceptances.unfold_due(world.runtime, timedelta(seconds=LEASE))


def _push(world: World, said: dict[int, Delivery], *, named: bool = True) -> None:
    """One push with the receipts of these messages, by their place in what the provider took."""
    items = [
        {
            "cause": None,
            "reference": f"ref-{world.provider.took[place][0]}",
            "handover": world.provider.took[place][0] if named else "",
            "address": world.provider.took[place][1].address,
            "delivery": delivery,
            "code": str(delivery),
        }
        for place, delivery in said.items()
    ]
    push = Callback("sms-report", "", {}, json.dumps(items).encode(), "127.0.0.1")
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", push)


def _delivered(places: Collection[int]) -> dict[int, Delivery]:
    return dict.fromkeys(places, Delivery.DELIVERED)


def _folded(world: World) -> int:
    with world.runtime.db.read() as tx:
        return len(tx.execute(select(acceptances.acceptances)).all())


def _tries(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(attempts).order_by(attempts.c.notification_id)).all())


def _ways(world: World) -> set[tuple[Any, ...]]:
    """How the attempts stand, each but for its hand-over."""
    return {
        (one.outcome, one.code, one.provider_ref == f"ref-{one.handover}", one.receipt)
        for one in _tries(world)
    }


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx) and not ledger.differences(tx)


def test_it_is_one_row_then_with_each_receipt_then_on_what_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for its end, the window of a receipt begins when it was taken, and no row remains."""
    monkeypatch.setattr(acceptances, "AT_ONCE", 1)
    world.provider.batch = PEOPLE
    _fold(world, 3 * PEOPLE)
    assert (_folded(world), world.statuses()) == (3, {"sending": 36})
    assert _ways(world) == {(None, None, False, None)}
    _push(world, _delivered(range(10)) | {10: Delivery.UNDELIVERED})
    world.clock.advance(seconds=1)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 10, "undelivered": 1, "sending": 25}
    learnt = [one for one in _tries(world) if one.outcome]
    assert {(one.finished_at, one.provider_ref == f"ref-{one.handover}") for one in learnt} == {(START, True)}
    assert len(learnt) == 11
    world.clock.advance(seconds=LEASE / 6)
    receipts.apply_due(world.runtime)
    assert (_folded(world), world.statuses()) == (0, {"delivered": 10, "undelivered": 1, "accepted": 25})
    window = {row.due_at - START for row in world.rows() if row.status == "accepted"}
    assert {gap.total_seconds() for gap in window} == {72 * 3600}
    assert {row.lease for row in world.rows()} == {None}
    assert {way[:3] for way in _ways(world)} == {("accepted", None, True)}
    assert _balanced(world)


def test_a_lease_that_ends_calls_nothing_unknown_that_is_known(world: World) -> None:
    """Where nobody unfolded, whoever claims next does, of his rows alone; and nothing is sent again."""
    _fold(world)
    world.clock.advance(seconds=LEASE + 1)
    claim_lane(world.runtime, LANE, 5)
    assert world.statuses() == {"accepted": 5, "sending": PEOPLE - 5}
    run_lane(world.runtime, LANE)
    assert (world.statuses(), len(world.provider.took)) == ({"accepted": PEOPLE}, PEOPLE)
    assert _ways(world) == {("accepted", None, True, None)}
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        assert (measures.ATTEMPTS, "scripted", "unknown") not in measures.totals(tx)
    assert _folded(world) == 0
    assert _balanced(world)


def test_receipts_of_calls_that_are_folded_and_not_share_a_push(world: World) -> None:
    """A call of few is written down at once; and of one the receipt overtakes the answer."""
    _fold(world)
    _fold(world, 2)
    late = _answer(world, _open(world, PEOPLE))
    assert (_folded(world), world.statuses()) == (1, {"sending": 2 * PEOPLE, "accepted": 2})
    _push(world, _delivered(range(2 * PEOPLE)))
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 2 * PEOPLE, "sending": 2}
    _record(world, late)
    world.clock.advance(seconds=LEASE / 6)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 2 * PEOPLE, "accepted": 2}
    assert {way[:3] for way in _ways(world)} == {("accepted", None, True)}
    assert _balanced(world)


def test_a_commit_whose_end_nobody_heard_is_made_again(world: World) -> None:
    """What was written down may be so once more, unfolded meanwhile or not."""
    answers = _fold(world)
    _record(world, answers)
    assert _folded(world) == 1
    _unfold(world)
    _record(world, answers)
    world.clock.advance(seconds=LEASE / 6)
    acceptances.unfold_due(world.runtime)
    assert (_folded(world), world.statuses()) == (0, {"accepted": PEOPLE})
    assert _balanced(world)


def test_whoever_asks_hears_the_same_before_and_after_it_is_unfolded(sqlite_world: World) -> None:
    """The sentence, the line of time and the provider's last attempts tell of the acceptance at once."""

    def heard() -> Any:
        with world.runtime.db.read() as tx:
            key = world.rows()[0].id
            last = figures.last_attempts(tx, ["scripted"])
            return explain.of(tx, world.runtime, key), timeline.of_message(tx, key), last

    world = sqlite_world
    _fold(world)
    before = heard()
    _unfold(world)
    assert before == heard()
    assert before[0].why.said.en.startswith("accepted: scripted took it; its receipt is awaited until")


def test_a_receipt_that_knows_the_reference_alone_waits_until_it_is_unfolded(sqlite_world: World) -> None:
    """It is put back, and finds its message then."""
    world = sqlite_world
    _fold(world)
    _push(world, _delivered(range(PEOPLE)), named=False)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"sending": PEOPLE}
    world.clock.advance(seconds=LEASE / 6)
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": PEOPLE}


def test_a_worker_that_stops_leaves_nothing_folded(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may come for hours, and people look at how their messages stand."""
    sqlite_world.settle(PEOPLE)
    _start(sqlite_world)
    broadcasts._work(sqlite_world.runtime)
    assert (_folded(sqlite_world), sqlite_world.statuses()) == (1, {"sending": PEOPLE})
    monkeypatch.setattr(broadcasts, "current", lambda: sqlite_world.runtime)
    worker_shutdown.send(sender=None)
    assert (_folded(sqlite_world), sqlite_world.statuses()) == (0, {"accepted": PEOPLE})


# --- whoever comes when ---------------------------------------------------------------------------


def _before(world: World, words: tuple[str, ...], act: Callable[[], Any]) -> list[int]:
    """Do something else just before the first statement with these words."""
    met = list[int]()

    def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not met and all(word in statement for word in words):
            met.append(1)
            act()

    event.listen(world.runtime.db.engine, "before_cursor_execute", look)
    return met


@ON_POSTGRESQL
def test_it_is_unfolded_in_the_middle_of_its_receipts_and_they_in_the_middle_of_that(world: World) -> None:
    """Whoever comes second finds the rows as the first left them, and both are written down."""
    _fold(world)
    _push(world, _delivered(range(6)))
    met = _before(world, ("UPDATE notifications",), lambda: _unfold(world))
    receipts.apply_due(world.runtime)
    assert (met, _folded(world), world.statuses()) == ([1], 0, {"delivered": 6, "accepted": 6})
    _fold(world)
    _push(world, _delivered(range(PEOPLE, PEOPLE + 6)))
    met = _before(world, ("FROM notifications", "FOR UPDATE"), lambda: receipts.apply_due(world.runtime))
    _unfold(world)
    assert (met, _folded(world), world.statuses()) == ([1], 0, {"delivered": 12, "accepted": 12})
    assert _ways(world) == {("accepted", None, True, "delivered"), ("accepted", None, True, None)}
    assert _balanced(world)


@ON_POSTGRESQL
def test_what_was_given_up_before_the_commit_ended_is_known_after_all(world: World) -> None:
    """A worker may stand still between its last look at the clock and its commit."""
    answers = _answer(world, _open(world))
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, answers, fold=True)
        world.clock.advance(seconds=LEASE + 1)
        claim_lane(world.runtime, LANE, PEOPLE)
    assert (_folded(world), world.statuses()) == (1, {"unknown": PEOPLE})
    receipts.apply_due(world.runtime)
    assert world.statuses() == {"accepted": PEOPLE}
    assert _ways(world) == {("accepted", None, True, None)}
    assert _balanced(world)


@ON_POSTGRESQL
def test_a_later_try_is_left_to_its_own_answer(world: World) -> None:
    """Given up, said never to have come, being sent once more: the first try alone learns it was taken."""
    world.provider.found = lambda _inquiry: Absent()
    answers = _answer(world, _open(world))
    with world.runtime.db.write() as tx:
        record(tx, world.runtime, answers, fold=True)
        world.clock.advance(seconds=LEASE + 1)
        claim_lane(world.runtime, LANE, PEOPLE)
        world.clock.advance(seconds=world.runtime.settings.reconcile_after)
        asked = claim_questions(world.runtime, LANE, PEOPLE)
        for question in asked.questions:
            ask(world.runtime, asked, question)
        again = claim_lane(world.runtime, LANE, PEOPLE)
    receipts.apply_due(world.runtime)
    assert (_folded(world), world.statuses()) == (0, {"sending": PEOPLE})
    assert {row.lease for row in world.rows()} == {again.lease}
    assert _ways(world) == {("accepted", None, True, None), (None, None, False, None)}
    _record(world, _answer(world, again))
    assert (world.statuses(), _balanced(world)) == ({"accepted": PEOPLE}, True)


def test_everybody_at_once_loses_nothing(working: World) -> None:
    """The answer, receipts, whoever unfolds, and a claim after the lease's end, in any order."""
    world = working  # rows read whole are locked as they lie; workers lock them in the order of their ids
    for turn in range(4):
        answers = _answer(world, _open(world))
        _push(world, _delivered(range(PEOPLE * turn, PEOPLE * turn + 6)))
        jobs = [lambda: receipts.apply_due(world.runtime), lambda: _unfold(world)]
        if turn % 2:
            at_once(*jobs, lambda answers=answers: _record(world, answers))  # type: ignore[misc]
        else:
            _record(world, answers)
            world.clock.advance(seconds=LEASE + 1)
            at_once(*jobs, *jobs, lambda: run_lane(world.runtime, LANE))
        receipts.apply_due(world.runtime)
        _unfold(world)
    assert (_folded(world), world.statuses()) == (0, {"delivered": 24, "accepted": 24})
    assert {way[:3] for way in _ways(world)} == {("accepted", None, True)}
    assert _balanced(world)


class Call(RuleBasedStateMachine):
    """One call's answer, receipts, time, the sweep and the lane's worker, in any order."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.world.clock.now, self.world.provider.took = START, []
        tables = (notifications, attempts, acceptances.acceptances, receipts.callbacks, entries.ledger)
        with self.world.runtime.db.write() as tx:
            for table in (*tables, measures.measures):
                tx.execute(table.delete())
        self.answers = _answer(self.world, _open(self.world))
        self.told: dict[int, Delivery] = {}
        self.recorded = False

    @rule()
    def the_answer_is_written_down(self) -> None:
        _record(self.world, self.answers)
        self.recorded = True

    @rule(
        places=st.sets(st.integers(0, PEOPLE - 1), min_size=1, max_size=4),
        how=st.sampled_from([Delivery.DELIVERED, Delivery.UNDELIVERED]),
    )
    def receipts_come(self, places: set[int], how: Delivery) -> None:
        _push(self.world, dict.fromkeys(places, how))
        self.told = {**dict.fromkeys(places, how), **self.told}
        receipts.apply_due(self.world.runtime)

    @rule(seconds=st.sampled_from([2, LEASE / 6, LEASE * 2 / 3, LEASE + 1]))
    def time_goes_by(self, seconds: float) -> None:
        self.world.clock.advance(seconds=seconds)

    @rule()
    def the_sweep_comes(self) -> None:
        receipts.apply_due(self.world.runtime)

    @rule()
    def the_lanes_worker_comes(self) -> None:
        run_lane(self.world.runtime, LANE)

    @invariant()
    def what_is_known_is_not_called_unknown(self) -> None:
        assert _balanced(self.world)
        assert not self.recorded or "unknown" not in self.world.statuses()

    def teardown(self) -> None:
        """Whatever came when: the first receipt's word, else accepted; one attempt of each."""
        if not hasattr(self, "answers"):
            return
        self.the_answer_is_written_down()
        self.time_goes_by(LEASE)
        self.the_sweep_comes()
        self.the_lanes_worker_comes()
        ended = {str(how): n for how, n in Counter(self.told.values()).items()}
        left = {"accepted": PEOPLE - len(self.told)} if len(self.told) < PEOPLE else {}
        assert (_folded(self.world), self.world.statuses()) == (0, ended | left)
        ways = _ways(self.world)
        assert {way[:3] for way in ways} == {("accepted", None, True)}
        assert len(self.world.provider.took) == len(_tries(self.world)) == PEOPLE
        self.what_is_known_is_not_called_unknown()


def test_any_order_comes_to_the_same_rows(sqlite_world: World) -> None:
    """The first receipt's word stands, the rest was accepted; no message goes twice, none is forgotten."""
    Call.world = sqlite_world
    run_state_machine_as_test(
        Call,
        settings=settings(
            max_examples=15,
            stateful_step_count=8,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        ),
    )

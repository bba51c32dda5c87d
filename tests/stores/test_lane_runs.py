"""One run of a lane: what it claims, calls and records, and how it ends when it is told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, BrokenBarrierError, Event, Semaphore
from typing import Any

from sqlalchemy import event, select

from gateway.delivery import attempt, ledger
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.messages import Message
from gateway.notifications.request import Class
from gateway.providers import Accepted, Outcome, Unknown
from gateway.route_settings import Allowance
from gateway.traffic.board import Board
from gateway.traffic.shared import InProcess
from tests.world import World

LANE = "sms.normal"


def _outcomes(world: World) -> list[str | None]:
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
        return list(tx.execute(select(attempts.c.outcome)).scalars())


@contextmanager
def _commits(world: World) -> Iterator[list[Any]]:
    seen: list[Any] = []
    note = seen.append
    event.listen(world.runtime.db.engine, "commit", note)
    yield seen
    event.remove(world.runtime.db.engine, "commit", note)


def test_several_calls_are_in_flight_at_once(world: World) -> None:
    """A slow provider that takes one message a call is asked for many of them at the same time."""
    world.settle(attempt.IN_FLIGHT)
    world.take(attempt.IN_FLIGHT)
    world.provider.batch = 1
    together, alone = Barrier(attempt.IN_FLIGHT), []

    def wait_for_all(handover: str, _message: Message) -> Accepted:
        try:
            together.wait(timeout=20)
        except BrokenBarrierError:
            alone.append(handover)
        return Accepted(f"ref-{handover}")

    world.provider.script = wait_for_all
    run_lane(world.runtime, LANE)
    assert (alone, world.statuses()) == ([], {"accepted": attempt.IN_FLIGHT})


def test_what_a_late_answer_made_due_goes_out_in_the_same_run(world: World) -> None:
    """A code that may be lost is sent again at once, also where nothing else was due when that was learnt."""
    world.settle(1)
    world.take(1, Class.CODE)
    looked, answers = Semaphore(0), [Unknown("read_timeout")]

    def note(_connection: Any) -> None:
        looked.release()

    def late(handover: str, _message: Message) -> Outcome:
        if not answers:
            return Accepted(f"ref-{handover}")
        event.listen(world.runtime.db.engine, "commit", note)
        assert looked.acquire(timeout=20)
        assert looked.acquire(timeout=20)  # meanwhile the run looked for more and found nothing
        event.remove(world.runtime.db.engine, "commit", note)
        return answers.pop()

    world.provider.script = late
    run_lane(world.runtime, "sms.urgent")
    assert (answers, world.statuses()) == ([], {"accepted": 1})


def test_answers_that_come_together_share_a_commit(world: World) -> None:
    """Forty messages of one call each cost a handful of commits, not forty."""
    world.settle(40)
    world.take(40)
    world.provider.batch = 1
    with _commits(world) as seen:
        run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 40}
    assert len(seen) < 20


def test_a_run_told_to_stop_hands_back_what_it_had_not_begun(world: World) -> None:
    """The call under way is finished and recorded, the rest waits again; nothing stays leased or unknown."""
    world.settle(40)
    world.take(40)
    world.provider.batch = 1
    stop = Event()

    def stop_now(handover: str, _message: Message) -> Accepted:
        stop.set()
        return Accepted(f"ref-{handover}")

    world.provider.script = stop_now
    run_lane(world.runtime, LANE, stopping=stop.is_set)
    rows = world.rows()
    went = len(world.provider.took)
    assert 1 <= went <= attempt.IN_FLIGHT
    assert world.statuses() == {"accepted": went, "waiting": 40 - went}
    assert [row.lease for row in rows] == [None] * 40
    assert sorted(map(str, _outcomes(world))) == ["accepted"] * went + ["unreachable"] * (40 - went)
    assert world.wakes.lanes == [LANE]  # for whoever starts in its place
    world.clock.advance(seconds=2)
    run_lane(world.runtime, LANE)
    assert len({message.address for _, message in world.provider.took}) == 40 == len(world.provider.took)


class Full(InProcess):
    """All places at every provider are taken; counts who asked for one."""

    asked = 0

    def hold(self, key: str, holder: str, most: int, now: float, until: float) -> bool:
        self.asked += 1
        return False


def test_a_run_told_to_stop_waits_for_no_place(world: World) -> None:
    """What waits for a free line at its provider goes back at once, or a kill would find it leased."""
    allowances, full = {"scripted": Allowance(concurrent=1)}, Full()
    settings = replace(world.runtime.settings, allowances=allowances)
    runtime = replace(world.runtime, settings=settings, board=Board(full))
    world.settle(1)
    world.take()
    run_lane(runtime, LANE, stopping=lambda: "sending" in world.statuses())
    [row] = world.rows()
    assert (row.status, row.reason, row.lease, full.asked) == ("waiting", "not_tried", None, 1)
    assert _outcomes(world) == ["unreachable"]


def test_a_run_told_to_stop_before_it_begins_claims_nothing(world: World) -> None:
    """Between SIGTERM and its end a worker may still be handed a wake-up."""
    world.settle(1)
    world.take()
    run_lane(world.runtime, LANE, stopping=lambda: True)
    assert (world.statuses(), _outcomes(world)) == ({"waiting": 1}, [])


def test_more_than_one_claim_s_fill_calls_another_worker(world: World) -> None:
    """A backlog is worked off by as many as there are; a single message wakes nobody else."""
    world.settle(12)
    world.take(1)
    run_lane(world.runtime, LANE)
    assert world.wakes.lanes == []
    world.provider.batch = 1
    for _ in range(attempt.FEWEST // 12 + 1):
        world.take(12, Class.NOTICE)
    run_lane(world.runtime, "sms.bulk")
    assert world.wakes.lanes == ["sms.bulk"]

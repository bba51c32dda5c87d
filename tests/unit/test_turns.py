"""A lane's turns: not more than may, and nothing missed."""

from __future__ import annotations

from collections import Counter
from threading import Event, Thread

from celeryconfig import GENERAL_QUEUES, URGENT_QUEUES, beat_schedule, task_routes
from gateway.instance import programs
from tasks.turns import PER_LANE, Turns

PATIENCE = 10.0


def test_a_wake_up_that_finds_the_lane_full_has_it_looked_at_once_more() -> None:
    """What came due after the last look of those at work must not wait for the next sweep."""
    turns, begun, go = Turns(most=1), Event(), Event()
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        begun.set()
        assert go.wait(PATIENCE)

    worker = Thread(target=turns.work, args=(run,))
    worker.start()
    assert begun.wait(PATIENCE)
    turns.work(lambda: runs.append(2))  # refused: somebody is at it
    turns.work(lambda: runs.append(2))
    go.set()
    worker.join(PATIENCE)
    assert runs == [1, 1]


def test_as_many_as_may_work_at_the_same_time() -> None:
    """The second turn does not wait for the first."""
    turns, inside = Turns(most=2), []
    turns.work(lambda: turns.work(lambda: inside.append(True)))
    assert inside == [True]


def test_a_failure_gives_the_turn_back() -> None:
    """A bug in one run does not close the lane."""
    turns, ran = Turns(most=1), []
    try:
        turns.work(lambda: 1 / 0)
    except ZeroDivisionError:
        turns.work(lambda: ran.append(True))
    assert ran == [True]


def test_the_sweep_finds_a_thread_when_every_urgent_lane_hangs() -> None:
    """What finds lost wake-ups must never wait behind the lanes it wakes."""
    lanes = [name for name in URGENT_QUEUES if name != "sweep"]
    assert beat_schedule["sweep"]["options"] == {"queue": "sweep", "expires": 2}
    assert task_routes["tasks.housekeeping.sweep"] == {"queue": "sweep"}
    assert PER_LANE * len(lanes) < programs.URGENT_THREADS


def test_two_channels_that_hang_leave_room_for_the_third() -> None:
    """A mail server and a voice provider that answer nobody hold up no text message."""
    channels = Counter(name.partition(".")[0] for name in GENERAL_QUEUES if "." in name)
    hanging = sum(n for _, n in channels.most_common(2))
    assert len(channels) == 3
    assert PER_LANE * hanging < programs.GENERAL_THREADS

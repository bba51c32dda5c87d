"""A lane's turns: not more than may, and nothing missed."""

from __future__ import annotations

from threading import Event, Thread

from tasks.turns import Turns

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

"""A process's view of the providers, beside another's on the same shared state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.providers import Cause, Rejected
from gateway.traffic.board import Board, Call
from gateway.traffic.breaker import Mode
from gateway.traffic.shared import Counts, InProcess

NOW = 1_795_000_000.0
WEIGHTS = {"one": 9, "two": 1}
EMPTY = [Rejected("no_money", Cause.ACCOUNT)]


class Overtaken(InProcess):
    """Lets somebody else act between what a process read and what it writes."""

    act: Callable[[], None] | None = None

    def swap(self, key: str, old: str, new: str) -> bool:
        act, self.act = self.act, None
        if act:
            act()
        return super().swap(key, old, new)


class Counting(InProcess):
    """Counts the exchanges."""

    asked = 0

    def exchange(
        self, adds: Mapping[str, Counts], counts: Sequence[str], values: Sequence[str]
    ) -> tuple[Sequence[Counts], Sequence[str]]:
        self.asked += 1
        return super().exchange(adds, counts, values)


def _look(board: Board, now: float) -> list[Mode]:
    return [change.new.mode for change in board.look("sms", WEIGHTS, now, dict)]


def test_of_two_that_see_the_same_one_changes_it() -> None:
    """The history would otherwise tell it twice, and its rest be doubled."""
    shared = Overtaken()
    first, second = Board(shared), Board(shared)
    said: list[Mode] = []
    for board in (first, second):
        _look(board, NOW)
        board.report("one", EMPTY, 0.1)
    shared.act = lambda: said.extend(_look(second, NOW + 1))
    assert _look(first, NOW + 1) == []
    assert said == [Mode.OPEN]


def test_news_is_exchanged_twice_a_second_and_bad_news_at_once() -> None:
    """Whoever claims often asks the others seldom."""
    shared = Counting()
    board = Board(shared)
    for now in (NOW, NOW + 0.1, NOW + 0.4, NOW + 0.6, NOW + 0.7):
        _look(board, now)
    assert shared.asked == 2
    board.report("one", EMPTY, 0.1)
    assert _look(board, NOW + 0.8) == [Mode.OPEN]
    assert shared.asked == 3


def test_a_dead_worker_s_place_becomes_free_for_whoever_waits_for_it() -> None:
    """It ends by itself, also where somebody began to wait before: by the time that has passed since."""
    shared = InProcess()
    assert shared.hold("calls:aliyun_sms", "dead", 1, 1_000.0, 1_000.05)
    call = Call("aliyun_sms", 1, urgent=True, now=1_000.0, held_until=1_030.0, patience=5.0)
    with Board(shared).calling(call, lambda: False) as free:
        assert free

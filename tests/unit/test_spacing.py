"""Wake-ups of one door: none is forgotten, few are sent, and an urgent one hardly waits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.spacing import APART, UNHURRIED, URGENT, Spaced


class Day:
    """A clock that is set, and what is to be done later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.woken: list[tuple[float, str]] = []
        self.spaced = Spaced(
            self._wake, {"sms.urgent"}, lambda: self.now, self._later, unhurried=["receipts"]
        )

    def _wake(self, lane: str) -> None:
        self.woken.append((self.now, lane))

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, call))

    def pass_to(self, now: float) -> None:
        while (first := min(self.due, key=lambda one: one[0], default=None)) and first[0] <= now:
            self.due.remove(first)
            self.now = first[0]
            first[1]()
        self.now = now


def test_the_first_goes_at_once_and_the_next_ones_as_one() -> None:
    day = Day()
    for _ in range(5):
        day.spaced("sms.normal")
    assert day.woken == [(0.0, "sms.normal")]
    day.pass_to(1.0)
    assert day.woken == [(0.0, "sms.normal"), (APART, "sms.normal")]


def test_a_lane_nobody_waits_for_is_woken_at_once_too_but_less_often() -> None:
    day = Day()
    for at in (0.0, APART, 2 * APART):
        day.pass_to(at)
        day.spaced("receipts")
    day.pass_to(1.0)
    assert day.woken == [(0.0, "receipts"), (UNHURRIED, "receipts")]


def test_an_urgent_lane_is_woken_sooner_again_and_lanes_do_not_hold_each_other() -> None:
    """The first at once; a rush behind it as one, before anybody notices."""
    day = Day()
    for lane in ("sms.normal", "sms.urgent", "sms.urgent", "sms.urgent", "email.normal"):
        day.spaced(lane)
    assert [lane for _, lane in day.woken] == ["sms.normal", "sms.urgent", "email.normal"]
    day.pass_to(APART / 2)
    assert day.woken[3:] == [(URGENT, "sms.urgent")]


@given(st.lists(st.floats(0, 0.3), max_size=30))
def test_every_wake_up_is_followed_by_one_within_the_space_and_they_stand_apart(gaps: list[float]) -> None:
    """What is committed before a wake-up is asked for is looked at after it, and soon."""
    day, asked = Day(), []
    for gap in gaps:
        day.pass_to(day.now + gap)
        asked.append(day.now)
        day.spaced("sms.normal")
    day.pass_to(day.now + 1)
    times = [at for at, _ in day.woken]
    assert all(any(at <= woken <= at + APART + 1e-9 for woken in times) for at in asked)
    assert all(later - earlier >= APART - 1e-9 for earlier, later in pairwise(times))

"""Limits of services: exact for all processes together, cheap for each, and never lost for long."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.traffic.meter import HELD, MOST, Meter
from gateway.traffic.quota import SHARE, SLOT, Quota, Said, Want
from gateway.traffic.shared import Bucket, InProcess, Shared
from gateway.traffic.shared_in_redis import InRedis
from tests.valkey import Valkey

NOW = 1_795_000_000.0
PLENTY = Bucket("plenty", rate=1e6, most=1e6)
NUMBERS = count()
ROUNDING = 1e-4  # of a token: seconds since 1970 have seven places


@pytest.fixture(params=["in_process", "in_redis"])
def shared(request: pytest.FixtureRequest) -> Iterator[Shared]:
    if request.param == "in_process":
        yield InProcess()
    else:
        yield InRedis(request.getfixturevalue("valkey").url)


@dataclass
class Books:
    """Rows as a database would hold them, by their time."""

    rows: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    def __call__(self, before: float) -> int:
        self.asked.append(before)
        return sum(at < before for at in self.rows)


class City:
    """Processes with a meter each over what they share; the clocks and timers are the test's."""

    def __init__(self, shared: Shared, most: int, per_second: int = 10, burst: int = 10) -> None:
        number = next(NUMBERS)
        self.books = Books()
        self.bucket = Bucket(f"requests {number}", rate=per_second, most=burst)
        self.quota = Quota(f"messages {number}", most)
        self.shared = shared
        self.passed = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.meters = [self.meter() for _ in range(3)]

    @property
    def now(self) -> float:
        return NOW + self.passed

    def meter(self) -> Meter:
        return Meter(
            self.shared, lambda: self.passed, lambda s, call: self.timers.append((self.passed + s, call))
        )

    def ask(self, process: int, places: int = 1, bucket: Bucket = PLENTY) -> Said:
        said = self.meters[process].spend(bucket, self.quota, (1, places), self.now, self.books)
        if said is Said.GIVEN:
            self.books.rows += [self.now] * places
        return said

    def advance(self, seconds: float) -> None:
        """Time passes, and every timer that is due meanwhile calls."""
        until = self.passed + seconds
        while due := [one for one in self.timers if one[0] <= until]:
            first = min(due, key=lambda one: one[0])
            self.timers.remove(first)
            self.passed = max(self.passed, first[0])
            first[1]()
        self.passed = until

    def held(self, key: str) -> int:
        """What lies in the hands of the processes."""
        return sum(meter._hands[key].left for meter in self.meters if key in meter._hands)


class Ideal:
    """A bucket nobody takes ahead from."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.tokens, self.at = bucket, bucket.most, 0.0

    def at_time(self, now: float) -> float:
        self.tokens = min(self.bucket.most, self.tokens + (now - self.at) * self.bucket.rate)
        self.at = now
        return self.tokens


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from([1, 3])),
        st.tuples(st.just("burst"), st.integers(0, 2), st.integers(1, 60)),
        st.tuples(st.just("refused later"), st.integers(0, 2), st.just(1)),
        st.tuples(st.just("pass"), st.just(0), st.floats(0.01, 3)),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(most=st.integers(0, 200), steps=STEPS)
def test_no_more_than_the_limits_is_given_and_no_less(shared: Shared, most: int, steps: list[Any]) -> None:
    """Whatever processes do: never a place or token too many, none refused but for those in other hands."""
    city = City(shared, most, per_second=20, burst=50)
    ideal, tokens = Ideal(city.bucket), 0
    for what, process, number in steps:
        if what == "pass":
            city.advance(number)
            continue
        for places in [1] * number if what == "burst" else [number]:
            said, used = city.ask(process, places, city.bucket), len(city.books.rows)
            free = ideal.at_time(city.passed)
            ideal.tokens -= said is not Said.TOO_FAST
            tokens += said is not Said.TOO_FAST
            assert used <= most
            assert tokens <= 50 + 20 * city.passed + ROUNDING
            if said is Said.USED_UP:
                assert used + places + city.held(city.quota.key) > most
            if said is Said.TOO_FAST:
                assert free - city.held(city.bucket.key) < 1 + ROUNDING
            if said is Said.GIVEN and what == "refused later":
                city.books.rows.pop()
                city.meters[process].put_back(city.quota, 1)
    city.advance(2 * HELD + 0.01)
    assert city.held(city.quota.key) == city.held(city.bucket.key) == 0
    left = most - len(city.books.rows)
    assert sum(city.ask(turn % 3) is Said.GIVEN for turn in range(left + 5)) == left


class Counting(InProcess):
    """Tells how often it was asked."""

    asked = 0

    def spend(self, *arguments: Any, **named: Any) -> Any:
        self.asked += 1
        return super().spend(*arguments, **named)


def test_a_busy_door_asks_once_for_many_requests_and_each_time_near_the_end() -> None:
    """Far from the limit at most one question in twenty requests; in the last ones, one each."""
    shared = Counting()
    city = City(shared, most=10_000)
    for _ in range(2_000):
        assert city.ask(0) is Said.GIVEN
        city.advance(0.002)
    assert shared.asked <= 2_000 / 20
    assert city.held(city.quota.key) <= MOST
    while len(city.books.rows) < 10_000 - SHARE:
        city.ask(0)
    city.advance(2 * HELD)
    shared.asked = 0
    assert [city.ask(1) for _ in range(SHARE)] == [Said.GIVEN] * SHARE
    assert city.ask(2) is Said.USED_UP
    assert shared.asked >= SHARE + 1


def test_an_idle_door_holds_nothing() -> None:
    """What was taken ahead is back after a second, for whoever needs it."""
    city = City(InProcess(), most=1_000)
    for _ in range(100):
        city.ask(0)
    assert city.held(city.quota.key) > 0
    city.advance(2 * HELD)
    assert city.held(city.quota.key) == 0
    assert not city.timers
    assert sum(city.ask(1) is Said.GIVEN for _ in range(1_000)) == 900


def test_many_threads_of_two_processes_are_given_exactly_what_there_is(shared: Shared) -> None:
    """In turns or at once: the places are all given, and no thread is given one too many."""
    quota, given_to = Quota("day", 500), Counter[int]()
    meters = [Meter(shared, later=lambda _seconds, _call: None) for _ in range(2)]

    def work(number: int) -> None:
        meter = meters[number % 2]
        for _ in range(100):
            given_to[number] += meter.spend(PLENTY, quota, (1, 1), NOW, lambda _before: 0) is Said.GIVEN

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = sum(hand.left for meter in meters for key, hand in meter._hands.items() if key == quota.key)
    assert sum(given_to.values()) + held == 500


# --- what is used is never lost for long -----------------------------------------------------------


def test_a_days_count_begins_with_what_the_books_say(shared: Shared) -> None:
    """A broker that was emptied at noon gives nobody a second day."""
    city = City(shared, most=100)
    city.books.rows = [city.now - 3_600] * 98
    assert [city.ask(process) for process in (0, 1, 2)] == [Said.GIVEN, Said.GIVEN, Said.USED_UP]
    assert city.books.asked == [math.inf]


def test_what_a_dead_process_held_comes_back_within_minutes(shared: Shared) -> None:
    """Nobody returns it; before the next is refused the books are asked, and only now and then."""
    city = City(shared, most=1_000)
    for _ in range(200):
        city.ask(0)
    lost = city.held(city.quota.key)
    assert lost > 0
    city.timers.clear()
    city.meters[0] = city.meter()
    while city.ask(1) is Said.GIVEN:
        pass
    assert len(city.books.rows) == 1_000 - lost
    city.advance(3 * 60)
    before = len(city.books.asked)
    assert sum(city.ask(1) is Said.GIVEN for _ in range(200)) == lost
    assert len(city.books.asked) == before + 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.floats(0, 2.5 * SLOT), min_size=3, max_size=12),
    late=st.floats(0, 4.9),
    start=st.floats(0, SLOT),
)
@example(gaps=[78.0, 0.0, 0.0, 0.0, 65.0, 0.0], late=4.9, start=0.0)
def test_counting_anew_never_makes_room_that_is_not_there(
    shared: Shared, gaps: list[float], late: float, start: float
) -> None:
    """Rows that are written some seconds after they were counted are never missed between two minutes."""
    city = City(shared, most=20)
    city.passed = start
    waiting: list[float] = []
    for gap in gaps:
        for _ in range(4):
            said = city.meters[0].spend(PLENTY, city.quota, (1, 1), city.now, city.books)
            waiting += [city.now + late] if said is Said.GIVEN else []
        assert len(city.books.rows) + len(waiting) <= 20
        city.advance(gap)
        city.books.rows += [at for at in waiting if at <= city.now]
        waiting = [at for at in waiting if at > city.now]


def test_places_given_while_the_broker_was_away_count_when_it_is_back(valkey: Valkey) -> None:
    """Each process counted by itself; the broker that kept its memory is told."""
    shared = InRedis(valkey.url)
    city = City(shared, most=100)
    assert shared.spend(PLENTY, Want(1), city.quota, Want(10), NOW, None).said is Said.UNCOUNTED
    city.ask(0, 10)
    shared._quiet, shared._quiet_until = 1.0, math.inf
    assert city.ask(1, 30) is Said.GIVEN
    shared._quiet_until = 0.0
    assert city.ask(2, 1) is Said.GIVEN
    assert sum(city.ask(2) is Said.GIVEN for _ in range(100)) == 100 - 41


def test_a_clock_that_jumps_neither_stops_a_limit_nor_lifts_it(shared: Shared) -> None:
    """An hour ahead and back again: the day's places stay what they are, requests go on within a minute."""
    city = City(shared, most=40)
    slow = Bucket(f"slow {next(NUMBERS)}", rate=1, most=5)
    assert [city.ask(0, bucket=slow) for _ in range(6)] == [Said.GIVEN] * 5 + [Said.TOO_FAST]
    for jump in (3_600, -3_600, 30, -30):
        city.passed += jump
        city.timers.clear()
        while city.ask(1, bucket=slow) is not Said.TOO_FAST:
            pass
    city.advance(60)
    assert city.ask(2, bucket=slow) is Said.GIVEN
    while city.ask(0) is Said.GIVEN:
        pass
    assert len(city.books.rows) == 40

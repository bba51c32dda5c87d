"""What workers share, held to the same rules in one process and in the broker."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import structlog

from gateway.traffic.shared import Bucket, InProcess, Shared
from gateway.traffic.shared_in_redis import InRedis, connected
from tests.valkey import Valkey

NOW = 1_795_000_000.0
SECOND = Bucket("second", rate=10, most=10)
DAY = Bucket("day", rate=0, most=25)


@pytest.fixture(params=["in_process", "in_redis"])
def shared(request: pytest.FixtureRequest) -> Shared:
    if request.param == "in_process":
        return InProcess()
    return InRedis(request.getfixturevalue("valkey").url)


# --- counts and values ------------------------------------------------------------------------


def test_counts_add_up_and_are_told_in_the_order_asked(shared: Shared) -> None:
    """One exchange adds first and tells then; what nobody counted is empty."""
    shared.exchange({"a": {"calls": 1, "bad": 1}, "b": {"calls": 2}}, [], [])
    counts, values = shared.exchange({"a": {"calls": 2}}, ["b", "a", "c"], ["state"])
    assert [dict(one) for one in counts] == [{"calls": 2}, {"calls": 3, "bad": 1}, {}]
    assert list(values) == [""]


def test_a_value_is_swapped_only_by_whoever_knows_it(shared: Shared) -> None:
    """Of two that saw the same state one changes it."""
    assert shared.swap("state", "", "one")
    assert not shared.swap("state", "", "other")
    assert shared.swap("state", "one", "two")
    assert list(shared.exchange({}, [], ["state"])[1]) == ["two"]


# --- tokens --------------------------------------------------------------------------------------


def test_a_bucket_gives_what_it_has_and_fills_with_time(shared: Shared) -> None:
    """Ten at once, then none, then those that came meanwhile, never more than it holds."""
    assert [shared.take(SECOND, 7, NOW), shared.take(SECOND, 7, NOW), shared.take(SECOND, 7, NOW)] == [
        7,
        3,
        0,
    ]
    assert shared.take(SECOND, 100, NOW + 0.35) == 3
    assert shared.take(SECOND, 100, NOW + 60) == 10


def test_the_last_tokens_are_not_for_everybody(shared: Shared) -> None:
    """What a mass mailing leaves, a code takes."""
    patient = Bucket("second", rate=10, most=10, floor=2)
    assert shared.take(patient, 100, NOW) == 8
    assert shared.take(patient, 100, NOW) == 0
    assert shared.take(SECOND, 100, NOW) == 2


def test_tokens_that_were_not_used_go_back(shared: Shared) -> None:
    """And a bucket never holds more than it can."""
    assert shared.take(SECOND, 10, NOW) == 10
    assert shared.take(SECOND, -4, NOW) == -4
    assert shared.take(SECOND, 10, NOW) == 4
    shared.take(SECOND, -100, NOW)
    assert shared.take(SECOND, 100, NOW) == 10


def test_clocks_that_differ_make_no_tokens(shared: Shared) -> None:
    """Two machines half a second apart take turns: the time between them passes once."""
    taken = sum(shared.take(SECOND, 100, NOW + (turn % 2) / 2) for turn in range(20))
    assert taken == 15


def test_a_clock_set_back_does_not_stop_a_bucket(shared: Shared) -> None:
    """What was taken an hour ahead is no reason to wait an hour."""
    assert shared.take(SECOND, 100, NOW + 3600) == 10
    assert shared.take(SECOND, 100, NOW) == 0
    assert shared.take(SECOND, 100, NOW + 1) == 10


def test_many_at_once_never_take_more_than_there_is(shared: Shared) -> None:
    """Eight threads, each in single steps."""
    taken: Counter[int] = Counter()

    def work(number: int) -> None:
        for _ in range(30):
            taken[number] += shared.take(DAY, 1, NOW)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken.values()) == 25


# --- places ----------------------------------------------------------------------------------------


def test_a_place_is_held_until_it_is_left_or_its_time_is_over(shared: Shared) -> None:
    """A worker that died holds none for ever."""
    held = [shared.hold("calls", holder, 2, NOW, NOW + 30) for holder in ("a", "b", "c")]
    assert held == [True, True, False]
    shared.leave("calls", "a")
    assert shared.hold("calls", "c", 2, NOW, NOW + 60)
    assert not shared.hold("calls", "d", 2, NOW + 29, NOW + 60)
    assert shared.hold("calls", "d", 2, NOW + 31, NOW + 60)


# --- when the broker is away -----------------------------------------------------------------------


def test_without_the_broker_each_goes_on_by_itself_and_says_so_once(valkey: Valkey) -> None:
    """No exception, its own memory, one line in the log; and back when the broker is."""
    shared = InRedis(valkey.url)
    assert shared.take(SECOND, 10, NOW) == 10
    valkey.kill()
    with structlog.testing.capture_logs() as said:
        assert shared.take(SECOND, 10, NOW) == 10
        assert shared.swap("state", "", "mine")
        assert shared.hold("calls", "a", 1, NOW, NOW + 30)
        shared.leave("calls", "a")
        assert shared.exchange({"a": {"calls": 1}}, ["a"], ["state"]) == ([{"calls": 1}], ["mine"])
    assert [one["event"] for one in said] == ["traffic_not_shared"]
    valkey.start()
    shared._quiet_until = 0.0  # the pause is over
    with structlog.testing.capture_logs() as said:
        assert shared.exchange({}, [], ["state"])[1] == [""]
    assert [one["event"] for one in said] == ["traffic_shared_again"]


def test_a_deployment_without_a_broker_shares_within_its_process() -> None:
    assert isinstance(connected(""), InProcess)

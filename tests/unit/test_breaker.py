"""The breaker, by its rules and by properties over whatever may be heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.traffic import breaker
from gateway.traffic.breaker import (
    FEW,
    LONGEST_REST,
    PROBES,
    REST,
    REST_ACCOUNT,
    STEADY,
    Heard,
    Mode,
    State,
    Why,
    judge,
    least_bad,
    speed_of,
)

NOW = 1_795_000_000.0
FINE = Heard(calls=40, speeds={7: 40})
DOWN = Heard(calls=40, bad=40, speeds={7: 40})
SLOW = Heard(calls=40, speeds={12: 40})
CLOSED = State(since=NOW - STEADY - 1)

NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, unique=True)
HEARD = st.integers(0, 60).flatmap(
    lambda calls: st.builds(
        Heard,
        calls=st.just(calls),
        bad=st.integers(0, calls),
        blocked=st.sampled_from([0, 0, 0, 1]) if calls else st.just(0),
        speeds=st.integers(0, 16).map(lambda speed: {speed: calls} if calls else {}),
    )
)


def _after(state: State, heard: Heard, now: float = NOW, others: Heard = FINE) -> State:
    return judge({"a": state, "b": CLOSED}, {"a": heard, "b": others}, now).get("a", state)


# --- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "others", "why"),
    [
        (DOWN, FINE, Why.FAILING),
        (DOWN, Heard(), Why.FAILING),  # nothing is known against the other
        (SLOW, FINE, Why.SLOW),
        (Heard(calls=1, blocked=1, speeds={7: 1}), FINE, Why.ACCOUNT),
        (Heard(calls=1, blocked=1, speeds={7: 1}), DOWN, Why.ACCOUNT),
    ],
)
def test_who_fares_worse_is_opened(heard: Heard, others: Heard, why: Why) -> None:
    """A share of failures, slowness beside the others, or a blocked account: with its reason."""
    then = _after(CLOSED, heard, others=others)
    assert (then.mode, then.why) == (Mode.OPEN, why)


@pytest.mark.parametrize(
    ("heard", "others"),
    [
        (DOWN, DOWN),
        (SLOW, SLOW),
        (SLOW, Heard()),  # slow beside whom?
        (Heard(calls=FEW - 1, bad=FEW - 1, speeds={7: FEW - 1}), FINE),
        (Heard(calls=FEW - 1, speeds={16: FEW - 1}), FINE),
        (Heard(calls=40, bad=19, speeds={7: 40}), FINE),
        (Heard(calls=40, speeds={8: 40}), FINE),  # twice as slow is weather
        (Heard(calls=40, speeds={5: 40}), Heard(calls=40, speeds={1: 40})),  # nobody notices 30 ms
        (Heard(calls=40, speeds={7: 39, 16: 1}), FINE),  # one call that hung
    ],
)
def test_who_fares_like_the_others_stays(heard: Heard, others: Heard) -> None:
    """Few calls, a bad day for all, or a difference nobody notices open nobody."""
    assert _after(CLOSED, heard, others=others) == CLOSED


@given(st.dictionaries(st.sampled_from("abcd"), HEARD, min_size=1))
def test_few_calls_never_open_anybody(heard: dict[str, Heard]) -> None:
    """Below ten calls only a blocked account does."""
    states = dict.fromkeys(heard, CLOSED)
    for name, then in judge(states, heard, NOW).items():
        assert heard[name].calls >= FEW or then.why == Why.ACCOUNT


@given(st.dictionaries(st.sampled_from("abcd"), HEARD, min_size=1))
def test_never_is_everybody_opened_for_failing_or_being_slow(heard: dict[str, Heard]) -> None:
    """Somebody always stands, but where every account is blocked."""
    states = dict.fromkeys(heard, CLOSED)
    after = states | judge(states, heard, NOW)
    standing = [one for one in after.values() if one.mode is Mode.CLOSED]
    assert standing or any(one.why == Why.ACCOUNT for one in after.values())


@given(NAMES, st.integers(2, 40), HEARD)
def test_those_who_fare_alike_do_not_flap(names: list[str], minutes: int, heard: Heard) -> None:
    """However long all are slow or failing, nobody's state changes."""
    alike = Heard(heard.calls, heard.bad, 0, heard.speeds)
    states = dict.fromkeys(names, CLOSED)
    for minute in range(minutes):
        assert not judge(states, dict.fromkeys(names, alike), NOW + 60 * minute)


# --- resting, probing, coming back --------------------------------------------------------------


def test_it_rests_longer_each_time_up_to_a_cap() -> None:
    """Thirty seconds, a minute, two …, half an hour; a blocked account begins at five minutes."""
    state, rests = CLOSED, []
    for _ in range(9):
        state = breaker._opened(state, Why.FAILING, NOW)
        rests.append(state.until - NOW)
    assert rests[:3] == [REST, 2 * REST, 4 * REST]
    assert rests[-1] == LONGEST_REST
    assert breaker._opened(CLOSED, Why.ACCOUNT, NOW).until == NOW + REST_ACCOUNT


def test_after_its_rest_it_is_probed_and_three_good_calls_bring_it_back() -> None:
    """Two are not enough; one that fails sends it back for twice as long."""
    opened = _after(CLOSED, DOWN)
    assert _after(opened, Heard(), NOW + REST - 1) == opened
    probing = _after(opened, Heard(), NOW + REST)
    assert probing.mode is Mode.HALF_OPEN
    good = Heard(calls=PROBES, speeds={7: PROBES})
    assert _after(probing, Heard(calls=PROBES - 1, speeds={7: 2}), NOW + 40) == probing
    assert _after(probing, good, NOW + 40).mode is Mode.CLOSED
    again = _after(probing, Heard(calls=PROBES, bad=1, speeds={7: 3}), NOW + 40)
    assert (again.mode, again.until) == (Mode.OPEN, NOW + 40 + 2 * REST)


def test_a_probe_that_is_still_slow_opens_it_again_unless_all_are_slow_now() -> None:
    """Slowness is judged beside the others at every step."""
    probing = State(Mode.HALF_OPEN, NOW - 10, times=1, serial=2)
    slow = Heard(calls=PROBES, speeds={12: PROBES})
    assert _after(probing, slow).mode is Mode.OPEN
    assert _after(probing, slow, others=SLOW).mode is Mode.CLOSED


def test_what_was_long_ago_is_forgotten() -> None:
    """Ten steady minutes, and the next failure is a first one again."""
    back = State(Mode.CLOSED, NOW, times=5, serial=9)
    assert _after(back, DOWN, NOW + STEADY + 1).times == 1
    assert _after(back, DOWN, NOW + STEADY - 1).times == 6


@given(st.floats(0, 10 * LONGEST_REST), st.integers(1, 50), st.floats(-1e6, 1e6))
def test_an_open_one_is_always_probed_again(rest: float, times: int, jump: float) -> None:
    """Within its longest rest at the latest, also after the clock was set back or forth."""
    opened = breaker._opened(State(times=times, since=NOW), Why.FAILING, NOW + jump)
    assert opened.until - (NOW + jump) <= LONGEST_REST
    now = NOW + max(rest, LONGEST_REST) + max(jump, 0)
    assert _after(opened, Heard(), now).mode is Mode.HALF_OPEN
    assert _after(opened, Heard(), opened.since - LONGEST_REST - 1).mode is Mode.HALF_OPEN


def test_each_state_counts_anew() -> None:
    """What was heard of the last state's calls says nothing in the next."""
    assert _after(CLOSED, DOWN).serial == CLOSED.serial + 1


# --- nobody is no answer ---------------------------------------------------------------------------


def test_the_least_bad_is_tried_where_none_stands() -> None:
    """Rather one that fails than a blocked account, and the one whose rest ends first."""
    states = {
        "a": State(Mode.OPEN, until=NOW + 5, why=Why.ACCOUNT),
        "b": State(Mode.OPEN, until=NOW + 90, why=Why.FAILING),
        "c": State(Mode.OPEN, until=NOW + 60, why=Why.SLOW),
    }
    assert least_bad(states, ["a", "b", "c"]) == "c"
    assert least_bad(states, ["a"]) == "a"


def test_a_state_is_read_as_it_was_written() -> None:
    """And what is none is told apart."""
    state = State(Mode.HALF_OPEN, NOW, NOW + 1, 3, Why.PROBING, 7)
    assert breaker.read(state.written()) == state
    for wrong in ("", "[]", "{}", '{"mode": "ajar"}'):
        with pytest.raises(ValueError):
            breaker.read(wrong)


def test_a_speed_is_a_number_of_doublings() -> None:
    """A clock that went backwards makes no speed below the least."""
    assert [speed_of(seconds) for seconds in (-5, 0, 0.001, 0.002, 1.0, 1e9)] == [0, 0, 0, 1, 10, 16]

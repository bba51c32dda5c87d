"""Whether a provider is given messages just now. Pure: what was heard of its calls, and a given now.

A provider is opened (left alone) only in favour of another of its channel that fares better: when
all are slow or all fail, nobody is opened and nothing flaps. One that says our account is blocked
or empty is opened at once. After a while single messages probe it; when three calls of them went
well its whole weight is back, for a share of it would need traffic to end, and whoever fails again
is opened again within seconds, for twice as long.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from statistics import median

FEW = 10  # calls: fewer say nothing of a share or of a speed
SHARE = 0.5  # of the calls failing, from which on it is opened
BETTER = 0.5  # of its share is what the other may have at most
SLOWER = 2  # doublings: four times as slow as the others …
NOTICED = 1.0  # … and this many seconds
LONGEST_CALL = 60.0  # seconds; a clock that jumped makes no longer one
PROBES = 3  # calls that went well, after which it is closed again
REST, REST_ACCOUNT = 30.0, 300.0  # seconds; an account is unblocked by people
LONGEST_REST = 1800.0  # the rest doubles each time up to this
STEADY = 600.0  # seconds closed, after which earlier times are forgotten


class Mode(StrEnum):
    """What a provider is given: all, nothing, single messages."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Why(StrEnum):
    """What changed a provider's mode."""

    ACCOUNT = "account"
    FAILING = "failing"
    SLOW = "slow"
    PROBING = "probing"
    RECOVERED = "recovered"
    STATE_LOST = "state_lost"  # whoever kept it began anew


@dataclass(frozen=True, slots=True)
class State:
    """Where a provider stands. Times are in seconds since 1970; ``until`` is when an open one is probed.

    ``times`` counts how often it was opened without a steady while between; ``serial`` numbers
    its states, so that what is heard is counted anew in each.
    """

    mode: Mode = Mode.CLOSED
    since: float = 0.0
    until: float = 0.0
    times: int = 0
    why: str = ""
    serial: int = 0

    def written(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def read(text: str) -> State:
    """The state that was written so; ``ValueError`` for what is none."""
    try:
        found = json.loads(text)
        return State(**{**found, "mode": Mode(found["mode"])})
    except (TypeError, KeyError) as error:
        raise ValueError("no state of a provider") from error


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a provider's calls in the last minutes of its state.

    ``bad`` calls got no answer that says what became of them, ``blocked`` were refused for our
    account. ``speeds`` counts calls by how often a millisecond must be doubled to be as long.
    """

    calls: int = 0
    bad: int = 0
    blocked: int = 0
    speeds: Mapping[int, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return self.bad / self.calls if self.calls else 0.0

    @property
    def speed(self) -> int:
        """The middle one: a single hanging call, or a clock that jumped, does not move it."""
        half, seen, speed = sum(self.speeds.values()) / 2, 0, 0
        for speed in sorted(self.speeds):
            seen += self.speeds[speed]
            if seen >= half:
                break
        return speed


def speed_of(seconds: float) -> int:
    """How often a millisecond must be doubled to be as long as this call."""
    milliseconds = min(max(seconds, 0.0), LONGEST_CALL) * 1000
    return math.ceil(math.log2(milliseconds)) if milliseconds > 1 else 0


def judge(states: Mapping[str, State], heard: Mapping[str, Heard], now: float) -> dict[str, State]:
    """The providers of one channel whose state changes now, each with the new one.

    They are judged one after the other, the worst first, so that of two that fail alike one stays.
    """
    current, changed = dict(states), {}
    silent = Heard()
    for name in sorted(states, key=lambda one: (-heard.get(one, silent).share, one)):
        then = _next(name, current, heard, now)
        if then is not None:
            current[name] = changed[name] = then
    return changed


def _next(name: str, states: Mapping[str, State], heard: Mapping[str, Heard], now: float) -> State | None:
    state, mine = states[name], heard.get(name, Heard())
    if state.mode is Mode.OPEN:
        rested = now >= state.until or now < state.since - LONGEST_REST  # a clock was set back
        return _changed(state, Mode.HALF_OPEN, Why.PROBING, now) if rested else None
    if mine.blocked:
        return _opened(state, Why.ACCOUNT, now)
    others = [heard.get(other, Heard()) for other in states if _stands(states[other]) and other != name]
    if state.mode is Mode.HALF_OPEN:
        return _probed(state, mine, others, now)
    if _fails(mine, others):
        return _opened(state, Why.FAILING, now)
    return _opened(state, Why.SLOW, now) if mine.calls >= FEW and _drags(mine, others) else None


def _stands(state: State) -> bool:
    return state.mode is Mode.CLOSED


def _probed(state: State, mine: Heard, others: Collection[Heard], now: float) -> State | None:
    if mine.bad:
        return _opened(state, Why.FAILING, now)
    if mine.calls < PROBES:
        return None
    if _drags(mine, others):
        return _opened(state, Why.SLOW, now)
    return _changed(state, Mode.CLOSED, Why.RECOVERED, now)


def _fails(mine: Heard, others: Collection[Heard]) -> bool:
    worse = mine.calls >= FEW and mine.share >= SHARE
    return worse and any(other.share <= mine.share * BETTER for other in others)


def _drags(mine: Heard, others: Collection[Heard]) -> bool:
    """Much slower than the middle of the others, and so that people notice."""
    known = [other.speed for other in others if other.calls >= FEW and other.speeds]
    if not known or not mine.speeds:
        return False
    usual = median(known)
    slower: float = (2**mine.speed - 2**usual) / 1000
    return mine.speed - usual >= SLOWER and slower >= NOTICED


def _opened(state: State, why: Why, now: float) -> State:
    steady = _stands(state) and now - state.since > STEADY
    times = (0 if steady else state.times) + 1
    rest = min((REST_ACCOUNT if why is Why.ACCOUNT else REST) * 2 ** min(times - 1, 16), LONGEST_REST)
    return replace(_changed(state, Mode.OPEN, why, now), until=now + rest, times=times)


def _changed(state: State, mode: Mode, why: Why, now: float) -> State:
    return replace(state, mode=mode, why=str(why), since=now, until=0.0, serial=state.serial + 1)


def least_bad(states: Mapping[str, State], able: Collection[str]) -> str:
    """Who is tried where none stands: no blocked account if it can be, then whose rest ends first."""

    def badness(name: str) -> tuple[bool, float, str]:
        state = states.get(name, State())
        return state.why == Why.ACCOUNT, state.until, name

    return min(able, key=badness)

"""A process's view of the providers: what it heard of them, and what it may give them in one turn.

A turn is one claim. It begins, outside of any transaction, with what all workers together know and
allow, and ends by giving back what was not used. What calls came to is gathered here, and told to
the others when a turn begins and there is bad news, or the last exchange was half a second ago.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic, sleep

from gateway.providers import Cause, Outcome, Rejected, Throttled, Unknown, Unreachable
from gateway.route_settings import Allowance
from gateway.traffic import breaker
from gateway.traffic.breaker import PROBES, REST, Heard, Mode, State, Why, speed_of
from gateway.traffic.shared import Bucket, Counts, Shared
from gateway.traffic.turn import QUOTA, RATE, Short, Turn

STALE = 0.5  # seconds
SLOT, SLOTS = 20, 6  # seconds, and how many of them a provider is judged by
NOT_CALLED = frozenset({"not_tried", "too_late"})  # codes that say nothing of the provider
RESERVE = 0.2  # of each bound is kept for what is urgent: a code waits behind no mass mailing
FEWEST = 40  # rows of a turn that may send nothing: among them may be some that end, or were lost
PAUSE = 1.0  # seconds: a bucket fills in one
LONGEST_PAUSE = 3600.0  # seconds: a quota may be raised before the day is over
DAY_KEPT = 2 * 86_400.0  # seconds
SPARED = 30.0  # seconds that other traffic has to probe a provider, before a code must
BUSY = 0.02  # seconds between two looks for a free place

Overrides = Mapping[str, Mapping[str, int]]  # by channel and provider


@dataclass(frozen=True, slots=True)
class Change:
    """A provider's state that this process changed, and what had been heard."""

    provider: str
    old: State | None
    new: State
    heard: Heard


@dataclass(frozen=True, slots=True)
class Wish:
    """What a turn is asked for: up to ``limit`` rows of a channel.

    ``weights`` are the channel's, ``day`` names the day of quotas, which ends at ``day_ends``.
    Times are in seconds since 1970.
    """

    channel: str
    urgent: bool
    limit: int
    weights: Mapping[str, int]
    allowances: Mapping[str, Allowance]
    now: float
    day: str
    day_ends: float


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a provider that takes ``concurrent`` at a time; it waits ``patience`` seconds for a place."""

    provider: str
    concurrent: int
    urgent: bool
    now: float
    held_until: float
    patience: float


class Board:
    """What this process knows and shares; one for all its lanes, safe in threads."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = Lock()
        self._looking = Lock()
        self._heard: dict[str, dict[str, int]] = {}
        self._states: dict[str, State] = {}
        self._overrides: Overrides = {}
        self._looked_at: dict[str, float] = {}
        self._ran_out: dict[tuple[str, bool], float] = {}  # by channel and urgency
        self._bad_news = False

    # --- what calls came to ---

    def report(self, provider: str, outcomes: Sequence[Outcome], seconds: float) -> None:
        """What one call came to, however many messages it had, and how long it took."""
        told = [one for one in outcomes if not (isinstance(one, Unreachable) and one.code in NOT_CALLED)]
        if all(isinstance(one, Throttled) for one in told):
            return  # also of a call that was not made
        bad = any(isinstance(one, Unreachable | Unknown) for one in told)
        blocked = any(isinstance(one, Rejected) and one.cause is Cause.ACCOUNT for one in told)
        fields = {"calls": True, str(speed_of(seconds)): True, "bad": bad, "blocked": blocked}
        with self._lock:
            heard = self._heard.setdefault(provider, {})
            for field, holds in fields.items():
                heard[field] = heard.get(field, 0) + holds
            self._bad_news |= bad or blocked

    # --- what they have in common ---

    def look(
        self, channel: str, weights: Mapping[str, int], now: float, read: Callable[[], Overrides]
    ) -> Sequence[Change]:
        """Exchange news with the others when it is time; what this process changed is for its history.

        ``read`` tells the overrides that hold now.
        """
        if not self._is_time(channel, weights, now) or not self._looking.acquire(blocking=False):
            return ()  # another thread is about it
        try:
            self._looked_at[channel] = now
            self._overrides = read()
            in_force = {**weights, **self._overrides.get(channel, {})}
            return self._exchange([name for name, weight in in_force.items() if weight], now)
        finally:
            self._looking.release()

    def _is_time(self, channel: str, weights: Mapping[str, int], now: float) -> bool:
        age = now - self._looked_at.get(channel, 0.0)
        ailing = any(self._states.get(name, State()).mode is not Mode.CLOSED for name in weights)
        return not 0 <= age < STALE or self._bad_news or ailing

    def _exchange(self, names: Sequence[str], now: float) -> Sequence[Change]:
        counts, told = self._shared.exchange(
            self._news(now),
            [_key(name, self._serial(name), now, back) for name in names for back in range(SLOTS)],
            [f"state:{name}" for name in names],
        )
        states, heard = {}, {}
        for at, (name, text) in enumerate(zip(names, told, strict=True)):
            state = states[name] = _read(text)
            if state.serial == self._serial(name):  # else the counts asked for are of an older state
                heard[name] = _heard(counts[at * SLOTS : (at + 1) * SLOTS])
        known = dict(zip(names, told, strict=True))
        changes = [
            Change(name, None, born, Heard()) for name in names if (born := self._born(name, known, now))
        ]
        states |= {change.provider: change.new for change in changes}
        for name, then in breaker.judge(states, heard, now).items():
            if self._shared.swap(f"state:{name}", known[name], then.written()):
                changes.append(Change(name, states[name], then, heard.get(name, Heard())))
                states[name] = then
        self._states |= states
        return changes

    def _news(self, now: float) -> Mapping[str, Counts]:
        """What was heard since the last exchange, by the state it was heard in."""
        with self._lock:
            news, self._heard, self._bad_news = self._heard, {}, False
        return {_key(name, self._serial(name), now, 0): heard for name, heard in news.items()}

    def _serial(self, name: str) -> int:
        return self._states.get(name, State()).serial

    def _born(self, name: str, known: dict[str, str], now: float) -> State | None:
        """The first state of a provider that nobody knows, where we are the first to say so."""
        if known[name]:
            return None
        state = State(Mode.CLOSED, since=now, why=Why.STATE_LOST, serial=int(now))
        known[name] = state.written()
        return state if self._shared.swap(f"state:{name}", "", known[name]) else None

    # --- turns and calls ---

    @contextmanager
    def turn(self, wish: Wish) -> Iterator[Turn]:
        """What this claim may give to whom; what it did not use goes back at the end."""
        turn = self._begin(wish)
        try:
            yield turn
        finally:
            self._end(wish, turn)

    def _begin(self, wish: Wish) -> Turn:
        turn = Turn(wish.limit, overrides=self._overrides.get(wish.channel, {}))
        turn.names = [name for name, weight in turn.weights(wish.weights).items() if weight]
        known = {name: self._states.get(name, State()) for name in turn.names}
        turn.ailing = {name: state for name, state in known.items() if state.mode is not Mode.CLOSED}
        if 0 <= wish.now - self._ran_out.get((wish.channel, wish.urgent), -PAUSE) < PAUSE:
            return replace(turn, limit=0)
        for name in turn.names:
            if any(_buckets(wish, name)):
                self._bound(turn, wish, name)
        for name, state in turn.ailing.items():
            if state.mode is Mode.HALF_OPEN and (not wish.urgent or wish.now - state.since > SPARED):
                turn.probes[name] = self._shared.take(_probes(name, state), 1, wish.now)
        if set(turn.room) == set(turn.names):
            turn.limit = min(wish.limit, max(FEWEST, sum(turn.room.values())))
        return turn

    def _bound(self, turn: Turn, wish: Wish, name: str) -> None:
        """Take tokens for as many rows as may be claimed."""
        turn.room[name] = wish.limit
        for reason, bucket in _buckets(wish, name):
            asked = turn.room[name]
            granted = self._shared.take(bucket, asked, wish.now) if asked else 0
            if granted < asked:
                turn.room[name] = granted
                turn.short[name] = Short(name, reason, _again(wish, reason))
                self._give_back(wish, name, asked - granted, before=reason)

    def _give_back(self, wish: Wish, name: str, number: int, before: str = "") -> None:
        """Tokens that were not used, to every bucket they came from, or to those before that one."""
        for reason, bucket in _buckets(wish, name):
            if reason == before:
                break
            self._shared.take(bucket, -number, wish.now)

    def _end(self, wish: Wish, turn: Turn) -> None:
        for name, left in turn.room.items():
            if left:
                self._give_back(wish, name, left)
        for name, left in turn.probes.items():
            if left:
                self._shared.take(_probes(name, turn.ailing[name]), -left, wish.now)
        if turn.exhausted():
            self._ran_out[wish.channel, wish.urgent] = wish.now

    @contextmanager
    def calling(self, call: Call, stopping: Callable[[], bool]) -> Iterator[bool]:
        """Around a call, which begins when one of the provider's places is free; False: none was, in time.

        Nobody waits on when ``stopping``. The place is left by itself at ``call.held_until``, so a
        dead worker holds none for ever.
        """
        holder = secrets.token_hex(8)
        free = self._placed(call, holder, stopping)
        try:
            yield free
        finally:
            if free:
                self._shared.leave(f"calls:{call.provider}", holder)

    def _placed(self, call: Call, holder: str, stopping: Callable[[], bool]) -> bool:
        most = call.concurrent - _reserve(call.concurrent, urgent=call.urgent)
        begun, waited = monotonic(), 0.0  # a dead worker's place may become free meanwhile
        while not self._shared.hold(
            f"calls:{call.provider}", holder, most, call.now + waited, call.held_until
        ):
            if stopping() or waited > call.patience:
                return False
            sleep(BUSY)
            waited = monotonic() - begun
        return True


# --- buckets and keys ----------------------------------------------------------------------------


def _buckets(wish: Wish, name: str) -> Iterator[tuple[str, Bucket]]:
    """The bounds of a provider, the longest first, each with the reason it gives for waiting."""
    allowed = wish.allowances.get(name, Allowance())
    day, second = allowed.per_day, allowed.per_second
    if day:
        yield QUOTA, Bucket(f"day:{name}:{wish.day}", 0.0, day, _reserve(day, urgent=wish.urgent), DAY_KEPT)
    if second:
        yield RATE, Bucket(f"second:{name}", second, second, _reserve(second, urgent=wish.urgent))


def _reserve(most: int, *, urgent: bool) -> int:
    return 0 if urgent else min(most - 1, math.ceil(RESERVE * most))


def _again(wish: Wish, reason: str) -> float:
    return min(wish.day_ends, wish.now + LONGEST_PAUSE) if reason == QUOTA else wish.now + PAUSE


def _probes(name: str, state: State) -> Bucket:
    """A half-open provider's probes: three at once, then one every ten seconds, of all workers together."""
    return Bucket(f"probe:{name}:{state.serial}", PROBES / REST, PROBES)


def _key(name: str, serial: int, now: float, back: int) -> str:
    return f"heard:{name}:{serial}:{int(now) // SLOT - back}"


def _read(text: str) -> State:
    try:
        return breaker.read(text)
    except ValueError:
        return State()


def _heard(slots: Sequence[Counts]) -> Heard:
    whole: Counter[str] = Counter()
    for slot in slots:
        whole.update({field: int(number) for field, number in slot.items()})
    calls, bad, blocked = (whole.pop(field, 0) for field in ("calls", "bad", "blocked"))
    return Heard(calls, bad, blocked, {int(speed): number for speed, number in whole.items()})

"""Tokens and places for requests, a few taken ahead: a busy door asks the others once for many requests.

What was taken ahead is held for a second at most, then given back. The more requests came in the
last second the more is taken, never more than a twentieth of what is left: near its end every
bound is asked for each request, exactly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from threading import Lock

from gateway.traffic.quota import Quota, Said, Spent, Told, Want
from gateway.traffic.shared import Bucket, Shared

HELD = 1.0  # seconds
MOST = 50  # tokens or places in one hand
ASKED = 3  # times: the books, the answer, and once more where a minute began between

Number = tuple[int, int]  # of tokens and of places
Count = Callable[[float], int]
Later = Callable[[float, Callable[[], None]], None]


class _Hand:
    """What is held of one bucket or quota; how much was taken when, by two clocks."""

    __slots__ = ("left", "now", "of", "since", "taken")

    def __init__(self, of: Bucket | Quota) -> None:
        self.of = of
        self.left = 0
        self.taken = 0
        self.since = 0.0
        self.now = 0.0


class Meter:
    """This process's hand in what all share; one for all its doors, safe in threads.

    ``tick`` is a clock that is never set; ``later`` calls back after so many seconds.
    """

    def __init__(
        self, shared: Shared, tick: Callable[[], float] = time.monotonic, later: Later | None = None
    ) -> None:
        self._shared = shared
        self._tick = tick
        self._later = later or _in_a_thread
        self._lock = Lock()
        self._asking = Lock()
        self._hands: dict[str, _Hand] = {}
        self._returning = False

    def spend(self, bucket: Bucket, quota: Quota, number: Number, now: float, count: Count) -> Said:
        """So many tokens and places, or why not. ``count`` tells the places used by rows before a time."""
        places = number[1]
        missing = self._from_hand(bucket, quota, number)
        told = None
        for _ in range(ASKED):
            if missing == (0, 0):
                return Said.GIVEN
            with self._asking:  # whoever waited for another's answer may have a part of it
                missing = self._from_hand(bucket, quota, missing)
                spent = self._ask(bucket, quota, missing, now, told)
            if spent.said is Said.TOO_FAST and places and not missing[1]:
                self.put_back(quota, places)
            if spent.said is not Said.UNCOUNTED:
                return spent.said
            told = Told(count(spent.before), spent.before)
        return Said.GIVEN  # nobody is refused because nobody could tell

    def put_back(self, quota: Quota, places: int) -> None:
        """Places of a request that came to nothing."""
        with self._lock:
            hand = self._hands.get(quota.key)
            if hand and hand.left and hand.since > self._tick() - HELD:
                hand.left += places  # they go on, or back, with the others
                return
        self._shared.put_back(quota, places)

    # --- the hand ---

    def _from_hand(self, bucket: Bucket, quota: Quota, missing: Number) -> Number:
        """Take what is held of the tokens and places that are missing; how many still are."""
        fresh = self._tick() - HELD
        with self._lock:
            return self._taken(bucket.key, missing[0], fresh), self._taken(quota.key, missing[1], fresh)

    def _taken(self, key: str, number: int, fresh: float) -> int:
        hand = self._hands.get(key) if number else None
        if hand is None or hand.left < number or hand.since < fresh:
            return number
        hand.left -= number
        return 0

    def _ask(self, bucket: Bucket, quota: Quota, missing: Number, now: float, told: Told | None) -> Spent:
        if missing == (0, 0):
            return Spent(Said.GIVEN)
        tokens, places = self._want(bucket.key, missing[0]), self._want(quota.key, missing[1])
        spent = self._shared.spend(bucket, tokens, quota, places, now, told)
        if spent.said is Said.GIVEN:
            self._keep(bucket, spent.tokens, tokens.need, now)
            self._keep(quota, spent.places, places.need, now)
        return spent

    def _want(self, key: str, need: int) -> Want:
        """Twice what did not last for a second; of what did, nothing ahead."""
        hand = self._hands.get(key)
        if not need or hand is None or hand.since < self._tick() - HELD:
            return Want(need)
        return Want(need, max(0, min(MOST, 2 * hand.taken) - need))

    def _keep(self, of: Bucket | Quota, taken: int, used: int, now: float) -> None:
        if not taken:
            return
        with self._lock:
            hand = self._hands.setdefault(of.key, _Hand(of))
            hand.left += taken - used
            hand.taken, hand.since, hand.now = taken, self._tick(), now
            begin = hand.left > 0 and not self._returning
            self._returning |= begin
        if begin:
            self._later(HELD, self._return)

    def _return(self) -> None:
        """Give back what was held for long enough, and remember how much was of use."""
        with self._lock:
            old, returned = self._tick() - HELD, []
            for key, hand in list(self._hands.items()):
                if hand.since > old:
                    continue
                returned.append((hand.of, hand.left, hand.now))
                used = hand.taken - hand.left
                if hand.left and used > 0:
                    hand.taken, hand.left, hand.since = used // 2, 0, self._tick()
                else:
                    del self._hands[key]
            again = self._returning = any(hand.left for hand in self._hands.values())
        for of, left, now in returned:
            self._give_back(of, left, now)
        if again:
            self._later(HELD, self._return)

    def _give_back(self, of: Bucket | Quota, left: int, now: float) -> None:
        if left > 0 and isinstance(of, Quota):
            self._shared.put_back(of, left)
        elif left > 0 and isinstance(of, Bucket):
            self._shared.take(of, -left, now)


def _in_a_thread(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()

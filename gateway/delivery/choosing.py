"""Who carries each message of a claim: weights, what stands open, what a number may still be sent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.delivery import measures, number_caps, routing
from gateway.messages import Limits
from gateway.notifications.reasons import Reason
from gateway.runtime import Runtime
from gateway.traffic.turn import Turn

REVIEW_PAUSE = timedelta(minutes=1)  # a provider's review of a text takes minutes to hours


class Carrier(NamedTuple):
    """A provider that may carry a template version now: with what weight, and under which code of its own."""

    name: str
    weight: int
    limits: Limits
    code: str | None


class Wait(NamedTuple):
    """Why nobody carries it now, and until when."""

    reason: str
    until: datetime


class Choosing:
    """For one claim: asked for each message in turn, and counting what it chose.

    ``asked`` are the claim's numbers, by their index, each with the class of its message.
    """

    def __init__(
        self, tx: Connection, runtime: Runtime, channel: str, turn: Turn, asked: Collection[tuple[bytes, str]]
    ) -> None:
        self._runtime = runtime
        self._channel = channel
        self._turn = turn
        self._places = bool(runtime.settings.destinations.get(channel))
        self._numbers = number_caps.by_provider(tx, runtime, channel, asked)
        self.held_back: Counter[measures.Key] = Counter()
        self._free = not (self._places or turn.bounded)  # whoever can carry a message may

    def among(self, able: Sequence[Carrier], row: Any, address: str, index: bytes) -> Carrier | Wait:
        """One of those able to carry it; what it waits for where all of them must not just now.

        ``row`` is a notification, or whatever has its ``provider``, ``klass`` and ``template_id``.
        """
        if self._free and len(able) == 1 and self._numbers.lets(able[0].name, index, row):
            return able[0]
        weights = self._weights(able, address)
        if not weights:
            return Wait(Reason.NO_PROVIDER, self._runtime.clock() + REVIEW_PAUSE)
        capped = self._numbers.until(weights, index, row.klass, row.template_id)
        free = {name: weight for name, weight in weights.items() if name not in capped} if capped else weights
        if not free:
            first = min(capped, key=capped.__getitem__)
            return self._wait(first, Reason.NUMBER_CAP, capped[first])
        standing = self._turn.open_to(free, row.provider)
        if not standing:
            short = self._turn.wait(free)
            return self._wait(short.provider, short.reason, datetime.fromtimestamp(short.until, UTC))
        name = routing.choose(standing, row.provider, random.random())
        self._turn.took(name)
        self._numbers.took(name, index, row.klass, row.template_id)
        return next(one for one in able if one.name == name)

    def _wait(self, provider: str, reason: str, until: datetime) -> Wait:
        self.held_back[measures.HELD_BACK, provider, reason] += 1
        return Wait(reason, until)

    def _weights(self, able: Sequence[Carrier], address: str) -> Mapping[str, int]:
        """Those of the address's destination, where it has its own; nobody without a weight there."""
        if not self._places:
            return {one.name: one.weight for one in able}
        there = self._turn.weights(self._runtime.weights_towards(self._channel, address))
        return {one.name: there[one.name] for one in able if there.get(one.name)}

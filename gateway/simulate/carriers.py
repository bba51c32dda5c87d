"""Those who carry messages in the simulated year: they take everything, and report by drawn luck.

One of each channel that is open. They are ``Sender`` and ``Reporter`` of the providers' contract; their
reports go through the same door as any provider's. Nothing is kept but the newest codes by number.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from threading import Lock

from gateway.messages import Limits, Message
from gateway.providers import Accepted, Callback, Cause, Delivery, Outcome, Receipt, Report

REPORT = "report"
REACHED = {"sms": 0.985, "voice": 0.8, "email": 0.99}
AT_ONCE = 500  # receipts in one push


class Carrier:
    """``arrived`` counts what reached somebody, by month and channel."""

    batch: int = 100
    needs_template: bool = False
    limits: Limits = Limits()
    reports: frozenset[str] = frozenset({REPORT})

    def __init__(self, channel: str, seed: int, clock: Callable[[], datetime]) -> None:
        self.name = f"simulated_{channel}"
        self.channel = channel
        self.arrived: Counter[str] = Counter()
        self.newest: dict[str, str] = {}  # by address
        self._luck = Random(f"{seed} {channel}")
        self._clock = clock
        self._lock = Lock()
        self._unsaid: list[dict[str, str]] = []

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        with self._lock:
            return [self._take(f"{handover}-{place}", one) for place, one in enumerate(messages)]

    def _take(self, reference: str, message: Message) -> Outcome:
        reached = self._luck.random() < REACHED[self.channel]
        self.arrived[f"{self._clock():%Y-%m}"] += reached
        self.newest[message.address] = message.text
        delivery = Delivery.DELIVERED if reached else Delivery.UNDELIVERED
        self._unsaid.append({"reference": reference, "address": message.address, "delivery": delivery})
        return Accepted(reference)

    def pushes(self) -> Sequence[Callback]:
        """What they have not reported yet."""
        with self._lock:
            said, self._unsaid = self._unsaid, []
        parts = [said[first : first + AT_ONCE] for first in range(0, len(said), AT_ONCE)]
        return [Callback(REPORT, "", {}, json.dumps(part).encode(), "") for part in parts]

    def verify(self, _callback: Callback) -> bool:
        return True

    def parse(self, callback: Callback) -> Sequence[Report]:
        return [
            Receipt(
                one["reference"],
                one["address"],
                Delivery(one["delivery"]),
                one["delivery"],
                cause=Cause.AWAY if one["delivery"] == Delivery.UNDELIVERED else None,
            )
            for one in json.loads(callback.body)
        ]

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        return "", "text/plain"

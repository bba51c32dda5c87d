"""Which fault begins and ends when: drawn beforehand from a seed, so that a night can be had again. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

PACE = 3.0  # seconds between two faults, on average
AT_ONCE = 3  # faults at the same time, at most
CALM = 6.0  # seconds at the end in which nothing begins and all has ended: the last one can be recovered from
REST = 4.0  # seconds before the same place is hurt again: what is being started is not killed again and again
LONGEST = 10.0  # seconds a fault lasts
PROVIDERS = ("aliyun_sms", "twilio_sms", "aliyun_voice", "twilio_voice", "smtp")
FARTHEST_JUMP = 240.0  # seconds; clocks further apart than five minutes are not promised to work


@dataclass(frozen=True, slots=True)
class Kind:
    """What is hurt (one of ``places``), and whether it stays so for a while."""

    places: tuple[str, ...]
    lasts: bool = False


KINDS: Mapping[str, Kind] = {
    "kill_general": Kind(("general",)),
    "kill_urgent": Kind(("urgent",)),
    "kill_api": Kind(("api",)),
    "kill_beat": Kind(("beat",)),
    "restart_worker": Kind(("general", "urgent")),
    "second_beat": Kind(("second beat",), lasts=True),
    "broker_wiped": Kind(("broker",)),
    "database_restart_fast": Kind(("database",)),
    "database_restart_immediate": Kind(("database",)),
    "provider_5xx": Kind(PROVIDERS, lasts=True),
    "provider_429": Kind(PROVIDERS, lasts=True),
    "provider_hang": Kind(PROVIDERS, lasts=True),
    "provider_silent": Kind(PROVIDERS, lasts=True),
    "receipts_early": Kind(("receipts",), lasts=True),
    "receipts_twice": Kind(("receipts",), lasts=True),
    "receipts_reversed": Kind(("receipts",), lasts=True),
    "receipts_late": Kind(("receipts",), lasts=True),
    "clock_forward": Kind(("clock",), lasts=True),
    "clock_backward": Kind(("clock",), lasts=True),
}
ON_A_SERVER = frozenset({"database_restart_fast", "database_restart_immediate"})  # SQLite has none to restart


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``begins`` and ``ends`` are seconds from the start; at one moment where it does not last.

    ``size`` from 0 to 1 is how bad it is, where that can be more or less.
    """

    kind: str
    place: str
    begins: float
    ends: float
    size: float


def draw(seed: int, seconds: float, kinds: Collection[str]) -> Sequence[Fault]:
    """The faults of a run of that length, in the order of their beginnings.

    Every kind comes about equally often, ``AT_ONCE`` at most overlap, each in a place of its
    own, and all have ended ``CALM`` seconds before the end.
    """
    luck = random.Random(seed)
    ends, now, drawn = seconds - CALM, 0.0, list[Fault]()
    for kind in _deck(luck, sorted(kinds)):
        now += luck.uniform(0.5, 1.5) * PACE
        if now >= ends:
            break
        lasts = luck.uniform(2.0, LONGEST) if KINDS[kind].lasts else 0.0
        fault = Fault(kind, luck.choice(KINDS[kind].places), now, min(now + lasts, ends), luck.random())
        if _fits(fault, drawn):
            drawn.append(fault)
    return drawn


def _deck(luck: random.Random, kinds: list[str]) -> Iterator[str]:
    while kinds:
        luck.shuffle(kinds)
        yield from kinds


def _fits(fault: Fault, others: Sequence[Fault]) -> bool:
    near = [other for other in others if other.ends + REST > fault.begins]
    free = all(other.place != fault.place for other in near)
    return free and sum(other.ends > fault.begins for other in near) < AT_ONCE

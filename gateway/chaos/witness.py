"""What the world outside took: every message, call and mail in the sandbox, whoever sent it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.channels import email, sms
from gateway.demo.world import World

ALL = 1_000_000  # more than anybody waits for


@dataclass(frozen=True, slots=True)
class Taken:
    """One message taken; ``at`` in epoch seconds of the real time."""

    channel: str
    address: str
    words: str
    at: float


def taken(world: World) -> Sequence[Taken]:
    """All of them, the oldest of each channel first."""
    texts = _read("sms", world.get("messages", limit=str(ALL)), "number", sms.normalise)
    calls = _read("voice", world.get("calls", limit=str(ALL)), "number", sms.normalise)
    mails = _read("email", world.get("mails", limit=str(ALL)), "to", email.normalise)
    return [*texts, *calls, *mails]


def _read(
    channel: str, items: Sequence[Mapping[str, Any]], to: str, normalise: Callable[[str], str]
) -> list[Taken]:
    return [
        Taken(channel, normalise(one[to]), one["text"], datetime.fromisoformat(one["at"]).timestamp())
        for one in items
    ]

"""What happens on a call and what a switch is told to do: events and actions, for any kind of switch.

Keys are personal data (an ID number, a code), so no value here shows them when
it is printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.phone.results import Result

# --- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is connected."""


@dataclass(frozen=True, slots=True)
class Digits:
    """Keys that were pressed: 0–9, * and #; ``terminator`` is the key that ended them, "" for none."""

    text: str = field(repr=False)
    terminator: str = ""


@dataclass(frozen=True, slots=True)
class NoInput:
    """No key was pressed in time."""


@dataclass(frozen=True, slots=True)
class PlayDone:
    """Everything was said; only switches that speak and listen one after the other report it."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The caller has gone; ``cause`` is the switch's own word."""

    cause: str = ""


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of a ``Perform``; ``elder``: the person in question is 65 or older."""

    result: Result
    elder: bool = False


Event = Answered | Digits | NoInput | PlayDone | Hangup | Performed


# --- actions -----------------------------------------------------------------------------------

NORMAL, SLOW, SLOWEST = 100, 75, 60  # per cent of the usual pace


@dataclass(frozen=True, slots=True)
class Say:
    """Speak Chinese; ``en`` stands beside it where somebody can read. ``rate`` is per cent."""

    text: str
    en: str = ""
    rate: int = NORMAL


@dataclass(frozen=True, slots=True)
class Collect:
    """Speak, then wait for keys; keys pressed while speaking count where ``barge_in`` says so.

    ``terminator`` ends the keys ("" for a single key), and so does the last of
    ``max`` keys. Times are seconds of silence: before the first key, and between two.
    """

    prompt: tuple[Say, ...]
    min: int
    max: int
    terminator: str
    first: float
    between: float
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Perform:
    """Work for the driver, which answers with ``Performed``; a switch never sees it."""

    step: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the caller through to a person; ``reason`` is our word for why."""

    reason: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Action = Say | Collect | Perform | Transfer | HangUp
_KINDS = {kind.__name__: kind for kind in (Say, Collect, Transfer, HangUp)}


def to_json(actions: Sequence[Action]) -> str:
    """Actions for a switch as a list of objects, each with its ``kind``."""
    items = [{"kind": type(action).__name__, **asdict(action)} for action in actions]
    return json.dumps(items, ensure_ascii=False)


def from_json(text: str) -> tuple[Action, ...]:
    return tuple(_action(item) for item in json.loads(text))


def _action(item: dict[str, Any]) -> Action:
    kind: Any = _KINDS[item.pop("kind")]
    if kind is Collect:
        item["prompt"] = tuple(Say(**said) for said in item["prompt"])
    action: Action = kind(**item)
    return action

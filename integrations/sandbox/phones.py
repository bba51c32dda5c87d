"""The telephones that ring: every call made, how it went, and how each person takes calls.

Whoever makes calls hands them to ``Phones.ring`` and is told of each change through ``Call.changed``.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.handsets import Shelf, handset, moment
from integrations.sandbox.options import Options
from integrations.sandbox.repeated import CALL, Repeated

RINGING, ANSWERED = "ringing", "answered"
COMPLETED, EARLY, BUSY, NO_ANSWER, OFF = "completed", "hung_up_early", "busy", "no_answer", "off"
ENDED = frozenset({COMPLETED, EARLY, BUSY, NO_ANSWER, OFF})

ANSWERS = ("yes", "early", "busy", "absent", "off", "by_hand", "machine")
UNANSWERED = {"busy": BUSY, "absent": NO_ANSWER, "off": OFF, "by_hand": NO_ANSWER}
PATIENCE = 30.0  # how long a telephone answered by hand rings, seconds
SYLLABLES = 5  # spoken in a second: how long there is to hang up a call answered by hand


def _nobody(_call: Call) -> None:
    """Nobody wants to know."""


@dataclass(slots=True, eq=False)
class Call:
    """One call to one number.

    ``text`` is what is spoken, ``plays`` how often; ``id`` is the vendor's. Times are epoch seconds, 0
    while it has not come to that. ``status`` goes from ringing to answered and on to completed or
    hung_up_early, or from ringing to busy, no_answer or off. ``changed`` hears of each status,
    ringing included (a telephone that is off never rings). ``keys`` are those pressed while it
    was answered; ``slow`` is speech below the usual pace.
    """

    number: str
    text: str
    at: float
    id: str
    provider: str
    plays: int = 1
    status: str = RINGING
    changed: Callable[[Call], None] = _nobody
    answered_at: float = 0.0
    ended_at: float = 0.0
    keys: str = ""
    slow: bool = False

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/calls shows it."""
        return {
            "id": self.id,
            "number": self.number,
            "text": self.text,
            "at": moment(self.at),
            "provider": self.provider,
            "plays": self.plays,
            "status": self.status,
            "answered_at": moment(self.answered_at) if self.answered_at else None,
            "ended_at": moment(self.ended_at) if self.ended_at else None,
            "keys": self.keys,
            "slow": self.slow,
        }


class Phones(Shelf[Call]):
    """Every call made."""

    def __init__(self, repeated: Repeated, newest: int) -> None:
        super().__init__(newest)
        self.options = Options()
        self._repeated = repeated
        self._answers: dict[str, str] = {}
        self._keys: dict[str, str] = {}  # by handset: what that person presses in every call
        self._hands: dict[str, Hand] = {}  # by id: the calls under way
        self._ways: set[asyncio.Task[None]] = set()

    def ring(self, call: Call) -> None:
        """Let it ring and go its way; returns at once. Needs the running event loop."""
        self._repeated.count(CALL, call.provider, handset(call.number), call.text)
        self.put(call)
        self._hands[call.id] = Hand(call)
        way = asyncio.create_task(self._go(call, self._hands[call.id]))
        self._ways.add(way)
        way.add_done_callback(self._ways.discard)

    def find(self, call_id: str) -> Call | None:
        """The call of that id, if it is kept."""
        return next((call for call in reversed(self.since(0.0)) if call.id == call_id), None)

    def set_answers(self, number: object, answers: object, keys: object = "") -> None:
        """How that person takes calls from now on, and which keys they press in each.

        ``ValueError`` for a number, a way or keys that are none.
        """
        if not isinstance(number, str) or not re.fullmatch(r"\+?\d{3,15}", number, re.ASCII):
            raise ValueError("number is a telephone's number")
        if answers not in ANSWERS:
            raise ValueError(f"answers is one of {', '.join(ANSWERS)}")
        self._keys[handset(number)] = pressed(keys)
        self._answers[handset(number)] = str(answers)

    def answers(self, number: str) -> str:
        """How that person takes calls: yes unless it was set."""
        return self._answers.get(handset(number), "yes")

    def keys(self, number: str) -> str:
        """The keys that person presses in every call."""
        return self._keys.get(handset(number), "")

    def rings_by_hand(self, number: str) -> bool:
        """Whether that telephone rings for somebody to pick it up."""
        ringing = any(call.status == RINGING for call in self.of(number)[-1:])
        return ringing and self.answers(number) == "by_hand"

    def listed(self) -> list[dict[str, str]]:
        """Every telephone whose way was set."""
        return [
            {"number": number, "answers": way, "keys": self._keys[number]}
            for number, way in self._answers.items()
        ]

    def do(self, call_id: str, what: object, keys: object = "") -> None:
        """Answer, reject, press keys or hang up by hand; pressing ends what is said.

        Raises ``LookupError`` when the call does not allow it, ``ValueError`` for keys that are none.
        """
        hand = self._hands.get(call_id)
        allowed = {RINGING: ("answer", "reject"), ANSWERED: ("press", "hang_up")}
        if hand is None or not hand.did.empty() or what not in allowed.get(hand.call.status, ()):
            raise LookupError("no such call, or not in a state to do that")
        if what == "press":
            hand.call.keys = pressed(keys)
        hand.did.put_nowait(str(what))

    def clear(self) -> None:
        """Break off what is under way without a word; forget all calls, ways and counts."""
        for way in self._ways:
            way.cancel()
        super().clear()
        self._hands.clear()
        self._answers.clear()
        self._keys.clear()

    # --- the way of a call ---

    async def _go(self, call: Call, hand: Hand) -> None:
        answers = self.answers(call.number)
        if answers != "off":
            _turn(call, RINGING)
        did = await hand.within(PATIENCE if answers == "by_hand" else self.options.ring_seconds)
        unanswered = {"answer": None, "reject": BUSY}.get(did, UNANSWERED.get(answers))
        if unanswered is None:
            call.keys = "" if answers == "machine" else self._keys.get(handset(call.number), "")
            _turn(call, ANSWERED)
            did = await hand.within(self._talk_seconds(call, by_hand=did == "answer"))
        del self._hands[call.id]
        _turn(call, unanswered or (EARLY if did == "hang_up" or answers == "early" else COMPLETED))

    def _talk_seconds(self, call: Call, by_hand: bool) -> float:
        """A hand gets as long as the text takes to speak; nobody waits for the others."""
        spoken = call.plays * len(call.text) / SYLLABLES if by_hand else 0.0
        return max(spoken, self.options.talk_seconds)


class Hand:
    """What somebody does to a telephone whose call is under way."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.did: asyncio.Queue[str] = asyncio.Queue()

    async def within(self, seconds: float) -> str:
        """What it did within that time; "" for nothing."""
        try:
            return await asyncio.wait_for(self.did.get(), seconds)
        except TimeoutError:
            return ""


def pressed(keys: object) -> str:
    """Keys of a telephone. ``ValueError`` for any that it has not."""
    if not isinstance(keys, str) or not re.fullmatch(r"[0-9*#]{0,32}", keys, re.ASCII):
        raise ValueError("keys are 0-9, * and #")
    return keys


def _turn(call: Call, status: str) -> None:
    call.status = status
    if status == ANSWERED:
        call.answered_at = time.time()
    elif status in ENDED:
        call.ended_at = time.time()
    call.changed(call)

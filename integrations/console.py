"""For development: text messages are lines on the terminal or in a file, and nobody gets one.

One line each: when, under which signature, to whom, what. It is on only where
``CONSOLE_OUTPUT`` says so, as its lines show what no log ever may: numbers and codes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.messages import Limits, Message
from gateway.providers import Accepted, Outcome, Unreachable

SETTINGS: dict[str, str] = {
    "CONSOLE_OUTPUT": "the whole path of the file to write text messages to, or - for standard output",
}

OUTCOMES: dict[str, Outcome] = {}  # there is no vendor

STANDARD_OUTPUT = "-"
LINE_BREAK = "⏎"

Clock = Callable[[], datetime]


class Console:
    """``Sender`` alone: it takes everything and never hears whether somebody read it."""

    name: str = "console"
    channel: str = "sms"
    batch: int = 100
    needs_template: bool = False
    limits: Limits = Limits()

    def __init__(self, output: str, clock: Clock) -> None:
        self._output = output
        self._clock = clock
        self._lock = threading.Lock()

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Accepted once the lines stand there; the reference is the hand-over and the place in it."""
        at = self._clock().astimezone().isoformat(" ", "seconds")
        try:
            self._write("".join(_line(at, message) for message in messages))
        except (OSError, ValueError):  # ValueError: standard output was closed
            return [Unreachable("cannot_be_written")] * len(messages)
        return [Accepted(f"{handover}-{place}") for place, _ in enumerate(messages, start=1)]

    def _write(self, lines: str) -> None:
        """Whole lines at once: other threads and processes write to the same place."""
        with self._lock:
            if self._output == STANDARD_OUTPUT:
                sys.stdout.write(lines)
                sys.stdout.flush()
                return
            place = os.open(self._output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(place, "ab", buffering=0) as file:
                file.write(lines.encode())


def _line(at: str, message: Message) -> str:
    signature = f"【{message.signature}】" if message.signature else ""
    return f"{at} {message.address} {signature}{_plain(message.text)}\n"


def _plain(text: str) -> str:
    """On one line, and without what a terminal would obey."""
    whole = text.replace("\r\n", LINE_BREAK).replace("\n", LINE_BREAK)
    return "".join(character if character.isprintable() else "?" for character in whole)


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> Console:
    """Raises ``ValueError`` for a relative path: the workers start in folders of their own."""
    output = settings["CONSOLE_OUTPUT"]
    if output != STANDARD_OUTPUT and not Path(output).is_absolute():
        raise ValueError(f"CONSOLE_OUTPUT must be a whole path (/…) or -, not {output!r}")
    return Console(output, clock)

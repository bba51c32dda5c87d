"""Keys as a stranger's request gives them, made into an event."""

from __future__ import annotations

from gateway.phone.signals import Digits

KEYS = frozenset("0123456789*#")
MOST = 64  # more is nobody's number


def digits(text: str, terminator: str) -> Digits:
    """Only what a keypad has."""
    return Digits(
        "".join(key for key in text[:MOST] if key in KEYS), terminator if terminator in KEYS else ""
    )

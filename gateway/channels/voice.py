"""Calls that speak a text: whom they reach, how long they are.

A call reaches the same mobiles as a text message; landlines are refused until a
provider's number may call them (domain.md, "The phone").
"""

from __future__ import annotations

from datetime import timedelta

from gateway.channels.sms import normalise

__all__ = ["ADDRESS", "LIMIT", "RECEIPT_WINDOW", "SUFFIX", "normalise", "parts"]

SUFFIX = "voice"
ADDRESS = "mobile"
LIMIT = 238  # characters: what fits into the 250 of an Aliyun call with their JSON; about a minute
RECEIPT_WINDOW = timedelta(hours=24)


def parts(text: str, signature: str) -> int:
    """One call, however long it speaks."""
    return 1

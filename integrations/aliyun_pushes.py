"""What Aliyun pushes to us, whichever product it is about: from whom, in which shape, at what time.

No provider of its own. Sources: the vendor's pages on SmsReport, SmsUp and VoiceReport. Pushes carry
no signature, are JSON arrays, and are repeated after 1, 5 and 10 minutes unless acknowledged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.providers import Callback
from integrations.networks import Networks
from integrations.pushed_json import (
    FieldError,
    beside,
    cause_of,
    moment,
    optional_word,
    read_each,
    word,
    words,
)

__all__ = [
    "FieldError",
    "Pushes",
    "address",
    "beside",
    "cause_of",
    "moment",
    "optional_word",
    "read_each",
    "word",
    "words",
]

_NUMBER = re.compile(r"\+?((1[3-9]\d{9})|\d{5,15})", re.ASCII)  # the inner part is a mobile of ours


class Pushes:
    """The part of ``Reporter`` every product has. ``networks`` as ``Networks`` reads it."""

    def __init__(self, networks: str) -> None:
        self._networks = Networks(networks)

    def verify(self, callback: Callback) -> bool:
        """Whether it comes from the vendor's networks: reports carry no signature."""
        return callback.remote in self._networks

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """Anything but this is pushed again."""
        return '{"code":0,"msg":"ok"}', "application/json"


def address(report: Mapping[str, Any], key: str) -> str:
    """A telephone number in E.164."""
    number = report.get(key)
    if not isinstance(number, str) or not (found := _NUMBER.fullmatch(number)):
        raise FieldError(key, "no number")
    return f"+86{found[1]}" if found[2] else f"+{found[1]}"

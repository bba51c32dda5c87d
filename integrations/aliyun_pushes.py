"""What Aliyun pushes to us, whichever product it is about: from whom, in which shape, at what time.

No provider of its own. Sources: the vendor's pages on SmsReport, SmsUp and VoiceReport. Pushes carry
no signature, are JSON arrays, and are repeated after 1, 5 and 10 minutes unless acknowledged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.providers import Callback
from integrations.aliyun_rpc import CHINA
from integrations.networks import Networks


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


def reports_in(body: bytes) -> list[Mapping[str, Any]]:
    """The reports of one push. Raises ``ValueError``, which repeats nothing of the body."""
    reports = _decoded(body)
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        raise ValueError("A push is a JSON array of objects.")
    return reports


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None  # raised by the caller, without the body that the decoder's error carries


def word(report: Mapping[str, Any], key: str) -> str:
    """A field that names something, as text; the vendor writes some as numbers. "" is refused."""
    value = report.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"A report lacks its {key}.")
    return str(value)


def address(report: Mapping[str, Any], key: str) -> str:
    """A telephone number in E.164."""
    number = report.get(key)
    if not isinstance(number, str) or not re.fullmatch(r"\+?\d{5,15}", number, re.ASCII):
        raise ValueError(f"A report's {key} is no number.")
    bare = number.removeprefix("+")
    return f"+86{bare}" if re.fullmatch(r"1[3-9]\d{9}", bare) else f"+{bare}"


def moment(report: Mapping[str, Any], key: str) -> datetime | None:
    """A time in UTC+8, None where there is none."""
    text = report.get(key)
    if not text:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise ValueError(f"A report's {key} is not YYYY-MM-DD HH:MM:SS.")
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)

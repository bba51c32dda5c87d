"""Reading what a vendor pushes as JSON: its reports, and the fields they have in common.

No provider of its own. What is none of the vendor's raises ``ValueError``, which names the field and
repeats nothing of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from gateway.providers import Cause, Delivery

CHINA = timezone(timedelta(hours=8))
LONGEST_WORD = 56  # characters of a reference or a code; the vendors' have up to some forty


def reports_in(body: bytes) -> list[Mapping[str, Any]]:
    """The reports of one push."""
    reports = decoded(body)
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        raise ValueError("A push is a JSON array of objects.")
    return reports


def decoded(body: bytes) -> Any:
    """The JSON in it; None where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the latter for a thousand brackets
        return None  # raised by the caller, without the body that the decoder's error carries


def cause_of(delivery: Delivery, code: str, causes: Mapping[str, Cause]) -> Cause | None:
    """Why it did not arrive, by the product's table; None for what did, or may still."""
    return causes.get(code, Cause.UNSPECIFIED) if delivery is Delivery.UNDELIVERED else None


def word(report: Mapping[str, Any], key: str) -> str:
    """A field that names something, as text; vendors write some as numbers. "" is refused."""
    found = optional_word(report, key)
    if not found:
        raise ValueError(f"A report lacks its {key}.")
    return found


def optional_word(report: Mapping[str, Any], key: str) -> str:
    """The same where it may be missing, empty or null: then ""."""
    value = report.get(key)
    if value is None:
        return ""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else "\0"
    if len(text) > LONGEST_WORD or not text.isprintable():
        raise ValueError(f"A report's {key} is no word.")
    return text


def words(report: Mapping[str, Any], key: str) -> str:
    """What a person wrote, as they wrote it; half a surrogate pair, which nothing can store, becomes "?"."""
    value = report.get(key)
    text = str(value) if isinstance(value, str | int) else ""
    return text.encode("utf-8", "replace").decode()


def moment(report: Mapping[str, Any], key: str) -> datetime | None:
    """A time in UTC+8, None where there is none."""
    text = report.get(key)
    if not text:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", text, re.ASCII):
        raise ValueError(f"A report's {key} is not YYYY-MM-DD HH:MM:SS.")
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)

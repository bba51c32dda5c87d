"""Reading what a vendor pushes as JSON: its reports, and the fields they have in common.

No provider of its own. A push that is none of the vendor's raises ``ValueError``, a field that is none
its kind ``FieldError``; both repeat nothing of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from gateway.providers import Cause, Delivery, Report, Unreadable

CHINA = timezone(timedelta(hours=8))
_MOMENT = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
MOMENT = 19  # characters of a time
LONGEST_WORD = 56  # characters of a reference or a code; the vendors' have up to some forty


class FieldError(ValueError):
    """A report that cannot be read for one of its fields, ``key``."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"A report's {key} is {what}.")
        self.key = key


def read_each(body: bytes, read: Callable[[Mapping[str, Any]], Sequence[Report]]) -> list[Report]:
    """What ``read`` makes of the items of one push, an array; one that cannot be read loses no other."""
    items = decoded(body)
    if not isinstance(items, list):
        raise ValueError("A push is a JSON array.")
    reports: list[Report] = []
    for item in items:
        try:
            reports += read(item) if isinstance(item, dict) else [Unreadable("no_object")]
        except FieldError as error:
            reports.append(Unreadable(error.key))
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
        raise FieldError(key, "missing")
    return found


def optional_word(report: Mapping[str, Any], key: str) -> str:
    """The same where it may be missing, empty or null: then ""."""
    value = report.get(key)
    if value is None:
        return ""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or len(text) > LONGEST_WORD or not text.isprintable():
        raise FieldError(key, "no word")
    return text


def beside(report: Mapping[str, Any], key: str) -> str:
    """The same where nothing depends on it: "" for what is no word, too."""
    try:
        return optional_word(report, key)
    except FieldError:
        return ""


def words(report: Mapping[str, Any], key: str) -> str:
    """What a person wrote, as they wrote it; half a surrogate pair, which nothing can store, becomes "?"."""
    value = report.get(key)
    text = str(value) if isinstance(value, str | int) else ""
    return text.encode("utf-8", "replace").decode()


def moment(report: Mapping[str, Any], key: str) -> datetime | None:
    """A time in UTC+8, None where there is none: no reason to lose what was reported."""
    text = report.get(key)
    return _moment(text) if isinstance(text, str) and len(text) == MOMENT else None


@lru_cache(1024)
def _moment(text: str) -> datetime | None:
    """Remembered: the receipts of a push share a few."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(f"{text}+08:00")
    except ValueError:
        return None

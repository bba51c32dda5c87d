"""Sentences of the pages that are made from times, states and statuses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from gateway.notifications.status import Status
from gateway.transactions.model import Step, Words


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> Words:
    """今天16:05, 明天16:05, else the date: when something is allowed again."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return Words(f"今天{local:%H:%M}", f"{local:%H:%M} today")
    if local.date() == today + timedelta(days=1):
        return Words(f"明天{local:%H:%M}", f"{local:%H:%M} tomorrow")
    return date_and_time(at, zone)


def date_and_time(at: datetime, zone: ZoneInfo) -> Words:
    local = at.astimezone(zone)
    return Words(f"{local.month}月{local.day}日{local:%H:%M}", f"{local:%H:%M} on {local.day} {local:%B}")


def seconds_until(at: float, now: datetime) -> int:
    """Whole seconds to wait until a time in epoch seconds; 0 when it has come."""
    return max(0, math.ceil(at - now.timestamp()))


def tries_left(left: int) -> Words:
    return Words(f"还可以试{left}次。", f"{left} {'try' if left == 1 else 'tries'} left.")


def groups(reference: str) -> tuple[str, str, str]:
    """A reference as it is read aloud: 4, 5 and 5 digits."""
    return reference[:4], reference[4:9], reference[9:]


# --- what is true now --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """Sentences that stand together: ``steps`` are numbered, the others are not."""

    steps: bool
    sentences: Sequence[Words]


def blocks(sentences: Sequence[Words]) -> list[Block]:
    """An explanation as a page shows it: the steps in it as lists of their own."""
    grouped = groupby(sentences, key=lambda sentence: isinstance(sentence, Step))
    return [Block(steps, list(together)) for steps, together in grouped]


# --- where its message is --------------------------------------------------------------------

_NOT_SENT = Words(
    "短信没有发出。请记下编号，以本页为准。",
    "No text message could go out. Note the number; this page counts.",
)
_MESSAGES: Mapping[Status, Words] = {
    Status.WAITING: Words("短信正在发出。", "A text message is on its way out."),
    Status.SENDING: Words("短信正在发出。", "A text message is on its way out."),
    Status.ACCEPTED: Words(
        "短信已交给运营商，还没有收到送达回执。",
        "The text message is with the operator; there is no delivery report yet.",
    ),
    Status.DELIVERED: Words("短信已送达您登记的手机。", "The text message reached your registered mobile."),
    Status.UNDELIVERED: Words(
        "短信没有送到您的手机。请记下编号，以本页为准。",
        "The text message did not reach your mobile. Note the number; this page counts.",
    ),
    Status.UNKNOWN: Words(
        "短信可能已发出，正在核对。", "A text message may have gone out; we are finding out."
    ),
    Status.EXPIRED: _NOT_SENT,
    Status.SUPPRESSED: _NOT_SENT,
    Status.CANCELLED: _NOT_SENT,
    Status.FAILED: _NOT_SENT,
}


_DELIVERED_THERE = Words("短信已送达这个手机号。", "The text message reached that number.")


def message(row: Any | None, *, registered: bool = True) -> Words | None:
    """Where a notification is; null where there is none. Not ``registered``: it went to a number given."""
    if row is None:
        return None
    status = Status(row.status)
    return _DELIVERED_THERE if status is Status.DELIVERED and not registered else _MESSAGES[status]

"""A city's work-order platform (工单) over HTTP with JSON.

What is handed in there goes from desk to desk: registered, dispatched, signed, sent back to be dispatched
anew, processing, replied; then comes the return visit, the evaluation and the archive. ``serial`` is our
id: a query by it tells how ours stands, so after silence the query is the question. The platform's
answers name who works on it and who is complained of; only the fields of ``Order`` are read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from integrations.signed_json import Clock, SignedJson, Wire, refused

SETTINGS: dict[str, str] = {
    "WORK_ORDER_PLATFORM_URL": "address of the city's work-order platform, e.g. https://orders.example.gov.cn",
    "WORK_ORDER_PLATFORM_APP_ID": "our application id there",
    "WORK_ORDER_PLATFORM_SECRET": "the secret our requests are signed with",
}

NOT_THERE = "10"
REASONS = {
    NOT_THERE: "not_found",
    "31": "not_ours",
    "32": "repeated",
    "33": "unclear",
    "41": "over",
    "42": "reopened_before",
}
STATES = frozenset(
    {
        "registered",
        "dispatched",
        "signed",
        "sent_back",
        "processing",
        "extension_requested",
        "replied",
        "return_visit",
        "evaluated",
        "archived",
        "withdrawn",
    }
)
# Why an answer takes longer, where that was allowed.
EXTENSIONS = {"01": "complex", "02": "inquiries", "03": "other_offices"}
GRADES = range(1, 6)
CHINA = timezone(timedelta(hours=8))

Operated = Done | AlreadyDone | Refused | Unavailable | Silent


@dataclass(frozen=True, slots=True)
class Order:
    """A work order as the platform holds it.

    ``since`` is when it came to ``state``, ``replied_at`` when it was last answered. ``extension`` is our
    word for why its time was extended (null: it was not). ``reopened_at``: taken up anew, which happens
    once. ``reply`` is what the office wrote to the citizen. ``parts`` are our ids of what was added.
    """

    state: str
    since: datetime
    replied_at: datetime | None
    extension: str | None
    reopened_at: datetime | None
    grade: int | None
    parts: frozenset[str]
    reply: str = field(repr=False)


class WorkOrderPlatform:
    """Hands in, asks and acts there; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock, wire: Wire | None = None) -> None:
        self._wire = wire or SignedJson.of(settings, "WORK_ORDER_PLATFORM", 15, clock)

    def order(self, serial: str) -> Order | Unavailable | None:
        """How the one of our id stands; None where the platform has none."""
        answer = self._wire.ask("/workorder/query", {"serial": serial})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] == NOT_THERE:
            return None
        if answer["code"] != "00":
            return Unavailable(f"answer_{answer['code']}"[:40])
        return _order(answer.get("data")) or Unavailable("unreadable_answer")

    def register(
        self, serial: str, number: str, city: str, kind: str, text: str, who: Mapping[str, str]
    ) -> Operated:
        """Hand it in. ``number`` is what the citizen calls it by; ``who`` is empty where nobody is named."""
        form = {"serial": serial, "number": number, "AAB301": city, "kind": kind, "text": text}
        named = {"AAC002": who["id_number"], "AAC003": who["name"]} if who else {}
        return self._operate("/workorder/register", {**form, **named})

    def supplement(self, serial: str, part: str, text: str) -> Operated:
        """Add something to it; ``part`` is our id of what is added."""
        return self._operate("/workorder/supplement", {"serial": serial, "part": part, "text": text})

    def withdraw(self, serial: str) -> Operated:
        """The citizen asks for no answer any more."""
        return self._operate("/workorder/withdraw", {"serial": serial})

    def reopen(self, serial: str) -> Operated:
        """The citizen is not satisfied with the answer: it is taken up anew, once."""
        return self._operate("/workorder/reopen", {"serial": serial})

    def rate(self, serial: str, grade: int) -> Operated:
        """How satisfied the citizen is, 5 (very) to 1."""
        return self._operate("/workorder/rate", {"serial": serial, "grade": str(grade)})

    def _operate(self, path: str, form: Mapping[str, str]) -> Operated:
        answer = self._wire.operate(path, form)
        if not isinstance(answer, dict):
            return answer
        if answer["code"] == "00":
            return Done()
        return AlreadyDone() if answer["code"] == "01" else refused(answer, REASONS)


def build(settings: Mapping[str, str], clock: Clock = time.time) -> WorkOrderPlatform:
    """Optional setting: WORK_ORDER_PLATFORM_TIMEOUT_SECONDS (15), the longest wait for an answer."""
    return WorkOrderPlatform(settings, clock)


def _order(row: Any) -> Order | None:
    """None for what is no work order, or one in a state nobody here would understand."""
    try:
        grade, extension = row.get("grade"), row.get("extension")
        order = Order(
            state=str(row["state"]),
            since=_moment(row["since"]),
            replied_at=_moment(row["replied_at"]) if row.get("replied_at") else None,
            extension=None if extension is None else EXTENSIONS.get(str(extension), "other"),
            reopened_at=_moment(row["reopened_at"]) if row.get("reopened_at") else None,
            grade=None if grade is None else int(grade),
            parts=frozenset(map(str, row.get("parts") or ())),
            reply=str(row.get("reply") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return order if order.state in STATES and order.grade in (None, *GRADES) else None


def _moment(text: str) -> datetime:
    """ISO 8601; without an offset it is the city's own time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)

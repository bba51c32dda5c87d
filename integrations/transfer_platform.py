"""A platform of pension transfers (养老关系转移) over HTTP with JSON.

It is asked only: people apply there themselves or at a counter. A transfer goes through applied,
accepted, letter_sent, old_place_processing, info_form_received, funds_received and completed; it
may be returned or refused. Field names AAC002, AAC003, AAB301 are those of the national data
standard. Places are division codes (GB/T 2260).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from gateway.back_offices import Refused, Unavailable
from integrations.signed_json import Clock, SignedJson, Wire, refused

SETTINGS: dict[str, str] = {
    "TRANSFER_PLATFORM_URL": "address of the platform of pension transfers, e.g. https://transfer.example.gov.cn",
    "TRANSFER_PLATFORM_APP_ID": "our application id there",
    "TRANSFER_PLATFORM_SECRET": "the secret our requests are signed with",
}

REASONS = {"10": "not_found", "24": "name_mismatch"}
STATES = frozenset(
    {
        "applied",
        "accepted",
        "refused",
        "letter_sent",
        "old_place_processing",
        "info_form_received",
        "funds_received",
        "completed",
        "returned",
    }
)
# Why a transfer was refused, or sent back.
CAUSES = {
    "01": "review_failed",
    "11": "not_insured_here",
    "12": "temporary_account",
    "13": "drawing_pension",
    "14": "records_overlap",
    "15": "records_differ",
    "16": "nothing_there",
    "21": "papers_missing",
    "22": "old_place_wrong",
}
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as the platform holds it.

    ``number`` is the platform's own; ``from_place`` and ``to_place`` are division codes. ``since`` is
    when it came to ``state``. The three legs began on ``applied_on``, ``letter_on`` and ``funds_on``,
    null while they have not. ``cause`` is our word for why it was refused or returned, ``other`` for
    one we do not know; ``note`` what the office wrote.
    """

    number: str
    from_place: str
    to_place: str
    state: str
    since: datetime
    applied_on: date
    letter_on: date | None
    funds_on: date | None
    cause: str | None
    note: str = field(repr=False)


class TransferPlatform:
    """Asks the platform; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock, wire: Wire | None = None) -> None:
        self._wire = wire or SignedJson.of(settings, "TRANSFER_PLATFORM", 15, clock)

    def transfers(self, id_number: str, name: str, city: str) -> list[Transfer] | Refused | Unavailable:
        """The person's transfers from or to that city, newest first; none is an empty list.

        Refused with ``not_found`` or ``name_mismatch``.
        """
        answer = self._wire.ask("/transfer/query", {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
        found = _transfers(answer.get("data"))
        return Unavailable("unreadable_answer") if found is None else found


def build(settings: Mapping[str, str], clock: Clock = time.time) -> TransferPlatform:
    """Optional setting: TRANSFER_PLATFORM_TIMEOUT_SECONDS (15), the longest wait for an answer."""
    return TransferPlatform(settings, clock)


def _transfers(rows: Any) -> list[Transfer] | None:
    """None where one of them is no transfer, or in a state nobody here would understand."""
    try:
        found = [_transfer(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return sorted(found, key=lambda one: (one.applied_on, one.number), reverse=True)


def _transfer(row: Mapping[str, Any]) -> Transfer:
    state, cause = str(row["state"]), row.get("cause")
    if state not in STATES:
        raise ValueError("a state nobody knows")
    return Transfer(
        number=str(row["number"]),
        from_place=str(row["from"]),
        to_place=str(row["to"]),
        state=state,
        since=_moment(row["since"]),
        applied_on=date.fromisoformat(row["applied_on"]),
        letter_on=_day(row.get("letter_on")),
        funds_on=_day(row.get("funds_on")),
        cause=None if cause is None else CAUSES.get(str(cause), "other"),
        note=str(row.get("note") or ""),
    )


def _moment(text: str) -> datetime:
    """ISO 8601; without an offset it is the city's own time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)

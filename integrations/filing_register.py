"""A city's register of filings (备案登记) over HTTP with JSON.

What is filed there is reviewed by people for days: submitted, accepted, reviewing, then active,
returned to be corrected, or rejected; an active one may later be changed, cancelled or expire.
Field names AAC002, AAC003, AAB301 are those of the national data standard. ``serial`` is our
reference: a query tells by it which filing is ours, so after silence the query is the question.
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
    "FILING_REGISTER_URL": "address of the city's filing register, e.g. https://filing.example.gov.cn",
    "FILING_REGISTER_APP_ID": "our application id there",
    "FILING_REGISTER_SECRET": "the secret our requests are signed with",
}

REASONS = {
    "10": "not_found",
    "24": "name_mismatch",
    "41": "not_entitled",
    "42": "in_review",
    "43": "nothing_filed",
    "44": "not_returned",
    "45": "destination_unknown",
}
STATES = frozenset(
    {
        "submitted",
        "accepted",
        "reviewing",
        "active",
        "returned",
        "rejected",
        "changed",
        "cancelled",
        "expired",
    }
)
# Why a reviewer sent a filing back, or rejected it.
CAUSES = {
    "01": "address_unclear",
    "02": "contact_unreachable",
    "03": "dates_wrong",
    "04": "destination_wrong",
    "05": "reason_unclear",
    "21": "not_entitled",
    "22": "filed_elsewhere",
}
DETAILS = ("destination", "address", "contact", "start", "end", "reason", "commitment")
CHINA = timezone(timedelta(hours=8))

Operated = Done | AlreadyDone | Refused | Unavailable | Silent


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing as the register holds it.

    ``number`` is the register's own, ``serial`` the reference it was filed under (null: not through
    us), ``ended_by`` that of what cancelled or changed it. ``since`` is when it came to ``state``.
    ``details`` are what was filed, "" where nothing is. ``cause`` is our word for why it was returned
    or rejected, ``other`` for one we do not know; ``note`` what the reviewer wrote.
    """

    number: str
    kind: str
    state: str
    since: datetime
    serial: str | None
    ended_by: str | None
    details: Mapping[str, str] = field(repr=False)
    cause: str | None
    note: str = field(repr=False)


class FilingRegister:
    """Asks the register and files there; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock, wire: Wire | None = None) -> None:
        self._wire = wire or SignedJson.of(settings, "FILING_REGISTER", 15, clock)

    def filings(self, id_number: str, name: str, city: str) -> list[Filing] | Refused | Unavailable:
        """The person's filings in that city, newest first; none is an empty list.

        Refused with ``not_found`` or ``name_mismatch``.
        """
        answer = self._wire.ask("/filing/query", {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
        found = _filings(answer.get("data"))
        return Unavailable("unreadable_answer") if found is None else found

    def submit(
        self, id_number: str, name: str, city: str, serial: str, kind: str, details: Mapping[str, str]
    ) -> Operated:
        """File this; an active filing of the same kind is changed to it once it has been reviewed."""
        form = {"AAC002": id_number, "AAC003": name, "AAB301": city, "serial": serial, "kind": kind}
        return self._operate("/filing/submit", {**form, **_details(details)})

    def correct(self, id_number: str, city: str, serial: str, details: Mapping[str, str]) -> Operated:
        """Send the returned filing of this reference in again, corrected."""
        form = {"AAC002": id_number, "AAB301": city, "serial": serial}
        return self._operate("/filing/correct", {**form, **_details(details)})

    def cancel(self, id_number: str, city: str, number: str, serial: str) -> Operated:
        """End the active filing of the register's number; ``serial`` is our reference of the ending."""
        form = {"AAC002": id_number, "AAB301": city, "number": number, "serial": serial}
        return self._operate("/filing/cancel", form)

    def _operate(self, path: str, form: Mapping[str, str]) -> Operated:
        answer = self._wire.operate(path, form)
        if not isinstance(answer, dict):
            return answer
        if answer["code"] == "00":
            return Done()
        return AlreadyDone() if answer["code"] == "01" else refused(answer, REASONS)


def build(settings: Mapping[str, str], clock: Clock = time.time) -> FilingRegister:
    """Optional setting: FILING_REGISTER_TIMEOUT_SECONDS (15), the longest wait for an answer."""
    return FilingRegister(settings, clock)


def _details(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(name, "") for name in DETAILS}


def _filings(rows: Any) -> list[Filing] | None:
    """None where one of them is no filing, or in a state nobody here would understand."""
    try:
        found = [_filing(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return sorted(found, key=lambda one: one.since, reverse=True)


def _filing(row: Mapping[str, Any]) -> Filing:
    state, cause = str(row["state"]), row.get("cause")
    if state not in STATES:
        raise ValueError("a state nobody knows")
    return Filing(
        number=str(row["number"]),
        kind=str(row["kind"]),
        state=state,
        since=_moment(row["since"]),
        serial=_word(row.get("serial")),
        ended_by=_word(row.get("ended_by")),
        details={name: str(row.get(name) or "") for name in DETAILS},
        cause=None if cause is None else CAUSES.get(str(cause), "other"),
        note=str(row.get("note") or ""),
    )


def _moment(text: str) -> datetime:
    """ISO 8601; without an offset it is the city's own time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _word(text: Any) -> str | None:
    return None if text is None else str(text)

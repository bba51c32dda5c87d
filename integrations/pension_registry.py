"""A city's register of pension eligibility authentications (养老待遇资格认证) over HTTP with JSON.

It is asked only: the register stays authoritative and the gateway holds no image and no copy.
Field names AAC002, AAC003, AAB301 are those of the national data standard; statuses and causes
of failure are those of the authentication rules (Hunan counts by calendar month).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.back_offices import Refused, Unavailable
from gateway.plugins import seconds
from integrations.signed_json import Clock, SignedJson, refused

SETTINGS: dict[str, str] = {
    "PENSION_REGISTRY_URL": "address of the city's pension registry, e.g. https://pension.example.gov.cn",
    "PENSION_REGISTRY_APP_ID": "our application id there",
    "PENSION_REGISTRY_SECRET": "the secret our requests are signed with",
}

REASONS = {"10": "not_found", "24": "name_mismatch", "31": "not_a_pensioner"}

STATUSES = frozenset(
    {
        "not_due",
        "due_soon",
        "done_silent",
        "done_face",
        "done_helper",
        "done_counter",
        "done_overseas",
        "submitted_reviewing",
        "failed",
        "overdue_grace",
        "paused",
        "resumed_backpay_pending",
        "backpaid",
        "ended",
    }
)
FAILURES = frozenset(
    {
        "photo_mismatch",
        "bad_light",
        "covered_face",
        "changed_face",
        "other_account",
        "unreadable_id",
        "data_mismatch",
        "app_fault",
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody's authentication stands.

    ``status`` is one of ``STATUSES``. ``last_done`` and ``method`` (silent, face, helper, counter,
    overseas) are of the last one that succeeded, ``failed_on`` and ``failure`` of a failed try
    since then; a cause we have no word for is None. ``flags`` may hold death and dispute, which
    end every reminder.
    """

    status: str
    last_done: date | None
    method: str | None
    failed_on: date | None
    failure: str | None
    flags: frozenset[str]


class PensionRegistry:
    """Asks the registry; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._wire = SignedJson(
            settings["PENSION_REGISTRY_URL"],
            settings["PENSION_REGISTRY_APP_ID"],
            settings["PENSION_REGISTRY_SECRET"],
            seconds(settings, "PENSION_REGISTRY_TIMEOUT_SECONDS", 10),
            clock,
        )

    def standing(self, id_number: str, name: str, city: str) -> Standing | Refused | Unavailable:
        """How the person's authentication stands in that city.

        Refused with ``not_found``, ``name_mismatch`` or ``not_a_pensioner``.
        """
        form = {"AAC002": id_number, "AAC003": name, "AAB301": city}
        answer = self._wire.ask("/pension/standing", form)
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
        return _standing(answer.get("data")) or Unavailable("unreadable_answer")


def build(settings: Mapping[str, str], clock: Clock = time.time) -> PensionRegistry:
    """Optional setting: PENSION_REGISTRY_TIMEOUT_SECONDS (10), the longest wait for an answer."""
    return PensionRegistry(settings, clock)


def _standing(row: Any) -> Standing | None:
    """None for what is no standing, or one whose status nobody here would understand."""
    try:
        failure = row.get("failure")
        standing = Standing(
            status=row["status"],
            last_done=_day(row.get("last_done")),
            method=_word(row.get("method")),
            failed_on=_day(row.get("failed_on")),
            failure=failure if failure in FAILURES else None,
            flags=_flags(row.get("flags")),
        )
        return standing if standing.status in STATUSES else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _word(text: Any) -> str | None:
    return None if text is None else str(text)


def _flags(words: Any) -> frozenset[str]:
    if not isinstance(words, list | None):
        raise TypeError("flags are a list")
    return frozenset(map(str, words or ()))

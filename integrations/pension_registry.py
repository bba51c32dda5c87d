"""A city's pension registry over HTTP with JSON: eligibility authentications (养老待遇资格认证), payments.

It is asked only: the register stays authoritative and the gateway holds no image and no copy.
Field names AAC002, AAC003, AAB301 are those of the national data standard; statuses and causes
of failure are those of the authentication rules (Hunan counts by calendar month).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from gateway.back_offices import Refused, Unavailable
from integrations.signed_json import Clock, SignedJson, Wire, refused

SETTINGS: dict[str, str] = {
    "PENSION_REGISTRY_URL": "address of the city's pension registry, e.g. https://pension.example.gov.cn",
    "PENSION_REGISTRY_APP_ID": "our application id there",
    "PENSION_REGISTRY_SECRET": "the secret our requests are signed with",
}

REASONS = {"10": "not_found", "24": "name_mismatch", "31": "not_a_pensioner", "32": "ended"}
PAYMENT_STATES = frozenset({"paid", "pending", "failed", "held", "planned"})
PAYMENT_REASONS = frozenset({"account_closed", "account_blocked", "data_mismatch"})
MONTH, AMOUNT = re.compile(r"\d{4}-(0[1-9]|1[0-2])"), re.compile(r"\d{1,7}\.\d{2}")
T = TypeVar("T")

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
    end every reminder. ``held`` are the months (2026-10) that were or are held back.
    """

    status: str
    last_done: date | None
    method: str | None
    failed_on: date | None
    failure: str | None
    flags: frozenset[str]
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Payment:
    """One month's pension (2026-11): ``state`` is one of ``PAYMENT_STATES``.

    *held*: not paid because the authentication is open; *planned*: the next one. ``paid_on`` is
    the day it was or will be paid. ``reason`` is why it failed, one of ``PAYMENT_REASONS`` or None;
    ``serial`` that of the loss report which blocks the account. ``amount`` is yuan (3210.50).
    """

    month: str
    state: str
    paid_on: date | None
    reason: str | None
    serial: str | None
    amount: str | None


class PensionRegistry:
    """Asks the registry; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock, wire: Wire | None = None) -> None:
        self._wire = wire or SignedJson.of(settings, "PENSION_REGISTRY", 10, clock)

    def standing(self, id_number: str, name: str, city: str) -> Standing | Refused | Unavailable:
        """How the person's authentication stands in that city.

        Refused with ``not_found``, ``name_mismatch`` or ``not_a_pensioner``.
        """
        return self._ask("/pension/standing", id_number, name, city, _standing)

    def payments(self, id_number: str, name: str, city: str) -> list[Payment] | Refused | Unavailable:
        """The person's last payments and the next one, newest first.

        Refused as a standing is, and with ``ended`` where nothing is paid any more.
        """
        return self._ask("/pension/payments", id_number, name, city, _payments)

    def _ask(
        self, path: str, id_number: str, name: str, city: str, read: Callable[[Any], T | None]
    ) -> T | Refused | Unavailable:
        answer = self._wire.ask(path, {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
        found = read(answer.get("data"))
        return Unavailable("unreadable_answer") if found is None else found


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
            held=frozenset(map(_month, row.get("held") or ())),
        )
        return standing if standing.status in STATUSES else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _payments(rows: Any) -> list[Payment] | None:
    """None where one of them cannot be read: half of what was paid would be told as all."""
    try:
        return sorted(map(_payment, rows), key=lambda payment: payment.month, reverse=True)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _payment(row: Mapping[str, Any]) -> Payment:
    state, reason, amount = row["state"], row.get("reason"), row.get("amount")
    if state not in PAYMENT_STATES:
        raise ValueError("no state of a payment")
    return Payment(
        month=_month(row["month"]),
        state=state,
        paid_on=_day(row.get("paid_on")),
        reason=reason if reason in PAYMENT_REASONS else None,
        serial=_word(row.get("serial")),
        amount=str(amount) if AMOUNT.fullmatch(str(amount)) else None,
    )


def _month(text: str) -> str:
    if not MONTH.fullmatch(text):
        raise ValueError("no month")
    return text


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _word(text: Any) -> str | None:
    return None if text is None else str(text)


def _flags(words: Any) -> frozenset[str]:
    if not isinstance(words, list | None):
        raise TypeError("flags are a list")
    return frozenset(map(str, words or ()))

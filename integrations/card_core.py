"""A city's social-security card system (社保卡系统) over HTTP with JSON.

Shape of public systems of this kind: look the person up by ID number and name, then operate on
the card; ``00`` is done, ``01`` was already done, another code is a refusal, an empty body an
upstream fault. Field names AAC002, AAC003, AAZ500, AAB301 are those of the national data standard.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.providers import seconds

SETTINGS: dict[str, str] = {
    "CARD_CORE_URL": "address of the city's card system, e.g. https://card.example.gov.cn",
    "CARD_CORE_APP_ID": "our application id there",
    "CARD_CORE_SECRET": "the secret our requests are signed with",
}

REASONS = {
    "10": "not_found",
    "21": "formal_lost",
    "22": "replacing",
    "23": "cancelled",
    "24": "name_mismatch",
}

CHINA = timezone(timedelta(hours=8))
CONNECT_SECONDS = 3.0
POOL_SIZE = 16

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Card:
    """A card as the card system sees it. ``lost_serial`` is our reference of the loss report in force."""

    number: str = field(repr=False)
    city: str
    state: str
    lost_until: datetime | None
    lost_serial: str | None
    bank: str
    bank_state: str


class CardCore:
    """Asks and operates the card system; safe in threads, keeps its connections."""

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._url = settings["CARD_CORE_URL"].rstrip("/")
        self._app_id = settings["CARD_CORE_APP_ID"]
        self._secret = settings["CARD_CORE_SECRET"].encode()
        read = seconds(settings, "CARD_CORE_TIMEOUT_SECONDS", 30)
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, read), read=read)
        self._pool = urllib3.PoolManager(maxsize=POOL_SIZE, retries=False, timeout=timeout)
        self._clock = clock

    def find_cards(self, id_number: str, name: str, city: str) -> list[Card] | Refused | Unavailable:
        """The person's cards in that city. Reading is harmless, so a lost answer is ``Unavailable``."""
        answer = self._post("/card/query", {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Silent):
            return Unavailable(answer.code)
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return _refused(answer)
        cards = _cards(answer.get("data"))
        return Unavailable("unreadable_answer") if cards is None else cards

    def report_loss(self, card: Card, id_number: str, until: datetime, serial: str) -> StepOutcome:
        """Block the card until then. ``serial`` is our reference: a later query tells whose block it is."""
        form = {
            "AAZ500": card.number,
            "AAC002": id_number,
            "AAB301": card.city,
            "kind": "temporary",
            "until": until.astimezone(CHINA).isoformat(),
            "serial": serial,
        }
        answer = self._post("/card/report-loss", form)
        if not isinstance(answer, dict):
            return answer
        if answer["code"] == "00":
            return Done()
        return AlreadyDone() if answer["code"] == "01" else _refused(answer)

    def _post(self, path: str, form: Mapping[str, str]) -> dict[str, Any] | Unavailable | Silent:
        body = json.dumps(form, ensure_ascii=False).encode()
        try:
            response = self._pool.request(
                "POST", self._url + path, body=body, headers=self._headers(body), redirect=False
            )
        except HTTPError as error:
            return _transport_failure(error)
        return _answer(response.status, response.data)

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        signature = hmac.new(self._secret, timestamp.encode() + b"\n" + body, hashlib.sha256)
        return {
            "Content-Type": "application/json",
            "X-App-Id": self._app_id,
            "X-Timestamp": timestamp,
            "X-Signature": signature.hexdigest(),
        }


def build(settings: Mapping[str, str], clock: Clock = time.time) -> CardCore:
    """Optional setting: CARD_CORE_TIMEOUT_SECONDS (30), the longest wait for an answer."""
    return CardCore(settings, clock)


def _transport_failure(error: HTTPError) -> Unavailable | Silent:
    """Codes only: the error's text carries the address and may carry more."""
    if isinstance(error, NewConnectionError | ConnectTimeoutError):  # refused, unresolved, no answer
        return Unavailable("connect_failed")
    if isinstance(error, SSLError) and isinstance(error.args[0], ssl.SSLCertVerificationError):
        return Unavailable("tls_certificate")
    return Silent("read_timeout" if isinstance(error, ReadTimeoutError) else "connection_lost")


def _answer(status: int, body: bytes) -> dict[str, Any] | Unavailable | Silent:
    if status == 503 or 300 <= status < 500:  # turned away before anything was done
        return Unavailable(f"http_{status}")
    if status >= 500:
        return Silent(f"http_{status}")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), str):
        return Silent("unreadable_answer" if body else "empty_answer")
    return answer


def _refused(answer: Mapping[str, Any]) -> Refused:
    return Refused(REASONS.get(answer["code"], "other"), _masked(str(answer.get("message") or "")))


def _masked(text: str) -> str:
    """Upstream words are kept for the operator; numbers in them may be somebody's."""
    return re.sub(r"\d{6,}[\dXx]?", "******", text)[:200]


def _cards(rows: Any) -> list[Card] | None:
    try:
        return [_card(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _card(row: Mapping[str, Any]) -> Card:
    serial = row.get("lost_serial")
    return Card(
        number=str(row["AAZ500"]),
        city=str(row["AAB301"]),
        state=str(row["state"]),
        lost_until=_moment(row.get("lost_until")),
        lost_serial=None if serial is None else str(serial),
        bank=str(row.get("bank") or ""),
        bank_state=str(row.get("bank_state") or ""),
    )


def _moment(text: str | None) -> datetime | None:
    """ISO 8601; without an offset it is the city's own time."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)

"""A city's social-security card system (社保卡系统) over HTTP with JSON.

Shape of public systems of this kind: look the person up by ID number and name, then operate on
the card; ``00`` is done, ``01`` was already done, another code is a refusal, an empty body an
upstream fault. Field names AAC002, AAC003, AAZ500, AAB301 are those of the national data standard.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from gateway.back_offices import AlreadyDone, Done, Refused, StepOutcome, Unavailable
from gateway.plugins import seconds
from integrations.signed_json import Clock, SignedJson, refused

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
        self._wire = SignedJson(
            settings["CARD_CORE_URL"],
            settings["CARD_CORE_APP_ID"],
            settings["CARD_CORE_SECRET"],
            seconds(settings, "CARD_CORE_TIMEOUT_SECONDS", 30),
            clock,
        )

    def find_cards(self, id_number: str, name: str, city: str) -> list[Card] | Refused | Unavailable:
        """The person's cards in that city. Reading is harmless, so a lost answer is ``Unavailable``."""
        answer = self._wire.ask("/card/query", {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
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
        answer = self._wire.operate("/card/report-loss", form)
        if not isinstance(answer, dict):
            return answer
        if answer["code"] == "00":
            return Done()
        return AlreadyDone() if answer["code"] == "01" else refused(answer, REASONS)


def build(settings: Mapping[str, str], clock: Clock = time.time) -> CardCore:
    """Optional setting: CARD_CORE_TIMEOUT_SECONDS (30), the longest wait for an answer."""
    return CardCore(settings, clock)


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

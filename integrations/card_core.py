"""A city's social-security card system (社保卡系统) over HTTP with JSON.

Shape of public systems of this kind: look the person up by ID number and name, then operate on
the card; ``00`` is done, ``01`` was already done, another code is a refusal, an empty body an
upstream fault. Field names AAC002, AAC003, AAZ500, AAB301 are those of the national data standard.

A card is two things. Its bank half is asked at a second address of the same shape, where a city has
connected one: the bank blocks and releases the account by itself and gives each block an end of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from gateway.plugins import seconds
from integrations.signed_json import Answer, Clock, SignedJson, Wire, refused

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
    "25": "replaced",
}
BANK_REASONS = {
    "10": "bank_unknown",
    "31": "bank_formal_lost",
    "32": "bank_frozen",
    "33": "bank_closed",
    "34": "bank_own_report",
}
T = TypeVar("T")
NO_BANK = Unavailable("bank_not_connected")

TIMEOUTS = {"CARD_CORE": 30.0, "CARD_BANK": 5.0}

Operated = Done | AlreadyDone | Refused | Unavailable | Silent

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Card:
    """A card as the card system sees it.

    ``lost_serial`` is the reference of the loss report in force, which takes effect at ``lost_from``
    (null: at once) and ends at ``lost_until``; ``released_serial`` that of the last release.
    """

    number: str = field(repr=False)
    city: str
    state: str
    lost_until: datetime | None
    lost_serial: str | None
    bank: str
    bank_state: str
    lost_from: datetime | None = None
    released_serial: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A card's bank account as its bank sees it: normal, temp_lost, formal_lost, frozen or closed.

    ``lost_serial`` is the reference of the report in force that came from us; null where the bank took it.
    """

    state: str
    lost_until: datetime | None
    lost_serial: str | None


class CardCore:
    """Asks and operates the card system, and the bank where there is one; safe in threads."""

    def __init__(self, settings: Mapping[str, str], clock: Clock, wire: Wire | None = None) -> None:
        self._wire = wire or _wire(settings, "CARD_CORE", clock)
        self._bank = _wire(settings, "CARD_BANK", clock) if settings.get("CARD_BANK_URL") else None

    # --- the card ---

    def find_cards(self, id_number: str, name: str, city: str) -> list[Card] | Refused | Unavailable:
        """The person's cards in that city. Reading is harmless, so a lost answer is ``Unavailable``."""
        answer = self._wire.ask("/card/query", {"AAC002": id_number, "AAC003": name, "AAB301": city})
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, REASONS)
        return _read(lambda: [_card(row) for row in answer["data"]])

    def report_loss(
        self, card: Card, id_number: str, until: datetime, serial: str, begins: datetime | None = None
    ) -> Operated:
        """Block the card until then. ``serial`` is our reference: a later query tells whose block it is.

        ``begins``: when it takes effect, where that is not at once.
        """
        form = _form(card, id_number, serial) | {"kind": "temporary", "until": _written(until)}
        form |= {"from": _written(begins)} if begins else {}
        return _operated(self._wire.operate("/card/report-loss", form), REASONS)

    def release(self, card: Card, id_number: str, serial: str) -> Operated:
        """End a temporary block. ``serial`` is our reference of the release."""
        form = _form(card, id_number, serial)
        return _operated(self._wire.operate("/card/release", form), REASONS)

    # --- the bank half ---

    def find_account(self, card: Card, id_number: str) -> Account | Refused | Unavailable:
        """The account on the card; ``Unavailable("bank_not_connected")`` where no bank is."""
        if self._bank is None:
            return NO_BANK
        answer = self._bank.ask("/account/query", _form(card, id_number))
        if isinstance(answer, Unavailable):
            return answer
        if answer["code"] != "00":
            return refused(answer, BANK_REASONS)
        return _read(lambda: _account(answer["data"]))

    def block_account(self, card: Card, id_number: str, until: datetime, serial: str) -> Operated:
        """Block the account, until then at the longest; the bank's own end is the fact ``until`` (ISO 8601).

        The fact is missing where the bank does not say. A serial that was taken before is not taken twice.
        """
        form = _form(card, id_number, serial) | {"until": _written(until)}
        return self._at_bank("/account/report-loss", form)

    def release_account(self, card: Card, id_number: str, serial: str) -> Operated:
        """End a block that came from us; the bank's own is refused with ``bank_own_report``."""
        return self._at_bank("/account/release", _form(card, id_number, serial))

    def _at_bank(self, path: str, form: Mapping[str, str]) -> Operated:
        if self._bank is None:
            return NO_BANK
        return _operated(self._bank.operate(path, form), BANK_REASONS)


def build(settings: Mapping[str, str], clock: Clock = time.time) -> CardCore:
    """Optional settings: CARD_CORE_TIMEOUT_SECONDS (30), the longest wait for an answer.

    CARD_BANK_URL is the address for the bank half, with CARD_BANK_APP_ID and CARD_BANK_SECRET where
    they differ from the card system's. Its CARD_BANK_TIMEOUT_SECONDS is shorter (5): the card is blocked
    by then, and whoever waits wants to know that.
    """
    return CardCore(settings, clock)


def _wire(settings: Mapping[str, str], name: str, clock: Clock) -> SignedJson:
    """What is not said of the bank is as it is for the card system."""

    def value(key: str) -> str:
        return settings.get(f"{name}_{key}") or settings[f"CARD_CORE_{key}"]

    timeout = seconds(settings, f"{name}_TIMEOUT_SECONDS", TIMEOUTS[name])
    return SignedJson(value("URL"), value("APP_ID"), value("SECRET"), timeout, clock)


def _form(card: Card, id_number: str, serial: str = "") -> dict[str, str]:
    form = {"AAZ500": card.number, "AAC002": id_number, "AAB301": card.city}
    return {**form, "serial": serial} if serial else form


def _operated(answer: Answer | Unavailable | Silent, reasons: Mapping[str, str]) -> Operated:
    """00 is done, 01 was already done; both may say until when."""
    if not isinstance(answer, dict):
        return answer
    if answer["code"] not in ("00", "01"):
        return refused(answer, reasons)
    until = _until(answer.get("data"))
    facts = {"until": until.isoformat()} if until else {}
    return Done(facts) if answer["code"] == "00" else AlreadyDone(facts)


def _until(data: Any) -> datetime | None:
    """An end nobody can read is one that was not said: what was done is done."""
    try:
        return _moment(data["until"])
    except (KeyError, TypeError, ValueError):
        return None


def _read(reading: Callable[[], T]) -> T | Unavailable:
    try:
        return reading()
    except (KeyError, TypeError, ValueError, AttributeError):
        return Unavailable("unreadable_answer")


def _card(row: Mapping[str, Any]) -> Card:
    return Card(
        number=str(row["AAZ500"]),
        city=str(row["AAB301"]),
        state=str(row["state"]),
        lost_until=_moment(row.get("lost_until")),
        lost_serial=_word(row.get("lost_serial")),
        bank=str(row.get("bank") or ""),
        bank_state=str(row.get("bank_state") or ""),
        lost_from=_moment(row.get("lost_from")),
        released_serial=_word(row.get("released_serial")),
    )


def _account(row: Mapping[str, Any]) -> Account:
    return Account(str(row["state"]), _moment(row.get("lost_until")), _word(row.get("lost_serial")))


def _word(text: Any) -> str | None:
    return None if text is None else str(text)


def _written(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat()


def _moment(text: str | None) -> datetime | None:
    """ISO 8601; without an offset it is the city's own time."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)

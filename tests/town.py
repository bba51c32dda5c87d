"""A card system and a bank in memory, each breaking by itself: what the card types are played against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
BANK_DAYS = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Card:
    number: str = "F12346266"
    state: str = "normal"
    lost_from: datetime | None = None
    lost_until: datetime | None = None
    lost_serial: str | None = None
    released_serial: str | None = None
    bank: str = "中国建设银行"


@dataclass(frozen=True, slots=True)
class Account:
    state: str = "normal"
    lost_until: datetime | None = None
    serial: str | None = None


@dataclass(slots=True)
class Town:
    """A card system and a bank as they are, and what each says of it: ``""`` is that all goes well.

    ``lost`` does the work and loses the answer, ``down`` does nothing; a bank's other words refuse.
    """

    now: datetime = NOW
    cards: list[Card] = field(default_factory=lambda: [Card()])
    account: Account = field(default_factory=Account)
    system: str = ""
    bank: str = ""
    bank_calls: int = 0
    blocks: int = 0

    # --- the card system ---

    def tick(self) -> None:
        self.cards = [
            replace(card, state="normal", lost_from=None, lost_until=None, lost_serial=None)
            if card.state == "temp_lost" and card.lost_until and card.lost_until <= self.now
            else card
            for card in self.cards
        ]
        if self.account.lost_until and self.account.lost_until <= self.now:
            self.account = Account()

    def find_cards(self, _number: str, _name: str, _city: str) -> Any:
        self.tick()
        return Unavailable("down") if self.system == "down" else list(self.cards)

    def report_loss(self, card: Card, _: str, until: datetime, serial: str, begins: datetime | None) -> Any:
        now = self._now(card)
        if now.state != "normal":
            return AlreadyDone() if now.state == "temp_lost" else Refused(now.state)
        self.blocks += 1
        self._put(replace(now, state="temp_lost", lost_until=until, lost_serial=serial, lost_from=begins))
        return Silent("lost") if self.system == "lost" else Done()

    def release(self, card: Card, _: str, serial: str) -> Any:
        now = self._now(card)
        if now.state != "temp_lost":
            return AlreadyDone() if now.state == "normal" else Refused(now.state)
        self._put(Card(now.number, released_serial=serial))
        return Silent("lost") if self.system == "lost" else Done()

    def _now(self, card: Card) -> Card:
        self.tick()
        return next((one for one in self.cards if one.number == card.number), Card(state="other"))

    def _put(self, card: Card) -> None:
        self.cards = [card if one.number == card.number else one for one in self.cards]

    # --- the bank ---

    def find_account(self, _card: Card, _: str) -> Any:
        self.tick()
        return Unavailable("down") if self.bank in ("down", "lost") else self.account

    def block_account(self, _card: Card, _: str, until: datetime, serial: str) -> Any:
        self.bank_calls += 1
        if self.bank not in ("", "lost"):
            return Unavailable("down") if self.bank == "down" else Refused(self.bank)
        if self.account.state == "normal":
            self.account = Account("temp_lost", min(until, self.now + BANK_DAYS), serial)
        ends = self.account.lost_until
        return Silent("lost") if self.bank == "lost" else Done({"until": ends.isoformat()} if ends else {})

    def release_account(self, _card: Card, _: str, _serial: str) -> Any:
        self.bank_calls += 1
        if self.bank not in ("", "lost"):
            return Unavailable("down") if self.bank == "down" else Refused(self.bank)
        self.account = Account()
        return Silent("lost") if self.bank == "lost" else Done()

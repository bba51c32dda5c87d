"""What the card types need of a card system and of the bank beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable


class Card(Protocol):
    """A card as its system describes it; ``lost_from`` null: blocked at once."""

    @property
    def number(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def lost_from(self) -> datetime | None: ...
    @property
    def lost_until(self) -> datetime | None: ...
    @property
    def lost_serial(self) -> str | None: ...
    @property
    def released_serial(self) -> str | None: ...
    @property
    def bank(self) -> str: ...


class Account(Protocol):
    """The account on a card: normal, temp_lost, formal_lost, frozen or closed."""

    @property
    def state(self) -> str: ...
    @property
    def lost_until(self) -> datetime | None: ...


C = TypeVar("C", bound=Card)
Operated = Done | AlreadyDone | Refused | Unavailable | Silent


class CardDesk(Protocol[C]):
    """The card system and, where one is connected, the bank.

    Whatever is asked of a bank that is not there is ``Unavailable(NO_BANK)``. The fact
    ``until`` of a bank's answer is its own end of the block, where it says one.
    """

    def find_cards(self, id_number: str, name: str, city: str) -> Sequence[C] | Refused | Unavailable: ...

    def report_loss(
        self, card: C, id_number: str, until: datetime, serial: str, begins: datetime | None
    ) -> Operated: ...

    def release(self, card: C, id_number: str, serial: str) -> Operated: ...

    def find_account(self, card: C, id_number: str) -> Account | Refused | Unavailable: ...

    def block_account(self, card: C, id_number: str, until: datetime, serial: str) -> Operated: ...

    def release_account(self, card: C, id_number: str, serial: str) -> Operated: ...


NO_BANK = "bank_not_connected"

"""The contract with a provider that tells what it has on its books of a day, so that ours can be matched.

Two small protocols, both optional: ``DayCounter`` tells sums, ``DayLister`` each message. A day is
the vendor's, from midnight to midnight where ``day_zone`` is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timezone
from typing import Protocol, runtime_checkable

from gateway.providers import Delivery


@dataclass(frozen=True, slots=True)
class Totals:
    """A day's sums in the vendor's unit: what it took, by what its receipts say; ``open`` has none yet."""

    taken: int
    delivered: int
    undelivered: int
    open: int


@dataclass(frozen=True, slots=True)
class Record:
    """One message on the vendor's books, under its reference; the address in E.164."""

    reference: str
    address: str
    delivery: Delivery


class BooksUnanswered(Exception):
    """The books could not be read, or not to their end: a code, nothing personal."""


@runtime_checkable
class DayCounter(Protocol):
    """Tells a day's sums."""

    @property
    def day_zone(self) -> timezone: ...

    def units(self, text: str, signature: str) -> int:
        """As how many the vendor counts this message."""

    def counted(self, day: date) -> Totals:
        """Raises ``BooksUnanswered``."""


@runtime_checkable
class DayLister(Protocol):
    """Lists a day's messages."""

    @property
    def day_zone(self) -> timezone: ...

    def recorded(self, day: date) -> Iterator[Sequence[Record]]:
        """Page by page, in any order; ``BooksUnanswered`` where a page does not come."""

"""Two books of one day, ours and a provider's: where they differ, and what that means. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.provider_books import Totals
from gateway.providers import Delivery

LISTED = 20  # of each kind; their number is told beside
TURN = timedelta(hours=1)  # before midnight: what we handed over then may stand under the vendor's next day


class Kind(StrEnum):
    """What a difference is; those after ``CONTRADICTED`` explain themselves."""

    THEIRS_ONLY = "theirs_only"  # they have it, we do not
    OURS_ONLY = "ours_only"  # they said that they took it, and do not have it
    MISSED = "receipts_missed"  # they know how it ended, and we were not told
    CONTRADICTED = "ends_differ"  # their end is not the one their receipt told us
    TO_COME = "receipts_to_come"  # neither knows yet how it ended
    LOST_ANSWER = "lost_answers"  # unknown to us, and they have it
    TURN_OF_DAY = "turn_of_day"  # handed over shortly before midnight: under their next day, perhaps


UNEXPLAINED = frozenset({Kind.THEIRS_ONLY, Kind.OURS_ONLY, Kind.MISSED, Kind.CONTRADICTED})


@dataclass(slots=True)
class Differences:
    """How many there are of each kind, and the references of some: the vendor's, or our hand-over's id."""

    numbers: Counter[Kind] = field(default_factory=Counter)
    listed: dict[Kind, list[str]] = field(default_factory=dict)

    def add(self, kind: Kind, reference: str = "", number: int = 1) -> None:
        """Some more of a kind; nothing where there are none."""
        if number <= 0:
            return
        self.numbers[kind] += number
        some = self.listed.setdefault(kind, [])
        if reference and len(some) < LISTED:
            some.append(reference)

    @property
    def unexplained(self) -> int:
        """What somebody has to look at."""
        return sum(number for kind, number in self.numbers.items() if kind in UNEXPLAINED)


# --- message by message --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ours:
    """One attempt: its outcome and receipt as the row has them, and a blind index of its address."""

    handover: str
    reference: str
    address: bytes
    at: datetime
    outcome: str | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Theirs:
    """One message of the day on the vendor's books."""

    address: bytes
    delivery: Delivery


def each_once(ours: Iterable[Ours]) -> Iterator[Ours]:
    """Each message once, whatever number of notices it told: their attempts began at the same moment.

    ``ours`` come in the order of their beginning.
    """
    at, seen = None, set[tuple[str, bytes]]()
    for one in ours:
        if one.at != at:
            at, seen = one.at, set()
        place = (one.handover, one.address)
        if place not in seen:
            seen.add(place)
            yield one


def compare(
    theirs: Mapping[str, Theirs], ours: Iterable[Ours], begins: datetime, ends: datetime
) -> Differences:
    """Hold each of ``ours`` against the vendor's list of the day, by reference.

    ``ours`` may reach beyond the day on both sides: what is found on the list was of that day. One
    whose answer was lost has no reference; theirs to its address is taken for it, each for one.
    """
    found = Differences()
    left, lost = dict(theirs), Counter[bytes]()
    for one in ours:
        their = left.pop(one.reference, None) if one.reference else None
        if their:
            _compare_ends(found, one, their)
        elif one.outcome == "accepted" and one.reference and begins <= one.at < ends:
            kind = Kind.OURS_ONLY if one.at < ends - TURN else Kind.TURN_OF_DAY
            found.add(kind, one.reference)
        elif one.outcome in (None, "unknown"):
            lost[one.address] += 1
    for reference, their in left.items():
        known = lost[their.address] > 0
        lost[their.address] -= known
        found.add(Kind.LOST_ANSWER if known else Kind.THEIRS_ONLY, reference)
    return found


def _compare_ends(found: Differences, one: Ours, their: Theirs) -> None:
    if their.delivery is Delivery.PENDING:
        found.add(Kind.TO_COME, one.reference, number=one.receipt is None)
    elif one.receipt is None:
        found.add(Kind.MISSED, one.reference)
    elif one.receipt != their.delivery:
        found.add(Kind.CONTRADICTED, one.reference)


# --- sums against sums ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """Our day in the vendor's unit: surely and perhaps taken; and, in messages, those without a receipt."""

    taken: int
    perhaps: int
    open: int


def compare_sums(theirs: Totals, ours: Sums) -> Differences:
    """What a vendor's sums of a day tell where it lists nothing.

    What they have more than we surely handed over is first of all what we do not know of. A message is
    one unit or more, so of our messages without a receipt more than they have units without
    one were not told to us.
    """
    found, more = Differences(), theirs.taken - ours.taken
    explained = min(max(more, 0), ours.perhaps)
    found.add(Kind.LOST_ANSWER, number=explained)
    found.add(Kind.THEIRS_ONLY, number=more - explained)
    found.add(Kind.OURS_ONLY, number=-more)
    found.add(Kind.TO_COME, number=theirs.open)
    found.add(Kind.MISSED, number=ours.open - theirs.open)
    return found


def in_words(found: Differences) -> Iterator[tuple[Kind, str]]:
    """A sentence for each kind there is, the unexplained ones first."""
    for kind in Kind:
        if number := found.numbers[kind]:
            yield kind, f"{number:,} {WORDS[kind]}"


WORDS: Mapping[Kind, str] = {
    Kind.THEIRS_ONLY: "they have and we do not",
    Kind.OURS_ONLY: "they took, as they said, and do not have",
    Kind.MISSED: "ended with them, and no receipt told us",
    Kind.CONTRADICTED: "ended otherwise than their receipt told us",
    Kind.TO_COME: "whose receipts are still to come",
    Kind.LOST_ANSWER: "that were unknown to us, and they have",
    Kind.TURN_OF_DAY: "handed over shortly before midnight, perhaps on their next day's list",
}

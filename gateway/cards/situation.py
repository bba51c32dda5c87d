"""How both halves of a card stand, as far as this transaction knows. Pure.

Facts of a transaction are strings, so a situation is written to them and read
from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gateway.cards.desk import Card
from gateway.citizens import id_number
from gateway.transactions.model import View

# The social half. The first four are a card's own states; the others are what became of a report of ours.
IN_USE, REPORTED, LOST, FORMAL = "in_use", "reported", "temp_lost", "formal_lost"
LAPSED, RELEASED, AGAIN, UNKNOWN = "lapsed", "released", "reported_again", "unknown"
AT_COUNTER = frozenset({FORMAL, "replacing", "replaced", "cancelled"})  # done at a counter, undone only there
BLOCKED = frozenset({REPORTED, LOST})
FREE = frozenset({LAPSED, RELEASED})  # of a report: the card works again

# The bank half; "" where the city does not block it with the card.
NOT_OURS, WAITING, HALF_LOST, HALF_FORMAL = "", "waiting", "blocked", "formal_lost"
HALF_FREE, HALF_SHUT, NOT_DONE, NO_ANSWER = "free", "shut", "refused", "silent"  # shut: frozen or closed

# A report's stages besides the social half's own words: which halves are blocked.
BANK_WAITING, BOTH, BANK_OPEN = "temp_lost_bank_waiting", "temp_lost_both", "temp_lost_bank_open"
BANK_LOST = "bank_lost"
STAGE_OF = {
    NOT_OURS: LOST,
    WAITING: BANK_WAITING,
    HALF_LOST: BOTH,
    HALF_FORMAL: BOTH,
    HALF_SHUT: BOTH,
    HALF_FREE: BANK_OPEN,
    NOT_DONE: BANK_OPEN,
    NO_ANSWER: BANK_OPEN,
}

GRACE = timedelta(minutes=1)  # after an end the systems' clocks may differ by this
DAILY = timedelta(days=1)  # what happens at a counter is noticed within a day
PENSION_AGE = {"F": 50, "M": 60}  # the earliest ordinary ages; the register need not know who draws one


@dataclass(frozen=True, slots=True)
class Situation:
    """Both halves of one card.

    ``until`` and ``begins`` are of the social half's block, ``half_until`` of the
    bank's. ``serial`` is whose block it is where it is not ours, ``released`` the last
    release before. ``draws``: of an age at which people draw a pension. ``others``:
    how many more cards there are.
    """

    card_tail: str = ""
    social: str = ""
    until: datetime | None = None
    begins: datetime | None = None
    bank: str = ""
    half: str = NOT_OURS
    half_until: datetime | None = None
    half_reason: str = ""
    serial: str = ""
    released: str = ""
    draws: bool = False
    others: int = 0

    @property
    def blocked(self) -> bool:
        """Whether a report of the social half is in force, or will be."""
        return self.social in BLOCKED

    @property
    def stage(self) -> str:
        """The stage of a loss report: which halves are blocked, or how it ended."""
        if self.social == LOST:
            return STAGE_OF[self.half]
        return BANK_LOST if self.social in FREE and self.half == HALF_LOST else self.social


def seen(card: Card, now: datetime) -> str:
    """The social half of a card as its system shows it; a word we do not know is ``UNKNOWN``."""
    if card.state == "normal":
        return IN_USE
    if card.state == "temp_lost":
        return REPORTED if card.lost_from and card.lost_from > now else LOST
    return card.state if card.state in AT_COUNTER else UNKNOWN


def of_card(card: Card, number: str, now: datetime, today: date) -> Situation:
    """The social half of this card, held by whoever has that ID number."""
    return Situation(
        card_tail=card.number[-4:],
        social=seen(card, now),
        until=card.lost_until,
        begins=card.lost_from,
        bank=card.bank,
        serial=card.lost_serial or "",
        released=card.released_serial or "",
        draws=draws_pension(number, today),
    )


def draws_pension(number: str, today: date) -> bool:
    """Whether whoever has this ID number is of an age at which people draw a pension.

    Age and sex are in every ID number, so nobody is missed whom the register says
    nothing of; what is said on it begins with "if".
    """
    born, woman = id_number.birth_date(number), int(number[16]) % 2 == 0
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return age >= PENSION_AGE["F" if woman else "M"]


def after(before: Situation, card: Card, reference: str, now: datetime) -> Situation:
    """What became of a report, given the card as it is now."""
    social = seen(card, now)
    if before.social in FREE and (social in BLOCKED or social in AT_COUNTER):
        return replace(before, social=AGAIN if social in BLOCKED else social)
    if not before.blocked:
        return before
    if social in BLOCKED:
        if (card.lost_serial or "") not in (before.serial, reference):
            return replace(before, social=AGAIN)
        return replace(before, social=social, until=card.lost_until, begins=card.lost_from)
    if social != IN_USE:
        return replace(before, social=social)
    ended = before.until is not None and now >= before.until - GRACE
    by_somebody = (card.released_serial or "") != before.released
    return replace(before, social=LAPSED if ended and not by_somebody else RELEASED)


def next_look(it: Situation, since: datetime, now: datetime) -> datetime | None:
    """When to look at a report again; null: it is over. ``since``: when it was begun.

    A bank that is silent is asked at growing intervals, half an hour at most; a block of its own without
    an end is left to it.
    """
    ends = []
    if it.blocked:
        ends += [now + DAILY, *(end + GRACE for end in (it.begins, it.until) if end)]
    if it.half == HALF_LOST and it.half_until and (it.blocked or it.social in FREE):
        ends += [now + DAILY, it.half_until + GRACE]
    if it.half == WAITING:
        ends.append(now + min(max((now - since) / 2, GRACE), timedelta(minutes=30)))
    ahead = [end for end in ends if end > now]
    return min(ahead) if ahead else None


# --- as facts ------------------------------------------------------------------------------------

_MOMENTS = ("until", "begins", "half_until")
_WORDS = ("card_tail", "social", "bank", "half", "half_reason", "serial", "released")


def facts(it: Situation) -> dict[str, str]:
    """The situation as facts of a transaction; what is not known is not among them."""
    values = {name: getattr(it, name) for name in _WORDS}
    moments = {name: getattr(it, name) for name in _MOMENTS}
    values |= {name: moment.isoformat() for name, moment in moments.items() if moment}
    values |= {"draws": "yes" if it.draws else "", "others": str(it.others or "")}
    return {name: value for name, value in values.items() if value}


def of(view: View) -> Situation:
    """The situation a transaction's facts tell of; all is empty where none was found."""
    given = view.facts
    moments = {name: datetime.fromisoformat(given[name]) for name in _MOMENTS if given.get(name)}
    words = {name: given[name] for name in _WORDS if name in given}
    others = int(given.get("others", "0"))
    return Situation(**words, **moments, draws="draws" in given, others=others)  # type: ignore[arg-type]

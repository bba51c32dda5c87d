"""Asking the bank about its half of a card. What it answers never undoes the social half.

``bank_sync`` of the city's rules: none, nothing is asked; one_way, the bank is told
of ours and cannot be asked; two_way, it can be asked how the account stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, Unavailable
from gateway.cards.desk import NO_BANK, C, CardDesk
from gateway.cards.situation import (
    BLOCKED,
    HALF_FORMAL,
    HALF_FREE,
    HALF_LOST,
    HALF_SHUT,
    NO_ANSWER,
    NOT_DONE,
    NOT_OURS,
    RELEASED,
    WAITING,
    Situation,
)
from gateway.transactions.model import Case

PATIENCE = timedelta(days=1)  # a bank that is silent for so long has not blocked anything we know of
_STATES: Mapping[str, str] = {
    "normal": HALF_FREE,
    "temp_lost": HALF_LOST,
    "formal_lost": HALF_FORMAL,
    "frozen": HALF_SHUT,
    "closed": HALF_SHUT,
}
_REFUSED: Mapping[str, str] = {
    "bank_formal_lost": HALF_FORMAL,
    "bank_frozen": HALF_SHUT,
    "bank_closed": HALF_SHUT,
}


def block(desk: CardDesk[C], case: Case, card: C, it: Situation, until: datetime) -> Situation:
    """Have the bank block its half as well, until then at the longest, where the city does that."""
    if case.rules.card_loss.bank_sync == "none":
        return it
    answer = desk.block_account(card, case.answers["id_number"], until, case.reference)
    match answer:
        case Done(facts) | AlreadyDone(facts):
            return replace(it, half=HALF_LOST, half_until=_moment(facts.get("until")), half_reason="")
        case Refused(reason):
            return _refused(it, reason)
        case Unavailable(code) | Silent(code):
            return replace(it, half=NOT_OURS if code == NO_BANK else WAITING)


def release(desk: CardDesk[C], case: Case, card: C, it: Situation) -> Situation:
    """Have the bank release its half, where it blocked it with the card; its own report it keeps."""
    if case.rules.card_loss.bank_sync == "none":
        return it
    match desk.release_account(card, case.answers["id_number"], case.reference):
        case Done() | AlreadyDone():
            return replace(it, half=HALF_FREE, half_until=None, half_reason="")
        case Refused(reason):
            return _refused(it, reason)
        case Unavailable(code) | Silent(code):
            return replace(it, half=NOT_OURS if code == NO_BANK else WAITING)


def look(desk: CardDesk[C], case: Case, card: C, it: Situation) -> Situation:
    """How the bank's half stands, where it can be asked; else what its own end and our release tell."""
    if case.rules.card_loss.bank_sync == "two_way":
        answer = desk.find_account(card, case.answers["id_number"])
        if isinstance(answer, Refused):
            return _refused(it, answer.reason)
        if not isinstance(answer, Unavailable):
            half = _STATES.get(answer.state, NOT_DONE)
            until = answer.lost_until if half == HALF_LOST else None
            why = f"bank_{answer.state}" if half == HALF_SHUT else ""
            return replace(it, half=half, half_until=until, half_reason=why)
    if it.social == RELEASED and it.half == HALF_LOST:
        return replace(it, half=NO_ANSWER, half_until=None)  # the release told the bank; it tells us nothing
    return passed(it, case.now)


def passed(it: Situation, now: datetime) -> Situation:
    """By the clock alone: a block of the bank's ends when it said."""
    over = it.half == HALF_LOST and it.half_until is not None and it.half_until <= now
    return replace(it, half=HALF_FREE, half_until=None) if over else it


def again(
    desk: CardDesk[C], case: Case, card: C, it: Situation, until: datetime, since: datetime
) -> Situation:
    """A later look at the bank's half of a report; a bank that stays silent is given up after a day."""
    if it.half == NOT_OURS:
        return it
    if it.half != WAITING:
        return look(desk, case, card, it)
    waited = it
    if it.social in BLOCKED:
        waited = block(desk, case, card, it, until)
    elif case.rules.card_loss.bank_sync == "two_way":
        waited = look(desk, case, card, it)
    else:
        return replace(it, half=NO_ANSWER)
    return given_up(waited, case.now, since)


def given_up(it: Situation, now: datetime, since: datetime) -> Situation:
    """The same, unless it has waited for a day."""
    return replace(it, half=NO_ANSWER) if it.half == WAITING and now - since >= PATIENCE else it


def _refused(it: Situation, reason: str) -> Situation:
    return replace(it, half=_REFUSED.get(reason, NOT_DONE), half_until=None, half_reason=reason)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

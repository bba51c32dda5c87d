"""Ending a temporary loss report (社保卡解挂), for whoever has found the card.

It restores power, so it asks for more proof than the report did. Only a temporary
report is ended here; a formal one ends at a counter, and so does any where the
city does not allow it from afar (``remote_cancel_allowed``). The bank releases its
half by itself; its silence undoes nothing, and what the citizen blocked at the bank
is released there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.cards import finding, halves, released, situation
from gateway.cards.desk import C, CardDesk
from gateway.cards.released import COUNTER_ONLY
from gateway.cards.released import OWN_REASONS as REASONS
from gateway.cards.situation import (
    AGAIN,
    AT_COUNTER,
    BLOCKED,
    IN_USE,
    NOT_DONE,
    NOT_OURS,
    RELEASED,
    Situation,
)
from gateway.transactions.form import Who
from gateway.transactions.model import Case, Changed, Level, TransactionType, View, Words

__all__ = ["REASONS", "TYPE"]


# --- the work ------------------------------------------------------------------------------


def perform(desk: CardDesk[C], case: Case) -> StepOutcome:
    """Look at the card, then release it if it is blocked for a time.

    After a lost answer looking is the question: a card whose last release is ours means
    that the work was done. What was reported lost again since then stays blocked.
    """
    if not case.rules.card_loss.remote_cancel_allowed:
        return Refused(COUNTER_ONLY)
    card = _look(desk, case)
    if isinstance(card, Refused | Unavailable):
        return card
    if card.released_serial == case.reference or situation.seen(card, case.now) not in BLOCKED:
        return _as_found(desk, case, card)
    answer = desk.release(card, case.answers["id_number"], case.reference)
    match answer:
        case Done():
            return _ended(Done, halves.release(desk, case, card, _situation(case, card)), case)
        case AlreadyDone():  # it lapsed, or somebody released it, between our look and our call
            again = _look(desk, case)
            if isinstance(again, Refused | Unavailable):
                return _ended(AlreadyDone, _situation(case, card), case)
            return _as_found(desk, case, again)
        case _:
            return answer


def _look(desk: CardDesk[C], case: Case) -> C | Refused | Unavailable:
    cards = desk.find_cards(case.answers["id_number"], case.answers["name"], case.rules.division)
    if not isinstance(cards, Sequence):
        return cards
    return finding.to_release(cards, case.reference) if cards else Refused("not_found")


def _as_found(desk: CardDesk[C], case: Case, card: C) -> StepOutcome:
    """What a card that is not blocked for a time says of our release."""
    ours = card.released_serial == case.reference
    if card.state == "normal":
        return _ended(
            Done if ours else AlreadyDone, halves.release(desk, case, card, _situation(case, card)), case
        )
    if card.state != "temp_lost":
        return Refused(card.state if card.state in AT_COUNTER else "other")
    if ours:
        return _ended(Done, replace(_situation(case, card), social=AGAIN), case)
    return Silent("blocked_meanwhile")  # we were told that it was not: looked at once more


def _ended(kind: type[Done] | type[AlreadyDone], it: Situation, case: Case) -> StepOutcome:
    return kind(situation.facts(it), released.stage(it), situation.next_look(it, case.now, case.now))


def _situation(case: Case, card: C) -> Situation:
    today = case.now.astimezone(case.rules.zone).date()
    it = situation.of_card(card, case.answers["id_number"], case.now, today)
    return replace(it, social=RELEASED, until=None, begins=None, serial="", released="")


# --- afterwards ----------------------------------------------------------------------------


def follow(desk: CardDesk[C], case: Case, view: View) -> Changed | Unavailable | Silent:
    """Ask a bank that was silent once more; a day of silence is told as it is."""
    before = situation.of(view)
    cards = desk.find_cards(case.answers["id_number"], case.answers["name"], case.rules.division)
    if isinstance(cards, Unavailable):
        return cards
    card = finding.reported(cards, "", before.card_tail) if isinstance(cards, Sequence) else None
    if card is None:
        after = replace(before, half=NOT_DONE, half_reason="other")  # it is another card by now
    elif situation.seen(card, case.now) != IN_USE:
        after = replace(before, social=AGAIN, half=NOT_OURS)  # blocked anew: nothing is released any more
    else:
        after = halves.release(desk, case, card, before)
    after = halves.given_up(after, case.now, view.created_at)
    again = situation.next_look(after, view.created_at, case.now)
    return Changed(released.stage(after), situation.facts(after), released.told(after), again)


TYPE = TransactionType(
    name="card_release",
    title=Words("社保卡解挂", "Release my card"),
    summary=Words("卡找到了，解除临时挂失。", "Found your card? End the temporary report."),
    effect=released.effect,
    form=Who,
    perform=perform,
    personalise=released.personalise,
    explain=released.explain,
    back_office="card_core",
    stages=released.STAGES,
    event=released.event,
    events=released.EVENTS,
    headline=released.headline,
    follow=follow,
    level=Level.STRONG,
    risky=True,
    touches=("card_loss",),
)

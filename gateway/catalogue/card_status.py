"""How a social-security card stands (社保卡状态查询): both halves, in words.

The card system is asked and nothing is changed there; the bank is asked where the
city's rules say that it can be (``bank_sync``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.back_offices import Done, Refused, StepOutcome
from gateway.cards import finding, halves, shown, situation
from gateway.cards.desk import C, CardDesk
from gateway.cards.words import REASONS
from gateway.transactions.form import Who
from gateway.transactions.model import Action, Case, TransactionType, Words

__all__ = ["REASONS", "TYPE"]


def perform(desk: CardDesk[C], case: Case) -> StepOutcome:
    """Look at the card in use, else at what became of it. Asking changes nothing, so it may be repeated."""
    number = case.answers["id_number"]
    cards = desk.find_cards(number, case.answers["name"], case.rules.division)
    if not isinstance(cards, Sequence):
        return cards
    if not cards:
        return Refused("not_found")
    card, today = finding.to_show(cards), case.now.astimezone(case.rules.zone).date()
    it = situation.of_card(card, number, case.now, today)
    it = halves.look(desk, case, card, replace(it, others=len(cards) - 1))
    return Done(situation.facts(it), stage=it.social)


TYPE = TransactionType(
    name="card_status",
    title=Words("社保卡状态查询", "How my card stands"),
    summary=Words("卡能不能用？挂失了没有？", "Does it work? Is it blocked?"),
    effect=shown.effect,
    form=Who,
    perform=perform,
    personalise=shown.personalise,
    explain=shown.explain,
    back_office="card_core",
    actions={
        "report": Action(Words("挂失", "Report it lost"), shown.not_in_use, opens="card_loss"),
        "found": Action(Words("解挂", "Release the card"), shown.not_blocked, opens="card_release"),
    },
    stages=shown.STAGES,
    headline=shown.headline,
    tone=shown.tone,
)

"""Temporary loss report of a social-security card (社保卡临时挂失).

The card's social-security function is blocked at the city's card system and
lapses by itself after the time the city's rules give (domain.md, "Temporary
loss report"). The bank account on the same card is another matter: it is blocked by
the bank, where the city does that, with an end of its own. What the bank says or
does not say never undoes the social half; every text says which half is blocked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.cards import finding, halves, lost, lost_told, situation
from gateway.cards.desk import C, CardDesk
from gateway.cards.reminding import REMINDING
from gateway.cards.situation import AT_COUNTER, DAILY, GRACE, UNKNOWN, Situation
from gateway.cards.words import REASONS, reason
from gateway.cities import Rules
from gateway.transactions.form import Who
from gateway.transactions.model import (
    Action,
    Case,
    Changed,
    Drop,
    Judgement,
    Later,
    Plan,
    Reminded,
    Tell,
    TransactionType,
    View,
    Words,
)
from gateway.transactions.references import is_reference

__all__ = ["REASONS", "TYPE"]

LAPSING, AHEAD = "remind_lapse", timedelta(hours=24)
TOO_SHORT = timedelta(hours=1)  # before the reminder: who has just been told needs none
SILENT_PAUSE = timedelta(minutes=30)


# --- the work ------------------------------------------------------------------------------


def perform(desk: CardDesk[C], case: Case) -> StepOutcome:
    """Look at the card, then block it if it is in use; then have the bank block its half.

    Looking first makes a repeat harmless, and after a lost answer it is the
    question: a card blocked under our reference means that the work was done.
    """
    cards = _look(desk, case)
    if not isinstance(cards, Sequence):
        return cards
    if not cards:
        return Refused("not_found")
    card = finding.to_block(cards, case.reference)
    return _block(desk, case, card) if card.state == "normal" else _as_found(desk, case, card)


def _look(desk: CardDesk[C], case: Case) -> Sequence[C] | Refused | Unavailable:
    return desk.find_cards(case.answers["id_number"], case.answers["name"], case.rules.division)


def _as_found(desk: CardDesk[C], case: Case, card: C) -> StepOutcome:
    """What a card that is not in use says of our report."""
    if card.state != "temp_lost":
        return Refused(card.state if card.state in AT_COUNTER else "other")
    kind = Done if card.lost_serial == case.reference else AlreadyDone
    return _ended(desk, case, card, kind, _situation(case, card))


def _block(desk: CardDesk[C], case: Case, card: C) -> StepOutcome:
    begins, until = effective(case.rules, case.now), lapses_at(case.rules, case.now)
    later = begins if begins > case.now else None
    answer = desk.report_loss(card, case.answers["id_number"], until, case.reference, later)
    match answer:
        case Done(facts):
            ends = datetime.fromisoformat(facts["until"]) if "until" in facts else until
            social = situation.REPORTED if later else situation.LOST
            it = replace(_situation(case, card), social=social, until=ends, begins=later)
            return _ended(desk, case, card, Done, it)
        case AlreadyDone():
            return _already(desk, case, card)
        case _:
            return answer


def _already(desk: CardDesk[C], case: Case, card: C) -> StepOutcome:
    """Blocked between our look and our report: perhaps by our own earlier call that ended late."""
    cards = _look(desk, case)
    if isinstance(cards, Sequence):
        for again in cards:
            if again.number == card.number and again.state == "temp_lost":
                return _as_found(desk, case, again)
    it = replace(_situation(case, card), social=situation.LOST, until=None)
    return _ended(desk, case, card, AlreadyDone, it)


def _ended(
    desk: CardDesk[C], case: Case, card: C, kind: type[Done] | type[AlreadyDone], it: Situation
) -> StepOutcome:
    it = halves.block(desk, case, card, it, it.until or lapses_at(case.rules, case.now))
    return kind(situation.facts(it), it.stage, situation.next_look(it, case.now, case.now))


def _situation(case: Case, card: C) -> Situation:
    today = case.now.astimezone(case.rules.zone).date()
    it = situation.of_card(card, case.answers["id_number"], case.now, today)
    return replace(it, serial="") if card.lost_serial == case.reference else it


def effective(rules: Rules, now: datetime) -> datetime:
    """When a report made now takes effect, by the city's rule."""
    return now + timedelta(hours=rules.card_loss.effective_delay_hours)


def lapses_at(rules: Rules, now: datetime) -> datetime:
    """When a report made now lapses by itself, by the city's rule."""
    rule = rules.card_loss
    return rules.calendar.add(effective(rules, now), rule.duration, rule.unit, rules.zone).at


# --- afterwards ----------------------------------------------------------------------------


def follow(desk: CardDesk[C], case: Case, view: View) -> Changed | Unavailable | Silent:
    """Look at both halves again: they lapse, are released, or go to a counter, each by itself."""
    cards, before = _look(desk, case), situation.of(view)
    if isinstance(cards, Unavailable):
        return cards
    card = finding.reported(cards, case.reference, before.card_tail) if isinstance(cards, Sequence) else None
    if card is None:
        return _gone(case, view, before, cards)
    after = situation.after(before, card, case.reference, case.now)
    until = after.until or lapses_at(case.rules, view.created_at)
    after = halves.again(desk, case, card, after, until, view.created_at)
    return _changed(view, before, after, situation.next_look(after, view.created_at, case.now))


def _gone(case: Case, view: View, before: Situation, cards: Sequence[C] | Refused) -> Changed:
    """The card is not among the person's any more: replaced by another, or not known for a while."""
    ends = before.until or lapses_at(case.rules, view.created_at)
    after = halves.given_up(halves.passed(before, case.now), case.now, view.created_at)
    if before.blocked and isinstance(cards, Sequence) and cards:
        after = replace(after, social="replaced")
    elif before.blocked and ends + DAILY < case.now:
        after = replace(after, social=UNKNOWN)
    elif before.blocked:
        return _changed(view, before, after, case.now + DAILY)
    return _changed(view, before, after, situation.next_look(after, view.created_at, case.now))


def _changed(view: View, before: Situation, after: Situation, again_at: datetime | None) -> Changed:
    """With its message, unless another report of ours tells the same of this card."""
    event = None if is_reference(before.serial) else lost.told(before, after)
    return Changed(after.stage, situation.facts(after), event, again_at)


def follow_up(view: View) -> Sequence[Plan]:
    """A reminder a day before it lapses, once for each end: two reports of a card share it."""
    it = situation.of(view)
    if not it.blocked or it.until is None or it.until - AHEAD < view.now + TOO_SHORT:
        return ()
    return [_lapsing(it.until)]


def _lapsing(until: datetime) -> Plan:
    return Plan(LAPSING, "sms", until - AHEAD, f"{until.astimezone(UTC):%Y-%m-%dT%H:%M}")


def remind(desk: CardDesk[C], reminded: Reminded) -> Judgement:
    """Look at the card just before: it may be released, replaced, or blocked for longer by now."""
    number, now = reminded.id_number, reminded.now
    cards = desk.find_cards(number, reminded.name, reminded.rules.division)
    if isinstance(cards, Unavailable):
        return Later(now + SILENT_PAUSE, cards.code)
    known = cards if isinstance(cards, Sequence) else []
    blocked = [(card.lost_until, card) for card in known if card.state == "temp_lost" and card.lost_until]
    if not blocked:
        return Drop("not_blocked")
    wanted = reminded.plan.due_at + AHEAD  # of several cards the one this was planned for, wherever it stands
    until, card = min(blocked, key=lambda one: abs(one[0] - wanted))
    if until > reminded.plan.due_at + AHEAD + GRACE:
        return Drop("lasts_longer", [_lapsing(until)])
    if until <= now:
        return Drop("lapsed")
    today = now.astimezone(reminded.rules.zone).date()
    it = situation.of_card(card, number, now, today)
    return Tell(lost.values(it, reminded.rules, REASONS["other"]), until=until)


def personalise(view: View) -> dict[str, str]:
    return dict(lost.values(situation.of(view), view.rules, reason(view)))


TYPE = TransactionType(
    name="card_loss",
    title=Words("社保卡临时挂失", "Report a lost social-security card"),
    summary=Words(
        "卡丢了，马上停用，防止别人使用。", "Lost your card? Stop it at once so nobody else can use it."
    ),
    effect=lost.effect,
    form=Who,
    perform=perform,
    personalise=personalise,
    explain=lost_told.explain,
    back_office="card_core",
    actions={
        "found": Action(Words("解挂", "Release the card"), lost_told.no_release, opens="card_release"),
        "formal": Action(
            Words("预约正式挂失", "Book a visit: formal report"),
            lost_told.no_formal_report,
            opens="appointment",
            sets={"matter": "card"},
        ),
    },
    stages=lost.STAGES,
    event=lost.event,
    events=lost.EVENTS,
    headline=lost_told.headline,
    tone=lost_told.tone,
    follow_up=follow_up,
    remind=remind,
    reminding=REMINDING,
    follow=follow,
    effect_of=lost.effect_of,
    also_password=True,
)

"""Temporary loss report of a social-security card (社保卡临时挂失).

The card's social-security function is blocked at the city's card system and
lapses by itself after the time the city's rules give (domain.md, "Temporary
loss report"). The bank account on the same card is another matter: every text
says which half is blocked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from gateway import calendars
from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.cities import Rules
from gateway.transactions.form import Who
from gateway.transactions.model import Case, State, TransactionType, View, Words


class Card(Protocol):
    """A card as its system describes it."""

    @property
    def number(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def lost_until(self) -> datetime | None: ...
    @property
    def lost_serial(self) -> str | None: ...


C = TypeVar("C", bound=Card)


class CardDesk(Protocol[C]):
    """What this type needs of a card system."""

    def find_cards(self, id_number: str, name: str, city: str) -> Sequence[C] | Refused | Unavailable: ...

    def report_loss(
        self, card: C, id_number: str, until: datetime, serial: str
    ) -> Done | AlreadyDone | Refused | Unavailable | Silent: ...


REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的社保卡", "no card was found in your name"),
    "name_mismatch": Words("姓名和社保卡登记的不一致", "the name does not match the card"),
    "formal_lost": Words("这张卡已办理正式挂失", "it is under a formal loss report"),
    "replacing": Words("这张卡正在补换", "it is being replaced"),
    "replaced": Words("这张卡已补换", "it has been replaced"),
    "cancelled": Words("这张卡已注销", "it has been cancelled"),
    "other": Words("社保卡系统不能受理", "the card system cannot take it"),
}


# --- the work ------------------------------------------------------------------------------


def perform(desk: CardDesk[C], case: Case) -> StepOutcome:
    """Look at the card, then block it if it is in use.

    Looking first makes a repeat harmless, and after a lost answer it is the
    question: a card blocked under our reference means that the work was done.
    """
    cards = _look(desk, case)
    if not isinstance(cards, Sequence):
        return cards
    if not cards:
        return Refused("not_found")
    card = _current(cards, case.reference)
    return _block(desk, case, card) if card.state == "normal" else _as_found(card, case.reference)


def _look(desk: CardDesk[C], case: Case) -> Sequence[C] | Refused | Unavailable:
    return desk.find_cards(case.answers["id_number"], case.answers["name"], case.rules.division)


def _as_found(card: Card, reference: str) -> StepOutcome:
    """What a card that is not in use says of our report."""
    if card.state != "temp_lost":
        return Refused(card.state if card.state in REASONS else "other")
    facts = _facts(card, card.lost_until)
    return Done(facts) if card.lost_serial == reference else AlreadyDone(facts)


def _current(cards: Sequence[C], reference: str) -> C:
    """The card our report blocked, else the one in use, else one blocked before, else the first."""

    def rank(card: C) -> int:
        if card.lost_serial == reference:
            return 0
        return {"normal": 1, "temp_lost": 2}.get(card.state, 3)

    return min(cards, key=rank)


def _block(desk: CardDesk[C], case: Case, card: C) -> StepOutcome:
    until = lapses_at(case.rules, case.now)
    answer = desk.report_loss(card, case.answers["id_number"], until, case.reference)
    match answer:
        case Done():
            return Done(_facts(card, until))
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
                return _as_found(again, case.reference)
    return AlreadyDone(_facts(card, None))


def lapses_at(rules: Rules, now: datetime) -> datetime:
    """When a report made now lapses by itself, by the city's rule."""
    rule = rules.card_loss
    begins = now + timedelta(hours=rule.effective_delay_hours)
    return calendars.shipped().add(begins, rule.duration, rule.unit, rules.zone).at


def _facts(card: Card, until: datetime | None) -> dict[str, str]:
    return {"card_tail": card.number[-4:], "until": until.isoformat() if until else ""}


# --- the words -----------------------------------------------------------------------------


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    return {
        "card_tail": view.facts.get("card_tail", ""),
        "until": _when(view).zh,
        "until_en": _when(view).en,
        "bank": _bank(view.rules).zh,
        "bank_en": _bank(view.rules).en,
        "reason": REASONS.get(view.reason or "", REASONS["other"]).zh,
        "reason_en": REASONS.get(view.reason or "", REASONS["other"]).en,
    }


def _when(view: View) -> Words:
    text = view.facts.get("until")
    if not text:
        return Words("到期", "when it expires")
    local = datetime.fromisoformat(text).astimezone(view.rules.zone)
    return Words(f"{local.month}月{local.day}日{local:%H:%M}", f"{local:%H:%M} on {local.day} {local:%B}")


def _bank(rules: Rules) -> Words:
    if rules.card_loss.bank_sync == "none":
        return Words("银行账户请联系发卡行另行挂失", "Call your bank to block the account")
    return Words("银行账户已同步挂失", "The bank account is blocked as well")


UNITS = {"hour": ("小时", "hours"), "day": ("天", "days"), "working_day": ("个工作日", "working days")}


def _duration(rules: Rules) -> Words:
    zh, en = UNITS[rules.card_loss.unit]
    return Words(f"{rules.card_loss.duration}{zh}", f"{rules.card_loss.duration} {en}")


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    lasts = _duration(rules)
    return [
        Words(
            f"社保卡的社保功能会停用{lasts.zh}，到期自动恢复。停用期间不能刷卡看病、买药。",
            f"The card's social-security function stops for {lasts.en}, then works again by itself. "
            "Until then it cannot be used at hospitals and pharmacies.",
        ),
        Words(_bank(rules).zh + "。", _bank(rules).en + "."),
        *_delay(rules),
    ]


def _delay(rules: Rules) -> list[Words]:
    hours = rules.card_loss.effective_delay_hours
    if not hours:
        return []
    return [Words(f"挂失在提交{hours}小时后生效。", f"It takes effect {hours} hours after you confirm.")]


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return _explain_blocked(view)
        case State.REJECTED:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            return [
                Words(f"没有办成：{reason.zh}。", f"This could not be done: {reason.en}."),
                _PERSON,
            ]
        case State.FAILED:
            return [
                Words("社保卡系统一天没有回应，没有办成。", "The card system did not answer for a day."),
                _PERSON,
            ]
        case State.CANCELLED:
            return [_CANCELLED]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return _explain_waiting(view)
        case _:
            return [_NOT_YET]


_PERSON = Words(
    "请拨打12333转人工，或带身份证到社保窗口办理。",
    "Call 12333 and press 0 for a person, or bring your ID card to a social-security counter.",
)
_CANCELLED = Words(
    "这次没有提交，卡没有挂失。需要挂失请重新办理，或拨打12333。",
    "This was never confirmed; the card is not blocked. To block it, start again or call 12333.",
)
_NOT_YET = Words(
    "还没有确认，卡没有挂失。请填验证码，再确认。",
    "Not confirmed yet; the card is not blocked. Enter the code, then confirm.",
)


def _explain_blocked(view: View) -> list[Words]:
    when, tail = _when(view), view.facts.get("card_tail", "")
    already = view.state is State.ALREADY_DONE
    first = Words(
        f"尾号{tail}的社保卡{'此前已经' if already else '已'}临时挂失，{when.zh}自动解除。",
        f"The card ending in {tail} {'was already' if already else 'is'} blocked; "
        f"the block ends by itself at {when.en}.",
    )
    bank = _bank(view.rules)
    return [
        first,
        Words(bank.zh + "。", bank.en + "."),
        Words(
            "养老金发到这张卡的，银行账户挂失后可能发放不成功，请先问银行。",
            "If your pension is paid to this card, ask the bank first: "
            "a blocked account may stop the payment.",
        ),
        _undo(view.rules),
        Words(
            "到期还没找到卡，请带身份证到社保窗口办正式挂失和补卡。",
            "If it is still missing then, bring your ID card to a counter: formal report and new card.",
        ),
    ]


def _undo(rules: Rules) -> Words:
    how = Words("带身份证到社保窗口解挂", "bring your ID card to a counter")
    if rules.card_loss.remote_cancel_allowed:
        how = Words("拨打12333", "call 12333")
    late = Words("或等到期自动解除", "or wait until the block ends by itself")
    return Words(f"找到卡了：{how.zh}，{late.zh}。", f"If you find the card: {how.en}, {late.en}.")


def _explain_waiting(view: View) -> list[Words]:
    if view.trouble is None and not view.slow:
        return [
            Words(
                "您的申请已收到，正在办理，通常几秒钟。",
                "We have your report and are doing it; usually seconds.",
            ),
            Words(
                "办好会发短信告诉您，可以离开本页。", "A text message will tell you; you may leave this page."
            ),
        ]
    return [
        Words(
            "您的申请已收到，没有丢。社保卡系统暂时没有回应，我们会一直重试。",
            "We have your report; it is not lost. The card system does not answer just now; we keep trying.",
        ),
        Words(
            "卡可能还没有停用。着急请拨打12333转人工。",
            "The card may not be blocked yet. If it is urgent, call 12333 and press 0 for a person.",
        ),
        Words("办好会发短信告诉您。", "A text message will tell you when it is done."),
    ]


TYPE = TransactionType(
    name="card_loss",
    title=Words("社保卡临时挂失", "Report a lost social-security card"),
    summary=Words(
        "卡丢了，马上停用，防止别人使用。", "Lost your card? Stop it at once so nobody else can use it."
    ),
    effect=effect,
    form=Who,
    perform=perform,
    personalise=personalise,
    explain=explain,
    back_office="card_core",
    also_password=True,
)

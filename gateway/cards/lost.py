"""A temporary loss report: its stages, what confirming does, the values and events of its messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.cards import situation as s
from gateway.cards.situation import Situation
from gateway.cards.words import (
    bank_reason,
    call_bank,
    moment,
    reason,
    short,
    until,
)
from gateway.rules.model import Rules
from gateway.transactions.model import Case, Stage, State, View, Words

UNITS = {"hour": ("小时", "hours"), "day": ("天", "days"), "working_day": ("个工作日", "working days")}
AWAY = (s.LAPSED, s.RELEASED, s.AGAIN, s.UNKNOWN, *sorted(s.AT_COUNTER))
LATER = (s.BANK_LOST, s.AGAIN, *sorted(s.AT_COUNTER))  # while the bank's half is not known yet
IN_FORCE = (s.LOST, s.BANK_WAITING, s.BOTH, s.BANK_OPEN)

STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有挂失", "not blocked yet"), then=(s.REPORTED, *IN_FORCE)),
    s.REPORTED: Stage(
        Words("已受理，还没有生效", "taken, not in force yet"), then=(*IN_FORCE, s.BANK_LOST, *AWAY)
    ),
    s.LOST: Stage(Words("社保功能已停用", "the social half is blocked"), then=AWAY),
    s.BANK_WAITING: Stage(
        Words("社保功能已停用，正在请银行停用账户", "the social half is blocked, the bank is being asked"),
        then=(s.LOST, s.BOTH, s.BANK_OPEN, s.BANK_LOST, *AWAY),
    ),
    s.BOTH: Stage(
        Words("社保功能和银行账户都已停用", "both halves are blocked"), then=(s.BANK_OPEN, s.BANK_LOST, *AWAY)
    ),
    s.BANK_OPEN: Stage(
        Words("社保功能已停用，银行账户没有停用", "the social half is blocked, the bank account is not"),
        then=(s.BOTH, s.BANK_LOST, *AWAY),
    ),
    s.BANK_LOST: Stage(
        Words(
            "社保功能已恢复，银行账户还停用着",
            "the social half works again, the bank account is still blocked",
        ),
        then=(s.LAPSED, s.RELEASED, s.AGAIN, *sorted(s.AT_COUNTER)),
    ),
    s.LAPSED: Stage(Words("已到期自动解除", "the block ended by itself"), then=LATER),
    s.RELEASED: Stage(Words("已解挂", "released"), then=LATER),
    s.AGAIN: Stage(Words("这次挂失已结束，卡又被挂失", "this report is over; the card was reported again")),
    s.UNKNOWN: Stage(Words("社保卡系统里查不到这张卡的情况", "the card system no longer says how it stands")),
    s.FORMAL: Stage(Words("已转为正式挂失", "under a formal loss report")),
    "replacing": Stage(Words("正在补换新卡", "being replaced")),
    "replaced": Stage(Words("已补换新卡", "replaced by a new card")),
    "cancelled": Stage(Words("卡已注销", "the card is cancelled")),
}


# --- messages ------------------------------------------------------------------------------------

EVENTS = (
    "succeeded_pensioner",
    "delayed",
    "effective",
    "remind_lapse",
    "lapsed",
    "bank_blocked",
    "bank_not_blocked",
)


def event(view: View) -> str:
    """The message of the result."""
    it = s.of(view)
    if view.state is not State.SUCCEEDED:
        return view.state.value
    if it.social == s.REPORTED:
        return "delayed"
    return "succeeded_pensioner" if it.draws else view.state.value


def told(before: Situation, after: Situation) -> str | None:
    """The message of what a later look found; an end at a counter or by the citizen's own release is none."""
    if after.social != before.social:
        return {s.LAPSED: "lapsed", s.LOST: "effective"}.get(after.social)
    if before.half == s.WAITING:
        return {s.HALF_LOST: "bank_blocked", s.HALF_FORMAL: "bank_blocked"}.get(
            after.half, None if after.half in (s.WAITING, s.NOT_OURS) else "bank_not_blocked"
        )
    return None


def values(it: Situation, rules: Rules, why: Words) -> Mapping[str, str]:
    """The values of every message template of the type."""
    words = {
        "until": until(it.until, rules),
        "begins": moment(it.begins, rules, Words("很快", "soon")),
        "bank": _bank_short(it, rules),
        "bank_until": until(it.half_until, rules),
        "bank_reason": bank_reason(it),
        "bank_line": call_bank(it),
        "reason": why,
    }
    return {"card_tail": it.card_tail, **short(words)}


def personalise(view: View) -> Mapping[str, str]:
    return values(s.of(view), view.rules, reason(view))


def _bank_short(it: Situation, rules: Rules) -> Words:
    ends = until(it.half_until, rules)
    match it.half:
        case s.WAITING:
            return Words("银行账户正在挂失，结果另行告知", "The bank account follows")
        case s.HALF_LOST | s.HALF_FORMAL:
            if it.half_until and it.half_until != it.until:
                return Words(f"银行账户已同步挂失至{ends.zh}", f"Account: until {ends.en}")
            return Words("银行账户已同步挂失", "The bank account is blocked as well")
        case s.HALF_SHUT:
            why = bank_reason(it)
            return Words(f"银行{why.zh}", f"{why.en[0].upper()}{why.en[1:]}")
        case s.NOT_OURS:
            line = call_bank(it)
            return Words(
                f"银行账户{line.zh}另行挂失", f"{line.en[0].upper()}{line.en[1:]} to block the account"
            )
        case _:
            return Words(f"银行账户没有挂失，{call_bank(it).zh}", "The account is not blocked")


# --- before confirming ------------------------------------------------------------------------------


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    zh, en = UNITS[rules.card_loss.unit]
    lasts = Words(f"{rules.card_loss.duration}{zh}", f"{rules.card_loss.duration} {en}")
    bank = Words(
        "银行账户请联系发卡行另行挂失。", "The bank account is another matter: call your bank to block it."
    )
    if rules.card_loss.bank_sync != "none":
        bank = Words(
            "我们同时请银行停用卡上的银行账户，银行办好没有会告诉您。",
            "We ask the bank to block the account on the card as well, and tell you whether it has.",
        )
    return [
        Words(
            f"社保卡的社保功能会停用{lasts.zh}，到期自动恢复。停用期间不能刷卡看病、买药。",
            f"The card's social-security function stops for {lasts.en}, then works again by itself. "
            "Until then it cannot be used at hospitals and pharmacies.",
        ),
        bank,
        *_delay(rules),
    ]


def effect_of(case: Case) -> Sequence[Words]:
    """The same for whoever asks: whose pension may come to this card is warned beforehand."""
    today = case.now.astimezone(case.rules.zone).date()
    warned = [PENSION] if s.draws_pension(case.answers["id_number"], today) else []
    return [*effect(case.rules), *warned]


PENSION = Words(
    "养老金发到这张卡的，银行账户挂失后可能发放不成功，请先问银行。",
    "If your pension is paid to this card, ask the bank first: a blocked account may stop the payment.",
)


def _delay(rules: Rules) -> list[Words]:
    hours = rules.card_loss.effective_delay_hours
    if not hours:
        return []
    return [
        Words(
            f"挂失在提交{hours}小时后生效，在那之前卡还能用。",
            f"It takes effect {hours} hours after you confirm; until then the card still works.",
        )
    ]

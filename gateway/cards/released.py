"""What is said of a release (解挂): its effect, how both halves stand after it, what comes next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.cards import situation as s
from gateway.cards.situation import Situation
from gateway.cards.words import (
    NO_RESULT,
    PERSON,
    REASONS,
    ask_bank,
    bank_reason,
    call_bank,
    counters,
    reason,
    short,
    unfinished,
    waiting,
)
from gateway.rules.model import Rules
from gateway.transactions import on_hold
from gateway.transactions.model import DONE, Stage, State, View, Words
from gateway.transactions.on_hold import ON_HOLD

BANK_WAITING, BANK_LOST = "released_bank_waiting", "released_bank_lost"
COUNTER_ONLY = "counter_only"
OWN_REASONS: Mapping[str, Words] = {
    **REASONS,
    COUNTER_ONLY: Words("本市解挂须到窗口办理", "it is done at a counter"),
    ON_HOLD: Words("登记的信息刚改过，为了安全要先等一等", "your details changed lately: wait"),
}
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有解挂", "not released yet"), then=(s.RELEASED, BANK_WAITING, BANK_LOST, s.AGAIN)),
    s.RELEASED: Stage(Words("已解挂", "released")),
    BANK_WAITING: Stage(
        Words("社保功能已恢复，正在请银行解挂账户", "the social half works, the bank is being asked"),
        then=(s.RELEASED, BANK_LOST, s.AGAIN),
    ),
    BANK_LOST: Stage(
        Words(
            "社保功能已恢复，银行账户要到银行解挂",
            "the social half works, the account is released at the bank",
        )
    ),
    s.AGAIN: Stage(Words("解挂后卡又被挂失", "released, and reported lost again since")),
}
EVENTS = ("bank_released", "bank_not_released", "blocked_again")


def stage(it: Situation) -> str:
    """Which halves work again."""
    if it.social == s.AGAIN:
        return s.AGAIN
    if it.half in (s.NOT_OURS, s.HALF_FREE):
        return s.RELEASED
    return BANK_WAITING if it.half == s.WAITING else BANK_LOST


def told(after: Situation) -> str | None:
    """The message of what a later look at the bank found."""
    return {s.RELEASED: "bank_released", BANK_LOST: "bank_not_released"}.get(stage(after))


def event(view: View) -> str:
    """The message of the result."""
    return "blocked_again" if view.stage == s.AGAIN and view.state in DONE else view.state.value


# --- messages ---------------------------------------------------------------------------------------


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of the type."""
    it = s.of(view)
    words = {
        "bank": _bank_short(it),
        "bank_reason": bank_reason(it),
        "bank_line": call_bank(it),
        "reason": reason(view, OWN_REASONS),
    }
    return {"card_tail": it.card_tail, **short(words)}


def _bank_short(it: Situation) -> Words:
    match it.half:
        case s.NOT_OURS:
            return Words("银行账户挂失过的请到银行解挂", "The account is released at the bank")
        case s.HALF_FREE:
            return Words("银行账户也可以使用", "The bank account works as well")
        case s.WAITING:
            return Words("银行账户正在解挂，结果另行告知", "The bank account follows")
        case _:
            return Words("银行账户请到银行解挂", "The account is released at the bank")


# --- before confirming ------------------------------------------------------------------------------


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    if not rules.card_loss.remote_cancel_allowed:
        return [
            Words(
                "本市解挂须带身份证到社保窗口办理。",
                "Here a card is released at a counter: bring your ID card.",
            ),
            *counters(rules),
        ]
    bank = Words(
        "银行账户挂失过的，要到银行另行解挂。", "If you blocked the account at the bank, release it there."
    )
    if rules.card_loss.bank_sync != "none":
        bank = Words(
            "同时请银行恢复账户。您自己在银行挂失的，要到银行解挂。",
            "We ask the bank to release the account, too; what you blocked there yourself ends there.",
        )
    return [
        Words(
            "解挂后卡马上能用。卡还没找到的，不要解挂。",
            "Once released the card works at once. Do not release a card you have not found.",
        ),
        bank,
        Words(
            "只能解除临时挂失；正式挂失要到窗口。", "Only a temporary report: a formal one ends at a counter."
        ),
    ]


# --- what is true now -------------------------------------------------------------------------------


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    it = s.of(view)
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE if it.social == s.AGAIN:
            return [_AGAIN, PERSON]
        case State.SUCCEEDED | State.ALREADY_DONE:
            return [_works(view, it), *_bank(it), _NOT_YOU]
        case State.REJECTED:
            return _refused(view)
        case State.FAILED:
            return [NO_RESULT, PERSON]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return waiting(view, Words("卡可能还不能用。", "The card may not work yet."))
        case _:
            return unfinished(view, _NEVER, _NOT_YET)


_AGAIN = Words(
    "卡解挂后又被挂失，现在不能用。找到卡了，请重新办理解挂。",
    "The card was released and then reported lost again; it does not work. If you have it, release it anew.",
)
_HELD = Words(
    "卡还在挂失，没有人能用。急用请带身份证到社保窗口。",
    "The card stays blocked; nobody can use it. If it is urgent, bring your ID card to a counter.",
)
_NOT_YOU = Words(
    "不是您本人办理的，请马上再挂失，并拨打12333。", "If it was not you, report it lost again and call 12333."
)
_NEVER = Words(
    "这次没有提交，卡没有解挂。要解挂请重新办理。", "Never confirmed: nothing was released. Start again."
)
_NOT_YET = Words(
    "还没有确认，卡没有解挂。请证明是您本人，再确认。",
    "Nothing is released yet: prove who you are, then confirm.",
)


def _works(view: View, it: Situation) -> Words:
    if view.state is State.ALREADY_DONE:
        return Words(
            f"尾号{it.card_tail}的社保卡现在没有挂失，可以使用。",
            f"The card ending in {it.card_tail} is not blocked; it works.",
        )
    return Words(
        f"尾号{it.card_tail}的社保卡已解挂，社保功能可以使用。",
        f"The card ending in {it.card_tail} is released; its social-security function works.",
    )


def _bank(it: Situation) -> list[Words]:
    at_bank = ask_bank(it, Words("，问怎样解挂账户", "to ask how to release the account"))
    match it.half:
        case s.NOT_OURS:
            return [
                Words(
                    "银行账户挂失过的，要在银行另行解挂。",
                    "An account blocked at the bank is released there.",
                ),
                at_bank,
            ]
        case s.HALF_FREE:
            return [Words("银行账户没有挂失，可以使用。", "The bank account is not blocked; it works.")]
        case s.WAITING:
            return [
                Words(
                    "银行还没有回应，银行账户可能还不能用。我们会一直请银行办理，结果发短信告诉您。",
                    "The bank has not answered; the account may not work yet. We keep asking and text you.",
                )
            ]
        case _:
            why = bank_reason(it)
            return [
                Words(f"银行账户没有解挂：{why.zh}。", f"The bank account is not released: {why.en}."),
                at_bank,
            ]


def _refused(view: View) -> list[Words]:
    if view.reason == ON_HOLD:
        held = on_hold.reason(view)
        return [Words(f"没有办成：{held.zh}。", f"This could not be done: {held.en}."), _HELD]
    why = reason(view, OWN_REASONS)
    first = Words(f"没有办成：{why.zh}。", f"This could not be done: {why.en}.")
    if view.reason == "formal_lost":
        return [
            first,
            Words(
                "正式挂失只能带身份证到社保窗口解除。",
                "A formal report ends only at a counter: bring your ID card.",
            ),
            *counters(view.rules),
        ]
    if view.reason == COUNTER_ONLY:
        until = Words("临时挂失到期也会自动解除。", "A temporary report also ends by itself.")
        return [
            first,
            Words("请带身份证到窗口。", "Bring your ID card to a counter."),
            *counters(view.rules),
            until,
        ]
    return [first, PERSON]


def headline(view: View) -> Words | None:
    """The first words, where the state alone would not say it."""
    if view.state not in DONE:
        return None
    if view.stage == s.AGAIN:
        return Words("卡又被挂失，现在不能用", "Reported lost again: it does not work")
    if view.state is State.ALREADY_DONE and view.stage == s.RELEASED:
        return Words("卡没有挂失，可以使用", "The card is not blocked; it works")
    return {
        s.RELEASED: Words("已解挂，卡能用了", "Released: the card works"),
        BANK_WAITING: Words("已解挂，银行账户还在办", "Released; the bank account is being done"),
        BANK_LOST: Words("已解挂，银行账户要到银行办", "Released; the account is released at the bank"),
    }.get(view.stage)

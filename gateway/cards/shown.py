"""What is said of a card somebody asks about: both halves, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.cards import situation as s
from gateway.cards.situation import Situation
from gateway.cards.words import PERSON, ask_bank, bank_reason, moment, reason, short, until
from gateway.rules.model import Rules
from gateway.transactions.looking import not_yet
from gateway.transactions.model import Stage, State, View, Words

SOCIAL: Mapping[str, Words] = {
    s.IN_USE: Words("正常", "in use"),
    s.FORMAL: Words("已正式挂失", "under a formal report"),
    "replacing": Words("正在补换新卡", "being replaced"),
    "replaced": Words("已补换新卡", "replaced"),
    "cancelled": Words("已注销", "cancelled"),
    s.UNKNOWN: Words("要请工作人员核实", "to be looked at by a person"),
    s.REPORTED: Words("临时挂失，还没有生效", "reported lost, not in force yet"),
    s.LOST: Words("临时挂失", "under a temporary report"),
}
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有查", "not asked yet"), then=tuple(SOCIAL)),
    **{name: Stage(words) for name, words in SOCIAL.items()},
}


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of the type."""
    it = s.of(view)
    words = {"social": _social(it, view.rules), "bank": _bank_short(it, view.rules), "reason": reason(view)}
    return {"card_tail": it.card_tail, **short(words)}


def _social(it: Situation, rules: Rules) -> Words:
    ends = until(it.until, rules)
    if it.social == s.LOST:
        return Words(f"临时挂失至{ends.zh}", f"blocked, ends {ends.en}")
    if it.social == s.REPORTED:
        begins = moment(it.begins, rules, Words("很快", "soon"))
        return Words(f"临时挂失，{begins.zh}生效", f"blocked from {begins.en}")
    return SOCIAL.get(it.social, SOCIAL[s.UNKNOWN])


def _bank_short(it: Situation, rules: Rules) -> Words:
    ends = until(it.half_until, rules)
    match it.half:
        case s.HALF_FREE:
            return Words("银行账户正常", "account in use")
        case s.HALF_LOST:
            return Words(f"银行账户挂失至{ends.zh}", f"blocked, ends {ends.en}")
        case s.HALF_FORMAL:
            return Words("银行账户已正式挂失", "under a formal report")
        case s.NOT_DONE | s.HALF_SHUT:
            why = bank_reason(it)
            return Words(f"银行：{why.zh}", why.en)
        case _:
            return Words("银行账户请询问发卡行", "ask your bank about the account")


def effect(_: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    return [
        Words(
            "只查询，不会改动您的卡。结果用短信发给您。",
            "This only looks; nothing about your card is changed. The result comes by text message.",
        )
    ]


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    it = s.of(view)
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return [
                _card(it, view.rules),
                *_bank(it, view.rules),
                *_others(it),
                *_NEXT.get(it.social, [PERSON]),
            ]
        case State.REJECTED:
            why = reason(view)
            return [Words(f"没有查到：{why.zh}。", f"Nothing was found out: {why.en}."), PERSON]
        case State.FAILED:
            return [
                Words("社保卡系统一天没有回应，没有查到。", "The card system did not answer for a day."),
                PERSON,
            ]
        case _:
            return not_yet(view, _SILENT)


_SILENT = Words(
    "社保卡系统暂时没有回应，我们会一直查。", "The card system does not answer just now; we keep asking."
)


def _card(it: Situation, rules: Rules) -> Words:
    words = _social(it, rules)
    return Words(
        f"尾号{it.card_tail}的社保卡，社保功能：{words.zh}。",
        f"The card ending in {it.card_tail}, social-security function: {words.en}.",
    )


def _bank(it: Situation, rules: Rules) -> list[Words]:
    """The other half, and what to do about it there."""
    if it.half in (s.NOT_OURS, s.NO_ANSWER):
        return [ask_bank(it, Words("，问银行账户是否正常", "to ask how the account stands"))]
    words = _bank_short(it, rules)
    said = Words(f"{words.zh}。", f"The bank's half: {words.en}.")
    return (
        [said]
        if it.half == s.HALF_FREE
        else [said, ask_bank(it, Words("，问怎样恢复账户", "to ask about it"))]
    )


def _others(it: Situation) -> list[Words]:
    if not it.others:
        return []
    return [
        Words(
            f"您名下还有{it.others}张卡，要查请拨打12333。",
            f"There are {it.others} more cards in your name; call 12333 to ask about them.",
        )
    ]


_NEXT: Mapping[str, list[Words]] = {
    s.IN_USE: [Words("卡丢了，请马上办临时挂失。", "If you have lost it, report it lost at once.")],
    s.REPORTED: [Words("找到卡了可以解挂。", "If you have found it, it can be released.")],
    s.LOST: [
        Words(
            "到期自动解除。找到卡了可以解挂；没找到请带身份证到社保窗口办正式挂失和补卡。",
            "The block ends by itself. If you have found the card it can be released; if not, bring your ID "
            "card to a counter for a formal report and a new card.",
        )
    ],
    s.FORMAL: [
        Words(
            "正式挂失不会自动解除。补卡请带身份证到社保窗口。",
            "It does not end by itself. For a new card go to a counter.",
        )
    ],
    "replacing": [
        Words(
            "新卡办好会通知您，急用请拨打12333。",
            "You will be told when the new card is ready; if urgent, call 12333.",
        )
    ],
    "replaced": [
        Words("请使用新卡。没有拿到新卡，请拨打12333。", "Use the new card; if you have none, call 12333.")
    ],
    "cancelled": [
        Words("需要卡请带身份证到社保窗口办理。", "If you need a card, bring your ID card to a counter.")
    ],
}

_SOUND = frozenset({s.NOT_OURS, s.NO_ANSWER, s.HALF_FREE})  # nothing is known to be wrong at the bank


def headline(view: View) -> Words | None:
    """How it stands, as the first words."""
    if view.state is not State.SUCCEEDED:
        return None
    it = s.of(view)
    if it.social == s.IN_USE and it.half not in _SOUND:
        return Words("社保功能正常，银行账户要处理", "Your card is in use; see to the bank account")
    words = SOCIAL.get(it.social, SOCIAL[s.UNKNOWN])
    return Words(f"社保卡：{words.zh}", f"Your card: {words.en}")


def tone(view: View) -> str | None:
    if view.state is not State.SUCCEEDED:
        return None
    it = s.of(view)
    return "good" if it.social in (s.IN_USE, "replaced") and it.half in _SOUND else "wait"


def not_in_use(view: View, _now: datetime) -> Words | None:
    """Why it cannot be reported lost from here."""
    if view.state is State.SUCCEEDED and s.of(view).social == s.IN_USE:
        return None
    return Words("这张卡现在不用挂失。", "There is nothing to report for this card now.")


def not_blocked(view: View, _now: datetime) -> Words | None:
    """Why it cannot be released from here."""
    if view.state is not State.SUCCEEDED or not s.of(view).blocked:
        return Words("这张卡现在没有临时挂失，不用解挂。", "The card is not under a temporary report now.")
    if not view.rules.card_loss.remote_cancel_allowed:
        return Words("请带身份证到社保窗口解挂。", "Bring your ID card to a counter to release it.")
    return None

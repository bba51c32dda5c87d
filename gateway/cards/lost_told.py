"""How a loss report stands, in words: both halves, what comes next, what may be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.cards import situation as s
from gateway.cards.lost import PENSION, STAGES
from gateway.cards.situation import Situation
from gateway.cards.words import (
    NO_RESULT,
    PERSON,
    ask_bank,
    bank_reason,
    moment,
    reason,
    unfinished,
    until,
    waiting,
)
from gateway.rules.model import Rules
from gateway.transactions.model import DONE, State, View, Words


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return _explain_done(view, s.of(view))
        case State.REJECTED:
            why = reason(view)
            return [Words(f"没有办成：{why.zh}。", f"This could not be done: {why.en}."), PERSON]
        case State.FAILED:
            return [NO_RESULT, PERSON]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return waiting(view, _MAYBE)
        case _:
            return unfinished(view, _NEVER, _NOT_YET)


_MAYBE = Words(
    "卡可能还没有停用。着急请拨打12333转人工。",
    "The card may not be blocked yet. If it is urgent, call 12333 and press 0 for a person.",
)
_NEVER = Words(
    "这次没有提交，卡没有挂失。需要挂失请重新办理，或拨打12333。",
    "This was never confirmed; the card is not blocked. To block it, start again or call 12333.",
)
_NOT_YET = Words(
    "还没有确认，卡没有挂失。请填验证码，再确认。",
    "Not confirmed yet; the card is not blocked. Enter the code, then confirm.",
)


def _explain_done(view: View, it: Situation) -> list[Words]:
    if it.social in s.BLOCKED or not it.social:
        return [
            _blocked(view, it),
            *_bank(it, view.rules),
            *([PENSION] if it.draws else []),
            _undo(view.rules),
            Words(
                "到期还没找到卡，请带身份证到社保窗口办正式挂失和补卡，可以先预约。",
                "If it is still missing then, bring your ID card to a counter: formal report and new card. "
                "You can book a visit.",
            ),
        ]
    return [_over(it, it.card_tail), *_bank_after(it, view.rules), *_AFTERWARDS.get(it.social, [_ASK])]


def _blocked(view: View, it: Situation) -> Words:
    ends, tail = until(it.until, view.rules), it.card_tail
    if it.social == s.REPORTED:
        begins = moment(it.begins, view.rules, Words("很快", "soon"))
        return Words(
            f"尾号{tail}的社保卡挂失已受理，{begins.zh}生效，{ends.zh}自动解除。生效前卡还能用。",
            f"The report on the card ending in {tail} is taken. It is blocked from {begins.en} and works "
            f"again by itself at {ends.en}. Until it is in force the card can still be used.",
        )
    already = view.state is State.ALREADY_DONE
    return Words(
        f"尾号{tail}的社保卡{'此前已经' if already else '已'}临时挂失，{ends.zh}自动解除。",
        f"The card ending in {tail} {'was already' if already else 'is'} blocked; "
        f"the block ends by itself at {ends.en}.",
    )


_ASK = Words("有疑问请拨打12333。", "Questions: call 12333.")
TO_BLOCK, ABOUT = Words("另行挂失", "to block the account"), Words("询问", "to ask")


def _bank(it: Situation, rules: Rules) -> list[Words]:
    ends = until(it.half_until, rules)
    match it.half:
        case s.NOT_OURS:
            first = Words("银行账户没有一起挂失。", "The bank account is not blocked with it.")
            return [first, ask_bank(it, TO_BLOCK)]
        case s.WAITING:
            return [
                Words(
                    "银行还没有回应，银行账户可能没有停用。我们会一直请银行办理，结果发短信告诉您。",
                    "The bank has not answered; the account may not be blocked. We keep asking and text you.",
                ),
                ask_bank(it, Words("，着急可以直接挂失", "to block it yourself if it is urgent")),
            ]
        case s.HALF_LOST:
            return [
                Words(
                    f"银行账户也已挂失，{ends.zh}自动解除。",
                    f"The bank account is blocked as well, until {ends.en}.",
                )
            ]
        case s.HALF_FORMAL:
            return [Words("银行账户已在银行正式挂失。", "The account is under a formal report at the bank.")]
        case s.HALF_SHUT:
            why = bank_reason(it)
            return [Words(f"银行{why.zh}，不用挂失。", f"There is nothing to block at the bank: {why.en}.")]
        case s.HALF_FREE:
            return [
                Words("银行账户现在没有挂失。", "The bank account is not blocked now."),
                ask_bank(it, TO_BLOCK),
            ]
        case _:
            why = bank_reason(it)
            return [
                Words(
                    f"银行账户没有挂失：{why.zh}。社保功能的挂失不受影响。",
                    f"The bank account is not blocked: {why.en}. The social half stays blocked.",
                ),
                ask_bank(it, TO_BLOCK),
            ]


def _over(it: Situation, tail: str) -> Words:
    words = STAGES[it.social].words
    if it.social in s.FREE:
        return Words(
            f"尾号{tail}的社保卡{words.zh}，社保功能可以使用。",
            f"The card ending in {tail} works again as a social-security card: {words.en}.",
        )
    return Words(f"尾号{tail}的社保卡：{words.zh}。", f"The card ending in {tail}: {words.en}.")


def _bank_after(it: Situation, rules: Rules) -> list[Words]:
    """The account, once the social half's report is over; it may be blocked for longer."""
    if it.half == s.HALF_LOST:
        ends = until(it.half_until, rules)
        still = Words(
            f"银行账户还在挂失，{ends.zh}自动解除。", f"The bank account is still blocked, until {ends.en}."
        )
        return [still, ask_bank(it, Words("解挂", "to release it"))]
    if it.half in (s.HALF_FREE, s.NOT_OURS):
        return []
    return [ask_bank(it, Words("，问银行账户是否挂失", "to ask whether the account is blocked"))]


_AFTERWARDS: Mapping[str, list[Words]] = {
    s.LAPSED: [
        Words(
            "卡还没找到，请马上再挂失一次，或带身份证到社保窗口办正式挂失和补卡。",
            "If it is still missing, report it again at once, or bring your ID card to a counter for a "
            "formal report and a new card.",
        )
    ],
    s.RELEASED: [
        Words(
            "不是您本人解挂的，请马上再挂失一次，并拨打12333。",
            "If it was not you who released it, report it again at once and call 12333.",
        )
    ],
    s.AGAIN: [Words("请查看新的那次挂失。", "See the newer report for how it stands."), _ASK],
    s.FORMAL: [
        Words(
            "正式挂失不会自动解除。补卡请带身份证到社保窗口。",
            "A formal report does not end by itself. For a new card bring your ID card to a counter.",
        )
    ],
    "replacing": [
        Words("新卡办好后，旧卡不能再用。", "Once the new card is ready the old one is of no use.")
    ],
    "replaced": [Words("请使用新卡，旧卡已不能用。", "Use the new card; the old one no longer works.")],
}


def _undo(rules: Rules) -> Words:
    how = Words("带身份证到社保窗口解挂", "bring your ID card to a counter")
    if rules.card_loss.remote_cancel_allowed:
        how = Words("在网页或拨打12333解挂", "release it on the web page or by calling 12333")
    late = Words("或等到期自动解除", "or wait until the block ends by itself")
    return Words(f"找到卡了：{how.zh}，{late.zh}。", f"If you find the card: {how.en}, {late.en}.")


# --- the first words --------------------------------------------------------------------------------

_HEADLINES: Mapping[str, tuple[str, Words]] = {
    s.REPORTED: ("wait", Words("已受理，还没有生效", "Taken, not in force yet")),
    s.BANK_WAITING: ("good", Words("卡已挂失，银行账户还在办", "Blocked; the bank account is being done")),
    s.BANK_OPEN: ("wait", Words("卡已挂失，银行账户没有挂失", "Blocked; the bank account is not")),
    s.BANK_LOST: ("wait", Words("卡能用了，银行账户还在挂失", "The card works; the account is blocked")),
    s.LAPSED: ("wait", Words("挂失已到期解除", "The block has ended")),
    s.RELEASED: ("good", Words("已解挂，卡能用了", "Released: the card works")),
    s.AGAIN: ("wait", Words("这次挂失已结束", "This report is over")),
    s.UNKNOWN: ("wait", Words("要请工作人员核实", "A person must look at it")),
    s.FORMAL: ("wait", Words("已转为正式挂失", "Now a formal loss report")),
    "replacing": ("wait", Words("正在补换新卡", "A new card is on its way")),
    "replaced": ("good", Words("已补换新卡", "You have a new card")),
    "cancelled": ("wait", Words("卡已注销", "The card is cancelled")),
}


def headline(view: View) -> Words | None:
    return _HEADLINES.get(view.stage, (None, None))[1] if view.state in DONE else None


def tone(view: View) -> str | None:
    return _HEADLINES.get(view.stage, (None, None))[0] if view.state in DONE else None


def no_release(view: View, _now: datetime) -> Words | None:
    """Why the card cannot be released from here."""
    it = s.of(view)
    if view.state not in DONE or not it.blocked:
        return Words("这张卡现在没有临时挂失，不用解挂。", "The card is not under a temporary report now.")
    if not view.rules.card_loss.remote_cancel_allowed:
        return Words("请带身份证到社保窗口解挂。", "Bring your ID card to a counter to release it.")
    return None


def no_formal_report(view: View, _now: datetime) -> Words | None:
    """Why no visit for a formal report is to be booked."""
    it = s.of(view)
    if view.state not in DONE or not (it.blocked or it.social == s.LAPSED):
        return Words("这张卡现在不用办正式挂失。", "The card needs no formal report now.")
    if not view.rules.halls or not any(one.id == "card" for one in view.rules.appointment.matters):
        return Words(
            "请带身份证到社保窗口办理，不用预约。", "Bring your ID card to a counter; no booking is needed."
        )
    return None

"""What is said alike of a card by all its types: moments, the bank, reasons, whom to ask. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.cards.situation import HALF_FORMAL, NO_ANSWER, Situation
from gateway.rules.model import Rules
from gateway.transactions.model import State, View, Words

LONGEST_VALUE = 35  # characters of one variable of a text message
REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的社保卡", "no card was found in your name"),
    "name_mismatch": Words("姓名和社保卡登记的不一致", "the name does not match the card"),
    "formal_lost": Words("这张卡已办理正式挂失", "it is under a formal loss report"),
    "replacing": Words("这张卡正在补换", "it is being replaced"),
    "replaced": Words("这张卡已补换", "it has been replaced"),
    "cancelled": Words("这张卡已注销", "it has been cancelled"),
    "other": Words("社保卡系统不能受理", "the card system cannot take it"),
}
BANK_REASONS: Mapping[str, Words] = {
    "bank_frozen": Words("账户已冻结", "the account is frozen"),
    "bank_closed": Words("账户已销户", "the account is closed"),
    "bank_unknown": Words("银行没有查到账户", "the bank knows no account"),
    "bank_own_report": Words("挂失是在银行办的", "the bank took the report itself"),
    "other": Words("银行没有受理", "the bank did not take it"),
}
# The six national banks' own lines; what another bank's is, is on the back of the card.
LINES: Mapping[str, tuple[str, str]] = {
    "中国建设银行": ("建行", "95533"),
    "中国农业银行": ("农行", "95599"),
    "中国工商银行": ("工行", "95588"),
    "中国银行": ("中行", "95566"),
    "中国邮政储蓄银行": ("邮储", "95580"),
    "交通银行": ("交行", "95559"),
}
PERSON = Words(
    "请拨打12333转人工，或带身份证到社保窗口办理。",
    "Call 12333 and press 0 for a person, or bring your ID card to a social-security counter.",
)
NO_RESULT = Words("社保卡系统一天没有回应，没有办成。", "The card system did not answer for a day.")
COUNTERS_NAMED = 3


def reason(view: View, own: Mapping[str, Words] = REASONS) -> Words:
    """Why it was refused; what we have no word for is the card system's."""
    return own.get(view.reason or "", REASONS["other"])


def bank_reason(it: Situation) -> Words:
    """Why the bank did not do its half."""
    if it.half == HALF_FORMAL:
        return Words("账户已在银行正式挂失", "the account is under a formal report")
    if it.half == NO_ANSWER:
        return Words("银行一天没有回应", "the bank did not answer for a day")
    return BANK_REASONS.get(it.half_reason, BANK_REASONS["other"])


def moment(at: datetime | None, rules: Rules, unknown: Words) -> Words:
    """11月28日16:05 in the city's time."""
    if at is None:
        return unknown
    local = at.astimezone(rules.zone)
    return Words(f"{local.month}月{local.day}日{local:%H:%M}", f"{local:%H:%M} on {local.day} {local:%B}")


def until(at: datetime | None, rules: Rules) -> Words:
    return moment(at, rules, Words("到期", "when it expires"))


def call_bank(it: Situation) -> Words:
    """How the bank is reached, short enough for a text message."""
    short, line = LINES.get(it.bank, ("", ""))
    if not line:
        return Words("请联系发卡行", "call your bank")
    return Words(f"请拨{short}{line}", f"call {line}")


def ask_bank(it: Situation, what: Words) -> Words:
    """The same as a sentence of its own, with the bank's full name; ``what`` is what to ask there."""
    _, line = LINES.get(it.bank, ("", ""))
    if not line:
        return Words(
            f"请联系发卡行{what.zh}，电话在卡背面。", f"Call your bank {what.en}; its number is on the card."
        )
    return Words(f"请拨打{it.bank}{line}{what.zh}。", f"Call your bank on {line} {what.en}.")


def counters(rules: Rules) -> list[Words]:
    """Where the city's counters are, the first few of them."""
    return [
        Words(
            f"{hall.name}：{hall.address}，{hall.hours}。",
            f"{hall.name_en or hall.name}: {hall.address_en or hall.address}. {hall.hours_en or hall.hours}.",
        )
        for hall in rules.halls[:COUNTERS_NAMED]
    ]


def short(values: Mapping[str, Words]) -> dict[str, str]:
    """The values of message templates, each with its English beside it, none longer than vendors take."""
    both = {name: words.zh for name, words in values.items()}
    both |= {f"{name}_en": words.en for name, words in values.items()}
    return {name: value[:LONGEST_VALUE] for name, value in both.items()}


def waiting(view: View, careful: Words) -> list[Words]:
    """While the card system is asked; ``careful`` is what may not be so yet."""
    if view.trouble is None and not view.slow:
        return [
            Words(
                "您的申请已收到，正在办理，通常几秒钟。",
                "We have your request and are doing it; usually seconds.",
            ),
            Words(
                "办好会发短信告诉您，可以离开本页。", "A text message will tell you; you may leave this page."
            ),
        ]
    return [
        Words(
            "您的申请已收到，没有丢。社保卡系统暂时没有回应，我们会一直重试。",
            "We have your request; it is not lost. The card system does not answer just now; we keep trying.",
        ),
        careful,
        Words("办好会发短信告诉您。", "A text message will tell you when it is done."),
    ]


def unfinished(view: View, never: Words, open_: Words) -> Sequence[Words]:
    """Of a transaction that has not been confirmed, or never was."""
    return [never] if view.state is State.CANCELLED else [open_]

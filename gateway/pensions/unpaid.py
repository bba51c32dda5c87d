"""Why a pension could not be paid, and what helps: in a message, in words, step by step. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.pensions.payments import Payments
from gateway.transactions.model import Step, Words


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a payment failed: in a message (35 characters at most) with what to do, and in plain words."""

    brief: Words
    do: Words
    plain: Words
    steps: tuple[Step, ...]


_OTHER_ACCOUNT = Step(
    "卡没找到的，带身份证到社保窗口补卡，或登记本人的另一个银行账户。",
    "If the card is lost, bring your ID card to a counter for a new one, or to register another account.",
)
CAUSES: Mapping[str, Cause] = {
    "account_closed": Cause(
        Words("收款账户已销户", "the account is closed"),
        Words("请带身份证和新银行卡到社保窗口", "Bring ID and a new bank card"),
        Words(
            "收款的银行账户已经销户，钱打不进去。", "The bank account on record is closed and takes no money."
        ),
        (
            Step(
                "带身份证和本人新的社保卡或银行卡，到社保窗口登记新账户。可以在这里先预约。",
                "Bring your ID card and a new social-security or bank card of yours to a counter to register "
                "the new account. You can book a time here.",
            ),
        ),
    ),
    "ours": Cause(
        Words("账户因社保卡挂失停用", "your card is reported lost"),
        Words("找到卡请解挂，没找到请补卡", "Release it or get a new card"),
        Words(
            "您在这里给社保卡办了挂失，卡上的银行账户停用了，钱打不进去。",
            "You reported your card lost here, so the bank account on it is stopped and takes no money.",
        ),
        (
            Step(
                "卡找到了的，在这里解除挂失，账户也会恢复；没有恢复的，请拨发卡银行的电话。",
                "If you have found the card, release it here; if its account stays stopped, call your bank.",
            ),
            _OTHER_ACCOUNT,
        ),
    ),
    "account_blocked": Cause(
        Words("收款账户挂失或冻结", "the account is blocked"),
        Words("请带身份证到发卡银行恢复账户", "Bring your ID to your bank"),
        Words(
            "收款的银行账户被挂失或冻结，钱打不进去。",
            "The bank account is blocked or frozen and takes no money.",
        ),
        (
            Step(
                "带身份证到发卡银行，问清原因，恢复账户。自己挂失的，卡找到了请先解除挂失。",
                "Bring your ID card to your bank to have it opened again. If you reported the card lost and "
                "have found it, release it first.",
            ),
            _OTHER_ACCOUNT,
        ),
    ),
    "data_mismatch": Cause(
        Words("姓名或证件号与银行不符", "your data differ at the bank"),
        Words("请带身份证和银行卡到社保窗口更正", "Bring ID and bank card to us"),
        Words(
            "社保登记的姓名或身份证号码和银行的对不上，不是您的错。",
            "Your name or ID number here differs from the bank's; it is not your fault.",
        ),
        (
            Step(
                "带身份证和银行卡到社保窗口，当场更正。可以在这里先预约。",
                "Bring your ID card and bank card to a counter to put it right. You can book a time here.",
            ),
        ),
    ),
}
UNNAMED = Cause(
    Words("系统没有说明", "not stated"),
    Words("请带身份证到社保窗口核实", "Bring your ID to a counter"),
    Words("登记系统没有说明原因。", "The registry gives no reason."),
    (Step("带身份证和银行卡到社保窗口核实。", "Bring your ID card and bank card to a counter."),),
)


def cause(it: Payments) -> Cause:
    return CAUSES.get("ours" if it.ours else it.reason, UNNAMED)

"""A reminder in sentences: what goes when, why then, what is looked at before, why it was not sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway.rules.model import Rules
from gateway.transactions.judging import Because, Plan
from gateway.transactions.model import TransactionType, Words

CHANNELS: Mapping[str, Words] = {
    "sms": Words("短信", "SMS"),
    "voice": Words("语音电话", "call"),
    "email": Words("邮件", "e-mail"),
}
DROPS: Mapping[str, Words] = {
    "planned_otherwise": Words(
        "规则或日历改了，按新规则不再有这次提醒",
        "rules or calendar changed, and by them there is none like it",
    ),
    "not_in_register": Words("登记册里已没有此人", "the citizen is no longer in the register"),
    "channel_closed": Words("这个渠道当时没有开通", "its channel was not open"),
    "type_reminds_no_more": Words("这项业务已不再提醒", "its type reminds nobody any more"),
    "bug": Words("程序出错三天没有修好，请报告", "an error was not mended in three days; report it"),
    "no_transaction": Words("找不到对应的事项", "there is no matter behind it"),
    "cancelled": Words("事项已取消", "the matter was cancelled"),
}
_NO_TYPE = Because(Words("由办理时的规则定下", "as it was planned when the matter ended"))
_LOOKED = Words("发出前会再核对一次", "it is looked at once more just before")


@dataclass(frozen=True, slots=True)
class Explained:
    """One reminder: its row in plain values, and a sentence for each question somebody may ask of it."""

    row: Row[Any]
    because: Because
    sentences: Mapping[str, Words]  # what, why, and one of: checks, told, dropped


def explained(kind: TransactionType, row: Row[Any], rules: Rules) -> Explained:
    """``rules`` are those in force: reminders go by them."""
    told, plan = kind.reminding, Plan(row.event, row.channel, row.planned_for, row.occasion)
    because = told.because(plan, rules) if told else _NO_TYPE
    sentences = {"what": _what(kind, row, rules), "why": _why(because)}
    match row.state:
        case "dropped":
            sentences["dropped"] = _dropped(kind, row, rules)
        case "told":
            at = _clock(row.settled_at, rules) if row.settled_at else ""
            sentences["told"] = Words(f"已核对并交付发送：{at}。", f"Looked at and handed on: {at}.")
        case _:
            sentences["checks"] = _checks(told.checks if told else _LOOKED, row, rules)
    return Explained(row, because, sentences)


def _what(kind: TransactionType, row: Row[Any], rules: Rules) -> Words:
    channel, at = CHANNELS.get(row.channel, Words(row.channel, row.channel)), _clock(row.planned_for, rules)
    return Words(
        f"{kind.title.zh}（{row.event}）的{channel.zh}提醒，定于{at}。",
        f"{kind.title.en} ({row.event}): {channel.en} planned for {at}.",
    )


def _why(because: Because) -> Words:
    rule = f" [{because.rule} = {because.value}]" if because.rule else ""
    return Words(f"为什么是这时：{because.words.zh}{rule}。", f"Why then: {because.words.en}{rule}.")


def _checks(checks: Words, row: Row[Any], rules: Rules) -> Words:
    if row.reason and row.due_at:
        at = _clock(row.due_at, rules)
        return Words(
            f"{checks.zh}；上次没有问到（{row.reason}），{at}再问。",
            f"Before it goes {checks.en}; unanswered last time ({row.reason}), asked again {at}.",
        )
    return Words(f"{checks.zh}。", f"Before it goes: {checks.en}.")


def _dropped(kind: TransactionType, row: Row[Any], rules: Rules) -> Words:
    own = kind.reminding.drops if kind.reminding else {}
    said = own.get(row.reason) or DROPS.get(row.reason) or Words(row.reason or "?", row.reason or "?")
    at = f"{_clock(row.settled_at, rules)} " if row.settled_at else ""
    return Words(f"{at}没有发：{said.zh}。", f"{at}Not sent: {said.en}.")


def _clock(at: datetime, rules: Rules) -> str:
    return f"{at.astimezone(rules.zone):%Y-%m-%d %H:%M}"

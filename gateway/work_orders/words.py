"""A work order in words: its parts, the values of its messages, and what confirming does. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.rules.model import Rules
from gateway.transactions.model import Case, View, Words
from gateway.work_orders import standing

TITLE = Words("反映问题（工单）", "To raise a matter")
KINDS: Mapping[str, Words] = {
    "consultation": Words("咨询", "A question"),
    "conduct": Words("投诉服务态度和作风", "A complaint about how you were treated"),
    "suggestion": Words("建议", "A suggestion"),
    "fund_supervision": Words("举报骗取社保基金", "A report of fraud against the insurance fund"),
    "labour_inspection": Words("举报用人单位违法", "A report against an employer"),
}
REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到原来的工单", "the work order was not found"),
    "not_ours": Words("不属于人社部门受理", "it is not ours to decide"),
    "repeated": Words("同一件事已经受理过", "it was handed in before"),
    "unclear": Words("内容不清楚，没法办", "it is not clear what it is about"),
    "over": Words("这件工单已经办完", "the work order is over"),
    "reopened_before": Words("已经重办过一次", "it was taken up anew before"),
    "other": Words("工单平台没有受理", "the platform did not take it"),
}
EXTENSIONS: Mapping[str, Words] = {
    "complex": Words("情况复杂", "the matter is complex"),
    "inquiries": Words("需要调查", "inquiries are needed"),
    "other_offices": Words("要和别的部门一起办", "other offices take part"),
    "other": Words("还需要时间", "more time is needed"),
}
UNITS: Mapping[str, Words] = {
    "hour": Words("小时", "hours"),
    "day": Words("天", "days"),
    "working_day": Words("个工作日", "working days"),
}


def reason(word: str | None) -> Words:
    return REASONS.get(word or "", REASONS["other"])


def cause(facts: Mapping[str, str]) -> Words:
    """Why it takes longer."""
    return EXTENSIONS.get(facts.get("extension", ""), EXTENSIONS["other"])


def promise(rules: Rules, kind: str) -> Words:
    """How soon one of this kind is answered."""
    rule = rules.work_order.answered(kind)
    unit = UNITS[rule.unit]
    return Words(f"{rule.amount}{unit.zh}内答复", f"answered within {rule.amount} {unit.en}")


def by(facts: Mapping[str, str]) -> Words:
    """The day by which it is answered, in another year with it; a day that may still move says so."""
    if not facts.get("due"):
        return Words("几天内", "in a few days")
    it, may_move = date.fromisoformat(facts["due"]), facts.get("provisional")
    began = facts.get("reopened_at") or facts.get("made_at", "")
    year, year_en = ("", "") if began[:4] in ("", f"{it.year}") else (f"{it.year}年", f" {it.year}")
    zh = f"{year}{it.month}月{it.day}日前{'（暂定）' if may_move else ''}"
    return Words(zh, f"by {it.day} {it:%B}{year_en}{' (provisional)' if may_move else ''}")


def is_late(view: View) -> bool:
    """Whether the day by which it was to be answered is over."""
    due = view.facts.get("due")
    return bool(due) and view.now.astimezone(view.rules.zone).date() > date.fromisoformat(due or "")


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type: none says what it is about."""
    values = {"due": by(view.facts), "cause": cause(view.facts), "reason": reason(view.reason)}
    both = [(name, words.zh) for name, words in values.items()]
    english = [(f"{name}_en", words.en) for name, words in values.items()]
    return dict([*both, *english]) | {"reference": view.reference}


# --- before it is confirmed --------------------------------------------------------------------

PROGRESS = Words(
    "受理、延期和答复都发短信告诉您，随时可以凭编号查。",
    "Text messages tell when it is taken, takes longer or is answered; look it up by its number any time.",
)
NAMELESS = Words(
    "您的姓名和证件号不交给承办部门，短信里也不写是什么事。",
    "Your name and ID number are not passed on, and no text message says what it is about.",
)


def effect(_: Rules) -> Sequence[Words]:
    """What confirming will do, whatever is handed in."""
    return [Words("转给承办部门办理。", "It goes to the office in charge."), PROGRESS]


def effect_of(case: Case) -> Sequence[Words]:
    """The same of these answers."""
    if case.replaces:
        return [Words("补充到原来的工单，一起办。", "It is added to the work order you have.")]
    facts = standing.facts_begun(case)
    day = by(facts)
    said = Words(
        f"转给承办部门，{day.zh}答复您。", f"It goes to the office in charge; you are answered {day.en}."
    )
    return [said, *([NAMELESS] if standing.quiet(facts) else []), PROGRESS]

"""What the messages about an authentication are filled in with. Pure."""

from __future__ import annotations

from gateway.pensions import visits, ways
from gateway.pensions.situation import Situation, day, months
from gateway.transactions.model import Words

_SOON = Words("近期", "soon")
_NEXT_MONTH = Words("下个月", "next month")


def values(s: Situation) -> dict[str, str]:
    """What the placeholders of every message may stand for; each has at most 35 characters."""
    words = {
        "failed_on": day(s.failed_on, s.asked_on) if s.failed_on else Words("上次", "last time"),
        "failure": ways.cause(s).brief,
        "pause_from": day(s.pause_from, s.asked_on) if s.pause_from else _NEXT_MONTH,
        "next_try": _next_try(s),
        "pension": _pension(s),
        "when": _when(s),
        "next": _next(s),
        "call_by": _promise(s),
        "months": months(s.months, s.asked_on),
        "visit": visits.when(s),
        "no_visit": visits.refusal(s).why,
        "instead": visits.refusal(s).instead,
        "stopped": _stopped(s),
    }
    given = {key: word.zh for key, word in words.items()} | {f"{key}_en": w.en for key, w in words.items()}
    plain = {"name": s.name or "您好", "city": s.rules.name, "city_en": s.rules.name_en}
    return {**given, **plain, "area_code": s.rules.area_code}


def _next_try(s: Situation) -> Words:
    """Another scan is not advised where it cannot pass."""
    if not ways.cause(s).first:
        return Words("到就近社保窗口", "Come to a counter")
    return Words("重试或到就近社保窗口", "Try again or come to a counter")


def _pension(s: Situation) -> Words:
    match s.pension:
        case "paid":
            return Words("养老金没有停", "Your pension is still paid")
        case "may_stop" | "stopped":
            return Words("通过后养老金恢复并补发", "Once you pass, arrears are paid")
        case _:
            return Words("养老金请以窗口查询为准", "Ask about your pension")


def _stopped(s: Situation) -> Words:
    """Of somebody whose time has passed, to whoever helps them."""
    if s.status == "paused":
        return Words("养老金已暂停", "The pension is on hold")
    return Words("养老金可能暂停", "The pension may be put on hold")


def _when(s: Situation) -> Words:
    if s.due is None:
        return Words("近期到期", "is due soon")
    last = day(s.due, s.asked_on)
    if s.due < s.asked_on:
        return Words(f"已于{last.zh}到期", f"was due by {last.en}")
    return Words(f"将于{last.zh}到期", f"is due by {last.en}")


def _next(s: Situation) -> Words:
    if s.due is None or s.due < s.asked_on:
        return Words("现在不用办", "we text you when it is")
    last = day(s.due, s.asked_on)
    return Words(f"下次最晚{last.zh}，现在不用办", f"next due by {last.en}")


def _promise(s: Situation) -> Words:
    promised = [by for by in (s.home_visit, s.call_back) if by]
    return day(max(promised), s.asked_on) if promised else _SOON

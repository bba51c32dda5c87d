"""Why somebody is reminded of their authentication when they are, and when by other rules. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from gateway.cities import Rules
from gateway.transactions.judging import Because, Reminding
from gateway.transactions.model import Plan, Words

_WEEK = re.compile(r"(\d{4}-\d\d-\d\d) W(\d+)")  # of a week after the notice of the pause: due date, which
_RUNG = re.compile(
    r"(\d{4}-\d\d-\d\d) T([+-])(\d+)"
)  # the occasion of a rung: due date, before or after, days


def again(plan: Plan, rules: Rules) -> Plan | None:
    """A rung on the day these rules and their calendar give it; null: no longer one of theirs."""
    week = _WEEK.fullmatch(plan.occasion)
    if week:
        if int(week[2]) > rules.pension_auth.weekly_times:
            return None
        return _on(plan, week_day(date.fromisoformat(week[1]), int(week[2]), rules), rules)
    found = _RUNG.fullmatch(plan.occasion)
    if found is None:
        return plan
    due, days, rule = date.fromisoformat(found[1]), int(found[3]), rules.pension_auth
    if found[2] == "+":
        days = rule.pause_notice_days
        day = rules.calendar.nearest(due + timedelta(days=days), 1)
        return _on(replace(plan, occasion=f"{due} T+{days}"), day, rules)
    # A text message may stand for a call whose channel is closed.
    if days not in {*(rule.sms_days if plan.channel == "sms" else ()), *rule.voice_days}:
        return None
    return _on(plan, rules.calendar.nearest(due - timedelta(days=days), -1), rules)


def week_day(due: date, week: int, rules: Rules) -> date:
    """The working day of that week after the notice of the pause."""
    rule = rules.pension_auth
    return rules.calendar.nearest(due + timedelta(days=rule.pause_notice_days + week * rule.weekly_days), 1)


def _on(plan: Plan, day: date, rules: Rules) -> Plan:
    clock = plan.due_at.astimezone(rules.zone).time()
    return replace(plan, due_at=datetime.combine(day, clock, rules.zone))


def because(plan: Plan, rules: Rules) -> Because:
    rule, found = rules.pension_auth, _RUNG.fullmatch(plan.occasion)
    week = _WEEK.fullmatch(plan.occasion)
    if week:
        said = Words(
            f"{week[1]}到期没有认证，告知停发后每{rule.weekly_days}天一次，告诉同意告知的代办人",
            f"it was due on {week[1]}: every {rule.weekly_days} days after the notice, "
            "to a helper with consent",
        )
        return Because(said, "pension_auth.weekly_days", str(rule.weekly_days))
    if found and found[2] == "-":
        name = "sms_days" if plan.channel == "sms" else "voice_days"
        said = Words(
            f"{found[1]}到期，提前{found[3]}天提醒，逢休息日再提前",
            f"it is due on {found[1]}: {found[3]} days before, or the working day before that",
        )
        return Because(said, f"pension_auth.{name}", str(list(getattr(rule, name))))
    if found:
        said = Words(
            f"{found[1]}到期没有认证，过后{found[3]}天告知，逢休息日顺延",
            f"it was due on {found[1]}: {found[3]} days after, or the next working day",
        )
        return Because(said, "pension_auth.pause_notice_days", str(rule.pause_notice_days))
    if plan.occasion.endswith(" first"):
        said = Words(
            "本月第一次提醒，按每小时的条数错开", "the month's first reminder, spread by so many an hour"
        )
        return Because(said, "pension_auth.reminders_per_hour", str(rule.reminders_per_hour))
    said = Words("没有更早的提醒日了，几天后再打一次电话", "no earlier day was left: a call some days later")
    return Because(said, "pension_auth.again_days", str(rule.again_days))


_DONE = Words("发出前查到认证已经办好", "looked at just before: the authentication was done by then")
REMINDING = Reminding(
    because=because,
    checks=Words(
        "发出前再问一次待遇系统：认证是否已办好，本人是否有死亡或争议标记",
        "the pension registry is asked again just before: done meanwhile, or flagged for death or dispute",
    ),
    drops={
        **dict.fromkeys(
            ("not_due", "done_silent", "done_face", "done_helper", "done_counter", "done_overseas"), _DONE
        ),
        **dict.fromkeys(
            ("resumed_backpay_pending", "backpaid"),
            Words("认证已办好，待遇已恢复", "authenticated, the pension is paid again"),
        ),
        "submitted_reviewing": Words("认证已提交，正在审核", "submitted, and under review"),
        "ended": Words("待遇已经终止", "the pension has ended"),
        "paused": Words(
            "待遇已经停发，另有停发通知", "the pension is paused already; a notice says so instead"
        ),
        "death": Words("待遇系统标记为死亡，不再提醒", "flagged as deceased: nobody is reminded"),
        "dispute": Words("待遇有争议，不再提醒", "the pension is disputed: nobody is reminded"),
        "community_list": Words(
            "没有同意告知的代办人，列入社区名单，由社区上门",
            "no helper with consent to be told: on the community's list instead",
        ),
        "in_time": Words("还没到期，不用告知停发", "not yet past the due date: no pause to tell of"),
        "missed": Words(
            "当时没能发出，由下一次提醒代替", "its day was missed; the next reminder takes its place"
        ),
    },
    again=again,
)

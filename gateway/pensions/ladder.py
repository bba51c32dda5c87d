"""When somebody is reminded of their authentication: before it is due, and once it was missed. Pure.

Each rung is an occasion of its own, named by the due date, so that planning it
again changes nothing. Whether it is still true is asked just before it goes out.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from gateway.cities import Rules
from gateway.pensions.reminding import week_day
from gateway.pensions.situation import DUE, Situation
from gateway.transactions.model import Plan

LISTED = "community_list"  # why a word to a helper was dropped: there is none to be told
DUE_EVENT, PAUSE_EVENT, HELPER_EVENT = "remind_due", "remind_paused", "remind_helper"
BEGIN = time(9)  # calls may be made from then to 12:00, and whoever calls back reaches a person
_FIRST, _AGAIN = " first", " again"
LATE = timedelta(days=1)  # after its moment a rung is no longer climbed: the next one is
SPREAD = 9000  # seconds after that over which a day's reminders go out


def ladder(s: Situation, now: datetime, spread: int) -> list[Plan]:
    """The rungs that lie ahead. Where none is left before the due date, one call some days later.

    The notice of the pause plans the weekly ones, unless it is past already.
    ``spread`` is any number that differs between people: it keeps a day's
    reminders from going out at one moment.
    """
    if s.held or s.status not in DUE | {"paused"}:
        return []
    if s.status == "paused":
        return weekly(s, now, spread)
    ahead = [plan for plan in _before(s, spread) if plan.due_at > now] or [_again(s, spread)]
    if s.due:
        notice = pause_notice(s.rules, s.due, spread)
        ahead += [notice] if notice.due_at > now else weekly(s, now, spread)
    return sorted(ahead, key=lambda plan: plan.due_at)


def missed(s: Situation, plan: Plan, now: datetime) -> bool:
    """Whether this rung was passed over, in an outage: a day ago, or because a later one is due as well.

    The first reminder, the last call and the notice of the pause stand for
    themselves: late is better than never.
    """
    if plan.event != DUE_EVENT or plan.occasion.endswith((_FIRST, _AGAIN)):
        return False
    day = plan.due_at.astimezone(s.rules.zone).date()
    later = (rung.due_at for rung in _before(s, spread=0) if rung.due_at.date() > day)
    return now - plan.due_at > LATE or any(due_at <= now for due_at in later)


def first(month: str, due_at: datetime) -> Plan:
    """The reminder of that month for somebody who never asked, whose due date is not known yet."""
    return Plan(DUE_EVENT, "sms", due_at, f"{month}{_FIRST}")


def is_first(plan: Plan) -> bool:
    """Whether the ladder is still to be planned behind it."""
    return plan.occasion.endswith(_FIRST)


def pause_notice(rules: Rules, due: date, spread: int) -> Plan:
    days = rules.pension_auth.pause_notice_days
    day = _working(rules, due + timedelta(days=days), 1)
    return Plan(PAUSE_EVENT, "sms", at(rules, day, spread), f"{due} T+{days}")


def weekly(s: Situation, now: datetime, spread: int) -> list[Plan]:
    """The next word to whoever helps somebody whose time has passed; none where there were enough."""
    if s.due is None:
        return []
    rule, noticed = s.rules.pension_auth, s.due + timedelta(days=s.rules.pension_auth.pause_notice_days)
    passed = (now.astimezone(s.rules.zone).date() - noticed).days // rule.weekly_days
    for n in range(max(passed, 1), rule.weekly_times + 1):
        day = week_day(s.due, n, s.rules)
        if at(s.rules, day, spread) > now:
            return [Plan(HELPER_EVENT, "sms", at(s.rules, day, spread), f"{s.due} W{n}")]
    return []


def _before(s: Situation, spread: int) -> list[Plan]:
    """The rungs before the due date, where it is known."""
    rule = s.rules.pension_auth
    before = [("sms", n) for n in rule.sms_days] + [("voice", n) for n in rule.voice_days]
    return [_rung(s.rules, s.due, channel, n, spread) for channel, n in before] if s.due else []


def _rung(rules: Rules, due: date, channel: str, days: int, spread: int) -> Plan:
    day = _working(rules, due - timedelta(days=days), -1)
    return Plan(DUE_EVENT, channel, at(rules, day, spread), f"{due} T-{days}")


def _again(s: Situation, spread: int) -> Plan:
    day = _working(s.rules, s.asked_on + timedelta(days=s.rules.pension_auth.again_days), 1)
    cycle = s.due.isoformat() if s.due else f"{s.asked_on:%Y-%m}"
    return Plan(DUE_EVENT, "voice", at(s.rules, day, spread), f"{cycle}{_AGAIN}")


def at(rules: Rules, day: date, spread: int) -> datetime:
    """The moment of that day at which this person's reminder goes out."""
    return datetime.combine(day, BEGIN, rules.zone) + timedelta(seconds=spread % SPREAD)


def _working(rules: Rules, day: date, step: int) -> date:
    """That day, or the next working day in this direction."""
    while not rules.calendar.is_working_day(day):
        day += timedelta(days=step)
    return day

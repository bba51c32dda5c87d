"""A city's rules of pension eligibility authentication (养老待遇资格认证), and its two dates. Pure.

The dates are counted in whole days: whoever authenticated on a day is due at the
end of the day given, and the pension is paused from the other.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

from marshmallow import Schema, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, Flag, number

Cycle = Literal["rolling_12_months", "calendar_month_13"]


@dataclass(frozen=True, slots=True)
class PensionAuth:
    """How a city counts, whom it visits, and when it reminds.

    ``cycle``: with *rolling_12_months* due is the same day a year later and the
    pension is paused ``grace_days`` after that; with *calendar_month_13* (Hunan)
    due is the end of the same month a year later and it is paused with the month
    after. What is not settled is looked at again each day, and every ``look_hours`` while something
    is under way, for ``follow_days``. ``sms_days`` and ``voice_days`` before the
    due date a reminder goes out, ``pause_notice_days`` after it the notice of the pause; ``again_days`` after
    the last word a call, where no such day is left. Every ``weekly_days`` after that notice whoever
    helps is told, ``weekly_times`` at most; without a helper somebody from the community looks in.
    ``app`` names the official
    apps in general words: which one it is changes more often than the rules.
    """

    cycle: Cycle = "rolling_12_months"
    grace_days: int = 30
    due_soon_days: int = 90
    app: str = "官方社保手机软件"
    app_en: str = "the official social-security app"
    home_visits: bool = True
    home_visit_age: int = 75
    visit_hours: str = "工作日 9:00–17:00"
    visit_hours_en: str = "working days 9:00–17:00"
    call_back_working_days: int = 1
    sms_days: tuple[int, ...] = (90, 30, 7)
    voice_days: tuple[int, ...] = (15, 7)
    pause_notice_days: int = 1
    again_days: int = 3
    weekly_days: int = 7
    weekly_times: int = 26
    look_hours: int = 4
    follow_days: int = 180
    reminders_per_hour: int = 2000
    source: str = ""
    source_date: date | None = None


def due(rule: PensionAuth, done: date) -> date:
    """The last day on which the next authentication is in time, after one done on that day."""
    if rule.cycle == "calendar_month_13":
        return date(done.year + 1, done.month, monthrange(done.year + 1, done.month)[1])
    if (done.month, done.day) == (2, 29) and not isleap(done.year + 1):
        return date(done.year + 1, 2, 28)
    return done.replace(year=done.year + 1)


def pause_from(rule: PensionAuth, done: date) -> date:
    """The first day without a pension, where nothing was done after that day."""
    grace = 0 if rule.cycle == "calendar_month_13" else rule.grace_days
    return due(rule, done) + timedelta(days=1 + grace)


# --- the form of its block in a city's file -----------------------------------------------


def _days() -> form.List[int]:
    return form.List(number(1, 365), validate=validate.Length(max=6))


def _words() -> form.String:
    return form.String(validate=validate.Length(1, 60))


class PensionAuthSchema(Schema):
    """The block ``[pension_auth]``."""

    cycle = form.String(validate=validate.OneOf(get_args(Cycle)))
    grace_days = number(0, 180)
    due_soon_days = number(1, 365)
    app = _words()
    app_en = _words()
    home_visits = Flag()
    home_visit_age = number(50, 120)
    visit_hours = _words()
    visit_hours_en = _words()
    call_back_working_days = number(1, 10)
    sms_days = _days()
    voice_days = _days()
    pause_notice_days = number(1, 60)
    again_days = number(1, 30)
    weekly_days = number(1, 60)
    weekly_times = number(0, 60)
    look_hours = number(1, 72)
    follow_days = number(1, 366)
    reminders_per_hour = number(1, 1_000_000)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> PensionAuth:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return PensionAuth(**values)

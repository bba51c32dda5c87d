"""What a city lets people file (备案登记), and what they promise with it: the ``[filing]`` block. Pure.

The defaults are ours, after what Chinese cities publish (domain.md, "Filing
registration"); a city's file replaces any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, number, text

KINDS = ("pensioner_elsewhere", "injury_elsewhere", "flexible", "employment", "unemployment")

COMMITMENT = "本人承诺：所填内容真实；居住、就业情况有变化的，30日内告知；因隐瞒多领的待遇，如数退回。"
COMMITMENT_EN = (
    "I declare that what I file is true, that I will report within 30 days where I live or work "
    "otherwise, and that I will pay back what I draw without a right to it."
)


@dataclass(frozen=True, slots=True)
class Filing:
    """What may be filed and how long things take.

    ``commitment`` is the text of the letter (承诺书) people agree to; a new text has a new
    ``commitment_version``, which is kept with what was filed. ``start_days_ahead``,
    ``start_days_back``: how far from today a filing may begin; ``longest_months`` is the longest
    that one with an end may last. A review takes ``review_working_days``; ``remind_days`` before
    the end a reminder goes out. While a review is under way the register is asked again within
    ``look_hours``, an active filing every ``follow_days``. Medical filings are another bureau's
    (``medical_line``, ``medical_hours``).
    """

    kinds: tuple[str, ...] = KINDS
    commitment_version: str = "1"
    commitment: str = COMMITMENT
    commitment_en: str = COMMITMENT_EN
    start_days_back: int = 3650
    start_days_ahead: int = 90
    longest_months: int = 36
    review_working_days: int = 5
    remind_days: tuple[int, ...] = (30, 7)
    look_hours: int = 4
    follow_days: int = 30
    source: str = ""
    source_date: date | None = None


class FilingSchema(Schema):
    """The block as it stands in a city's file."""

    kinds = form.List(form.String(validate=validate.OneOf(KINDS)), validate=validate.Length(min=1))
    commitment_version = text(r"[0-9A-Za-z.-]{1,20}")
    commitment = form.String(validate=validate.Length(10, 500))
    commitment_en = form.String(validate=validate.Length(10, 1000))
    start_days_back = number(0, 36500)
    start_days_ahead = number(0, 366)
    longest_months = number(1, 600)
    review_working_days = number(1, 90)
    remind_days = form.List(number(1, 365), validate=validate.Length(max=6))
    look_hours = number(1, 72)
    follow_days = number(1, 365)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Filing:
        if len(set(data.get("kinds", ()))) < len(data.get("kinds", ())):
            raise ValidationError("names one twice", "kinds")
        if ("commitment" in data) != ("commitment_version" in data):
            raise ValidationError("a text of your own has a version of its own; give both", "commitment")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return Filing(**values)

"""When a city pays pensions, and what it lets be said of them: the ``[pension_payment]`` block. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from marshmallow import Schema, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, Flag, number

OnHoliday = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class PensionPayment:
    """``pay_day`` of the month, or the working day before or after it: ``on_holiday``.

    The registry's own word for the next day goes before this. ``amounts``: whether sums may be shown,
    which they are only where ``identity.levels`` asks for more than one proof of who looks. What
    failed or is on its way is looked at again each day, for ``follow_days``.
    """

    pay_day: int = 15
    on_holiday: OnHoliday = "before"
    amounts: bool = False
    follow_days: int = 92
    source: str = ""
    source_date: date | None = None


class PensionPaymentSchema(Schema):
    """The block as it stands in a city's file."""

    pay_day = number(1, 28)
    on_holiday = form.String(validate=validate.OneOf(get_args(OnHoliday)))
    amounts = Flag()
    follow_days = number(1, 366)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> PensionPayment:
        return PensionPayment(**data)

"""How a city takes a card reported lost: the ``[card_loss]`` block of its rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from marshmallow import Schema, post_load, validate
from marshmallow import fields as form

from gateway.calendars import UNITS, Unit
from gateway.rule_fields import Day, Flag, number

BankSync = Literal["none", "one_way", "two_way"]


@dataclass(frozen=True, slots=True)
class CardLoss:
    """How a temporary loss report works. ``duration`` counts ``unit``s from when it takes effect.

    ``bank_sync``: whether the bank learns of our report (one_way) and we of the
    bank's (two_way). ``remote_cancel_allowed``: release by phone or web, while temporary.
    """

    duration: int = 7
    unit: Unit = "day"
    effective_delay_hours: int = 0
    bank_sync: BankSync = "none"
    remote_cancel_allowed: bool = False
    source: str = ""
    source_date: date | None = None


class CardLossSchema(Schema):
    """``[card_loss]`` of a city's file."""

    duration = number(1, 366)
    unit = form.String(validate=validate.OneOf(UNITS))
    effective_delay_hours = number(0, 240)
    bank_sync = form.String(validate=validate.OneOf(["none", "one_way", "two_way"]))
    remote_cancel_allowed = Flag()
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> CardLoss:
        return CardLoss(**data)

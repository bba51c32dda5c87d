"""How long a work order (工单) may take, and whose name stays with us: the ``[work_order]`` block. Pure.

The defaults are ours, after what hotlines publish (domain.md, "Work orders"): an answer in 5 days, in
15 where the matter is specially complex, on a labour inspection within 60 working days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.calendars import UNITS, Unit
from gateway.rule_fields import Day, number

KINDS = ("consultation", "conduct", "suggestion", "fund_supervision", "labour_inspection")


@dataclass(frozen=True, slots=True)
class Answered:
    """Within ``amount`` units of when it was handed in; ``extended`` of them once it is extended."""

    amount: int
    unit: Unit
    extended: int


FEW = Answered(5, "day", 15)
INSPECTED = Answered(60, "working_day", 90)


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """How soon each kind is answered, and what is kept from whom.

    Of the ``confidential`` kinds the platform is not told who asks, and no text says what they are
    about. The platform is asked how one stands every ``look_minutes``, one that is over every
    ``follow_days``.
    """

    consultation: Answered = FEW
    conduct: Answered = FEW
    suggestion: Answered = FEW
    fund_supervision: Answered = INSPECTED
    labour_inspection: Answered = INSPECTED
    confidential: tuple[str, ...] = ("conduct", "fund_supervision", "labour_inspection")
    look_minutes: int = 60
    follow_days: int = 7
    source: str = ""
    source_date: date | None = None

    def answered(self, kind: str) -> Answered:
        """How soon one of this kind is answered; of one nobody knows, like a consultation."""
        found: Answered = getattr(self, kind if kind in KINDS else KINDS[0])
        return found


class _AnsweredSchema(Schema):
    amount = number(1, 366, required=True)
    unit = form.String(validate=validate.OneOf(UNITS), required=True)
    extended = number(1, 732, required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Answered:
        if data["extended"] <= data["amount"]:
            raise ValidationError("is more than amount: an extended promise is the longer one", "extended")
        return Answered(**data)


class WorkOrderSchema(Schema):
    """The block as it stands in a city's file."""

    consultation = form.Nested(_AnsweredSchema)
    conduct = form.Nested(_AnsweredSchema)
    suggestion = form.Nested(_AnsweredSchema)
    fund_supervision = form.Nested(_AnsweredSchema)
    labour_inspection = form.Nested(_AnsweredSchema)
    confidential = form.List(form.String(validate=validate.OneOf(KINDS)))
    look_minutes = number(1, 1440)
    follow_days = number(1, 90)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> WorkOrder:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return WorkOrder(**values)

"""How a city counts the legs of a pension transfer (关系转移), and what it does when one stands still. Pure.

Three legs of 15 working days each are the country's (domain.md, "Pension-relationship
transfer"); how often we look, and when a work order is opened, is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, number

ORDERS = ("stalled", "refused")


@dataclass(frozen=True, slots=True)
class RelationTransfer:
    """How long a leg may take, and how it is watched.

    A leg has ``leg_working_days``, counted from the day after it began. It is looked at every
    ``follow_hours``; from the day it is due, for ``late_days``, every ``look_hours``.
    ``orders``: what opens a work order by itself, a leg that is late or a transfer that was refused.
    """

    leg_working_days: int = 15
    follow_hours: int = 24
    look_hours: int = 1
    late_days: int = 7
    orders: tuple[str, ...] = ORDERS
    source: str = ""
    source_date: date | None = None


class RelationTransferSchema(Schema):
    """The block as it stands in a city's file."""

    leg_working_days = number(1, 90)
    follow_hours = number(1, 168)
    look_hours = number(1, 72)
    late_days = number(0, 90)
    orders = form.List(
        form.String(validate=validate.OneOf(ORDERS)), validate=validate.Length(max=len(ORDERS))
    )
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> RelationTransfer:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return RelationTransfer(**values)

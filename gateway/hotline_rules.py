"""When people answer the city's hotline, and how they call back: the ``[hotline_hours]`` block. Pure.

The national standard asks for a hotline that answers at all hours (domain.md, "The phone"); a city whose
people go home says so here, and whoever wants one outside these hours is offered a call instead. How often
and how soon it is tried is ours: nothing of the kind is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Any

from marshmallow import Schema, post_load
from marshmallow import fields as form

from gateway.rule_fields import Clock, Day, Flag, number, spans

Spans = tuple[tuple[time, time], ...]


@dataclass(frozen=True, slots=True)
class HotlineHours:
    """The spans of a day in which people are there; none: always. ``working_days``: on these alone.

    Nobody answering is tried again after ``no_answer_minutes``, a line that is busy after
    ``busy_minutes``, ``tries`` times in all.
    """

    hours: Spans = ()
    working_days: bool = False
    tries: int = 3
    no_answer_minutes: int = 15
    busy_minutes: int = 5
    source: str = ""
    source_date: date | None = None


class HotlineHoursSchema(Schema):
    """``[hotline_hours]`` of a city's file."""

    hours = form.List(form.List(Clock()))
    working_days = Flag()
    tries = number(1, 10)
    no_answer_minutes = number(1, 1440)
    busy_minutes = number(1, 1440)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> HotlineHours:
        if "hours" in data:
            data["hours"] = spans(data["hours"])
        return HotlineHours(**data)

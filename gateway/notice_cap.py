"""How many notices one person gets: so many in a day and in seven, over all channels. Pure.

The numbers are the product's own. Codes, results and reminders are neither held nor counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, post_load
from marshmallow import fields as form

from gateway.rule_fields import Day, number

WEEK = 7  # days, today among them


@dataclass(frozen=True, slots=True)
class NoticeCap:
    """At most so many notices to one person; 0: any number."""

    per_day: int = 2
    per_week: int = 6
    source: str = ""
    source_date: date | None = None

    @property
    def none(self) -> bool:
        return not (self.per_day or self.per_week)


class NoticeCapSchema(Schema):
    """``[notice_cap]`` of a city's file."""

    per_day = number(0, 1_000)
    per_week = number(0, 1_000)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> NoticeCap:
        return NoticeCap(**data)


def free_on(cap: NoticeCap, had: Iterable[date], today: date) -> date:
    """The first day from today on with room for one more, by the days of those had already."""
    latest = sorted(had, reverse=True)
    limits = ((cap.per_day, 1), (cap.per_week, WEEK))
    ends = (latest[most - 1] + timedelta(days=span) for most, span in limits if most and len(latest) >= most)
    return max([today, *ends])

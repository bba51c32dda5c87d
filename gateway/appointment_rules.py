"""How a city lets people book a place at its halls: the ``[appointment]`` block of its rules.

The defaults are ours, after what Chinese cities publish (domain.md, "Online
appointment"); a city's file replaces any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from marshmallow import Schema, ValidationError, post_load
from marshmallow import fields as form

from gateway.rule_fields import Clock, Day, number, spans, text

QUOTA_OF = {"web": "web", "api": "web", "phone": "phone"}  # which quota a face takes from
MOST_PLACES = 100  # of a slot: the numbers people are called by count in hundreds


@dataclass(frozen=True, slots=True)
class Matter:
    """What people come for; ``letter`` begins the numbers they are called by."""

    id: str
    name: str
    name_en: str
    letter: str


@dataclass(frozen=True, slots=True)
class Quotas:
    """Places of a slot by how they are given away. Nobody books the ones for walking in."""

    web: int = 12
    phone: int = 4
    walk_in: int = 4

    def of(self, face: str) -> int:
        """The places a face can give away."""
        return self.phone if QUOTA_OF[face] == "phone" else self.web


@dataclass(frozen=True, slots=True)
class Limits:
    """How many appointments one person may have ahead: by matter, by day, by week."""

    per_matter: int = 1
    per_day: int = 1
    per_week: int = 2


MATTERS = (
    Matter("card", "社保卡业务", "Social-security card", "A"),
    Matter("pension", "养老保险业务", "Pension", "B"),
    Matter("record", "参保登记和信息变更", "Registration and records", "C"),
    Matter("other", "其他业务", "Something else", "D"),
)


@dataclass(frozen=True, slots=True)
class Appointment:
    """What can be booked, when, and how often.

    Bookable are the working days from ``first_day`` to ``window_days`` after today;
    the last of them is released at ``release``. ``hours`` are the spans of a day,
    cut into slots of ``slot_minutes``. Until ``cancel_hours`` before, the citizen
    may cancel or change. ``late_minutes`` late the place is still kept, and from
    ``early_minutes`` before until then people may check themselves in; from
    ``walk_in_age`` on they need no place.
    """

    matters: tuple[Matter, ...] = MATTERS
    first_day: int = 1
    window_days: int = 7
    slot_minutes: int = 30
    hours: tuple[tuple[time, time], ...] = ((time(8, 30), time(12)), (time(14), time(17, 30)))
    capacity: int = 20
    quotas: Quotas = field(default_factory=Quotas)
    limits: Limits = field(default_factory=Limits)
    hold_minutes: int = 5
    cancel_hours: int = 2
    release: time = time(8)
    early_minutes: int = 30
    late_minutes: int = 15
    walk_in_age: int = 65
    source: str = ""
    source_date: date | None = None


# --- the form of the block --------------------------------------------------------------------


class _MatterSchema(Schema):
    id = text(r"[a-z][a-z0-9_]{0,31}", required=True)
    name = text(r"\S(.{0,18}\S)?", required=True)
    name_en = text(r"\S(.{0,33}\S)?", required=True)
    letter = text(r"[A-Z]", required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Matter:
        return Matter(**data)


class _QuotasSchema(Schema):
    web = number(0, MOST_PLACES)
    phone = number(0, MOST_PLACES)
    walk_in = number(0, MOST_PLACES)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Quotas:
        return Quotas(**data)


class _LimitsSchema(Schema):
    per_matter = number(1, 100)
    per_day = number(1, 100)
    per_week = number(1, 100)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Limits:
        return Limits(**data)


class AppointmentSchema(Schema):
    """The block as it stands in a city's file."""

    matters = form.List(form.Nested(_MatterSchema))
    first_day = number(0, 60)
    window_days = number(1, 60)
    slot_minutes = number(5, 240)
    hours = form.List(form.List(Clock()))
    capacity = number(1, MOST_PLACES)
    quotas = form.Nested(_QuotasSchema)
    limits = form.Nested(_LimitsSchema)
    hold_minutes = number(1, 60)
    cancel_hours = number(0, 72)
    release = Clock()
    early_minutes = number(0, 240)
    late_minutes = number(0, 240)
    walk_in_age = number(0, 150)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Appointment:
        if "matters" in data:
            data["matters"] = tuple(data["matters"])
        if "hours" in data:
            data["hours"] = _hours(data["hours"])
        made = Appointment(**data)
        _agree(made)
        return made


def _hours(given: list[list[time]]) -> tuple[tuple[time, time], ...]:
    try:
        return spans(given)
    except ValidationError as error:
        raise ValidationError(error.messages, "hours") from None


def _agree(rules: Appointment) -> None:
    """Numbers that contradict each other are refused."""
    quotas = rules.quotas
    if quotas.web + quotas.phone + quotas.walk_in > rules.capacity:
        raise ValidationError(f"are more than the capacity of {rules.capacity}", "quotas")
    if rules.first_day > rules.window_days:
        raise ValidationError(f"is later than the last of {rules.window_days} days", "first_day")
    for what in ("id", "letter"):
        if len({getattr(matter, what) for matter in rules.matters}) < len(rules.matters):
            raise ValidationError(f"two have the same {what}", "matters")

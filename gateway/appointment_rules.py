"""How a city lets people book a place at its halls: the ``[appointment]`` block of its rules.

The defaults are ours, after what Chinese cities publish (domain.md, "Online
appointment"); a city's file replaces any of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import combinations
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
    """How many appointments one person may have: ahead for a matter, in a day, a week, a month.

    Who waits for a place counts like who has one.
    """

    per_matter: int = 1
    per_day: int = 1
    per_week: int = 2
    per_month: int = 6


@dataclass(frozen=True, slots=True)
class NoShows:
    """Who did not come ``count`` times within ``within_days`` cannot book for ``off_days``; 0: never so."""

    count: int = 3
    within_days: int = 90
    off_days: int = 30


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A freed place is kept ``offer_minutes`` for whoever waited longest; at most ``longest`` wait for a day.

    0 for ``longest``: there is no waiting list.
    """

    offer_minutes: int = 60
    longest: int = 20


Hours = tuple[tuple[time, time], ...]
MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Timetable:
    """The hours of a part of every year, both days included; it may go over the new year."""

    begins: MonthDay
    ends: MonthDay
    hours: Hours

    def holds_on(self, day: MonthDay) -> bool:
        if self.begins <= self.ends:
            return self.begins <= day <= self.ends
        return day >= self.begins or day <= self.ends


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
    cut into slots of ``slot_minutes``; ``timetables`` are those of a part of the year
    (summer, winter) and take their place. Until ``cancel_hours`` before, the citizen
    may cancel or change. ``late_minutes`` late the place is still kept, and from
    ``early_minutes`` before until then people may check themselves in; from
    ``walk_in_age`` on they need no place.
    """

    matters: tuple[Matter, ...] = MATTERS
    first_day: int = 1
    window_days: int = 7
    slot_minutes: int = 30
    hours: Hours = ((time(8, 30), time(12)), (time(14), time(17, 30)))
    capacity: int = 20
    quotas: Quotas = field(default_factory=Quotas)
    limits: Limits = field(default_factory=Limits)
    hold_minutes: int = 5
    cancel_hours: int = 2
    release: time = time(8)
    early_minutes: int = 30
    late_minutes: int = 15
    walk_in_age: int = 65
    timetables: tuple[Timetable, ...] = ()
    no_shows: NoShows = field(default_factory=NoShows)
    waiting: WaitingList = field(default_factory=WaitingList)
    source: str = ""
    source_date: date | None = None

    def hours_on(self, day: date) -> Hours:
        """The spans of this day."""
        here = (day.month, day.day)
        return next((one.hours for one in self.timetables if one.holds_on(here)), self.hours)


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
    per_month = number(1, 100)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Limits:
        return Limits(**data)


class _NoShowsSchema(Schema):
    count = number(0, 100)
    within_days = number(1, 366)
    off_days = number(1, 366)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> NoShows:
        return NoShows(**data)


class _WaitingListSchema(Schema):
    offer_minutes = number(5, 24 * 60)
    longest = number(0, 1000)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> WaitingList:
        return WaitingList(**data)


class _DayOfYear(form.Field[MonthDay]):
    """A day of every year: "05-01"."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> MonthDay:
        try:
            if not isinstance(value, str) or not re.fullmatch("[0-9]{2}-[0-9]{2}", value):
                raise ValueError
            day = date.fromisoformat(f"2024-{value}")  # a leap year
        except ValueError:
            raise ValidationError('must be a day of the year; write "05-01"') from None
        return day.month, day.day


class _TimetableSchema(Schema):
    begins = _DayOfYear(required=True, data_key="from")
    ends = _DayOfYear(required=True, data_key="to")
    hours = form.List(form.List(Clock()), required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Timetable:
        return Timetable(data["begins"], data["ends"], _hours(data["hours"]))


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
    timetables = form.List(form.Nested(_TimetableSchema))
    no_shows = form.Nested(_NoShowsSchema)
    waiting = form.Nested(_WaitingListSchema)
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Appointment:
        for several in ("matters", "timetables"):
            if several in data:
                data[several] = tuple(data[several])
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
    _apart(rules.timetables)


def _apart(timetables: Sequence[Timetable]) -> None:
    """No day of the year has two timetables."""
    for one, other in combinations(timetables, 2):
        if one.holds_on(other.begins) or other.holds_on(one.begins):
            day = "-".join(f"{part:02d}" for part in max(one.begins, other.begins))
            raise ValidationError(f"two hold on one day: look at the one from {day}", "timetables")

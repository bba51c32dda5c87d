"""Which places a hall has, by its city's timetable and the working days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway import send_windows
from gateway.appointment_rules import MOST_PLACES
from gateway.rules.model import Hall, Rules

NEAREST, ELSEWHERE = 3, 2  # free slots named in the hall that was wanted, and halls named besides


@dataclass(frozen=True, slots=True)
class Slot:
    """A span of time at a hall; ``index`` is its place in the hall's day, from 0. Times are the city's."""

    hall: str
    starts_at: datetime
    ends_at: datetime
    index: int

    @property
    def day(self) -> date:
        return self.starts_at.date()

    @property
    def clock(self) -> str:
        """When it begins, as people say it: 09:00."""
        return f"{self.starts_at:%H:%M}"


def days(rules: Rules, now: datetime) -> Sequence[date]:
    """The working days that can be booked now, earliest first.

    The last day of the window is there from the hour of release on.
    """
    booking, local = rules.appointment, now.astimezone(rules.zone)
    last = booking.window_days - (local.time() < booking.release)
    wanted = (local.date() + timedelta(days=n) for n in range(booking.first_day, last + 1))
    return [day for day in wanted if rules.calendar.is_working_day(day)]


def of_day(rules: Rules, hall: str, day: date) -> Sequence[Slot]:
    """The slots of a hall on a day, in order; none on a day that is not worked, or in an unknown hall."""
    if not rules.calendar.is_working_day(day) or hall not in {known.id for known in rules.halls}:
        return []
    length = timedelta(minutes=rules.appointment.slot_minutes)
    starts = [
        start
        for opens, closes in rules.appointment.hours_on(day)
        for start in _starts(_at(rules, day, opens), _at(rules, day, closes), length)
    ]
    return [Slot(hall, start, start + length, index) for index, start in enumerate(starts)]


def _at(rules: Rules, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, rules.zone)


def _starts(opens: datetime, closes: datetime, length: timedelta) -> Iterable[datetime]:
    while opens + length <= closes:  # what is left over at the end of a span is no slot
        yield opens
        opens += length


def bookable(rules: Rules, hall: str, now: datetime) -> Sequence[Slot]:
    """Every slot of a hall within the window that has not begun, in order of time."""
    found = (slot for day in days(rules, now) for slot in of_day(rules, hall, day))
    return [slot for slot in found if slot.starts_at > now]


def is_bookable(rules: Rules, slot: Slot, now: datetime) -> bool:
    """Whether a slot of the timetable is within the window and has not begun."""
    return slot.starts_at > now and slot.day in days(rules, now)


def named(rules: Rules, hall: str, day: str, clock: str) -> Slot | None:
    """The slot these answers name; None where there is none such."""
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        return None
    return next((slot for slot in of_day(rules, hall, wanted) if slot.clock == clock), None)


# --- waiting for a place -----------------------------------------------------------------------

WAIT = "wait"  # the answer that waits for the whole day; wait-1 for the first span of its timetable
TEXT, REMINDER = "sms", "reminder"  # how an offer is told: in the hours of such messages


@dataclass(frozen=True, slots=True)
class Wait:
    """A day, or one span of its timetable, that somebody may wait for; ``answer`` names it."""

    answer: str
    slots: Sequence[Slot]

    @property
    def starts_at(self) -> datetime:
        return self.slots[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.slots[-1].ends_at


def waits(rules: Rules, hall: str, day: date) -> Sequence[Wait]:
    """What may be waited for at a hall on a day: the day, and its spans where there are several."""
    found = of_day(rules, hall, day)
    if not found:
        return []
    spans = [
        Wait(f"{WAIT}-{number}", inside)
        for number, (opens, closes) in enumerate(rules.appointment.hours_on(day), start=1)
        if (inside := [slot for slot in found if opens <= slot.starts_at.time() < closes])
    ]
    return [Wait(WAIT, found), *(spans if len(spans) > 1 else [])]


def waited_for(rules: Rules, hall: str, day: str, answer: str) -> Wait | None:
    """What this answer waits for; None for any other."""
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        return None
    return next((one for one in waits(rules, hall, wanted) if one.answer == answer), None)


def offer_until(rules: Rules, now: datetime) -> datetime:
    """How long a place offered now is kept: its minutes begin when the text may go out."""
    opens = send_windows.opens(rules.send_windows.of(TEXT, REMINDER), now, rules.zone)
    return (opens or now) + timedelta(minutes=rules.appointment.waiting.offer_minutes)


def offered_from(rules: Rules, now: datetime) -> datetime:
    """When the first slot begins that can still be offered: there must be time to take it, and to cancel."""
    return offer_until(rules, now) + timedelta(hours=rules.appointment.cancel_hours)


def nearest(free: Mapping[Slot, int], wanted: Slot, most: int) -> Sequence[Slot]:
    """The free slots nearest in time to the one wanted, nearest first; of two as near the earlier."""
    others = (slot for slot, left in free.items() if left > 0 and slot != wanted)
    return sorted(others, key=lambda slot: (abs(slot.starts_at - wanted.starts_at), slot.starts_at))[:most]


@dataclass(frozen=True, slots=True)
class Instead:
    """What is free in place of what was wanted: in that hall, and in others on that day."""

    wanted: Slot
    here: Sequence[Slot]
    elsewhere: Sequence[tuple[Hall, Slot]]


def instead(rules: Rules, free: Mapping[Slot, int], wanted: Slot) -> Instead:
    """The free slots to name to somebody who came too late for one.

    Other halls are named for the same day, or for the nearest one where the hall wanted has nothing.
    """
    own = nearest(_in_hall(free, wanted.hall), wanted, NEAREST)
    there = {slot: left for slot, left in free.items() if slot.day == wanted.day or not own}
    others = [hall for hall in rules.halls if hall.id != wanted.hall]
    elsewhere = [(hall, slot) for hall in others for slot in nearest(_in_hall(there, hall.id), wanted, 1)]
    return Instead(wanted, own, elsewhere[:ELSEWHERE])


def _in_hall(free: Mapping[Slot, int], hall: str) -> Mapping[Slot, int]:
    return {slot: left for slot, left in free.items() if slot.hall == hall}


def number(letter: str, slot: Slot, place: int) -> str:
    """What a citizen is called by: A103 is the matter's letter, the day's second slot, its third place.

    ``place`` counts from 1 within the slot, and no slot has more than are counted by,
    so that no two bookings of a hall's day share their digits, whatever the rules were
    when each was made.
    """
    return f"{letter}{slot.index * MOST_PLACES + place:03d}"

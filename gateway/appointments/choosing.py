"""What may be chosen for an appointment now: matters, halls, days, times, and a place on the waiting list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.appointments import closures, counting, offers, slots
from gateway.appointments.slots import Slot, Wait
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, Option, Words


def matters(_: Desk, case: Case) -> Sequence[Option]:
    return [Option(one.id, Words(one.name, one.name_en)) for one in case.rules.appointment.matters]


def halls(desk: Desk, case: Case) -> Sequence[Option]:
    """Every hall, also a full one: a citizen who knows it should see why it cannot be."""
    rules = case.rules
    wanted = [slot for hall in rules.halls for slot in slots.bookable(rules, hall.id, case.now)]
    left = free(desk, case, wanted)
    return [
        Option(hall.id, offers.a_hall(hall), offers.hall_note(hall, _sum(left, hall.id)))
        for hall in rules.halls
    ]


def _sum(left: Mapping[Slot, int], hall: str) -> int:
    return sum(places for slot, places in left.items() if slot.hall == hall)


def days(desk: Desk, case: Case) -> Sequence[Option]:
    """The days with a place left, in order; then those one can wait for."""
    hall = case.answers.get("hall", "")
    wanted = slots.bookable(case.rules, hall, case.now)
    left, closed = free(desk, case, wanted), counting.closed(desk.tx, wanted)
    places = {slot.day: 0 for slot in wanted}
    for slot, number in left.items():
        places[slot.day] += number
    full = [day for day, number in places.items() if not number]
    able = [day for day in full if _able(case, slots.waits(case.rules, hall, day), left, closed)]
    return [
        *(
            Option(f"{day}", offers.a_day(day), offers.left(number))
            for day, number in places.items()
            if number
        ),
        *(Option(f"{day}", offers.a_day(day), offers.FULL_BUT_LISTED, waits=True) for day in able),
    ]


def clocks(desk: Desk, case: Case) -> Sequence[Option]:
    """The free times of the day, in order; those nearest to an answer that is not free come first.

    Last what can be waited for: where nothing is left of the day, or of a span of its timetable.
    """
    hall, day = case.answers.get("hall", ""), case.answers.get("day", "")
    wanted = [slot for slot in slots.bookable(case.rules, hall, case.now) if slot.day.isoformat() == day]
    left = free(desk, case, wanted)
    there = [slot for slot in wanted if left[slot]]
    asked = slots.named(case.rules, hall, day, case.answers.get("slot", ""))
    if asked and asked not in there:
        first = slots.nearest(left, asked, slots.NEAREST)
        there = [*first, *(slot for slot in there if slot not in first)]
    times = [Option(slot.clock, offers.a_slot(slot), offers.left(left[slot])) for slot in there]
    return [*times, *_to_wait_for(desk, case, wanted, left)]


def _to_wait_for(
    desk: Desk, case: Case, wanted: Sequence[Slot], left: Mapping[Slot, int]
) -> Sequence[Option]:
    if not wanted:
        return []
    known = slots.waits(case.rules, wanted[0].hall, wanted[0].day)
    able = _able(case, known, left, counting.closed(desk.tx, wanted))
    minutes = case.rules.appointment.waiting.offer_minutes
    instead = None if any(left.values()) or not able else taken(desk, case, wanted[0], all_day=True)
    return [
        Option(
            one.answer,
            offers.a_wait(one),
            offers.wait_note(minutes, instead if one is able[0] else None),
            waits=True,
        )
        for one in able
    ]


def _able(case: Case, known: Sequence[Wait], left: Mapping[Slot, int], closed: set[Slot]) -> Sequence[Wait]:
    """Those where nothing is left and something may still become free.

    And the one that was chosen: whoever saw it offered may have it, though a place became free since.
    """
    booking = case.rules.appointment
    if not booking.waiting.longest or not booking.quotas.of(case.face):
        return []
    soon = slots.offered_from(case.rules, case.now)

    def open_ahead(one: Wait) -> bool:
        return any(slot.starts_at >= soon and slot in left and slot not in closed for slot in one.slots)

    full = [one for one in known if not any(left.get(slot, 0) for slot in one.slots)]
    chosen = [one for one in known if one.answer == case.answers.get("slot") and one not in full]
    return [one for one in (*full, *chosen) if open_ahead(one)]


def free(desk: Desk, case: Case, wanted: Sequence[Slot]) -> Mapping[Slot, int]:
    return counting.free(desk.tx, case.rules, wanted, case.face, case.now, case.id)


# --- what cannot be chosen any more ------------------------------------------------------------


def gone(desk: Desk, case: Case, field: str) -> Words | None:
    """That a time, or a whole day or hall, is booked up or closed by now, and what is nearest to it."""
    slot = wanted_slot(case) if field == "slot" else None
    if slot:
        return taken(desk, case, slot)
    hall = case.answers.get("hall", "")
    known = slots.bookable(case.rules, hall, case.now)
    if field == "slot" or case.answers.get("day"):
        known = [slot for slot in known if slot.day.isoformat() == case.answers.get("day")]
    if field not in ("day", "slot") or not known or any(free(desk, case, known).values()):
        return None
    return taken(desk, case, known[0], all_day=True)


def taken(desk: Desk, case: Case, wanted: Slot, *, all_day: bool = False) -> Words:
    """That this time is gone, why, and what is nearest to it."""
    rules = case.rules
    everywhere = [slot for hall in rules.halls for slot in slots.bookable(rules, hall.id, case.now)]
    found = slots.instead(rules, free(desk, case, everywhere), wanted)
    reason = closures.why(desk.tx, rules, wanted.hall, wanted.starts_at)
    return offers.taken(found, rules, all_day=all_day, closed=reason)


def glance(desk: Desk, case: Case) -> Mapping[str, Words] | None:
    """That the slot is full or closed: one query, before anything is written; a few more where it is."""
    slot, matter = wanted_slot(case), case.answers.get("matter")
    if slot is None or matter not in {known.id for known in case.rules.appointment.matters}:
        return None
    return {} if free(desk, case, [slot])[slot] else {"slot": taken(desk, case, slot)}


def wanted_slot(case: Case) -> Slot | None:
    """The slot the answers name, where it can still be booked."""
    hall, day, clock = (case.answers.get(name, "") for name in ("hall", "day", "slot"))
    slot = slots.named(case.rules, hall, day, clock)
    return slot if slot and slots.is_bookable(case.rules, slot, case.now) else None


def wanted_wait(case: Case) -> Wait | None:
    """What the answers wait for, where something may still become free."""
    hall, day, answer = (case.answers.get(name, "") for name in ("hall", "day", "slot"))
    wait = slots.waited_for(case.rules, hall, day, answer)
    if wait is None or not slots.is_bookable(case.rules, wait.slots[-1], case.now):
        return None
    return wait if wait.slots[-1].starts_at >= slots.offered_from(case.rules, case.now) else None

"""What is kept of a booking to be told: its facts, its reminder, its entry in a calendar. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from gateway.appointment_rules import Matter
from gateway.appointments import offers, words
from gateway.appointments.slots import Slot
from gateway.cities import Rules
from gateway.transactions.entry import Entry
from gateway.transactions.model import Plan, View

REMIND_FROM, REMIND_WITHIN = time(9), 3600  # on the day before, spread over an hour


def facts(rules: Rules, slot: Slot, matter: Matter, number: str) -> dict[str, str]:
    """What a transaction keeps of it."""
    hall = next(hall for hall in rules.halls if hall.id == slot.hall)
    return {
        "hall": hall.name,
        "hall_en": offers.a_hall(hall).en,
        "hall_address": hall.address,
        "hall_address_en": hall.address_en or hall.address,
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "number": number,
        "matter": matter.name,
        "matter_en": matter.name_en,
    }


def follow_up(view: View) -> Sequence[Plan]:
    """A reminder on the morning before; none where that has passed."""
    known = words.span(view)
    if view.stage != words.BOOKED or known is None:
        return []
    before = datetime.combine(known[0].date() - timedelta(days=1), REMIND_FROM, view.rules.zone)
    due_at = before + timedelta(seconds=int(view.reference) % REMIND_WITHIN)
    return [Plan("tomorrow", "sms", due_at, view.reference)] if due_at > view.updated_at else []


def calendar(view: View) -> Entry | None:
    """The appointment, while it stands."""
    known, kept = words.span(view), view.facts
    if view.stage != words.BOOKED or known is None or words.is_over(view):
        return None
    return Entry(
        title=f"{kept['hall']}预约 {kept['number']} ({kept['hall_en']}, number {kept['number']})",
        starts_at=known[0],
        ends_at=known[1],
        place=f"{kept['hall']}，{kept['hall_address']}",
        text="\n".join(str(sentence) for sentence in words.explain(view)),
        alarm=timedelta(days=1),
    )

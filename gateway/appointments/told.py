"""What is kept of a booking to be told: its facts, its reminder, its entry in a calendar. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from gateway import send_windows
from gateway.appointment_rules import Matter
from gateway.appointments import offers, words
from gateway.appointments.slots import Slot, Wait
from gateway.cities import Rules
from gateway.transactions.entry import Entry
from gateway.transactions.judging import Because, Reminding
from gateway.transactions.model import Plan, View, Words

SET_OUT = timedelta(hours=2)  # before the time of a booking somebody may be on the way
REMIND_FROM, REMIND_WITHIN = time(9), 3600  # on the day before, spread over an hour


def facts(rules: Rules, slot: Slot, matter: Matter, number: str) -> dict[str, str]:
    """What a transaction keeps of a booking."""
    return {
        **_place(rules, slot.hall, matter),
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "number": number,
    }


def waiting_facts(rules: Rules, wait: Wait, matter: Matter, since: datetime) -> dict[str, str]:
    """What it keeps of a place on the waiting list."""
    return {
        **_place(rules, wait.slots[0].hall, matter),
        "waits_from": wait.starts_at.isoformat(),
        "waits_to": wait.ends_at.isoformat(),
        "waits_since": since.isoformat(),
    }


def _place(rules: Rules, hall_id: str, matter: Matter) -> dict[str, str]:
    hall = next(hall for hall in rules.halls if hall.id == hall_id)
    return {
        "hall": hall.name,
        "hall_en": offers.a_hall(hall).en,
        "hall_address": hall.address,
        "hall_address_en": hall.address_en or hall.address,
        "matter": matter.name,
        "matter_en": matter.name_en,
    }


SOON: Mapping[str, str] = {
    words.OFFERED: "offered",
    words.LAPSED: "lapsed",
    words.NOT_REACHED: "not_reached",
    words.CLOSED: "closed",
    words.NO_SHOW: "missed",
}
"""The stages somebody else led to, and the message of each: told as soon as the hours of messages allow."""


def follow_up(view: View) -> Sequence[Plan]:
    """A reminder on the morning before, where that has not passed; what others did, at once."""
    if view.stage in SOON:
        harmless = view.stage == words.NO_SHOW and bool(view.facts.get("exempt"))
        if harmless or (view.stage == words.CLOSED and is_pressing(view)):
            return []  # nothing to say, or told without regard to the hour
        moment = f"{view.reference}-{view.updated_at:%d%H%M%S}"  # a second offer is another occasion
        return [Plan(SOON[view.stage], "sms", view.updated_at, moment)]
    known = words.span(view)
    if view.stage != words.BOOKED or known is None:
        return []
    before = datetime.combine(known[0].date() - timedelta(days=1), REMIND_FROM, view.rules.zone)
    due_at = before + timedelta(seconds=int(view.reference) % REMIND_WITHIN)
    return [Plan("tomorrow", "sms", due_at, view.reference)] if due_at > view.updated_at else []


def is_pressing(view: View) -> bool:
    """Whether somebody would set out before the hours of messages begin."""
    known = words.span(view)
    opens = send_windows.opens(view.rules.send_windows.of("sms", "reminder"), view.now, view.rules.zone)
    return known is not None and (opens or view.now) > known[0] - SET_OUT


def holds_for(view: View, event: str) -> tuple[bool, datetime | None]:
    """Whether a reminder of this event still says what is true, and until when it will."""
    known = words.span(view)
    if event in SOON.values():
        until = words.offer_ends(view) if view.stage == words.OFFERED else None
        return SOON.get(view.stage) == event and (until is None or view.now < until), until
    standing = view.stage == words.BOOKED and known is not None and known[0] > view.now
    return standing, known[0] if known else None


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


def because(plan: Plan, rules: Rules) -> Because:
    if plan.event in SOON.values():
        said = Words(
            "大厅那边有了变化，到可以发短信的时间就告知",
            "something changed at the hall: told as soon as messages may go",
        )
        return Because(said, "send_windows.sms")
    return Because(Words("预约前一天上午9点起", "from 9:00 on the day before the visit"))


REMINDING = Reminding(
    because=because,
    checks=Words("发出前再看预约是否还在", "looked at just before: does the booking still stand?"),
    drops={"not_booked": Words("预约已取消、改期或已经过去", "cancelled, changed or past by then")},
)

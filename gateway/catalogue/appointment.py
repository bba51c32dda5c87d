"""Appointment at a service hall (在线预约): matter, hall, day and time are chosen, held, booked.

Places, timetable and limits are the city's (domain.md, "Online appointment"). The
book is our own, so a booking is done in the commit that confirms it. Who comes too
late for a place hears at once which are the nearest free ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gateway.appointment_rules import Matter
from gateway.appointments import book, bookings, offers, slots, told, words
from gateway.appointments.book import Refusal, Wish
from gateway.appointments.bookings import Standing
from gateway.appointments.slots import Slot
from gateway.appointments.words import BOOKED, CANCELLED, CHANGED, REASONS
from gateway.back_offices import Done, Refused, StepOutcome
from gateway.notifications import withdrawing
from gateway.notifications.request import Class
from gateway.transactions import reminders, store
from gateway.transactions.desk import Desk
from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import (
    CHOSEN,
    Action,
    Case,
    Changed,
    Drop,
    Judgement,
    Option,
    Reminded,
    Tell,
    TransactionType,
    Words,
)
from gateway.transactions.store import Transaction

__all__ = ["REASONS", "TYPE"]


class Form(Who):
    """What is booked; each answer narrows the next."""

    matter = Chosen(
        **described(
            Words("事项", "Matter"),
            Words("您要办什么事？", "What do you want to do?"),
            Words("选一项。一件事约一次。", "Choose one. One booking for one matter."),
            CHOSEN,
        )
    )
    hall = Chosen(
        **described(
            Words("大厅", "Hall"),
            Words("您想去哪个大厅？", "Which hall do you want to go to?"),
            Words("选离您近的。", "Choose the one near you."),
            CHOSEN,
        )
    )
    day = Chosen(
        **described(
            Words("日期", "Day"),
            Words("您想哪一天去？", "Which day?"),
            Words("只列出还有空位的工作日。", "Only working days with places left are shown."),
            CHOSEN,
        )
    )
    slot = Chosen(
        **described(
            Words("时间", "Time"),
            Words("您想几点去？", "What time?"),
            Words("只列出还有空位的时间。", "Only times with places left are shown."),
            CHOSEN,
        )
    )


# --- what may be chosen ------------------------------------------------------------------------


def _matters(_: Desk, case: Case) -> Sequence[Option]:
    return [Option(one.id, Words(one.name, one.name_en)) for one in case.rules.appointment.matters]


def _halls(desk: Desk, case: Case) -> Sequence[Option]:
    """Every hall, also a full one: a citizen who knows it should see why it cannot be."""
    rules = case.rules
    wanted = [slot for hall in rules.halls for slot in slots.bookable(rules, hall.id, case.now)]
    left = _free(desk, case, wanted)
    return [
        Option(hall.id, offers.a_hall(hall), offers.hall_note(hall, _sum(left, hall.id)))
        for hall in rules.halls
    ]


def _sum(left: Mapping[Slot, int], hall: str) -> int:
    return sum(places for slot, places in left.items() if slot.hall == hall)


def _days(desk: Desk, case: Case) -> Sequence[Option]:
    left = _free(desk, case, slots.bookable(case.rules, case.answers.get("hall", ""), case.now))
    days = {slot.day: 0 for slot in left}
    for slot, places in left.items():
        days[slot.day] += places
    return [
        Option(day.isoformat(), offers.a_day(day), offers.left(places))
        for day, places in days.items()
        if places
    ]


def _clocks(desk: Desk, case: Case) -> Sequence[Option]:
    """The free times of the day, in order; those nearest to an answer that is not free come first."""
    hall, day = case.answers.get("hall", ""), case.answers.get("day", "")
    wanted = [slot for slot in slots.bookable(case.rules, hall, case.now) if slot.day.isoformat() == day]
    left = _free(desk, case, wanted)
    free = [slot for slot in wanted if left[slot]]
    asked = slots.named(case.rules, hall, day, case.answers.get("slot", ""))
    if asked and asked not in free:
        first = slots.nearest(left, asked, slots.NEAREST)
        free = [*first, *(slot for slot in free if slot not in first)]
    return [Option(slot.clock, offers.a_slot(slot), offers.left(left[slot])) for slot in free]


def _free(desk: Desk, case: Case, wanted: Sequence[Slot]) -> Mapping[Slot, int]:
    return book.free(desk.tx, case.rules, wanted, case.face, case.now, case.id)


def gone(desk: Desk, case: Case, field: str) -> Words | None:
    """That a time, or a whole day or hall, is booked up by now, and what is nearest to it."""
    slot = _slot(case) if field == "slot" else None
    if slot:
        return _taken(desk, case, slot)
    hall = case.answers.get("hall", "")
    known = slots.bookable(case.rules, hall, case.now)
    if field == "slot":
        known = [slot for slot in known if slot.day.isoformat() == case.answers.get("day")]
    if field not in ("day", "slot") or not known or any(_free(desk, case, known).values()):
        return None
    return _taken(desk, case, known[0], all_day=True)


def _taken(desk: Desk, case: Case, wanted: Slot, *, all_day: bool = False) -> Words:
    everywhere = [slot for hall in case.rules.halls for slot in slots.bookable(case.rules, hall.id, case.now)]
    found = slots.instead(case.rules, _free(desk, case, everywhere), wanted)
    return offers.taken(found, case.rules, all_day=all_day)


# --- the work ------------------------------------------------------------------------------


def _slot(case: Case) -> Slot | None:
    """The slot the answers name, where it can still be booked."""
    hall, day, clock = (case.answers.get(name, "") for name in ("hall", "day", "slot"))
    slot = slots.named(case.rules, hall, day, clock)
    return slot if slot in slots.bookable(case.rules, hall, case.now) else None


def _matter(case: Case) -> Matter | None:
    return next((one for one in case.rules.appointment.matters if one.id == case.answers["matter"]), None)


def _subject(desk: Desk, case: Case) -> bytes:
    return desk.runtime.vault.index("id_number", case.answers["id_number"])


def _wish(desk: Desk, case: Case) -> Wish | None:
    slot, matter = _slot(case), _matter(case)
    if slot is None or matter is None:
        return None
    return Wish(case.id, _subject(desk, case), slot, case.face, matter, case.citizen_id, case.replaces)


def hold(desk: Desk, case: Case) -> Mapping[str, Words]:
    """Keep the place while the citizen proves who they are; else which answer to give anew, and why."""
    wish, old = _wish(desk, case), _replaced(desk, case)
    if wish is None:
        return {"day": REASONS["not_offered"]}
    too_late = old and words.not_any_more(old.view(case.now), case.now)
    if too_late:
        return {"day": words.cannot_change(too_late)}
    refusal = book.hold(desk.tx, case.rules, wish, case.now)
    match refusal:
        case None:
            return {}
        case Refusal.TAKEN:
            return {"slot": _taken(desk, case, wish.slot)}
        case Refusal.PER_MATTER:
            return {"matter": offers.limited(refusal, case.rules)}
        case _:
            return {"day": offers.limited(refusal, case.rules)}


def held_until(desk: Desk, case: Case) -> datetime | None:
    found = bookings.of(desk.tx, case.id)
    lasting = found and found.state == Standing.HELD and found.held_until > case.now
    return found.held_until if found and lasting else None


def perform(desk: Desk, case: Case) -> StepOutcome:
    """Book the place, then give back the one it replaces, where that can still be given back."""
    old = _replaced(desk, case, hold=True)  # before any place is taken: the order of locks
    too_late = old and words.not_any_more(old.view(case.now), case.now)
    if too_late:
        return Refused("too_late_to_change", facts={"instead": too_late.zh, "instead_en": too_late.en})
    wish = _wish(desk, case)
    if wish is None:
        return Refused("not_offered")
    booked = book.book(desk.tx, case.rules, wish, case.now)
    if booked is Refusal.TAKEN:
        instead = _taken(desk, case, wish.slot)
        return Refused(Refusal.TAKEN, facts={"instead": instead.zh, "instead_en": instead.en})
    if isinstance(booked, Refusal):
        return Refused(booked)
    if old:
        _give_back(desk, case, old)
    return Done(told.facts(case.rules, wish.slot, wish.matter, booked.number), stage=BOOKED)


def _replaced(desk: Desk, case: Case, *, hold: bool = False) -> Transaction | None:
    """The transaction this one takes the place of; somebody else's is left alone."""
    old = store.load(desk.tx, desk.runtime, case.replaces, hold=hold) if case.replaces else None
    return old if old and old.row.subject == _subject(desk, case) else None


def _give_back(desk: Desk, case: Case, old: Transaction) -> None:
    """The appointment this one replaces is over, and nothing more is said of it."""
    book.cancel(desk.tx, old.id, _subject(desk, case))
    sealed = store.sealed(desk.runtime, old.id, "facts", {**old.facts, "changed_to": case.reference})
    store.change(desk.tx, desk.runtime, old.id, stage=CHANGED, facts=sealed)
    store.note(desk.tx, desk.runtime, old.id, CHANGED, case.reference)
    _remind_no_more(desk, old.id, CHANGED)


def _remind_no_more(desk: Desk, key: UUID, reason: str) -> None:
    """Neither by a reminder that is planned, nor by one that was taken and has not gone out."""
    reminders.drop(desk.tx, key, reason)
    withdrawing.cancel_waiting(desk.tx, desk.runtime, key, Class.REMINDER, reason)


# --- afterwards ----------------------------------------------------------------------------


def _cancel(desk: Desk, case: Case) -> Changed:
    """Give the place back; nothing is reminded of."""
    book.cancel(desk.tx, case.id, _subject(desk, case))
    _remind_no_more(desk, case.id, CANCELLED)
    return Changed(CANCELLED, store.load(desk.tx, desk.runtime, case.id).facts, CANCELLED)


def remind(desk: Desk, reminded: Reminded) -> Judgement:
    """Whether it still stands, looked at just before the reminder goes out."""
    if reminded.transaction is None:
        return Drop("no_transaction")
    view = store.load(desk.tx, desk.runtime, reminded.transaction, hold=True).view(reminded.now)
    known = words.span(view)
    if view.stage != BOOKED or known is None or known[0] <= reminded.now:
        return Drop("not_booked")
    return Tell(words.personalise(view), until=known[0])


TYPE = TransactionType(
    name="appointment",
    title=Words("预约去大厅", "Book a visit to a hall"),
    summary=Words("选好时间再去，不用排长队。", "Choose a time and skip the queue."),
    effect=words.effect,
    form=Form,
    perform=perform,
    personalise=words.personalise,
    explain=words.explain,
    choices={"matter": _matters, "hall": _halls, "day": _days, "slot": _clocks},
    gone=gone,
    hold=hold,
    held_until=held_until,
    replaced=words.replaced,
    actions={
        "change": Action(Words("改时间", "Change the time"), words.not_any_more, asks_again=("day", "slot")),
        "cancel": Action(
            Words("取消预约", "Cancel it"),
            words.not_any_more,
            act=_cancel,
            done=lambda view: view.stage == CANCELLED,
        ),
    },
    events=("cancelled", "tomorrow"),
    headline=words.headline,
    tone=words.tone,
    follow_up=told.follow_up,
    remind=remind,
    calendar=told.calendar,
)

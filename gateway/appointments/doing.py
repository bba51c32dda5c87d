"""An appointment held, booked, waited for, taken from an offer, given back: the work behind its type.

The order of locks: transactions, the newer before the one it replaces; the person; the slot; bookings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.appointment_rules import Matter
from gateway.appointments import book, bookings, choosing, limits, offers, refusals, told, waiting, words
from gateway.appointments.bookings import Standing
from gateway.appointments.limits import Refusal, Wish
from gateway.appointments.slots import Slot, Wait
from gateway.back_offices import Done, Refused, StepOutcome
from gateway.notifications import withdrawing
from gateway.notifications.request import Class
from gateway.transactions import outcome, reminders, store
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, Changed, State, View, Words
from gateway.transactions.store import Transaction


def _matter(case: Case) -> Matter | None:
    return next((one for one in case.rules.appointment.matters if one.id == case.answers["matter"]), None)


def subject(desk: Desk, case: Case) -> bytes:
    return desk.runtime.vault.index("id_number", case.answers["id_number"])


def _wish(desk: Desk, case: Case, slot: Slot | None) -> Wish | None:
    matter = _matter(case)
    if slot is None or matter is None:
        return None
    return Wish(case.id, subject(desk, case), slot, case.face, matter, case.citizen_id, case.replaces)


# --- before it is confirmed ----------------------------------------------------------------------


def hold(desk: Desk, case: Case) -> Mapping[str, Words]:
    """Keep the place while the citizen proves who they are; else which answer to give anew, and why."""
    wait = choosing.wanted_wait(case)
    wish = _wish(desk, case, wait.slots[0] if wait else choosing.wanted_slot(case))
    old = _replaced(desk, case)
    if wish is None:
        return {"day": offers.not_offered(case.rules)}
    kept = old and refusals.stays(old.view(case.now), case.now)
    if kept:
        return {"day": refusals.cannot_change(kept)}
    refusal = (
        waiting.may_join(desk.tx, case.rules, wish, wait, case.now)
        if wait
        else book.hold(desk.tx, case.rules, wish, case.now)
    )
    return {_FIELD.get(refusal, "day"): _why(desk, case, wish, refusal)} if refusal else {}


TOO_LATE = "too_late_to_change"
_FIELD: Mapping[str, str] = {
    Refusal.TAKEN: "slot",
    Refusal.CLOSED: "slot",
    Refusal.PER_MATTER: "matter",
    Refusal.OFF: "matter",
}
"""The answer to give anew."""


def _why(desk: Desk, case: Case, wish: Wish, refusal: Refusal) -> Words:
    match refusal:
        case Refusal.TAKEN | Refusal.CLOSED:
            return choosing.taken(desk, case, wish.slot)
        case Refusal.OFF:
            until = limits.off_until(desk.tx, case.rules, wish.subject, wish.citizen_id, case.now)
            return offers.off(case.rules, until or case.now)
        case _:
            return offers.limited(refusal, case.rules)


def held_until(desk: Desk, case: Case) -> datetime | None:
    """Until when the place is kept; now where that has run out; None for who only waits for one."""
    if choosing.wanted_wait(case):
        return None
    found = bookings.of(desk.tx, case.id)
    lasting = found and found.state == Standing.HELD and found.held_until > case.now
    return found.held_until if found and lasting else case.now


# --- confirmed -----------------------------------------------------------------------------------


def perform(desk: Desk, case: Case) -> StepOutcome:
    """Book the place or wait for one, then give back what it replaces, where that can still be given back.

    Who waits instead of what they have keeps that until they take what they are offered.
    """
    old = _replaced(desk, case, hold=True)  # before any place is taken: the order of locks
    kept = old and refusals.stays(old.view(case.now), case.now)
    if kept:
        return Refused(TOO_LATE, facts={"instead": kept.zh, "instead_en": kept.en})
    wait = choosing.wanted_wait(case)
    wish = _wish(desk, case, wait.slots[0] if wait else choosing.wanted_slot(case))
    if wish is None:
        return Refused("not_offered")
    done = _join(desk, case, wish, wait) if wait else _book(desk, case, wish)
    if old and isinstance(done, Done) and (not wait or old.row.stage != words.BOOKED):
        _give_back(desk, case, old)
    return done


def lost(view: View) -> Mapping[str, Words]:
    """Which answer to give anew, and why, of one that was refused."""
    if view.state is not State.REJECTED:
        return {}
    if "instead" not in view.facts:
        return {"day": offers.not_offered(view.rules)}
    why = Words(view.facts["instead"], view.facts["instead_en"])
    if view.reason == TOO_LATE:
        return {"day": refusals.cannot_change(why)}
    return {_FIELD.get(view.reason or "", "day"): why}


def _book(desk: Desk, case: Case, wish: Wish) -> StepOutcome:
    booked = book.book(desk.tx, case.rules, wish, case.now)
    if isinstance(booked, Refusal):
        return _refused(desk, case, wish, booked)
    return Done(told.facts(case.rules, wish.slot, wish.matter, booked), stage=words.BOOKED)


def _join(desk: Desk, case: Case, wish: Wish, wait: Wait) -> StepOutcome:
    refusal = waiting.join(desk.tx, case.rules, wish, wait, case.now)
    if refusal:
        return _refused(desk, case, wish, refusal)
    return Done(told.waiting_facts(case.rules, wait, wish.matter, case.now), stage=words.WAITING)


def _refused(desk: Desk, case: Case, wish: Wish, refusal: Refusal) -> Refused:
    why = _why(desk, case, wish, refusal)
    return Refused(refusal, facts={"instead": why.zh, "instead_en": why.en})


def _replaced(desk: Desk, case: Case, *, hold: bool = False) -> Transaction | None:
    """The transaction this one takes the place of; somebody else's is left alone."""
    old = store.load(desk.tx, desk.runtime, case.replaces, hold=hold) if case.replaces else None
    return old if old and old.row.subject == subject(desk, case) else None


def _give_back(desk: Desk, case: Case, old: Transaction) -> None:
    """The appointment this one replaces is over, and nothing more is said of it."""
    book.cancel(desk.tx, old.id, subject(desk, case))
    changed = Changed(words.CHANGED, {**old.facts, "changed_to": case.reference})
    outcome.move(desk.tx, desk.runtime, old, changed, words.CHANGED)
    remind_no_more(desk, old, words.CHANGED)


def remind_no_more(desk: Desk, transaction: Transaction, reason: str) -> None:
    """Neither by a reminder that is planned, nor by one that was taken and has not gone out."""
    reminders.drop(desk.tx, desk.runtime, transaction.id, reason)
    withdrawing.cancel_waiting(desk.tx, desk.runtime, transaction.id, Class.REMINDER, reason)


# --- afterwards ----------------------------------------------------------------------------------


def cancel(desk: Desk, case: Case) -> Changed:
    """Give the place back, or leave the waiting list; nothing is reminded of."""
    mine = store.load(desk.tx, desk.runtime, case.id)
    book.cancel(desk.tx, case.id, subject(desk, case))
    remind_no_more(desk, mine, words.CANCELLED)
    event = words.CANCELLED if mine.row.stage == words.BOOKED else words.LEFT
    return Changed(words.CANCELLED, mine.facts, event)


def accept(desk: Desk, case: Case) -> Changed | Words:
    """Take the place that is offered, and give back what it was to replace."""
    mine, old = store.load(desk.tx, desk.runtime, case.id), _replaced(desk, case, hold=True)
    matter = _matter(case)
    booked = matter and waiting.accept(desk.tx, case.rules, case.id, matter.letter, case.now)
    if not matter or not booked:
        return refusals.offer_over(case.rules)
    if old and not refusals.stays(old.view(case.now), case.now):
        _give_back(desk, case, old)
    remind_no_more(desk, mine, words.BOOKED)
    slot, number = booked
    facts = told.facts(case.rules, slot, matter, number)
    return Changed(words.BOOKED, {**mine.facts, **facts}, "succeeded")

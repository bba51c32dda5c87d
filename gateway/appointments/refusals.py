"""What can no longer be done with an appointment, why, and what works all the same. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.appointments.words import BOOKED, CLOSED, GIVEN_BACK, OFFERED, OVER, WAITING, offer_ends, span
from gateway.rules.model import Rules
from gateway.transactions.model import View, Words


def too_late(rules: Rules) -> Words:
    hours = rules.appointment.cancel_hours
    return Words(
        f"离预约不到{hours}小时，不能在这里取消或改时间了。来不了请拨打{rules.hotline}按0转人工，也可以晚些直接到大厅现场取号。",
        f"It is less than {hours} hours away and cannot be cancelled or changed here. If you cannot come, "
        f"call {rules.hotline} and press 0 for a person, or come later and take a ticket at the hall.",
    )


def cannot_change(why: Words) -> Words:
    """That the earlier appointment stays as it is, so that nothing can take its place."""
    return Words(f"原来的预约不能改了。{why.zh}", f"The earlier one cannot be changed any more. {why.en}")


def offer_over(rules: Rules) -> Words:
    return Words(
        f"留空位的时间已经过了，这次没有约上。请重新预约或候补，也可以直接到大厅现场取号，或拨打{rules.hotline}按0转人工。",
        "The place was kept until then and is gone; nothing was booked. Book or join the list again, come "
        f"and take a ticket at the hall, or call {rules.hotline} and press 0.",
    )


def stays(view: View, now: datetime) -> Words | None:
    """Why an appointment cannot be replaced by another; None where it can."""
    return None if view.stage in (WAITING, OFFERED, CLOSED) else not_any_more(view, now)


def not_cancelled(view: View, now: datetime) -> Words | None:
    """Why there is nothing to be given back here."""
    return None if view.stage in (WAITING, OFFERED) else not_any_more(view, now)


def not_accepted(view: View, now: datetime) -> Words | None:
    """Why there is nothing to be taken."""
    if view.stage != OFFERED:
        return Words(
            f"现在没有给您留的空位。{GIVEN_BACK.zh}", f"No place is kept for you now. {GIVEN_BACK.en}"
        )
    return offer_over(view.rules) if now >= offer_ends(view) else None


def not_changed(view: View, now: datetime) -> Words | None:
    """Why the time cannot be changed; where the hall is closed, ``elsewhere`` takes its place."""
    return GIVEN_BACK if view.stage == CLOSED else stays(view, now)


def not_elsewhere(view: View, _now: datetime) -> Words | None:
    return None if view.stage == CLOSED else GIVEN_BACK


def not_any_more(view: View, now: datetime) -> Words | None:
    """Why an appointment can no longer be cancelled or changed here."""
    known = span(view)
    if view.stage != BOOKED or known is None:
        return GIVEN_BACK
    if known[0] <= now:
        return OVER
    soon = known[0] - now < timedelta(hours=view.rules.appointment.cancel_hours)
    return too_late(view.rules) if soon else None

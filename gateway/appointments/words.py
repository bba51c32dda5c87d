"""What is said of an appointment: what it is, what confirming does, how it stands, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.cities import Rules
from gateway.transactions.model import State, View, Words

BOOKED, CANCELLED, CHANGED = "booked", "cancelled", "changed"  # stages; the others are named as standings are
WAITING, OFFERED, LAPSED, NOT_REACHED = "waiting", "offered", "offer_lapsed", "not_reached"
CHECKED_IN, SERVED, NO_SHOW, EXCUSED = "checked_in", "served", "no_show", "excused"
CLOSED = "cancelled_by_hall"
LISTED, LEFT = "listed", "left"  # messages that are named after no stage
LONGEST_VALUE = 35  # characters of one variable of a text message

REASONS: Mapping[str, Words] = {
    "slot_taken": Words("这个时间已经约满", "that time is fully booked"),
    "one_per_matter": Words("这件事您已经约过", "this matter is booked already"),
    "one_per_day": Words("这一天您已有预约", "you have a booking on that day"),
    "too_many_per_week": Words("这一周您的预约已到上限", "you have enough bookings that week"),
    "too_many_per_month": Words("这个月您的预约已到上限", "you have enough bookings that month"),
    "hall_closed": Words("那时大厅不办公", "the hall is closed then"),
    "did_not_come": Words("几次预约没有来", "you did not come several times"),
    "waiting_list_full": Words("候补的人已经满了", "the waiting list is full"),
    "not_offered": Words("这个时间不能预约", "this time cannot be booked"),
    "too_late_to_change": Words("原来的预约不能改了", "the earlier one cannot be changed"),
    "other": Words("预约没有记上", "the booking was not taken"),
}


# --- the values of messages ----------------------------------------------------------------------


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    facts, at = view.facts, when(view)
    reason = REASONS.get(view.reason or "", REASONS["other"])
    until = moment(offer_ends(view), view.now.astimezone(view.rules.zone))
    values = {
        "when": at.zh,
        "when_en": at.en,
        "hall": facts.get("hall", ""),
        "hall_en": facts.get("hall_en", ""),
        "number": facts.get("number", ""),
        "hours": str(view.rules.appointment.cancel_hours),
        "minutes": str(view.rules.appointment.waiting.offer_minutes),
        "until": until.zh,
        "until_en": until.en,
        "closed": facts.get("closed") or "临时有事",
        "reference": view.reference,
        "reason": reason.zh,
        "reason_en": reason.en,
    }
    return {name: value[:LONGEST_VALUE] for name, value in values.items()}


def span(view: View) -> tuple[datetime, datetime] | None:
    """From when to when it is, in the city's time; None where nothing was booked."""
    return _span(view, "starts_at", "ends_at")


def _span(view: View, *names: str) -> tuple[datetime, datetime] | None:
    if names[0] not in view.facts:
        return None
    begins, ends = (datetime.fromisoformat(view.facts[name]) for name in names)
    return begins.astimezone(view.rules.zone), ends.astimezone(view.rules.zone)


def when(view: View) -> Words:
    """11月25日09:00-09:30; where a place is waited for, from when to when that is."""
    known = span(view) or _span(view, "waits_from", "waits_to")
    if known is None:
        return Words("", "")
    clock, day = f"{known[0]:%H:%M}-{known[1]:%H:%M}", known[0]
    return Words(f"{day.month}月{day.day}日{clock}", f"{clock} on {day.day} {day:%B}")


def hall(view: View) -> Words:
    return Words(view.facts.get("hall", ""), view.facts.get("hall_en", ""))


def offer_ends(view: View) -> datetime:
    """Until when what is offered is kept, in the city's time."""
    until = view.facts.get("offer_until")
    return (datetime.fromisoformat(until) if until else view.updated_at).astimezone(view.rules.zone)


def moment(at: datetime, now: datetime) -> Words:
    """A time of today, or of another day with its date."""
    clock = f"{at:%H:%M}"
    if at.date() == now.date():
        return Words(f"今天{clock}", f"{clock} today")
    return Words(f"{at.month}月{at.day}日{clock}", f"{clock} on {at.day} {at:%B}")


# --- what is true now --------------------------------------------------------------------------


def is_over(view: View) -> bool:
    """Whether its time has passed."""
    known = span(view)
    return known is not None and known[1] <= view.now


def replaced(old: View) -> Words:
    """What confirming a change does to the appointment there was."""
    at = when(old)
    if old.stage == CLOSED:
        return Words(f"这次代替大厅取消的{at.zh}的预约。", f"This is in place of the one for {at.en}.")
    return Words(
        f"约上以后，原来{at.zh}的预约就取消了。", f"Once this is booked, the one for {at.en} is cancelled."
    )


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    return [
        Words(
            "这个时间就给您留好了，会发短信告诉您预约号。", "The place is yours; a text tells your number."
        ),
        _bring(rules),
        _undo(rules),
        walk_in(rules),
    ]


def wait_effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do where a place is waited for."""
    minutes = rules.appointment.waiting.offer_minutes
    return [
        Words(
            f"您就排进候补了，还没有约上。有人退号按先后发短信，空位给您留{minutes}分钟，确认了才算约上。",
            "You join the waiting list; nothing is booked yet. When a place is given back the next in line "
            f"gets a text; it is kept for {minutes} minutes, and is yours once you take it.",
        ),
        walk_in(rules),
    ]


def _bring(rules: Rules) -> Words:
    late = rules.appointment.late_minutes
    return Words(
        f"到时带身份证到大厅取号。迟到{late}分钟以内都留着。",
        f"Bring your ID card and take a ticket at the hall. The place is kept for {late} minutes.",
    )


def _undo(rules: Rules) -> Words:
    hours = rules.appointment.cancel_hours
    return Words(
        f"来不了：请提前{hours}小时用编号取消或改时间，在网上办，或拨打{rules.hotline}。",
        f"If you cannot come: cancel or change it with your number {hours} hours before, on the web, "
        f"or call {rules.hotline}.",
    )


def walk_in(rules: Rules) -> Words:
    age = rules.appointment.walk_in_age
    return Words(
        f"{age}岁以上的老人和残疾人不用预约，办公时间内直接去就行。",
        f"From {age} on, or with a disability, you need no booking: just come in office hours.",
    )


OVER = Words("预约的时间已经过了。要再来，请重新预约。", "Its time has passed. To come again, book anew.")
GIVEN_BACK = Words("要再来，请重新预约。", "To come again, book anew.")


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return _explain_done(view)
        case State.REJECTED:
            return _explain_refused(view)
        case State.FAILED:
            return [Words("没有约上。", "Nothing was booked."), _person(view.rules)]
        case State.CANCELLED:
            return [
                Words("这次没有提交，没有预约。", "This was never confirmed; nothing is booked."),
                GIVEN_BACK,
            ]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return [
                Words("已收到，正在预约，通常几秒钟。", "Received; it is being booked, usually in seconds.")
            ]
        case _:
            return [
                Words(
                    "还没有确认，没有预约。请填验证码，再确认。",
                    "Not confirmed yet; nothing is booked. Enter the code, then confirm.",
                )
            ]


def _person(rules: Rules) -> Words:
    return Words(
        f"请拨打{rules.hotline}转人工，或直接到大厅。",
        f"Call {rules.hotline} and press 0 for a person, or come to the hall.",
    )


def only_waited(view: View) -> bool:
    """Whether there never was a place, only the wait for one."""
    return "waits_from" in view.facts and "number" not in view.facts


def _explain_done(view: View) -> list[Words]:
    facts, at = view.facts, when(view)
    if view.stage == CANCELLED and only_waited(view):
        return [
            Words(
                f"{at.zh}的候补已取消，没有预约。",
                f"You left the waiting list for {at.en}; nothing is booked.",
            ),
            GIVEN_BACK,
        ]
    if view.stage == CANCELLED:
        return [
            Words(f"{at.zh}的预约已取消，不用去了。", f"The booking for {at.en} is cancelled; do not go."),
            GIVEN_BACK,
        ]
    if view.stage == CHANGED:
        new = facts.get("changed_to", "")
        return [
            Words(
                f"{at.zh}的预约已取消，改到了别的时间。", f"The booking for {at.en} was given up for another."
            ),
            Words(f"新的预约请用编号{new}查。", f"The new booking has the number {new}."),
        ]
    where = Words(facts.get("hall_address", ""), facts.get("hall_address_en", ""))
    it = _booked(view)
    if is_over(view):
        return [it, OVER, walk_in(view.rules)]
    return [
        it,
        Words(f"地址：{where.zh}。", f"Address: {where.en}."),
        _bring(view.rules),
        _undo(view.rules),
        walk_in(view.rules),
    ]


def _booked(view: View) -> Words:
    facts, at = view.facts, when(view)
    return Words(
        f"{at.zh}，{facts.get('hall', '')}，预约号{facts.get('number', '')}，{facts.get('matter', '')}。",
        f"{at.en}, {facts.get('hall_en', '')}, number {facts.get('number', '')}, "
        f"{facts.get('matter_en', '')}.",
    )


def _explain_refused(view: View) -> list[Words]:
    reason = REASONS.get(view.reason or "", REASONS["other"])
    said = [Words(f"没有约上：{reason.zh}。", f"Nothing was booked: {reason.en}.")]
    if "instead" in view.facts:
        said.append(Words(view.facts["instead"], view.facts["instead_en"]))
    if view.reason == "did_not_come":  # another time does not help
        return [*said, walk_in(view.rules)]
    again = Words(
        f"请另选时间重新预约，也可以直接到大厅现场取号，或拨打{view.rules.hotline}转人工。",
        "Book again with another time, come and take a ticket at the hall, or call "
        f"{view.rules.hotline} and press 0 for a person.",
    )
    return [*said, again, walk_in(view.rules)]

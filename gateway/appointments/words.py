"""What is said of an appointment: when and where it is, what is free instead, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from gateway.appointments.slots import Instead, Slot
from gateway.cities import Hall, Rules
from gateway.transactions.model import State, View, Words

BOOKED, CANCELLED, CHANGED = "booked", "cancelled", "changed"  # stages
LONGEST_VALUE = 35  # characters of one variable of a text message

REASONS: Mapping[str, Words] = {
    "slot_taken": Words("这个时间已经约满", "that time is fully booked"),
    "one_per_matter": Words("这件事您已经约过", "this matter is booked already"),
    "one_per_day": Words("这一天您已有预约", "you have a booking on that day"),
    "too_many_per_week": Words("这一周您的预约已到上限", "you have enough bookings that week"),
    "not_offered": Words("这个时间不能预约", "this time cannot be booked"),
    "other": Words("预约没有记上", "the booking was not taken"),
}
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


# --- times and places --------------------------------------------------------------------------


def a_day(day: date) -> Words:
    return Words(f"{day.month}月{day.day}日{WEEKDAYS[day.weekday()]}", f"{day:%A} {day.day} {day:%B}")


def a_slot(slot: Slot) -> Words:
    span = f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}"
    return Words(span, span)


def left(places: int) -> Words:
    """How many places are left."""
    if not places:
        return Words("约满了", "fully booked")
    return Words(f"还有{places}个", f"{places} left")


def a_hall(hall: Hall) -> Words:
    return Words(hall.name, hall.name_en or hall.name)


def hall_note(hall: Hall, places: int) -> Words:
    address_en = hall.address_en or hall.address
    return Words(f"{hall.address}，{left(places).zh}", f"{address_en}; {left(places).en}")


def taken(found: Instead, rules: Rules, *, all_day: bool = False) -> Words:
    """That a time is gone, or a whole day, and what is nearest to it."""
    gone = Words(f"{found.wanted.clock}已经约满。", f"{found.wanted.clock} is fully booked. ")
    if all_day:
        gone = Words("已经约满。", "Fully booked. ")
    free = _named(found)
    if not free.zh:
        return Words(gone.zh + _none_left(rules).zh, gone.en + _none_left(rules).en)
    return Words(f"{gone.zh}最近的空位：{free.zh}。", f"{gone.en}Nearest free: {free.en}.")


def _named(found: Instead) -> Words:
    """09:30、10:00；the other hall 09:00 – empty where nothing is free."""
    here = [_short(slot, found.wanted) for slot in found.here]
    groups = [Words("、".join(at.zh for at in here), ", ".join(at.en for at in here))] if here else []
    for hall, slot in found.elsewhere:
        at = _short(slot, found.wanted)
        groups.append(Words(f"{hall.name}{at.zh}", f"{a_hall(hall).en} {at.en}"))
    return Words("；".join(one.zh for one in groups), "; ".join(one.en for one in groups))


def _short(slot: Slot, wanted: Slot) -> Words:
    """A slot as short as can be: its date only where that is another one."""
    day, clock = slot.day, slot.clock
    if day == wanted.day:
        return Words(clock, clock)
    return Words(f"{day.month}月{day.day}日{clock}", f"{clock} on {day.day} {day:%B}")


def _none_left(rules: Rules) -> Words:
    release = f"{rules.appointment.release:%H:%M}"
    return Words(
        f"这几天都没有空位了。每天{release}放出新的一天，也可以拨打{rules.hotline}转人工。",
        f"There is nothing left for now. A new day opens at {release} every day; "
        f"or call {rules.hotline} and press 0 for a person.",
    )


def limited(reason: str, rules: Rules) -> Words:
    """Why this person cannot have one more, and what to do."""
    limits = rules.appointment.limits
    match reason:
        case "one_per_matter":
            return Words(
                "这件事您已经约过。要改时间或取消，请用预约的编号查进度；要办别的事，请另选。",
                "You have booked this matter already. To change or cancel, look it up by its number; "
                "for something else, choose that.",
            )
        case "one_per_day":
            return Words(
                f"这一天您已有预约，一天最多{limits.per_day}个。请另选一天。",
                f"You have a booking on that day; {limits.per_day} a day is the most. Choose another day.",
            )
        case _:
            return Words(
                f"这一周您已有{limits.per_week}个预约，不能再约。请选别的一周。",
                f"You have {limits.per_week} bookings in that week, the most there can be. "
                "Choose another week.",
            )


# --- the values of messages ----------------------------------------------------------------------


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    facts, at = view.facts, when(view)
    reason = REASONS.get(view.reason or "", REASONS["other"])
    values = {
        "when": at.zh,
        "when_en": at.en,
        "hall": facts.get("hall", ""),
        "hall_en": facts.get("hall_en", ""),
        "number": facts.get("number", ""),
        "hours": str(view.rules.appointment.cancel_hours),
        "reason": reason.zh,
        "reason_en": reason.en,
    }
    return {name: value[:LONGEST_VALUE] for name, value in values.items()}


def span(view: View) -> tuple[datetime, datetime] | None:
    """From when to when it is, in the city's time; None where nothing was booked."""
    if "starts_at" not in view.facts:
        return None
    begins, ends = (datetime.fromisoformat(view.facts[name]) for name in ("starts_at", "ends_at"))
    return begins.astimezone(view.rules.zone), ends.astimezone(view.rules.zone)


def when(view: View) -> Words:
    """11月25日09:00-09:30."""
    known = span(view)
    if known is None:
        return Words("", "")
    clock, day = f"{known[0]:%H:%M}-{known[1]:%H:%M}", known[0]
    return Words(f"{day.month}月{day.day}日{clock}", f"{clock} on {day.day} {day:%B}")


# --- what is true now --------------------------------------------------------------------------


def headline(view: View) -> Words | None:
    if view.state is not State.SUCCEEDED:
        return None
    return {
        BOOKED: Words("已预约", "Booked"),
        CANCELLED: Words("已取消预约", "Booking cancelled"),
        CHANGED: Words("已改到别的时间", "Changed to another time"),
    }.get(view.stage)


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


def _bring(rules: Rules) -> Words:
    late = rules.appointment.late_minutes
    return Words(
        f"到时带身份证到大厅取号。迟到{late}分钟以内都留着。",
        f"Bring your ID card and take a ticket at the hall. The place is kept for {late} minutes.",
    )


def _undo(rules: Rules) -> Words:
    hours = rules.appointment.cancel_hours
    return Words(
        f"来不了：请提前{hours}小时在这里用编号取消或改时间，或拨打{rules.hotline}。",
        f"If you cannot come: cancel or change it here with your number {hours} hours before, "
        f"or call {rules.hotline}.",
    )


def walk_in(rules: Rules) -> Words:
    age = rules.appointment.walk_in_age
    return Words(
        f"{age}岁以上的老人和残疾人不用预约，随时可以直接去。",
        f"From {age} on, or with a disability, you need no booking: you are always welcome.",
    )


def too_late(rules: Rules) -> Words:
    hours = rules.appointment.cancel_hours
    return Words(
        f"离预约不到{hours}小时，不能在这里取消或改时间了。来不了请拨打{rules.hotline}转人工。",
        f"It is less than {hours} hours away and cannot be cancelled or changed here. "
        f"If you cannot come, call {rules.hotline} and press 0 for a person.",
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


def _explain_done(view: View) -> list[Words]:
    facts, at = view.facts, when(view)
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
    return [
        Words(
            f"{at.zh}，{facts.get('hall', '')}，预约号{facts.get('number', '')}，{facts.get('matter', '')}。",
            f"{at.en}, {facts.get('hall_en', '')}, number {facts.get('number', '')}, "
            f"{facts.get('matter_en', '')}.",
        ),
        Words(f"地址：{where.zh}。", f"Address: {where.en}."),
        _bring(view.rules),
        _undo(view.rules),
        walk_in(view.rules),
    ]


def _explain_refused(view: View) -> list[Words]:
    reason = REASONS.get(view.reason or "", REASONS["other"])
    said = [Words(f"没有约上：{reason.zh}。", f"Nothing was booked: {reason.en}.")]
    if "instead" in view.facts:
        said.append(Words(view.facts["instead"], view.facts["instead_en"]))
    again = Words(
        f"请另选时间重新预约，或拨打{view.rules.hotline}转人工。",
        f"Book again with another time, or call {view.rules.hotline} and press 0 for a person.",
    )
    return [*said, again, walk_in(view.rules)]

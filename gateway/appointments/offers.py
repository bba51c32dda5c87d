"""What is said of places that can be had: days, times, halls, what is free instead, limits. Pure."""

from __future__ import annotations

from datetime import date

from gateway.appointments.slots import Instead, Slot
from gateway.cities import Hall, Rules
from gateway.transactions.model import Words

WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


def a_day(day: date) -> Words:
    return Words(f"{day.month}月{day.day}日{WEEKDAYS[day.weekday()]}", f"{day:%A} {day.day} {day:%B}")


def a_slot(slot: Slot) -> Words:
    span = f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}"
    return Words(span, span)


def left(places: int) -> Words:
    """How many places are left."""
    if not places:
        return Words("约满了", "fully booked")
    return Words(f"还有{places}个空位", f"{places} left")


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
        f"这几天都没有空位了。工作日{release}放出新的一天，也可以拨打{rules.hotline}转人工。",
        f"There is nothing left for now. A new day opens at {release} on working days; "
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

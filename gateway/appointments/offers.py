"""What is said of places that can be had: days, times, halls, what is free instead, limits. Pure."""

from __future__ import annotations

from datetime import date, datetime

from gateway.appointments.slots import WAIT, Instead, Slot, Wait
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


FULL_BUT_LISTED = Words("约满了，可以候补", "fully booked; you can join the waiting list")


def a_wait(wait: Wait) -> Words:
    """What is waited for: 候补，全天."""
    span = f"{wait.starts_at:%H:%M}–{wait.ends_at:%H:%M}"
    if wait.answer == WAIT:
        return Words("候补，全天都行", "Waiting list, any time that day")
    return Words(f"候补，{span}", f"Waiting list, {span}")


def wait_note(minutes: int, full: Words | None) -> Words:
    """What waiting means; ``full`` says that the day is, and what is free instead."""
    said = Words(
        f"有人退号就发短信给您，给您留{minutes}分钟",
        f"when a place is given back we text you, and keep it for you for {minutes} minutes",
    )
    return Words(f"{full.zh}{said.zh}", f"{full.en} {said.en[0].upper()}{said.en[1:]}") if full else said


def a_hall(hall: Hall) -> Words:
    return Words(hall.name, hall.name_en or hall.name)


def hall_note(hall: Hall, places: int) -> Words:
    address_en = hall.address_en or hall.address
    return Words(f"{hall.address}，{left(places).zh}", f"{address_en}; {left(places).en}")


def taken(found: Instead, rules: Rules, *, all_day: bool = False, closed: str = "") -> Words:
    """That a time is gone, or a whole day, why, what is nearest to it, and what works besides."""
    gone = Words(f"{found.wanted.clock}已经约满。", f"{found.wanted.clock} is fully booked. ")
    if all_day:
        gone = Words("已经约满。", "Fully booked. ")
    if closed:
        gone = Words(f"那时大厅不办公（{closed}）。", f"The hall is closed then ({closed}). ")
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
        f"这几天都没有空位了。工作日{release}放出新的一天。{still(rules).zh}",
        f"There is nothing left for now. A new day opens at {release} on working days. {still(rules).en}",
    )


# --- what a person cannot have -----------------------------------------------------------------


def still(rules: Rules) -> Words:
    """What works whatever was refused: come all the same, or speak to a person."""
    return Words(
        f"也可以办公时间直接到大厅现场取号，或拨打{rules.hotline}按0转人工。",
        f"You can also come in office hours and take a ticket at the hall, or call "
        f"{rules.hotline} and press 0.",
    )


def not_offered(rules: Rules) -> Words:
    return Words(
        f"这个时间不能预约，请另选。{still(rules).zh}",
        f"This time cannot be booked; choose another. {still(rules).en}",
    )


def limited(reason: str, rules: Rules) -> Words:
    """Why this person cannot have one more, and what to do."""
    why, works = _limited(reason, rules), still(rules)
    return Words(f"{why.zh}{works.zh}", f"{why.en} {works.en}")


def _limited(reason: str, rules: Rules) -> Words:
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
        case "too_many_per_month":
            return Words(
                f"这个月您已有{limits.per_month}个预约，不能再约。请选别的月。",
                f"You have {limits.per_month} bookings in that month, the most there can be. "
                "Choose another month.",
            )
        case "waiting_list_full":
            return Words(
                "候补的人已经满了。请另选时间或大厅。",
                "The waiting list is full. Choose another time or hall.",
            )
        case _:
            return Words(
                f"这一周您已有{limits.per_week}个预约，不能再约。请选别的一周。",
                f"You have {limits.per_week} bookings in that week, the most there can be. "
                "Choose another week.",
            )


def off(rules: Rules, until: datetime) -> Words:
    """That somebody did not come too often, until when that counts, and what works all the same."""
    missed, day = rules.appointment.no_shows, until.astimezone(rules.zone)
    return Words(
        f"您{missed.within_days}天内有{missed.count}次预约没有来，{day.month}月{day.day}日以后才能再预约。"
        f"{still(rules).zh}记错了也请说。",
        f"You did not come {missed.count} times within {missed.within_days} days, and can book again after "
        f"{day.day} {day:%B}. {still(rules).en} Tell us if that is wrong.",
    )

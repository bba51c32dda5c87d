"""The stages of an appointment, and what is said at those that are no plain booking. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.appointments import offers, refusals, words
from gateway.transactions.model import Stage, View, Words

STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有预约", "not booked yet"), then=(words.BOOKED, words.WAITING)),
    words.WAITING: Stage(
        Words("正在候补", "On the waiting list"),
        then=(
            words.OFFERED,
            words.CANCELLED,
            words.CHANGED,
            words.CLOSED,
            words.NOT_REACHED,
        ),
    ),
    words.OFFERED: Stage(
        Words("有空位了，请尽快确认", "A place is free: please take it soon"),
        then=(words.BOOKED, words.CANCELLED, words.CHANGED, words.CLOSED, words.LAPSED, words.WAITING),
    ),
    words.BOOKED: Stage(
        Words("已预约", "Booked"),
        then=(words.CHECKED_IN, words.NO_SHOW, words.CANCELLED, words.CHANGED, words.CLOSED),
    ),
    words.CHECKED_IN: Stage(Words("已签到", "Checked in"), then=(words.SERVED, words.BOOKED)),
    words.SERVED: Stage(Words("已办理", "Served")),
    words.CANCELLED: Stage(Words("已取消预约", "Booking cancelled")),
    words.CHANGED: Stage(Words("已改到别的时间", "Changed to another time")),
    words.CLOSED: Stage(
        Words("大厅不办公，预约已取消", "The hall is closed: cancelled"), then=(words.CHANGED,)
    ),
    words.NO_SHOW: Stage(Words("没有到大厅", "Did not come"), then=(words.CHECKED_IN, words.EXCUSED)),
    words.EXCUSED: Stage(Words("没有到，不计次数", "Did not come; it does not count")),
    words.LAPSED: Stage(Words("候补的空位没有确认，已过时", "The place was not taken in time")),
    words.NOT_REACHED: Stage(Words("候补没有等到空位", "No place became free")),
}
TONES: Mapping[str, str] = {
    words.WAITING: "wait",
    words.OFFERED: "wait",
    words.CLOSED: "bad",
    words.NO_SHOW: "bad",
    words.LAPSED: "bad",
    words.NOT_REACHED: "bad",
}


def headline(view: View) -> Words:
    """The stage in words; a booking that is over says so, and a wait is called no booking."""
    if view.stage == words.CANCELLED and words.only_waited(view):
        return Words("已取消候补", "You left the waiting list")
    if view.stage == words.BOOKED and words.is_over(view):
        return Words("预约的时间已经过了", "Its time has passed")
    return STAGES[view.stage].words


def tone(view: View) -> str | None:
    over = view.stage == words.BOOKED and words.is_over(view)
    return "wait" if over else TONES.get(view.stage)


def explain(view: View) -> Sequence[Words]:
    """What is true at such a stage, and what to do next."""
    at, hall = words.when(view), words.hall(view)
    still = offers.still(view.rules)
    match view.stage:
        case words.WAITING:
            return _waiting(view, at, hall)
        case words.OFFERED:
            return _offered(view, at, hall)
        case words.LAPSED:
            return [
                Words(
                    f"{hall.zh}{at.zh}的空位没有在时间内确认，已经给了下一位。",
                    f"The place at {hall.en}, {at.en}, was not taken in time and went to the next in line.",
                ),
                still,
                words.GIVEN_BACK,
            ]
        case words.NOT_REACHED:
            return [
                Words(
                    f"{hall.zh}{at.zh}没有等到空位，不用再等了。",
                    f"Nothing became free at {hall.en}, {at.en}; you need not wait any longer.",
                ),
                still,
                words.GIVEN_BACK,
            ]
        case words.CLOSED:
            return _closed(view, at, hall)
        case _:
            return _after(view, at, hall, still)


def _waiting(view: View, at: Words, hall: Words) -> Sequence[Words]:
    minutes = view.rules.appointment.waiting.offer_minutes
    return [
        Words(
            f"您在候补：{hall.zh}，{at.zh}。还没有约上。",
            f"You are on the waiting list: {hall.en}, {at.en}. Nothing is booked yet.",
        ),
        Words(
            f"有人退号就按先后发短信给您，空位给您留{minutes}分钟，在网上或电话里确认就约上了。",
            "When a place is given back the next in line gets a text; it is kept for them for "
            f"{minutes} minutes. Take it on the web or by telephone.",
        ),
        Words("不想等了，请取消候补。", "If you do not want to wait any longer, leave the list."),
        offers.still(view.rules),
    ]


def _offered(view: View, at: Words, hall: Words) -> Sequence[Words]:
    until = words.offer_ends(view)
    if view.now >= until:
        return [refusals.offer_over(view.rules), offers.still(view.rules)]
    said = words.moment(until, view.now.astimezone(view.rules.zone))
    return [
        Words(
            f"有空位了：{hall.zh}，{at.zh}。请在{said.zh}前确认，才算约上。",
            f"A place is free: {hall.en}, {at.en}. Take it before {said.en}; until then nothing is booked.",
        ),
        Words(
            "不要这个空位，请取消候补，让给下一位。",
            "If you do not want it, leave the list; the next in line gets it.",
        ),
    ]


def _closed(view: View, at: Words, hall: Words) -> Sequence[Words]:
    why = view.facts.get("closed", "")
    return [
        Words(
            f"{hall.zh}{at.zh}不办公（{why}），这次预约取消了，不用去。这不算爽约。",
            f"{hall.en} is closed at {at.en} ({why}): this is cancelled, do not go. "
            "It does not count against you.",
        ),
        Words("您可以改约别的时间或别的大厅。", "You can book another time or another hall."),
        offers.still(view.rules),
    ]


def _after(view: View, at: Words, hall: Words, still: Words) -> Sequence[Words]:
    """From the day of the visit on."""
    number = view.facts.get("number", "")
    match view.stage:
        case words.CHECKED_IN:
            return [
                Words(
                    f"您已签到：{hall.zh}，{at.zh}，预约号{number}。请在大厅等叫号。",
                    f"You are checked in: {hall.en}, {at.en}, number {number}. "
                    "Wait in the hall to be called.",
                )
            ]
        case words.SERVED:
            return [
                Words(f"{at.zh}的预约已经办理。", f"You were seen at the hall: {at.en}."),
                words.GIVEN_BACK,
            ]
        case words.EXCUSED:
            return [
                Words(
                    f"{at.zh}的预约您没有来，已记为有原因，不计次数。",
                    f"You did not come: {at.en}. It was for a reason and does not count.",
                ),
                words.GIVEN_BACK,
            ]
        case _:
            missed = Words(
                f"{at.zh}的预约，大厅没有您的签到记录。", f"The hall has no record of your visit: {at.en}."
            )
            return [missed, *_consequence(view), still, _wrong(view)]


def _consequence(view: View) -> Sequence[Words]:
    rules, until = view.rules.appointment.no_shows, view.facts.get("off_until")
    if until:
        return [offers.off(view.rules, datetime.fromisoformat(until))]
    if view.facts.get("exempt") or not rules.count:
        return [Words("没有关系，随时可以再来。", "It has no consequence; come any time.")]
    return [
        Words(
            f"{rules.within_days}天内{rules.count}次不来，{rules.off_days}天内不能预约。来不了请提前取消。",
            f"Who does not come {rules.count} times within {rules.within_days} days cannot book for "
            f"{rules.off_days} days. If you cannot come, cancel before.",
        )
    ]


def _wrong(view: View) -> Words:
    return Words(
        f"如果您来过，请拨打{view.rules.hotline}转人工更正。",
        f"If you were there, call {view.rules.hotline} and press 0 to have it put right.",
    )

"""What is said of a call that was asked for: its stages, its texts, what comes next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.call_backs import hours
from gateway.call_backs.hours import Window
from gateway.call_backs.numbers import tail
from gateway.call_backs.trying import Result
from gateway.transactions.model import OPEN, Stage, State, View, Words

WAITING, CALLING, TALKED, NOT_REACHED, WITHDRAWN = "waiting", "calling", "talked", "not_reached", "withdrawn"
NOTED = "noted"  # the number waits already
CALLED_UNTIL = "called_until"  # the fact: whoever took the call has it so long
WRONG = "wrong_number"  # the event of who cannot be called there

STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有登记", "not asked for yet"), then=(WAITING, NOTED)),
    WAITING: Stage(
        Words("已登记，等我们打给您", "Noted: we will call you"),
        then=(CALLING, TALKED, NOT_REACHED, WITHDRAWN),
    ),
    CALLING: Stage(
        Words("正在给您打电话", "You are being called now"), then=(WAITING, TALKED, NOT_REACHED, WITHDRAWN)
    ),
    TALKED: Stage(Words("已经和您通过话", "We have spoken to you")),
    NOT_REACHED: Stage(Words("没有打通", "You could not be reached")),
    WITHDRAWN: Stage(Words("已取消回电", "The call is cancelled")),
    NOTED: Stage(Words("这个号码已经登记过", "This number is noted already")),
}
TONES: Mapping[str, str] = {WAITING: "wait", CALLING: "wait", NOT_REACHED: "bad", TALKED: "good"}
TOO_OFTEN = "too_often"
REASONS: Mapping[str, Words] = {
    "other": Words("现在不能登记回电", "no call can be noted just now"),
    TOO_OFTEN: Words("这个号码今天登记过多次", "this number was given too often today"),
}
TRIED: Mapping[str, Words] = {
    Result.NO_ANSWER: Words("没有人接", "nobody answered"),
    Result.BUSY: Words("电话占线", "the line was busy"),
}
PERSON = Words("急的话请拨打12333转人工。", "Urgent? Call 12333 and press 0.")
NOT_NOW = Words("正在给您打电话，接通后说一声就行。", "You are being called now; just say so.")
HONEST = Words(
    "我们打来不问银行密码，也不要验证码。", "When we call we ask for no bank password and no code."
)


def headline(view: View) -> Words | None:
    return STAGES[_stage(view)].words if view.stage else None


def tone(view: View) -> str | None:
    return TONES.get(view.stage)


def _stage(view: View) -> str:
    """How it stands: a call that somebody took and let lie waits again."""
    until = view.facts.get(CALLED_UNTIL)
    let_lie = view.stage == CALLING and until is not None and datetime.fromisoformat(until) <= view.now
    return WAITING if let_lie else view.stage


def event(view: View) -> str:
    """The message of a result: by its stage where it says more than the state."""
    return view.state.value


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    reason = REASONS.get(view.reason or "", REASONS["other"])
    when, place = _when(view), _place(view)
    return {
        "when": when.zh,
        "when_en": when.en,
        "place": place.zh,
        "place_en": place.en,
        "tail": view.facts.get("number", "")[-4:],
        "tries": view.facts.get("tries", "0"),
        "hotline": view.rules.hotline_elsewhere,
        "reference": view.reference,
        "reason": reason.zh,
        "reason_en": reason.en,
    }


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    if view.state in OPEN:
        return [Words("还没有登记。请填完再确认。", "Not asked for yet: fill it in, then confirm.")]
    match view.state, view.stage:
        case ((State.SUCCEEDED | State.ALREADY_DONE), stage) if stage:
            return _stands(view)
        case State.REJECTED, _:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            return [Words(f"没有登记：{reason.zh}。", f"Not noted: {reason.en}."), PERSON]
        case State.CANCELLED, _:
            return [Words("这次没有提交。要回电请重新登记。", "Never confirmed. To be called, ask again.")]
        case State.FAILED, _:
            return [Words("没有登记上。", "It was not noted."), PERSON]
        case _:
            return [Words("正在登记。", "It is being noted."), PERSON]


def _stands(view: View) -> Sequence[Words]:
    match _stage(view):
        case "waiting":
            return _waiting(view)
        case "calling":
            called = Words("工作人员正在打给您，请接一下。", "Somebody is calling you now; please answer.")
            return [called, _shown(view), HONEST]
        case "noted":
            number = tail(view.facts.get("number", ""))
            noted = Words(
                f"{number.zh}的电话已经在等回电，不用再登记。",
                f"The number {number.en} waits for a call already; there is no need to ask again.",
            )
            return [noted, *_waiting(view)]
        case "talked":
            return [
                Words("已经和您通过话。", "We have spoken to you."),
                Words("还有事，可以再请我们打给您。", "If there is more, ask for another call."),
            ]
        case "withdrawn":
            return [
                Words("不会再打给您了。", "Nobody will call you."),
                Words("要的时候再登记。", "Ask again whenever you like."),
            ]
        case _:
            return _not_reached(view)


def _waiting(view: View) -> Sequence[Words]:
    when, number, place = _when(view), tail(view.facts.get("number", "")), _place(view)
    tries, most = int(view.facts.get("tries", "0")), view.rules.hotline_hours.tries
    tried = TRIED.get(view.facts.get("last", ""))
    said = [
        Words(
            f"工作人员{when.zh}打{number.zh}的电话给您。",
            f"Somebody will call the number {number.en}: {when.en}.",
        )
    ]
    if _is_late(view):
        said = [_LATE, PERSON]
    if tried:
        said.append(
            Words(
                f"已经打过{tries}次，{tried.zh}，一共打{most}次。",
                f"Tried {tries} times: {tried.en}; {most} times in all.",
            )
        )
    else:
        said.append(
            Words(
                f"登记的时候，{place.zh}，位置给您留着。",
                f"When it was noted {place.en}; your place is kept.",
            )
        )
    return [*said, _shown(view), HONEST]


_LATE = Words(
    "说好的时间已经过了，还没有和您通上话，对不起。您的位置还留着，我们会尽快打。",
    "We are sorry: the time we named has passed. Your place is kept, and we call as soon as we can.",
)


def _is_late(view: View) -> bool:
    until = view.facts.get("until")
    return until is not None and datetime.fromisoformat(until) <= view.now


def _not_reached(view: View) -> Sequence[Words]:
    if view.facts.get("last") == Result.WRONG_NUMBER:
        wrong = Words("这个号码打不到您，可能写错了。", "You are not at this number; it may be wrong.")
        return [wrong, Words("请核对号码，再登记一次。", "Check it and ask once more."), PERSON]
    tries = view.facts.get("tries", "")
    return [
        Words(f"打了{tries}次都没有打通，先不打了。", f"Tried {tries} times without success; we stop here."),
        Words(
            "还需要的话，请再登记一次，选您方便的时间。",
            "If you still need it, ask again for a time that suits you.",
        ),
        PERSON,
    ]


def _shown(view: View) -> Words:
    number = view.rules.hotline_elsewhere
    return Words(f"来电显示是{number}。", f"The call shows {number}.")


def _place(view: View) -> Words:
    ahead = int(view.facts.get("ahead", "0"))
    if not ahead:
        return Words("您排在第一位", "you were the first in line")
    return Words(f"您前面还有{ahead}位", f"there were {ahead} ahead of you")


def _when(view: View) -> Words:
    if "from" not in view.facts:
        return Words("上班时间", "in working hours")
    begin, end = (
        datetime.fromisoformat(view.facts[name]).astimezone(view.rules.zone) for name in ("from", "until")
    )
    if "soon" in view.facts:
        by = hours.moment(end, view.now)
        return Words(f"尽快，{by.zh}以前", f"soon, before {by.en}")
    return hours.said(Window(begin, end), view.now)


def not_again(view: View, _now: datetime) -> Words | None:
    """Why it cannot be asked for again now; None: it may."""
    if view.stage in (TALKED, NOT_REACHED, WITHDRAWN):
        return None
    return Words("已经在等回电了。", "A call is on its way already.")


def not_withdrawn(view: View, _now: datetime) -> Words | None:
    """Why it cannot be called off now; None: it may."""
    stage = _stage(view)
    if stage == WAITING:
        return None
    return NOT_NOW if stage == CALLING else Words("没有在等的回电。", "No call is waiting.")

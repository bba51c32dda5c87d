"""How a work order stands, in words for citizens: whose it is may read over a shoulder. Pure.

Of a confidential one neither kind nor answer is shown on any face, nor the day of the answer: each kind
has its own number of days, so the day tells the kind. A person tells all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.transactions.looking import NOT_CONFIRMED
from gateway.transactions.model import State, View, Words
from gateway.work_orders import standing, words
from gateway.work_orders.standing import (
    ADDED,
    ANSWERED,
    ARCHIVED,
    EVALUATED,
    NOT_MOVED,
    STAGES,
    WITHDRAWN,
    quiet,
)

EXTENDED, REPLIED, HALF_TIME = "extended", "replied", "half_time"
REPLIED_AGAIN = "replied_again"  # of a second round: its grade was given in the first
NEWS, NEWS_WAITING = "news", "news_waiting"  # of a confidential one: that something moved, or has not yet
REOPENED = "reopened"
EVENTS = (EXTENDED, REPLIED, REPLIED_AGAIN, HALF_TIME, NEWS, NEWS_WAITING, REOPENED, WITHDRAWN, ADDED)
PERSON = Words("请拨打12333转人工。", "Call 12333 and press 0 for a person.")
TEXT = Words("有进展会发短信告诉您。", "A text message will tell you when it moves.")
BAD = ("1", "2")


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return _handed_in(view)
        case State.REJECTED:
            why = words.reason(view.reason)
            return [Words(f"没有受理：{why.zh}。", f"It was not taken: {why.en}."), PERSON]
        case State.FAILED:
            return [
                Words("工单平台一天没有回应，没有交上去。", "The platform did not answer for a day."),
                PERSON,
            ]
        case State.CANCELLED:
            return [
                Words("这次没有提交。需要的话请重新填写。", "Never submitted. To hand it in, start again.")
            ]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return _waiting(view)
        case _:
            return [NOT_CONFIRMED]


def _waiting(view: View) -> Sequence[Words]:
    if view.trouble or view.slow:
        return [
            Words(
                "您反映的事项已收到，没有丢。工单平台暂时没有回应，我们会一直重试。",
                "What you handed in is not lost. The platform does not answer just now; we keep trying.",
            ),
            TEXT,
        ]
    return [Words("正在登记，通常几秒钟。", "It is being registered; usually seconds."), TEXT]


def _handed_in(view: View) -> Sequence[Words]:
    stage = view.stage
    if stage == ADDED:
        return [
            Words("您补充的情况已交给承办部门。", "What you added was passed on."),
            Words("原来的工单照常办，请用原来的编号查。", "Look up the work order by its own number."),
        ]
    if stage == WITHDRAWN:
        return [
            Words("这件工单已撤回，不再办理。", "This work order was withdrawn."),
            Words("以后还要反映，请重新提交。", "To raise it again, hand it in anew."),
        ]
    if stage in ANSWERED:
        return _answered(view)
    how = STAGES[stage].words
    return [*_under_way(view, how), TEXT]


def _under_way(view: View, how: Words) -> Sequence[Words]:
    day, facts = words.by(view.facts), view.facts
    if quiet(facts):
        return _quietly_under_way(view, how)
    first = Words(
        f"{_it(facts).zh}{how.zh}，预计{day.zh}答复。",
        f"{_it(facts).en} {how.en}; you are answered {day.en}.",
    )
    if words.is_late(view):
        first = Words(
            f"{_it(facts).zh}{how.zh}。说好{day.zh}答复，现在晚了，对不起，我们在催。",
            f"{_it(facts).en} {how.en}. It was to be answered {day.en}: we are sorry, and press for it.",
        )
    why = words.cause(facts)
    longer = (
        [Words(f"因为{why.zh}，办理时间延长了。", f"It takes longer because {why.en}.")]
        if facts.get("extension")
        else []
    )
    person = [PERSON] if words.is_late(view) else []
    return [first, *person, *_refused(view, standing.WITHDRAWING), *longer, *_besides(view)]


def _quietly_under_way(view: View, how: Words) -> Sequence[Words]:
    """Neither its day, nor that it is over, nor why it takes longer: an inquiry belongs to a report."""
    it = _it(view.facts)
    first = Words(f"{it.zh}{how.zh}，会答复您。", f"{it.en} {how.en}; you will be answered.")
    ask = Words(
        "想知道最晚哪天答复，请拨打12333转人工，说出编号。",
        "To know the last day for the answer, call 12333, press 0, say your number.",
    )
    longer = [Words("办理时间延长了。", "It takes longer.")] if view.facts.get("extension") else []
    return [first, ask, *_refused(view, standing.WITHDRAWING), *longer, *_besides(view)]


def _besides(view: View) -> Sequence[Words]:
    again = [Words("这件工单正在重办。", "It was taken up anew.")] if view.facts.get("reopened_at") else []
    more = Words("可以补充情况，也可以撤回。", "You may add to it, or withdraw it.")
    more_said = [more] if view.stage in standing.UNDER_WAY else []
    return [*again, *more_said]


def _refused(view: View, wish: str) -> list[Words]:
    """That the platform did not do what was wanted last, and why."""
    if view.facts.get(standing.NOT_DONE) != wish:
        return []
    what = _WISHES[wish]
    why = words.reason(view.facts.get(standing.WHY_NOT))
    return [Words(f"{what.zh}：{why.zh}。", f"{what.en}: {why.en}."), PERSON]


_WISHES: Mapping[str, Words] = {
    standing.WITHDRAWING: Words("这件工单没有撤回", "It was not withdrawn"),
    standing.REOPENING: Words("这件工单没有重办", "It was not taken up anew"),
}


def _it(facts: Mapping[str, str]) -> Words:
    """What it is called: by its kind, or by nothing."""
    if quiet(facts):
        return Words("您关注的事项", "Your matter is")
    kind = words.KINDS.get(facts.get("kind", ""), words.TITLE)
    return Words(f"您反映的事项（{kind.zh}）", f"Your matter ({kind.en}) is")


def _answered(view: View) -> Sequence[Words]:
    facts, said = view.facts, []
    if quiet(facts):
        said.append(Words("您关注的事项已有答复。", "There is an answer to your matter."))
        said.append(
            Words(
                "答复由专人告诉您，请拨打12333转人工，说出编号。",
                "A person tells it: call 12333, press 0, say your number.",
            )
        )
    else:
        said.append(Words(f"{_it(facts).zh}已答复。", f"{_it(facts).en} answered."))
        reply = facts.get("reply", "").rstrip("。.!！ ")
        said += [Words(f"答复：“{reply}”。", f"The answer: “{reply}”.")] if reply else []
    if facts.get("grade") in BAD:
        said += [_call(facts), _again(facts), *_refused(view, standing.REOPENING)]
    elif facts.get("grade"):
        said.append(Words("谢谢您的评价。", "Thank you for telling us how it was."))
    else:
        said.append(
            Words(
                "请评价这次办理；不满意的，可以要求重办一次。",
                "Please tell how it was; if not satisfied, have it done again, once.",
            )
        )
    return said


def _call(facts: Mapping[str, str]) -> Words:
    """The call that a bad grade is owed, or that it was made."""
    if standing.CALLED not in facts:
        return Words("您不满意，工作人员会打电话回访。", "You were not satisfied; somebody will call you.")
    on = date.fromisoformat(facts[standing.CALLED])
    return Words(f"{on.month}月{on.day}日工作人员给您打过电话了。", f"Staff called you on {on.day} {on:%B}.")


def _again(facts: Mapping[str, str]) -> Words:
    if not facts.get("reopened_at"):
        return Words("也可以要求重办一次。", "You may also have it taken up anew, once.")
    return Words(
        "这是重办后的答复。还有问题，请拨打12333转人工。",
        "This is the second answer. If it does not help, call 12333 and press 0.",
    )


HEADLINES: Mapping[str, tuple[str, Words]] = {
    **{stage: ("wait", Words("已受理，等待办理", "Taken, to be worked on")) for stage in NOT_MOVED},
    standing.PROCESSING: ("wait", Words("正在办理", "Being worked on")),
    standing.EXTENSION: ("wait", Words("正在办理", "Being worked on")),
    standing.REPLIED: ("good", Words("已答复", "Answered")),
    standing.RETURN_VISIT: ("good", Words("已答复", "Answered")),
    EVALUATED: ("good", Words("已评价", "Evaluated")),
    ARCHIVED: ("good", Words("已办结", "Closed")),
    standing.REOPENING: ("wait", Words("正在申请重办", "To be taken up anew")),
    standing.WITHDRAWING: ("wait", Words("正在撤回", "Being withdrawn")),
    WITHDRAWN: ("good", Words("已撤回", "Withdrawn")),
    ADDED: ("good", Words("已补充", "Added")),
}


def _headline(view: View) -> tuple[str | None, Words | None]:
    if view.state not in (State.SUCCEEDED, State.ALREADY_DONE):
        return None, None
    return HEADLINES.get(view.stage, (None, None))


def headline(view: View) -> Words | None:
    return _headline(view)[1]


def tone(view: View) -> str | None:
    return _headline(view)[0]


def event(view: View) -> str:
    """The message of what became of it."""
    if view.state in (State.SUCCEEDED, State.ALREADY_DONE):
        if quiet(view.facts):
            return NEWS
        return ADDED if view.stage == ADDED else view.state.value
    return view.state.value


def halfway(view: View) -> str | None:
    """What is said at half time, where nobody has begun to work on it."""
    if view.stage not in NOT_MOVED:
        return None
    return NEWS_WAITING if quiet(view.facts) or words.is_late(view) else HALF_TIME

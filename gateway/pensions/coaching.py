"""What is said to somebody about their authentication: comfort first, then the cause, then what helps. Pure.

Written for an old woman living alone whose face scan failed and who fears for her
pension: whether it is paid stands first, and everything ends with what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.pensions import visits, ways
from gateway.pensions.situation import DONE, DUE, PAID_AGAIN, Situation, day, months
from gateway.transactions.model import Step, Words

# --- whether the pension is paid ----------------------------------------------------------------

_BACK = Words(
    "认证通过后会恢复发放，停的钱会补给您。",
    "Once you are authenticated it is paid again, and what was held back is paid too.",
)


def comfort(s: Situation) -> Words:
    """The first sentence: is the pension paid, and until when."""
    match s.pension:
        case "stopped":
            return Words(
                f"养老金是先停一停，没有取消。{_BACK.zh}", f"Your pension is on hold, not lost. {_BACK.en}"
            )
        case "may_stop":
            return Words(
                f"认证已经过了期限，养老金可能会先停。{_BACK.zh}",
                f"The time for it has passed and your pension may be put on hold. {_BACK.en}",
            )
        case "ended":
            return Words(
                "登记系统里，您的养老待遇是“已终止”，不用再认证。",
                "In the registry your pension has ended; there is nothing to authenticate.",
            )
        case "not_said":
            return Words("登记系统没有显示您的养老金停发。", "The registry shows no stop of your pension.")
        case _:
            return _paid(s)


def _paid(s: Situation) -> Words:
    if s.status in PAID_AGAIN:
        return Words("您的养老金已经恢复发放。", "Your pension is being paid again.")
    if s.status in DONE:
        return Words(
            "放心，您的认证是有效的，养老金照常发。",
            "All is well: you are authenticated and your pension is paid.",
        )
    if s.due is None or s.due < s.asked_on:
        return Words(
            f"您的养老金没有停。认证过期了，请尽快办；办晚了会先停，{_BACK.zh}"
            if s.due
            else "您的养老金没有停。请尽快办认证，办好就一直照发。",
            "Your pension is still paid. Please authenticate soon, so that it stays so. "
            f"{_BACK.en if s.due else ''}".strip(),
        )
    last = day(s.due, s.asked_on)
    return Words(
        f"您的养老金没有停。最晚{last.zh}办好认证，就会一直照发。",
        f"Your pension is still paid, and stays so if you authenticate by {last.en}.",
    )


# --- the whole ----------------------------------------------------------------------------------


def advice(s: Situation) -> Sequence[Words]:
    """Everything to say: comfort, what we promised, the cause, the steps, and what to beware of."""
    said = [comfort(s), *promised(s), *_held(s), *_why(s)]
    if s.status in DUE | {"paused"} and not s.held:
        said += [*_steps(s), _CARE]
    asked = day(s.asked_on, s.asked_on)
    said.append(
        Words(
            f"这是{asked.zh}查到的情况。过些天想再知道，可以再查一次。",
            f"This is how it stood on {asked.en}. Ask again whenever you like.",
        )
    )
    return said


_CARE = Words(
    "认证不收钱。有人发链接、要验证码或要您转账的，都是骗子。",
    "Authentication is free. Whoever sends you links or asks for codes or money is a swindler.",
)


def promised(s: Situation) -> list[Words]:
    """What we said we would do, and until when, or that it was done; and what to do otherwise."""
    said = []
    if s.call_back:
        said.append(_called(s, s.call_back_done) if s.call_back_done else _will_call(s, s.call_back))
    visit = visits.told(s)
    return [*said, visit] if visit else said


def _will_call(s: Situation, until: date) -> Words:
    by, otherwise = day(until, s.asked_on), _otherwise(s)
    return Words(
        f"已记下，工作人员最晚{by.zh}打您登记的手机。{otherwise.zh}",
        f"Noted: staff will call your registered mobile by {by.en}. {otherwise.en}",
    )


def _otherwise(s: Situation) -> Words:
    line = s.rules.hotline
    return Words(
        f"过了这天没接到，请再申请一次，或拨{line}按0。",
        f"If nobody has called by then, ask again here, or call {line} and press 0.",
    )


def _called(s: Situation, done: date) -> Words:
    on, line = day(done, s.asked_on), s.rules.hotline
    return Words(
        f"{on.zh}工作人员给您打过电话了。没接到，或还有不明白的，可以再申请回电，或拨{line}按0。",
        f"Staff called you on {on.en}. If you missed it or have more to ask, ask for another call, "
        f"or call {line} and press 0.",
    )


def _held(s: Situation) -> list[Words]:
    if not (s.held or s.status == "ended"):
        return []
    line = s.rules.hotline
    return [
        Words(
            f"您的登记要由工作人员核实。请拨{line}按0，或带身份证到社保窗口；也可以让工作人员给您回电。",
            f"Your record needs a person to look at it. Call {line} and press 0, bring your ID card to a "
            "counter, or ask for a call back.",
        )
    ]


def _why(s: Situation) -> list[Words]:
    match s.status:
        case "failed":
            when = Words("上次", "Your last")
            if s.failed_on:
                on = day(s.failed_on, s.asked_on)
                when = Words(on.zh, f"The {on.en}")
            plain = ways.cause(s).plain
            return [Words(f"{when.zh}的认证没有通过。{plain.zh}", f"{when.en} scan did not pass. {plain.en}")]
        case "submitted_reviewing":
            return [_REVIEWING]
        case "paused" if s.months:
            return [_stopped(s)]
        case "resumed_backpay_pending":
            return [_backpay(s)]
        case "backpaid":
            return [_backpaid(s)]
        case status if status in DONE and s.due:
            return [_next_time(s)]
        case _:
            return []


_REVIEWING = Words(
    "您交的材料正在审核，现在不用再办，也不用再刷脸。",
    "What you handed in is being reviewed; there is nothing more to do and no need to scan again.",
)


def _stopped(s: Situation) -> Words:
    which = months(s.months, s.asked_on)
    return Words(
        f"先停着的是{which.zh}的养老金，认证后一次补齐，一个月都不会少。",
        f"What is on hold is your pension of {which.en}; once you are authenticated all of it is paid.",
    )


def _backpay(s: Situation) -> Words:
    which = months(s.months, s.asked_on)
    named = Words(f"{which.zh}的养老金", f"Your pension of {which.en}")
    if not s.months:
        named = Words("停的那几个月", "What was held back")
    return Words(
        f"{named.zh}正在补发，会打到原来的账户，一个月都不会少，不用再办。补好了短信告诉您。",
        f"{named.en} is being paid to your usual account, all of it; there is nothing more to do. "
        "We text you when it is paid.",
    )


def _backpaid(s: Situation) -> Words:
    if not s.months:
        return Words("停的那几个月也已经补发。", "The months held back have been paid as well.")
    which = months(s.months, s.asked_on)
    return Words(
        f"停的{which.zh}也已经补发，一个月都没有少。",
        f"What was held back of {which.en} was paid as well, all of it.",
    )


def _next_time(s: Situation) -> Words:
    if s.due is None or s.due < s.asked_on:
        return Words("现在不用办。", "There is nothing to do now.")
    last = day(s.due, s.asked_on)
    return Words(
        f"现在不用办。下一次最晚{last.zh}，多数人由系统自动认证，要您办的我们会提前发短信。",
        f"There is nothing to do now. The next time is {last.en} at the latest; most people are "
        "authenticated automatically, and we text you if you must act.",
    )


def _steps(s: Situation) -> list[Words]:
    """The way that helps first, then the others; who is old is offered the visit before the counter."""
    first = ways.cause(s).first if s.status == "failed" else (ways.scan, ways.relative)
    waits = visits.stage(s) in visits.WAITING  # who waits for it is not told to ask for it
    visit = (ways.home,) if s.rules.pension_auth.home_visits and not waits else ()
    rest = (*visit, ways.counter) if s.old else (ways.counter, *visit)
    return [Step(words.zh, words.en) for words in (way(s) for way in (*first, *rest, ways.call))]

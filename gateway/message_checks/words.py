"""What is said of a message that was checked: ours or not, and what to do. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from gateway.call_backs.numbers import tail
from gateway.message_checks import fields
from gateway.notifications.request import Class
from gateway.rules.model import Rules
from gateway.transactions.model import OPEN, State, View, Words

CHANNELS: Mapping[str, Words] = {
    "sms": Words("短信", "text message"),
    "voice": Words("自动电话", "automatic call"),
    "email": Words("邮件", "e-mail"),
}
KINDS: Mapping[Class, Words] = {
    Class.CODE: Words("验证码", "a one-time code"),
    Class.RESULT: Words("办理结果", "how a matter stands"),
    Class.REMINDER: Words("提醒", "a reminder"),
    Class.NOTICE: Words("政策通知", "a notice"),
}
REASONS: Mapping[str, Words] = {"other": Words("现在不能核实", "it cannot be checked just now")}
FRAUD = "anti_fraud"


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    return [
        Words(
            "告诉您是不是我们发的。只说是哪一类，不说内容。",
            "We tell you whether it is ours: its kind, not its text.",
        ),
        Words(
            "我们发的短信没有链接，也不会要验证码。", "Our messages carry no links and never ask for a code."
        ),
    ]


def is_ours(view: View) -> bool:
    return "since" in view.facts or view.facts.get("count", "0") != "0"


def headline(view: View) -> Words | None:
    if view.state is not State.SUCCEEDED:
        return None
    if "code" in view.facts:
        known = Words("是我们发的通知", "It is a notice of ours")
        return known if is_ours(view) else Words("没有这个核验码", "There is no such check code")
    count = view.facts.get("count", "0")
    if not is_ours(view):
        return Words("那一天我们没有发过", "We sent nothing that day")
    return Words(f"那一天我们发过{count}条", f"We sent {count} that day")


def tone(view: View) -> str | None:
    if view.state is not State.SUCCEEDED:
        return None
    return "good" if is_ours(view) else "bad"


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    reason, day = REASONS.get(view.reason or "", REASONS["other"]), _day(view)
    return {
        "day": day.zh,
        "day_en": day.en,
        "tail": view.facts.get("number", "")[-4:],
        "count": view.facts.get("count", "0"),
        "fraud": _fraud(view.rules),
        "reference": view.reference,
        "reason": reason.zh,
        "reason_en": reason.en,
    }


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    if view.state in OPEN:
        return [Words("还没有核实。请填完再确认。", "Not checked yet: fill it in, then confirm.")]
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return [*_found(view), *_careful(view)]
        case State.REJECTED:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            return [Words(f"没有核实：{reason.zh}。", f"Not checked: {reason.en}."), *_careful(view)]
        case State.FAILED:
            return [Words("没有核实成。", "It could not be checked."), *_careful(view)]
        case State.CANCELLED:
            return [Words("这次没有提交。要核实请重新办理。", "Never confirmed. To ask, start again.")]
        case _:
            return [Words("正在核实。", "It is being checked."), *_careful(view)]


def _found(view: View) -> Sequence[Words]:
    if "code" in view.facts:
        return _of_code(view)
    day, number = _day(view), tail(view.facts.get("number", ""))
    if not is_ours(view):
        return [
            Words(
                f"{day.zh}我们没有给{number.zh}的手机发过短信，也没有打过自动电话。",
                f"On {day.en} we sent no text to the mobile {number.en}, nor called it automatically.",
            ),
            Words("您收到的不是我们发的。", "What you received is not ours."),
        ]
    count, listed = view.facts["count"], json.loads(view.facts["found"])
    said = [
        Words(
            f"{day.zh}我们给{number.zh}的手机发过{count}条：",
            f"On {day.en} we sent {count} to the mobile {number.en}:",
        )
    ]
    said += [Words(f"{at}，{zh}，{what}。", f"{at}, {en}: {about}.") for at, zh, en, what, about in listed]
    return [*said, Words("没有列出来的，不是我们发的。", "What is not listed here is not ours.")]


def _of_code(view: View) -> Sequence[Words]:
    code = view.facts["code"]
    if not is_ours(view):
        return [
            Words(f"我们没有发过核验码是{code}的通知。", f"We sent no notice with the check code {code}."),
            Words(
                "可能写错了；对过没错的，就不是我们发的。",
                "Compare it; if it is right, the message is not ours.",
            ),
        ]
    title, en, since = view.facts["title"], view.facts["title_en"], date.fromisoformat(view.facts["since"])
    this_year = since.year == view.now.astimezone(view.rules.zone).year  # an old code may stand under a fake
    year, year_en = ("", "") if this_year else (f"{since.year}年", f" {since.year}")
    return [
        Words(
            f"核验码{code}是我们的通知《{title}》，{year}{since.month}月{since.day}日开始发的。",
            f"The check code {code} is of our notice “{en or title}”, "
            f"sent since {since.day} {since:%B}{year_en}.",
        ),
        Words("内容和题目对不上的，不要相信。", "If the text does not fit this title, do not trust it."),
    ]


def _careful(view: View) -> Sequence[Words]:
    fraud, hotline = _fraud(view.rules), view.rules.hotline
    return [
        Words(
            "不要点链接，不要告诉别人验证码，不要转账。",
            "Tap no link, tell nobody a code, transfer no money.",
        ),
        Words(
            f"怀疑是诈骗，请打反诈专线{fraud}；问社保的事，打{hotline}。",
            f"A fraud? Call {fraud}. Questions about social security: {hotline}.",
        ),
    ]


def _fraud(rules: Rules) -> str:
    return next((one.number for one in rules.referrals if one.id == FRAUD), rules.hotline)


def _day(view: View) -> Words:
    if "day" not in view.facts:
        return Words("那天", "that day")
    day, today = date.fromisoformat(view.facts["day"]), view.now.astimezone(view.rules.zone).date()
    said = fields.said(day, today)
    return Words(said.zh, f"{day.day} {day:%B}")

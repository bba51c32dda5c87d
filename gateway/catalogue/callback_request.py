"""A call back (预约回电): who cannot get through, or wants a person when none is there, is called instead.

Nobody need be known for it: who lost card, telephone and password must be able to ask. A mobile gives a
code back first, so that nobody is called against their will; a caller's own number is shown by the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from marshmallow import Schema

from gateway.call_backs import doing, hours, words
from gateway.call_backs.numbers import CallNumber, tail
from gateway.call_backs.words import REASONS
from gateway.channels import sms
from gateway.rules.model import Rules
from gateway.transactions.desk import Desk
from gateway.transactions.form import THEIRS, Chosen, described
from gateway.transactions.model import (
    CHOSEN,
    Action,
    Case,
    Keypad,
    Level,
    Option,
    TransactionType,
    Words,
)

__all__ = ["REASONS", "TYPE"]


_NUMBER = described(
    Words("电话号码", "Telephone number"),
    Words("打哪个电话找您？", "Which number shall we call?"),
    Words(
        "手机，或带区号的固定电话。手机要收一个验证码，确认是您的。",
        "A mobile, or a landline with its area code. A mobile gets a code, to be sure that it is yours.",
    ),
    Keypad(10, 12),
    shown=tail,
)
_NUMBER["metadata"] |= {"autofill": "tel", **THEIRS}


class Form(Schema):
    """Which number, when, and what about."""

    number = CallNumber(**_NUMBER)
    wish = Chosen(
        **described(
            Words("回电时间", "Time"),
            Words("什么时候打给您？", "When shall we call?"),
            Words("工作人员上班的时间。", "When people are at work."),
            CHOSEN,
        )
    )
    matter = Chosen(
        **described(
            Words("事由", "Matter"),
            Words("大概是什么事？", "What is it about, roughly?"),
            Words("好让懂的人打给您。", "So that somebody who knows calls you."),
            CHOSEN,
        )
    )


MATTERS = (
    Option("other", Words("到时候再说", "I will say when you call")),
    Option("card", Words("社保卡", "Social-security card")),
    Option("pension", Words("养老金", "Pension")),
    Option("work", Words("就业和失业", "Work and unemployment")),
)


def _wishes(_desk: Desk, case: Case) -> Sequence[Option]:
    return hours.wishes(case.rules, case.now)


def _matters(_desk: Desk, _case: Case) -> Sequence[Option]:
    return MATTERS


def _number(case: Case) -> str | None:
    return case.answers.get("number")


def _new(case: Case) -> str | None:
    """A mobile gives a code back; a landline cannot."""
    number = _number(case)
    return number if number and sms.is_mobile(number) else None


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    number = rules.hotline_elsewhere
    return [
        Words(
            f"把您排进回电的队里，按先后打给您。来电显示是{number}。",
            f"You are put into the line and called in your turn. The call shows {number}.",
        ),
        words.HONEST,
    ]


TYPE = TransactionType(
    name=doing.KIND,
    title=Words("请人打电话给我", "Call me back"),
    summary=Words(
        "打不通、没人接、不方便打：留个电话，我们打给您。", "Cannot get through? Leave a number and we call."
    ),
    effect=effect,
    form=Form,
    perform=doing.perform,
    personalise=words.personalise,
    explain=words.explain,
    choices={"wish": _wishes, "matter": _matters},
    actions={
        "withdraw": Action(
            Words("取消回电", "Cancel the call"),
            words.not_withdrawn,
            act=doing.withdraw,
            done=lambda view: view.stage == words.WITHDRAWN,
        ),
        "again": Action(
            Words("再请你们打一次", "Ask for another call"), words.not_again, asks_again=("wish",)
        ),
    },
    event=words.event,
    events=(words.WITHDRAWN, words.NOT_REACHED, words.WRONG),
    headline=words.headline,
    tone=words.tone,
    stages=words.STAGES,
    level=Level.ANONYMOUS,
    confirms=_new,
    keeps=_number,
)

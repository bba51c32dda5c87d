"""What is asked of whoever doubts a message: its code, or the number it came to and the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields

from gateway.call_backs.numbers import CallNumber, tail
from gateway.channels import sms
from gateway.notifications import check_codes
from gateway.transactions.form import Chosen, described
from gateway.transactions.model import CHOSEN, Case, Keypad, Option, Words

BY_CODE, BY_MOBILE = "code", "mobile"
EARLIER = "earlier"
DAYS = 7  # to choose from, today among them
FURTHEST = timedelta(days=90)  # back
WAYS = (
    Option(BY_MOBILE, Words("按手机号和日期", "By my mobile and the day")),
    Option(BY_CODE, Words("按短信里的核验码", "By the check code in the message")),
)
NOT_MOBILE = Words("请填收到短信的手机号，11位。", "Give the mobile the message came to; 11 digits.")
BAD_CODE = Words(
    "这不是我们的核验码，请对照短信再填。没有填错的，短信不是我们发的，不要点链接。"
    "短信里没有核验码的，请返回，按手机号和日期核实。",
    "This is no check code of ours; compare it with the message. If it is what the message says, that is not "
    "from us: tap no link. No code in it? Go back and ask by mobile and day.",
)
BAD_DATE = Words("请填8位日期，比如20261105。", "Give the date with 8 digits, as 20261105.")
TOO_FAR = Words("只能查最近90天，不能查以后的日子。", "Only the last 90 days can be looked at.")


class _Mobile(CallNumber):
    """A mobile; deserialises to E.164."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            number = super()._deserialize(value, attr, data, **kwargs)
        except ValidationError:
            raise ValidationError([NOT_MOBILE]) from None
        if not sms.is_mobile(number):
            raise ValidationError([NOT_MOBILE])
        return number


class _CheckCode(fields.String):
    """A check code; deserialises to six digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = "".join(super()._deserialize(value, attr, data, **kwargs)[:40].split())
        if not check_codes.is_one(text):
            raise ValidationError([BAD_CODE])
        return text


class _Date(fields.String):
    """A day as eight digits, with what people write between them; deserialises to ISO 8601."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)[:40]
        digits = "".join(one for one in text if one.isascii() and one.isdigit())
        try:
            return date.fromisoformat(digits).isoformat()
        except ValueError:
            raise ValidationError([BAD_DATE]) from None


_MOBILE = described(
    Words("手机号", "Mobile"),
    Words("短信发到了哪个手机？", "Which mobile did the message come to?"),
    Words("会收到一个验证码，确认手机是您的。", "It gets a code, to be sure that it is yours."),
    Keypad(11, 11),
    when=lambda answers: answers.get("way") == BY_MOBILE,
    shown=tail,
)
_MOBILE["metadata"] |= {"autofill": "tel", "registered": "mobile"}


class Form(Schema):
    """Each way asks for its own."""

    way = Chosen(
        **described(
            Words("核实方式", "How"),
            Words("您想怎样核实？", "How shall we check it?"),
            Words(
                "政策通知里有6位核验码；别的短信按手机号查。",
                "Notices have a six-digit code; others by mobile.",
            ),
            CHOSEN,
        )
    )
    check_code = _CheckCode(
        **described(
            Words("核验码", "Check code"),
            Words("短信里的核验码是多少？", "What is the check code in the message?"),
            Words(
                "6位数字。不是验证码，验证码谁都不要告诉。",
                "Six digits. Not a one-time code: tell that to nobody.",
            ),
            Keypad(6, 6),
            when=lambda answers: answers.get("way") == BY_CODE,
        )
    )
    mobile = _Mobile(**_MOBILE)
    day = Chosen(
        **described(
            Words("哪一天", "Day"),
            Words("哪一天收到的？", "Which day did it come?"),
            Words("不记得的，先选最近的一天。", "Not sure? Begin with the latest."),
            CHOSEN,
            when=lambda answers: answers.get("way") == BY_MOBILE,
        )
    )
    date = _Date(
        **described(
            Words("日期", "Date"),
            Words("哪年哪月哪日？", "Which date?"),
            Words("8位数字，比如20261105。最近90天以内。", "8 digits, as 20261105; of the last 90 days."),
            Keypad(8, 8),
            when=lambda answers: answers.get("day") == EARLIER,
        )
    )


def days(case: Case) -> Sequence[Option]:
    """Today and the days before it, and an earlier one."""
    today = case.now.astimezone(case.rules.zone).date()
    found = [Option((one := today - timedelta(days=n)).isoformat(), said(one, today)) for n in range(DAYS)]
    return [*found, Option(EARLIER, Words("更早", "Earlier"))]


def said(day: date, today: date) -> Words:
    """A day as people say it."""
    near = {0: Words("今天", "Today"), 1: Words("昨天", "Yesterday"), 2: Words("前天", "The day before")}
    return near.get((today - day).days) or Words(f"{day.month}月{day.day}日", f"{day.day} {day:%B}")


def day_of(answers: Mapping[str, str]) -> date | None:
    """The day asked about; None where it is a code, or not said yet."""
    given = answers.get("day")
    if given == EARLIER:
        given = answers.get("date")
    return date.fromisoformat(given) if given else None


def check(case: Case) -> Mapping[str, Words]:
    """A day nobody can look at."""
    given = case.answers.get("date") if case.answers.get("day") == EARLIER else None
    if not given:
        return {}
    day, today = date.fromisoformat(given), case.now.astimezone(case.rules.zone).date()
    return {} if today - FURTHEST <= day <= today else {"date": TOO_FAR}

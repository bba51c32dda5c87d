"""The form of a change: the item, and a field of its own for each item's new value."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.information_rules import ADDRESS, EMAIL, KEY, MOBILE, PASSWORD, POSTCODE
from gateway.records import fields
from gateway.records.values import shown
from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import CHOSEN, Keypad, Words


def _secret(zh: str, en: str, label: Words) -> dict[str, Any]:
    """A field for a password: nobody is shown it again."""
    options = described(
        label,
        Words(zh, en),
        Words("6位数字，不要用生日。", "Six digits, no birthday."),
        Keypad(fields.PASSWORD_DIGITS, fields.PASSWORD_DIGITS),
        when=lambda answers: answers.get("item") == PASSWORD,
        shown=lambda _: Words("••••••", "••••••"),
    )
    options["metadata"] |= {"secret": True, "autofill": "new-password"}
    return options


def _typed(options: dict[str, Any], autofill: str) -> dict[str, Any]:
    """A field that browsers can fill in by this word."""
    options["metadata"]["autofill"] = autofill
    return options


class Form(Who):
    """What is changed, and its new value."""

    item = Chosen(
        **described(
            Words("要改什么", "What to change"),
            Words("您要改哪一项？", "What do you want to change?"),
            Words("一次改一项。", "One at a time."),
            CHOSEN,
            example=POSTCODE,
        )
    )
    key_datum = Chosen(
        **described(
            Words("关键信息", "Key data"),
            Words("您要改的是哪一项？", "Which of these?"),
            Words("这些要带材料到窗口改。", "These are changed at a counter, with papers."),
            CHOSEN,
            when=lambda answers: answers.get("item") == KEY,
        )
    )
    mobile = fields.Mobile(
        **_typed(
            described(
                Words("新手机号码", "New mobile number"),
                Words("您的新手机号码是多少？", "What is your new mobile number?"),
                Words("11位。会发一个验证码到这个号码。", "11 digits. A code is sent to this number."),
                Keypad(11, 11),
                when=lambda answers: answers.get("item") == MOBILE,
                shown=partial(shown, MOBILE),
            ),
            "tel",
        )
    )
    district = Chosen(
        **described(
            Words("所在区县", "District"),
            Words("新地址在哪个区县？", "Which district is it in?"),
            Words("选一项。", "Choose one."),
            CHOSEN,
            when=lambda answers: answers.get("item") == ADDRESS,
        )
    )
    address = fields.PostalAddress(
        **_typed(
            described(
                Words("新联系地址", "New postal address"),
                Words("您的新地址是什么？", "What is your new address?"),
                Words("写到门牌号，例如某某路1号2栋301。", "Down to the house number and flat."),
                None,
                when=lambda answers: answers.get("item") == ADDRESS,
            ),
            "street-address",
        )
    )
    postcode = fields.Postcode(
        **_typed(
            described(
                Words("新邮政编码", "New postcode"),
                Words("您的新邮政编码是多少？", "What is your new postcode?"),
                Words("6位数字。", "Six digits."),
                Keypad(6, 6),
                when=lambda answers: answers.get("item") == POSTCODE,
                example="415000",
            ),
            "postal-code",
        )
    )
    email = fields.Email(
        **_typed(
            described(
                Words("新电子邮箱", "New e-mail address"),
                Words("您的新电子邮箱是什么？", "What is your new e-mail address?"),
                Words("例如wang@example.cn。", "One looks like wang@example.cn."),
                None,
                when=lambda answers: answers.get("item") == EMAIL,
                shown=partial(shown, EMAIL),
            ),
            "email",
        )
    )
    new_password = fields.NewPassword(
        **_secret(
            "您要设的查询密码是什么？",
            "Which query password do you choose?",
            Words("新查询密码", "New query password"),
        )
    )
    new_password_again = fields.NewPassword(
        **_secret(
            "请再输一遍查询密码。",
            "The query password once more, please.",
            Words("新查询密码第二遍", "New query password, again"),
        )
    )

"""Acting for somebody else: the guardian of a child, or a relative with a mandate.

Whose matter it is stays the person the form asks for. Who helps is asked beside it: the code goes
to the helper's registered mobile, and counts where the register has a mandate for the two. That
somebody is a child is seen from the ID number alone, so asking for the guardian tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema
from marshmallow.fields import Field

from gateway.citizens import id_number
from gateway.citizens.mandates import Kind
from gateway.transactions import registry
from gateway.transactions.form import IdNumber, PersonName, applying, described, fields_of
from gateway.transactions.model import Keypad, Words
from gateway.transactions.store import Transaction

NUMBER, NAME = "helper_id_number", "helper_name"
ITSELF = Words(
    "代办人不能是本人。请填代办人自己的身份证号码。",
    "The helper cannot be the person in question. Give the helper's own ID number.",
)


def _always(_answers: Mapping[str, str]) -> bool:
    """No form requires it: whether it is asked for depends on more than the answers."""
    return True


class Helper(Schema):
    """Who acts for the citizen."""

    helper_id_number = IdNumber(
        **described(
            Words("代办人身份证号码", "Helper's ID number"),
            Words("替他办的人，身份证号码是多少？", "What is the ID number of whoever helps?"),
            Words(
                "代办人是监护人（本人不满16岁），或登记过授权的家人。验证码发到代办人的手机。",
                "The guardian of a child under 16, or a relative with a registered mandate. "
                "The code goes to the helper's mobile.",
            ),
            Keypad(18, 18, star_is="X"),
            when=_always,
        )
    )
    helper_name = PersonName(
        **described(
            Words("代办人姓名", "Helper's name"),
            Words("代办人的姓名是什么？", "What is the helper's name?"),
            Words("和身份证上一样。", "As it stands on the helper's ID card."),
            None,
            from_register=True,
            when=_always,
        )
    )


# What is asked of somebody who said at the start that they help: "your number" would be read as their own.
ASKED = {
    "id_number": {
        "prompt": Words("您家人的身份证号码是多少？", "What is the ID number of the person you help?"),
        "hint": Words(
            "先填要办事的家人的，18位，最后一位可能是X。您自己的在后面填。",
            "First theirs: 18 characters, the last may be X. Your own comes after.",
        ),
    },
    "name": {"prompt": Words("您家人的姓名是什么？", "What is the name of the person you help?")},
    "helper_id_number": {
        "prompt": Words("您自己的身份证号码是多少？", "What is your own ID number?"),
        "hint": Words(
            "您是代办人：监护人（本人不满16岁），或登记过授权的家人。验证码发到您的手机。",
            "You help: as the guardian of a child under 16, or a relative with a registered mandate. "
            "The code goes to your mobile.",
        ),
    },
    "helper_name": {"prompt": Words("您自己的姓名是什么？", "What is your own name?")},
}
FIELDS = tuple(fields_of(Helper))
WHO = ("id_number", "name", *FIELDS)  # the answers that say who is asking


def child(transaction: Transaction) -> bool:
    """Whether it is for somebody too young to act, on the city's day it was begun."""
    number = transaction.answers.get("id_number")
    if not number:
        return False
    born, day = id_number.birth_date(number), begun_on(transaction)
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return years < transaction.rules.identity.guardian_under


def begun_on(transaction: Transaction) -> date:
    """The city's day on which it was begun."""
    day: date = transaction.row.created_at.astimezone(transaction.rules.zone).date()
    return day


def helped(transaction: Transaction) -> bool:
    """Whether somebody acts for the citizen: by wish, or because it must be so."""
    return bool(transaction.row.helped) or child(transaction)


def tie(transaction: Transaction) -> Kind:
    """What must tie the helper to the citizen."""
    return Kind.GUARDIAN if child(transaction) else Kind.RELATIVE


def fields(transaction: Transaction) -> Mapping[str, Field[object]]:
    """The fields asked for after the answers so far, in order; the helper's follow whom they help."""
    form = registry.get(transaction.row.type).form
    known = fields_of(form)
    asked: dict[str, Field[object]] = {}
    helper = fields_of(Helper) if helped(transaction) else {}
    for name in applying(form, transaction.answers):
        if name not in ("id_number", "name"):
            asked |= helper
        asked[name] = known[name]
    return {**asked, **helper}


def asked(transaction: Transaction, name: str) -> Mapping[str, Any]:
    """What to say where one of these fields is asked for, to the person who answers."""
    described: Mapping[str, Any] = fields(transaction)[name].metadata
    return {**described, **ASKED.get(name, {})} if transaction.row.helped else described


# --- answers ---------------------------------------------------------------------------------


def loaded(form: type[Schema], given: Mapping[str, object]) -> dict[str, str]:
    """Answers as the form, and the helper's, read them; ``ValidationError`` with what is wrong."""
    own = form(only=[name for name in given if name in fields_of(form)] or ())
    mine: dict[str, str] = own.load({name: value for name, value in given.items() if name not in FIELDS})
    theirs = {name: value for name, value in given.items() if name in FIELDS}
    helper: dict[str, str] = Helper(only=list(theirs)).load(theirs) if theirs else {}
    return mine | helper


def joined(answers: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The form's answers with what was given of the helper."""
    return {**answers, **{name: values[name] for name in FIELDS if name in values}}


def without_helper(answers: Mapping[str, str]) -> dict[str, str]:
    """The answers without who helps."""
    return {name: value for name, value in answers.items() if name not in FIELDS}


def wrong_with(answers: Mapping[str, str], values: Mapping[str, str]) -> dict[str, Words]:
    """What is wrong with the helper, as far as the answers alone tell."""
    number = values.get(NUMBER)
    return {NUMBER: ITSELF} if number and number == answers.get("id_number") else {}


def without_others_names(
    answers: Mapping[str, str], values: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, str]:
    """Names that were taken from the register belong to their numbers: with another number they go."""
    gone = {
        name
        for number, name in (("id_number", "name"), (NUMBER, NAME))
        if answers.get(number) != before.get(number) and name not in values
    }
    return {name: value for name, value in answers.items() if name not in gone}

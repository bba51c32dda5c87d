"""Fields of a form, described once for web, phone and API.

``Who`` holds what identifies a citizen; every type's form begins with it.
Messages are ``Words``, so each face shows the language it speaks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields

from gateway.citizens import id_number
from gateway.transactions.model import Keypad, Option, Words

NAME_LONGEST = 50
WRITTEN_LONGEST = 500  # characters, with stray spaces; more is no name, and dear to look at

REQUIRED = Words("请填写这一项。", "Please fill this in.")
UNEXPECTED = Words("没有这一项，请去掉。", "There is no such field; leave it out.")
NOT_TEXT = Words("请填写文字。", "This must be text.")
BAD_ID_NUMBER = Words(
    "身份证号码不对。请对照身份证，填写全部18位，最后一位可能是X。",
    "This is not a valid ID number. Copy all 18 characters from the card; the last may be X.",
)
BAD_NAME = Words("请填写身份证上的姓名。", "Write the name as it stands on the ID card.")


class IdNumber(fields.String):
    """An ID number, however people write it; deserialises to 18 characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return id_number.normalise(text)
        except ValueError:
            raise ValidationError([BAD_ID_NUMBER]) from None


class PersonName(fields.String):
    """A name as on the ID card; deserialises without stray spaces."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > WRITTEN_LONGEST:
            raise ValidationError([BAD_NAME])
        name = " ".join(unicodedata.normalize("NFC", text).split())
        letters = all(character.isalpha() or character in " ·.'’-" for character in name)
        if not 1 < len(name) <= NAME_LONGEST or not letters:
            raise ValidationError([BAD_NAME])
        return name


THEIRS = {"registered": "mobile", "calling": True}
"""Metadata of a number of the citizen's own: whoever is known already has their registered one put in, and
a caller may give the one they call from by a key."""
NOT_ASKED = Words(
    "按您前面的选择，这一项不用填，请去掉。", "After the answers before it this is not asked; leave it out."
)
NOT_OFFERED = Words(
    "这一项不在可选的范围里，请重新选择。", "This is not one of the choices; please choose again."
)


def described(
    label: Words,
    prompt: Words,
    hint: Words,
    keypad: Keypad | None,
    *,
    from_register: bool = False,
    when: Callable[[Mapping[str, str]], bool] | None = None,
    shown: Callable[[str], Words] | None = None,
    near: Callable[[str], Sequence[Option]] | None = None,
    example: str | Callable[[date], str] = "",
    longest: int = 0,
) -> dict[str, Any]:
    """The options of a field: how each face asks for it.

    ``keypad`` null: it cannot be keyed. ``from_register``: the phone does not ask
    for it; it is taken from the register once the caller has proven who they are.
    ``when``: it is asked only where this holds of the answers before it. ``shown``:
    its value in words, as it may stand on a page others can see. ``near``: what a text
    that is no answer yet may mean, to be picked from. ``example``: an answer it takes on
    a given day, for whoever builds a form and those who play one; for a choice, theirs.
    ``longest``: so many characters of one's own words, which want room on a page.
    """
    asked: dict[str, Any] = {"label": label, "prompt": prompt, "hint": hint, "keypad": keypad}
    if example:  # what is the same every day stands in the API's document, too
        asked["example_on" if callable(example) else "example"] = example
    if longest:
        asked["longest"] = longest
    return {
        "required": when is None,
        "error_messages": {"required": REQUIRED, "null": REQUIRED, "invalid": NOT_TEXT},
        "metadata": {**asked, "from_register": from_register, "when": when, "shown": shown, "near": near},
    }


def example(field: fields.Field[Any], today: date) -> str:
    """An answer the field takes today; "" where none was named."""
    on = field.metadata.get("example_on")
    return on(today) if on else str(field.metadata.get("example", ""))


@cache
def fields_of(form: type[Schema]) -> Mapping[str, fields.Field[Any]]:
    """A form's fields in their order, put together once: that costs more than to fill them in."""
    return MappingProxyType(form().fields)


def applying(form: type[Schema], answers: Mapping[str, str]) -> list[str]:
    """The fields that are asked for, in order: each one's ``when`` is given the answers before it."""
    before: dict[str, str] = {}
    asked: list[str] = []
    for name, field in fields_of(form).items():
        if asks(field, before):
            asked.append(name)
            before |= {name: answers[name]} if name in answers else {}
    return asked


def asks(field: fields.Field[Any], before: Mapping[str, str]) -> bool:
    """Whether a field is asked for after these answers."""
    when = field.metadata.get("when")
    return when is None or bool(when(before))


class Chosen(fields.String):
    """One of the options the type offers now (``TransactionType.choices``); at most 64 characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not 0 < len(text) <= 64:
            raise ValidationError([NOT_OFFERED])
        return text


class Who(Schema):
    """Who the citizen is: ID number and name, as known-level identity asks on web and API.

    The name is not asked on the phone (domain.md: names cannot be keyed).
    """

    error_messages: ClassVar[dict[str, Any]] = {"unknown": UNEXPECTED}  # type: ignore[misc]

    id_number = IdNumber(
        **described(
            Words("身份证号码", "ID number"),
            Words("您的身份证号码是多少？", "What is your ID number?"),
            Words("18位，最后一位可能是X。", "18 characters; the last may be X."),
            Keypad(18, 18, star_is="X"),
        )
    )
    name = PersonName(
        **described(
            Words("姓名", "Name"),
            Words("您的姓名是什么？", "What is your name?"),
            Words("和身份证上一样。", "As it stands on your ID card."),
            None,
            from_register=True,
        )
    )


def problems(error: ValidationError) -> Mapping[str, Words]:
    """The first problem of each field."""
    messages: Mapping[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return {name: _words(message) for name, message in messages.items()}


def _words(message: Any) -> Words:
    first = message[0] if isinstance(message, list) and message else message
    return first if isinstance(first, Words) else Words("这一项不对，请重新填写。", str(first))

"""How a field is typed on a page, and how its value is shown afterwards."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from marshmallow.fields import Field

from gateway.security import mask_id_number, mask_name
from gateway.transactions.form import IdNumber, PersonName
from gateway.transactions.model import Words

LONGEST = 200  # characters taken from one input; more is nobody's answer

_ID_NUMBER = {
    "inputmode": "text",  # the last character may be X
    "autocomplete": "off",
    "autocapitalize": "characters",
    "autocorrect": "off",
    "spellcheck": "false",
    "class": "number",
}
_NAME = {
    "inputmode": "text",
    "autocomplete": "name",
    "autocapitalize": "none",
    "autocorrect": "off",
    "spellcheck": "false",
}
_TEXT = {"autocomplete": "off"}
_PLAIN = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}
_AUTOFILL: Mapping[str, Mapping[str, str]] = {  # by the field's ``autofill``, in the words of HTML
    "tel": {"inputmode": "tel", **_PLAIN, "class": "number"},
    "postal-code": {"inputmode": "numeric", **_PLAIN, "class": "number"},
    "email": {"inputmode": "email", **_PLAIN},
    "street-address": {"inputmode": "text"},
    "new-password": {"inputmode": "numeric", **_PLAIN, "class": "code"},
}
CODE = {
    "inputmode": "numeric",
    "autocomplete": "one-time-code",
    "autocapitalize": "none",
    "autocorrect": "off",
    "spellcheck": "false",
    "class": "code",
}
PASSWORD = {**CODE, "autocomplete": "off"}
DIGITS = {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false", "class": "number"}


def attributes(field: Field[object]) -> Mapping[str, str]:
    """The attributes of the field's input element."""
    longest = field.metadata.get("longest")
    if longest:
        return {**_TEXT, "rows": "6", "maxlength": str(longest)}
    autofill = field.metadata.get("autofill")
    if autofill:
        return {**_AUTOFILL[autofill], "autocomplete": autofill}
    match field:
        case IdNumber():
            return _ID_NUMBER
        case PersonName():
            return _NAME
        case _:
            return _TEXT


def taken(field: Field[object]) -> int:
    """So many characters of what is typed are looked at; what is longer than may be is told, not cut."""
    return LONGEST + 2 * int(field.metadata.get("longest") or 0)


def masked(field: Field[object], value: str) -> Words:
    """The value as it may stand on a page others can see."""
    shown = field.metadata.get("shown")
    match field:
        case IdNumber():
            return Words(mask_id_number(value), "")
        case PersonName():
            return Words(mask_name(value), "")
        case _:
            return shown(value) if shown else Words(value, "")


def digits(text: str) -> str:
    """Digits as people type them, with spaces, dashes or in full width, as plain ones."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(character for character in plain if not character.isspace() and character not in "-–—")

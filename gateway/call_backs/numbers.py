"""Numbers people can be called at: mobiles and landlines of this country. Pure."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from gateway.channels import AddressError, sms
from gateway.transactions.form import WRITTEN_LONGEST
from gateway.transactions.model import Words

BAD_NUMBER = Words(
    "这个电话号码不对。手机填11位；固定电话连区号一起填，比如0736-7255555。",
    "This is no telephone number. A mobile has 11 digits; write a landline with its area code: 0736-7255555.",
)
_LANDLINE = re.compile(r"(?:\+86|0086|0)((?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7})")
_BETWEEN = re.compile(r"[\s\-()（）–—]")


def normalised(text: str) -> str | None:
    """The number in E.164, from however it was written; None for one nobody can be called at."""
    if sms.is_hotline(text):
        return None
    plain = _BETWEEN.sub("", text)
    if landline := _LANDLINE.fullmatch(plain):
        return f"{sms.HOME}{landline[1]}"
    try:
        number = sms.normalise(plain)
    except AddressError:
        return None
    return number if sms.is_mobile(number) else None


def keyed(number: str) -> str:
    """A number in E.164 as it is dialled here."""
    national = number.removeprefix(sms.HOME)
    return national if sms.is_mobile(number) else f"0{national}"


def tail(number: str) -> Words:
    """A number as it may stand where others can see it."""
    return Words(f"尾号{number[-4:]}", f"ending in {number[-4:]}")


class CallNumber(fields.String):
    """A number to be called at; deserialises to E.164."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        number = normalised(text) if len(text) <= WRITTEN_LONGEST else None
        if number is None:
            raise ValidationError([BAD_NUMBER])
        return number

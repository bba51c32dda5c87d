"""The new values a citizen may write: read however people write them, kept in one form."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from marshmallow import ValidationError, fields

from gateway.channels import AddressError, email, sms
from gateway.transactions.model import Words

SHORTEST, LONGEST = 5, 100  # characters of an address
WRITTEN_LONGEST = 500  # with stray spaces; more is nobody's address, and dear to look at
PASSWORD_DIGITS = 6

BAD_ADDRESS = Words(
    f"请把地址写完整，到门牌号，{SHORTEST}到{LONGEST}个字。",
    f"Write the whole address down to the house number, {SHORTEST} to {LONGEST} characters.",
)
BAD_POSTCODE = Words("邮政编码是6位数字。", "A postcode has six digits.")
BAD_PASSWORD = Words("查询密码是6位数字。", "A query password has six digits.")


def _plain(text: str) -> str:
    """Full-width digits as plain ones, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text[:WRITTEN_LONGEST]).split())


class Mobile(fields.String):
    """A mobile number; deserialises to E.164."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return _address(sms.normalise, super()._deserialize(value, attr, data, **kwargs))


class Email(fields.String):
    """An e-mail address; deserialises to the one way it is written here."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return _address(email.normalise, super()._deserialize(value, attr, data, **kwargs))


def _address(normalise: Any, text: str) -> str:
    try:
        return str(normalise(text))
    except AddressError as error:
        raise ValidationError([Words(error.zh, error.en)]) from None


class PostalAddress(fields.String):
    """A postal address on one line; deserialises without stray spaces and marks that cannot be seen."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > WRITTEN_LONGEST:
            raise ValidationError([BAD_ADDRESS])
        plain = " ".join(unicodedata.normalize("NFC", text).split())
        unseen = any(unicodedata.category(character)[0] == "C" for character in plain)
        if unseen or not SHORTEST <= len(plain) <= LONGEST or not re.search(r"[^\W\d_]", plain):
            raise ValidationError([BAD_ADDRESS])
        return plain


class Postcode(fields.String):
    """Six digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        plain = _plain(super()._deserialize(value, attr, data, **kwargs))
        if not re.fullmatch(r"[0-9]{6}", plain) or plain == "000000":
            raise ValidationError([BAD_POSTCODE])
        return plain


class NewPassword(fields.String):
    """A query password somebody chooses: six digits; how easily guessed is judged with the ID number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        plain = _plain(super()._deserialize(value, attr, data, **kwargs))
        if not re.fullmatch(rf"[0-9]{{{PASSWORD_DIGITS}}}", plain):
            raise ValidationError([BAD_PASSWORD])
        return plain

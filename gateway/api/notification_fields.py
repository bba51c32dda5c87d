"""Fields of ``/v2/notifications`` bodies, and what is wrong with them in GOV.UK Notify's words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from gateway.channels import AddressError, email, sms

LONGEST_REFERENCE = 1_000
LONGEST_URL = 900  # characters: a mail's header has one line of 998 for it
FEWEST_DIGITS, MOST_DIGITS = 8, 15  # of any country's number (E.164)
PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # what is left without it, as the document says it
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # what no database and no vendor takes
_TEST_NUMBER = re.compile(r"(?:\+44|0044|0)?(7700900[0-9]{3})")
"""Kept for fiction in the United Kingdom (Ofcom): what Notify's clients simulate with."""


def wrong_type(value: object, wanted: str) -> ValidationError:
    shown = type(value).__name__ if isinstance(value, dict | list) else str(value)[:100]
    return ValidationError(f"{shown} is not of type {wanted}")


def plain(text: str) -> str:
    """The same text; ``ValidationError`` for control characters and halves of characters."""
    if _BAD.search(text):
        raise ValidationError("must not contain control characters")
    return text


def test_number(text: str) -> str | None:
    """A number that only simulates, in E.164; None for any other."""
    found = _TEST_NUMBER.fullmatch(re.sub(r"[\s()-]", "", text))
    return f"+44{found[1]}" if found else None


class Text(fields.String):
    """A string of plain characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(value, "string")
        return plain(value)


class Reference(Text):
    """The service's own word for a message."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST_REFERENCE:
            raise ValidationError(f"{text} is too long")
        return text


class Phone(Text):
    """A telephone number in some form; whether texts reach it is asked later."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if wrong := wrong_form(text):
            raise ValidationError(wrong)
        return text


def wrong_form(text: str) -> str | None:
    """What is wrong with the form of a number, in Notify's words."""
    try:
        sms.normalise(text)
    except AddressError as error:
        begun = text[: sms.LONGEST]
        formless = error.reason in _FORMLESS and not (begun == text and test_number(text))
        return _words(unicodedata.normalize("NFKC", begun)) if formless else None
    return None


_FORMLESS = ("empty", "not_a_number")


def _words(text: str) -> str:
    digits = sum(c.isdecimal() for c in text)
    if any(c.isalpha() for c in text):
        return "Must not contain letters or symbols"
    if digits < FEWEST_DIGITS:
        return "Not enough digits"
    return "Too many digits" if digits > MOST_DIGITS else "Not a valid country prefix"


class Mailbox(Text):
    """An e-mail address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            email.normalise(text)
        except AddressError:
            raise ValidationError("Not a valid email address") from None
        return text


class SecureUrl(Text):
    """An https address that a mail's header can hold."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST_URL or not re.fullmatch(r"[!-;=?-~]+", text) or not _is_secure(text):
            raise ValidationError("is not a valid https url")
        return text


def _is_secure(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Values(fields.Field[dict[str, Any]]):
    """What is put into a text, by name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong_type(value, "object")
        return value


class Names(fields.Field[list[str]]):
    """A list of words, or none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        if not isinstance(value, list):
            raise wrong_type(value, "array")
        for one in value:
            if not isinstance(one, str):
                raise wrong_type(one, "string")
        return value


class OneOf(fields.Field[Any]):
    """One of a few values; 2.0 is 2, as JSON has it, and true is no number."""

    def __init__(self, choices: Collection[Any], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        for one in self.choices:
            if one == value and not isinstance(value, bool):
                return one
        shown = value if isinstance(value, str | int | float) else type(value).__name__
        raise ValidationError(f"{shown} is not one of [{', '.join(map(str, self.choices))}]")


class Several(fields.Field[list[str]]):
    """Values of a query that may be given several times. ``choices`` are named, ``taken`` are taken."""

    is_multiple = True

    def __init__(self, choices: Sequence[str], taken: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices
        self.taken = taken or choices

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        named = ", ".join(self.choices)
        if odd := [f"{one} is not one of [{named}]" for one in value if one not in self.taken]:
            raise ValidationError(odd)
        return list(value)


class Moment(fields.Field[datetime]):
    """A time in ISO 8601; one without a zone is in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise wrong_type(value, "string")
        try:
            at = datetime.fromisoformat(value)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(
                "datetime format is invalid. It must be a valid ISO8601 date time format, "
                "https://en.wikipedia.org/wiki/ISO_8601"
            ) from None


NO_UUID = "is not a valid UUID"


def said(null: str = "None is not of type string") -> dict[str, Any]:
    """What a field says where it is missing, null or no UUID."""
    return {"required": "is a required property", "null": null, "invalid_uuid": NO_UUID}

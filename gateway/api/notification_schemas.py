"""Bodies of ``/v2/notifications``, and what is wrong with them in GOV.UK Notify's words."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields

from gateway.channels import AddressError, sms

LONGEST_REFERENCE = 1_000
FEWEST_DIGITS, MOST_DIGITS = 8, 15  # of any country's number (E.164)
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # what no database and no vendor takes


def _wrong_type(value: object, wanted: str) -> ValidationError:
    shown = type(value).__name__ if isinstance(value, dict | list) else str(value)[:100]
    return ValidationError(f"{shown} is not of type {wanted}")


def plain(text: str) -> str:
    """The same text; ``ValidationError`` for control characters and halves of characters."""
    if _BAD.search(text):
        raise ValidationError("must not contain control characters")
    return text


class Text(fields.String):
    """A string of plain characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise _wrong_type(value, "string")
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
        return _words(unicodedata.normalize("NFKC", text)) if error.reason in _FORMLESS else None
    return None


_FORMLESS = ("empty", "not_a_number")


def _words(text: str) -> str:
    digits = sum(c.isdecimal() for c in text)
    if any(c.isalpha() for c in text):
        return "Must not contain letters or symbols"
    if digits < FEWEST_DIGITS:
        return "Not enough digits"
    return "Too many digits" if digits > MOST_DIGITS else "Not a valid country prefix"


class Values(fields.Field[dict[str, Any]]):
    """What is put into a text, by name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "object")
        return value


class Moment(fields.Field[datetime]):
    """A time in ISO 8601; one without a zone is in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise _wrong_type(value, "string")
        try:
            at = datetime.fromisoformat(value)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(
                "datetime format is invalid. It must be a valid ISO8601 date time format, "
                "https://en.wikipedia.org/wiki/ISO_8601"
            ) from None


def _said(null: str = "None is not of type string") -> dict[str, Any]:
    return {"required": "is a required property", "null": null, "invalid_uuid": _NO_UUID}


_NO_UUID = "is not a valid UUID"


class NewSmsSchema(Schema):
    """A text message to one person."""

    phone_number = Phone(
        required=True,
        error_messages=_said(),
        metadata={"description": "A mobile number; outside the mainland with + and country."},
    )
    template_id = fields.UUID(
        required=True, error_messages=_said(_NO_UUID), metadata={"description": "A text of channel sms."}
    )
    personalisation = Values(
        error_messages=_said("None is not of type object"),
        metadata={"type": "object", "description": "A value for each ((name)) in the text."},
    )
    reference = Reference(
        error_messages=_said(),
        metadata={"description": "Your own word for it, up to 1,000 characters; no personal data."},
    )
    sms_sender_id = fields.UUID(
        error_messages=_said(_NO_UUID),
        metadata={"description": "Accepted for Notify's clients; texts go out as this city."},
    )
    scheduled_for = Moment(
        error_messages=_said(),
        metadata={"type": "string", "format": "date-time", "description": "Not before this time."},
    )


class TemplateSchema(Schema):
    """The version of the text it says."""

    id = fields.UUID()
    version = fields.Integer()
    uri = fields.String()


class SmsContentSchema(Schema):
    body = fields.String()
    from_number = fields.String(metadata={"description": "The signature it goes out under."})


class TakenSchema(Schema):
    """What was taken. It is stored: nothing is lost from here on."""

    id = fields.UUID()
    reference = fields.String(allow_none=True)
    uri = fields.String()
    template = fields.Nested(TemplateSchema)
    scheduled_for = fields.String(allow_none=True)
    content = fields.Nested(SmsContentSchema)


class NotificationSchema(Schema):
    """A notification as it stands; keys that only letters have are null."""

    id = fields.UUID()
    reference = fields.String(allow_none=True)
    email_address = fields.String(allow_none=True)
    phone_number = fields.String(allow_none=True)
    type = fields.String()
    status = fields.String()
    template = fields.Nested(TemplateSchema)
    body = fields.String()
    subject = fields.String(allow_none=True)
    created_at = fields.String()
    sent_at = fields.String(allow_none=True)
    completed_at = fields.String(allow_none=True)
    scheduled_for = fields.String(allow_none=True)

"""Bodies of ``/v2/ops/templates``: writing texts, and all that is known of them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.api.notification_fields import Text, Values
from gateway.content.editing import CHANNELS, CLASSES, LONGEST_BODY, LONGEST_TITLE
from gateway.content.lint import ERROR, WARNING
from gateway.content.store import LANGUAGES, State

_ERRORS: dict[str, Any] = {
    "required": "is a required property",
    "null": "None is not of type string",
    "invalid_uuid": "is not a valid UUID",
}


def _one_of(choices: tuple[str, ...], about: str, **more: Any) -> fields.String:
    check = validate.OneOf(choices, error=f"must be one of {', '.join(choices)}")
    return Text(validate=check, error_messages=_ERRORS, metadata={"description": about}, **more)


def _sized(most: int, about: str, **more: Any) -> fields.String:
    check = validate.Length(1, most, error=f"must have 1 to {most:,} characters")
    return Text(validate=check, error_messages=_ERRORS, metadata={"description": about}, **more)


class NewVersionSchema(Schema):
    """What a version says."""

    body = _sized(LONGEST_BODY, "With ((placeholders)); an e-mail's in its Markdown.", required=True)
    subject = _sized(500, "An e-mail's, and only an e-mail's.")


class NewTextSchema(NewVersionSchema):
    """A text to make, with its first version."""

    name = _sized(LONGEST_TITLE, "What people call it.", required=True)
    type = _one_of(CHANNELS, "The channel it goes by.", required=True)
    class_ = _one_of(
        CLASSES,
        "How its messages are treated: a code expires, results come at once, reminders and notices keep "
        "to the hours in which people want them, notices can be stopped.",
        required=True,
        data_key="class",
    )
    language = _one_of(LANGUAGES, "The language it is written in.", load_default=LANGUAGES[0])
    translates = fields.UUID(
        error_messages=_ERRORS,
        metadata={"description": "A text that says the same in another language."},
    )


class TrialSchema(Schema):
    """To whom of your team, with which values."""

    to = _sized(254, "A number or address on the service's team or guest list.", required=True)
    personalisation = Values(load_default=dict, metadata={"type": "object"})


class FindingSchema(Schema):
    """What is wrong with a text, or could be said better."""

    rule = fields.String()
    severity = fields.String(validate=validate.OneOf((ERROR, WARNING)))
    place = fields.String(metadata={"description": "text, subject, a variable, or some of its words"})
    zh = fields.String()
    en = fields.String()


class RegistrationSchema(Schema):
    """How a provider that reviews texts knows a version."""

    provider = fields.String()
    code = fields.String()
    state = fields.String(metadata={"description": "pending, approved, refused, mismatch"})
    reason = fields.String(metadata={"description": "Why it was refused, or which variables differ."})


class WrittenSchema(Schema):
    """A version of a text."""

    version = fields.Integer()
    state = fields.String(validate=validate.OneOf(tuple(State)))
    body = fields.String()
    subject = fields.String(allow_none=True)
    created_by = fields.String()
    updated_at = fields.String(allow_none=True)
    variables = fields.List(fields.String())
    findings = fields.List(fields.Nested(FindingSchema))
    registrations = fields.List(fields.Nested(RegistrationSchema))


class WholeTextSchema(Schema):
    """A text with all its versions, the newest first."""

    id = fields.UUID()
    key = fields.String(metadata={"description": "What the house knows it and its translations by."})
    name = fields.String()
    type = fields.String()
    language = fields.String()
    class_ = fields.String(data_key="class")
    archived = fields.Boolean()
    versions = fields.List(fields.Nested(WrittenSchema))


class LineSchema(Schema):
    """A text in the list, with its newest version."""

    id = fields.UUID()
    key = fields.String()
    name = fields.String()
    type = fields.String()
    language = fields.String()
    class_ = fields.String(data_key="class")
    version = fields.Integer()
    state = fields.String()


class LinesSchema(Schema):
    templates = fields.List(fields.Nested(LineSchema))


class LengthSchema(Schema):
    """How a text message fills its parts; the signature counts."""

    alphabet = fields.String(metadata={"description": "gsm or unicode"})
    units = fields.Integer()
    parts = fields.Integer()
    room = fields.Integer(metadata={"description": "What a part holds."})
    left = fields.Integer(metadata={"description": "What the last part still takes."})


class PriceSchema(Schema):
    """What it would cost; null where no price is set."""

    parts = fields.Integer()
    rate = fields.String(allow_none=True)
    amount = fields.String(allow_none=True)
    currency = fields.String()


class CarrierSchema(Schema):
    """Whether a provider would carry it, and why not."""

    provider = fields.String()
    carries = fields.Boolean()
    zh = fields.String()
    en = fields.String()
    code = fields.String()
    price = fields.Nested(PriceSchema)


class WholePreviewSchema(Schema):
    """What a version would be."""

    subject = fields.String(allow_none=True)
    body = fields.String()
    signature = fields.String()
    counted = fields.Nested(LengthSchema, allow_none=True)
    seconds = fields.Float(allow_none=True, metadata={"description": "Of a call, said once."})
    html = fields.String()
    carriers = fields.List(fields.Nested(CarrierSchema))
    findings = fields.List(fields.Nested(FindingSchema))


class TriedSchema(Schema):
    """The message that is on its way."""

    id = fields.UUID()
    uri = fields.String()

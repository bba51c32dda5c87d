"""Bodies of ``/v2/template`` and ``/v2/templates``: exactly GOV.UK Notify's keys."""

from __future__ import annotations

from marshmallow import Schema, fields

from gateway.api.notification_fields import Values


class RequiredSchema(Schema):
    """What is known of a placeholder."""

    required = fields.Boolean(metadata={"description": "Always true: each must have a value."})


class TextSchema(Schema):
    """A text in the version that is sent now, or in the one that was asked for."""

    id = fields.UUID()
    name = fields.String(metadata={"description": "What people call it."})
    type = fields.String(metadata={"description": "sms, email, voice"})
    created_at = fields.String()
    updated_at = fields.String(
        allow_none=True, metadata={"description": "When this version was published; null for a first one."}
    )
    created_by = fields.String(metadata={"description": "Who wrote this version."})
    version = fields.Integer()
    body = fields.String(metadata={"description": "With its ((placeholders)), as it was written."})
    subject = fields.String(allow_none=True, metadata={"description": "An e-mail's."})
    letter_contact_block = fields.String(allow_none=True, metadata={"description": "Always null."})
    personalisation = fields.Dict(keys=fields.String(), values=fields.Nested(RequiredSchema))
    postage = fields.String(allow_none=True, metadata={"description": "Always null."})


class TextsSchema(Schema):
    """Texts, ordered by name."""

    templates = fields.List(fields.Nested(TextSchema))


class PersonalisationSchema(Schema):
    """Values to put into a text."""

    personalisation = Values(
        load_default=dict,
        error_messages={"null": "None is not of type object"},
        metadata={
            "type": "object",
            "description": "A value for each ((name)): a string, a number, or a list of them, which "
            "an e-mail shows as bullets and every other text tells one after the other.",
        },
    )


class PreviewedSchema(Schema):
    """A text with values put in."""

    id = fields.UUID()
    type = fields.String()
    version = fields.Integer()
    body = fields.String()
    subject = fields.String(allow_none=True)
    html = fields.String(allow_none=True, metadata={"description": "The page of an e-mail; else null."})
    postage = fields.String(allow_none=True)

"""Bodies of ``POST /v2/notifications/batch``: many messages of one text. Not in Notify."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.api.notification_fields import said
from gateway.api.notification_schemas import (
    NewMessageSchema,
    TemplateSchema,
    by_id,
    by_mailbox,
    by_phone,
    given_values,
    own_reference,
)

ITEMS = ("PhoneItem", "EmailItem")
MOST = 1_000  # messages of a batch


class ItemSchema(Schema):
    """One message of a batch: what is its own."""

    personalisation = given_values("Its own values; they come before those of the batch.")
    reference = own_reference()


class PhoneItemSchema(ItemSchema):
    """A text message or a call of a batch."""

    phone_number = by_phone(required=True)


class EmailItemSchema(ItemSchema):
    """An e-mail of a batch."""

    email_address = by_mailbox(required=True)


class NewBatchSchema(NewMessageSchema):
    """Up to 1,000 messages of one text, taken in one commit. Not in Notify."""

    items = fields.List(
        fields.Raw(),
        required=True,
        error_messages=said("None is not of type array") | {"invalid": "is not of type array"},
        validate=validate.Length(1, MOST, error=f"must be 1 to {MOST} messages"),
        metadata={
            "items": {
                "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("PhoneItem", "EmailItem")]
            },
            "description": "The messages, 1 to 1,000: each with the address of the text's channel.",
        },
    )
    sms_sender_id = by_id("As of one text message.")
    email_reply_to_id = by_id("As of one e-mail.")


class FaultSchema(Schema):
    """Why a message of a batch was not taken."""

    error = fields.String()
    message = fields.String()
    next_step = fields.String()


class BatchResultSchema(Schema):
    """What became of one item, in their order: taken with an id, or refused with errors."""

    id = fields.UUID(allow_none=True)
    reference = fields.String(allow_none=True)
    uri = fields.String(allow_none=True)
    errors = fields.List(fields.Nested(FaultSchema))


class BatchSchema(Schema):
    """A batch worked through. All that was taken is stored."""

    template = fields.Nested(TemplateSchema)
    scheduled_for = fields.String(allow_none=True)
    taken = fields.Integer()
    refused = fields.Integer()
    items = fields.List(fields.Nested(BatchResultSchema))

"""Bodies of ``GET /v2/notifications``: how notifications stand, and which are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields

from gateway.api.notification_fields import NO_UUID, OneOf, Reference, Several, said
from gateway.api.notification_schemas import TemplateSchema
from gateway.api.schemas import SOMETIMES

KINDS = ("sms", "email", "letter")  # as Notify's clients know them
VOICE = "voice"
YES = ("true", "True")
STATUSES = (
    "cancelled",
    "created",
    "sending",
    "sent",
    "delivered",
    "pending",
    "failed",
    "technical-failure",
    "temporary-failure",
    "permanent-failure",
    "pending-virus-check",
    "validation-failed",
    "virus-scan-failed",
    "returned-letter",
    "accepted",
    "received",
)
"""Every status Notify knows; ours are among them."""


def _words(about: str, **options: Any) -> fields.String:
    return fields.String(metadata={"description": about}, **options)


class CostSchema(Schema):
    """What a text message costs; an e-mail's is empty, and so is a cost not known yet."""

    billable_sms_fragments = fields.Integer()
    international_rate_multiplier = fields.Float()
    sms_rate = fields.Float(metadata={"description": "The price of one part at home."})


class NotificationSchema(Schema):
    """A notification as it stands; keys that only letters have are null."""

    id = fields.UUID()
    reference = fields.String(allow_none=True)
    email_address = _words("As you supplied it.", allow_none=True)
    phone_number = _words("As you supplied it.", allow_none=True)
    line_1 = fields.String(allow_none=True)
    line_2 = fields.String(allow_none=True)
    line_3 = fields.String(allow_none=True)
    line_4 = fields.String(allow_none=True)
    line_5 = fields.String(allow_none=True)
    line_6 = fields.String(allow_none=True)
    postcode = fields.String(allow_none=True)
    postage = fields.String(allow_none=True)
    type = _words("sms, email or voice.")
    status = _words(f"One of {', '.join(STATUSES)}.")
    template = fields.Nested(TemplateSchema)
    body = _words("What it says; empty once that is no longer kept.")
    subject = fields.String(allow_none=True)
    created_at = fields.String()
    created_by_name = fields.String(allow_none=True)
    sent_at = _words("When a provider was last handed it.", allow_none=True)
    completed_at = fields.String(allow_none=True)
    scheduled_for = fields.String(allow_none=True)
    one_click_unsubscribe_url = fields.String(allow_none=True)
    is_cost_data_ready = fields.Boolean()
    cost_in_pounds = fields.Float(
        allow_none=True, metadata={"description": "An amount of `cost_currency`, whatever its name says."}
    )
    cost_details = fields.Dict(
        metadata={"description": "Of a text message of known price: the schema `Cost`."}
    )
    cost_currency = _words("ISO 4217. Not in Notify.", allow_none=True)


class LinksSchema(Schema):
    """This page, and the one after it where this one has any."""

    current = fields.String()
    next = fields.String(metadata={SOMETIMES: True})


class NotificationsSchema(Schema):
    """A page of notifications, the newest first."""

    notifications = fields.List(fields.Nested(NotificationSchema))
    links = fields.Nested(LinksSchema)


# --- what is listed ----------------------------------------------------------------------------------


def _several(choices: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(choices)}}


class ListingSchema(Schema):
    """Which notifications are listed. ``status`` and ``template_type`` may be given several times."""

    status = Several(STATUSES, metadata=_several(STATUSES))
    template_type = Several(KINDS, (*KINDS, VOICE), metadata=_several((*KINDS, VOICE)))
    reference = Reference(metadata={"description": "Your own word for it."})
    older_than = fields.UUID(
        error_messages=said(NO_UUID), metadata={"description": "Those older than this notification."}
    )
    include_jobs = OneOf(
        YES,
        metadata={
            "type": "string",
            "enum": list(YES),
            "description": "Accepted for Notify's clients: batches are listed anyhow.",
        },
    )

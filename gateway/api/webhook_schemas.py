"""Bodies of ``/v2/webhooks``."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.api.notification_fields import plain
from gateway.api.standing_schemas import LinksSchema
from gateway.services.webhooks import LONGEST_URL, State
from gateway.webhooks.book import LONGEST_TOKEN
from gateway.webhooks.signing import SHORTEST_TOKEN

MOST_IDS = 1_000
_TEXT: dict[str, Any] = {"required": "is a required property", "invalid": "must be text"}
_WHEN = "ISO 8601 with a zone, e.g. 2026-11-28T08:00:00Z."


class WebhookWantedSchema(Schema):
    """Where to tell you, and with which token."""

    url = fields.String(
        required=True,
        error_messages=_TEXT,
        validate=[validate.Length(1, LONGEST_URL, error=f"must have 1 to {LONGEST_URL} characters"), plain],
        metadata={"description": "An https address of yours that is public."},
    )
    token = fields.String(
        error_messages={**_TEXT, "null": "must be text"},
        validate=validate.Regexp(
            rf"[\x21-\x7e]{{{SHORTEST_TOKEN},{LONGEST_TOKEN}}}\Z",
            error=f"must be {SHORTEST_TOKEN} to {LONGEST_TOKEN} plain characters without blanks",
        ),
        metadata={"description": "Sent as `Authorization: Bearer <token>`. Without it one is made."},
    )


class WebhookSetSchema(Schema):
    """How it is set. Token and secret are shown this once."""

    kind = fields.String()
    url = fields.String()
    token = fields.String()
    signing_secret = fields.String(
        metadata={"description": "Of the `webhook-signature` header; it begins with `whsec_`."}
    )


class WebhookCountsSchema(Schema):
    """The events of the last week; all that was told is in one of these."""

    waiting = fields.Integer()
    delivered = fields.Integer()
    failed = fields.Integer()


class WebhookSchema(Schema):
    """A subscription."""

    kind = fields.String(metadata={"description": "receipt, inbound, transaction"})
    url = fields.String()
    state = fields.String(metadata={"description": "active, paused, resting (it did not answer lately)"})
    paused_why = fields.String(allow_none=True)
    events = fields.Nested(WebhookCountsSchema)


class WebhooksSchema(Schema):
    webhooks = fields.List(fields.Nested(WebhookSchema))


class WebhookChangedSchema(Schema):
    """How it stands now."""

    kind = fields.String()
    state = fields.String(metadata={"description": "active, paused, removed"})
    changed = fields.Boolean(metadata={"description": "False where it stood so before."})


class WebhookTriedSchema(Schema):
    """What your address answered."""

    ok = fields.Boolean()
    status = fields.Integer(allow_none=True, metadata={"description": "Null where no answer came."})
    cause = fields.String(allow_none=True, metadata={"description": "Why it is not ok."})


class WebhookEventSchema(Schema):
    """One thing told, or to be told."""

    id = fields.UUID(metadata={"description": "The `webhook-id` header, each time it is told."})
    kind = fields.String()
    subject = fields.UUID(metadata={"description": "The message or text it is about; a transaction's row."})
    state = fields.String(metadata={"description": "waiting, delivered, failed"})
    tries = fields.Integer()
    status = fields.Integer(allow_none=True, metadata={"description": "Of the last answer."})
    cause = fields.String(allow_none=True)
    created_at = fields.String()
    next_try_at = fields.String(allow_none=True)
    ended_at = fields.String(allow_none=True)


class WebhookEventsSchema(Schema):
    """Up to 250, the newest first."""

    events = fields.List(fields.Nested(WebhookEventSchema))
    links = fields.Nested(LinksSchema)


class WebhookReplaySchema(Schema):
    """Which events to tell anew: all that failed, unless you say more."""

    states = fields.List(
        fields.String(validate=validate.OneOf(tuple(State), error=f"must be one of {', '.join(State)}")),
        load_default=lambda: [State.FAILED.value],
        error_messages={"invalid": "must be a list", "null": "must be a list"},
        metadata={"description": "delivered, failed, waiting"},
    )
    since = fields.AwareDateTime(
        format="iso", error_messages={"invalid": "must be a time"}, metadata={"description": _WHEN}
    )
    until = fields.AwareDateTime(
        format="iso", error_messages={"invalid": "must be a time"}, metadata={"description": _WHEN}
    )
    ids = fields.List(
        fields.UUID(error_messages={"invalid_uuid": "is not a valid UUID"}),
        validate=validate.Length(1, MOST_IDS, error=f"must have 1 to {MOST_IDS} ids"),
        error_messages={"invalid": "must be a list", "null": "must be a list"},
        metadata={"description": "Of these alone."},
    )


class WebhookReplayedSchema(Schema):
    events = fields.Integer(metadata={"description": "How many are told anew."})

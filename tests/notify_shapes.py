"""What official clients may expect of each answer under ``/v2``, as JSON Schema: every key, and no other."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

UUID = {"type": "string", "format": "uuid"}
TEXT = {"type": "string"}
MAYBE = {"type": ["string", "null"]}
WHOLE = {"type": "integer"}
NULL = {"type": "null"}
WHEN = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
WHEN_EVER = {"anyOf": [WHEN, NULL]}


def shape(**keys: Any) -> dict[str, Any]:
    """An object with just these keys."""
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


def listed(name: str, item: Any) -> dict[str, Any]:
    """A page: its items, and where it and the next one are."""
    links = {
        "type": "object",
        "properties": {"current": TEXT, "next": TEXT},
        "required": ["current"],
        "additionalProperties": False,
    }
    return shape(**{name: {"type": "array", "items": item}, "links": links})


TEMPLATE_OF = shape(id=UUID, version=WHOLE, uri=TEXT)
TAKEN = {"id": UUID, "reference": MAYBE, "uri": TEXT, "template": TEMPLATE_OF, "scheduled_for": WHEN_EVER}
TAKEN_SMS = shape(**TAKEN, content=shape(body=TEXT, from_number=TEXT))
TAKEN_EMAIL = shape(
    **TAKEN,
    content=shape(from_email=TEXT, body=TEXT, subject=TEXT, one_click_unsubscribe_url=MAYBE),
    sanitised_content={"type": "object"},
)
LETTERS = ("line_1", "line_2", "line_3", "line_4", "line_5", "line_6", "postcode", "postage")
NOTIFICATION = shape(
    id=UUID,
    reference=MAYBE,
    email_address=MAYBE,
    phone_number=MAYBE,
    **dict.fromkeys(LETTERS, NULL),
    type={"enum": ["sms", "email"]},
    status={
        "enum": [
            *("created", "sending", "sent", "delivered", "pending", "cancelled"),
            *("temporary-failure", "permanent-failure", "technical-failure"),
        ]
    },
    template=TEMPLATE_OF,
    body=TEXT,
    subject=MAYBE,
    created_at=WHEN,
    created_by_name=MAYBE,
    sent_at=WHEN_EVER,
    completed_at=WHEN_EVER,
    scheduled_for=WHEN_EVER,
    one_click_unsubscribe_url=MAYBE,
    is_cost_data_ready={"type": "boolean"},
    cost_in_pounds={"type": ["number", "null"]},
    cost_details={"type": "object"},
)
NOTIFICATION["properties"]["cost_currency"] = MAYBE  # ours, beside Notify's keys
NOTIFICATIONS = listed("notifications", NOTIFICATION)
TEMPLATE = shape(
    id=UUID,
    name=TEXT,
    type={"enum": ["sms", "email"]},
    created_at=WHEN,
    updated_at=WHEN_EVER,
    created_by=TEXT,
    version=WHOLE,
    body=TEXT,
    subject=MAYBE,
    letter_contact_block=NULL,
    personalisation={"type": "object", "additionalProperties": shape(required={"type": "boolean"})},
    postage=NULL,
)
TEMPLATES = shape(templates={"type": "array", "items": TEMPLATE})
PREVIEW = shape(
    id=UUID,
    type={"enum": ["sms", "email"]},
    version=WHOLE,
    body=TEXT,
    subject=MAYBE,
    html=MAYBE,
    postage=NULL,
)
RECEIVED = listed(
    "received_text_messages",
    shape(id=UUID, user_number=TEXT, notify_number=TEXT, service_id=UUID, content=TEXT, created_at=WHEN),
)
PROBLEMS = {
    "type": "object",
    "properties": {
        "status_code": WHOLE,
        "errors": {"type": "array", "minItems": 1, "items": shape(error=TEXT, message=TEXT, next_step=TEXT)},
    },
    "required": ["status_code", "errors"],
}


def wrong(schema: dict[str, Any], body: Any) -> list[str]:
    """What of an answer is not so."""
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(body)]

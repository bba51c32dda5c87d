"""The form of halls in the API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.api.lever_schemas import YesNo
from gateway.api.notification_fields import plain

_REQUIRED: dict[str, Any] = {"required": "is a required property", "invalid": "must be text"}
_DAY: dict[str, Any] = {"required": "is a required property", "invalid": "must be a day like 2026-12-01"}
_CLOCK: dict[str, Any] = {"invalid": "must be a time like 14:00"}


def _text(longest: int, about: str) -> fields.String:
    length = validate.Length(1, longest, error=f"must have 1 to {longest} characters")
    return fields.String(
        required=True,
        validate=[length, plain],
        error_messages=_REQUIRED,
        metadata={"description": about},
    )


class CloseSchema(Schema):
    """Which hall, when, and why."""

    hall = _text(32, "As `GET /v2/ops/halls` names it.")
    day = fields.Date(
        required=True, error_messages=_DAY, metadata={"description": "The first day, by the city's date."}
    )
    until = fields.Date(
        error_messages=_DAY, metadata={"description": "The last one, where there are several, whole ones."}
    )
    opens = fields.Time(
        format="%H:%M",
        data_key="from",
        attribute="from",
        error_messages=_CLOCK,
        metadata={"description": "Closed from this hour of the day on."},
    )
    closes = fields.Time(
        format="%H:%M",
        data_key="to",
        attribute="to",
        error_messages=_CLOCK,
        metadata={"description": "Until this one."},
    )
    reason = _text(30, "As citizens read it.")
    dry_run = YesNo(load_default=False, metadata={"description": "Count whom it reaches, and do nothing."})


class ClosedSchema(Schema):
    """A closure, and how many are told: who had a place, who was offered one, who waited."""

    id = fields.String(allow_none=True, metadata={"description": "Null with `dry_run`."})
    hall = fields.String()
    from_at = fields.String()
    to_at = fields.String()
    reason = fields.String()
    booked = fields.Integer()
    offered = fields.Integer()
    waiting = fields.Integer()
    changed = fields.Boolean(metadata={"description": "False where it was closed so before, or is not done."})
    dry_run = fields.Boolean()


class ReopenSchema(Schema):
    """Which closure is to end."""

    closure = fields.UUID(
        required=True,
        error_messages={"required": "is a required property", "invalid_uuid": "must be the id of a closure"},
        metadata={"description": "As `GET /v2/ops/halls` names it."},
    )


class ReopenedSchema(Schema):
    id = fields.String()
    changed = fields.Boolean(metadata={"description": "False where it was open already."})


class HallSchema(Schema):
    id = fields.String()
    name = fields.String()


class ClosureSchema(Schema):
    """Hours in which a hall is closed."""

    id = fields.String()
    hall = fields.String()
    from_at = fields.String()
    to_at = fields.String()
    reason = fields.String()
    made_by = fields.String()


class HallsSchema(Schema):
    halls = fields.List(fields.Nested(HallSchema))
    closures = fields.List(fields.Nested(ClosureSchema))

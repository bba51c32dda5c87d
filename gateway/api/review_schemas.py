"""The form of reviews in the API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from gateway.levers.reviewing import WHYS
from gateway.records.reasons import REFUSALS, RETURNS

APPROVE, RETURN, REJECT = DECISIONS = ("approve", "return", "reject")
REASONS = {RETURN: tuple(RETURNS), REJECT: tuple(REFUSALS)}
_REQUIRED: dict[str, Any] = {"required": "is a required property", "invalid": "must be text"}


def _one_of(choices: tuple[str, ...], about: str, *, required: bool = True) -> fields.String:
    check = validate.OneOf(choices, error=f"must be one of {', '.join(choices)}")
    return fields.String(
        required=required, validate=check, error_messages=_REQUIRED, metadata={"description": about}
    )


class WhySchema(Schema):
    """Why the values are looked at."""

    why = _one_of(WHYS, "decide: to decide about it; asked: the citizen asks. It is on record.")


class DecisionSchema(Schema):
    """What is to become of a change."""

    decision = _one_of(DECISIONS, "approve: recorded; return: to be put right; reject: refused for good.")
    reason = _one_of(
        (*RETURNS, *REFUSALS),
        f"With return one of {', '.join(RETURNS)}; with reject one of {', '.join(REFUSALS)}.",
        required=False,
    )

    @validates_schema
    def _fit(self, data: dict[str, Any], **_: Any) -> None:
        known = REASONS.get(data.get("decision", ""), ())
        if known and data.get("reason") not in known:
            raise ValidationError(f"must be one of {', '.join(known)}", "reason")
        if not known and "reason" in data:
            raise ValidationError("is not for approve; leave it out", "reason")


class ReviewSchema(Schema):
    """A change that waits, masked."""

    reference = fields.String()
    item = fields.String(metadata={"description": "mobile, address, postcode, email"})
    causes = fields.List(fields.String(), metadata={"description": "Why it waits."})
    name = fields.String(metadata={"description": "Masked."})
    value = fields.String(metadata={"description": "The new value, masked."})
    asked_at = fields.String()
    due_at = fields.String(allow_none=True, metadata={"description": "Until when the citizen was promised."})
    overdue = fields.Boolean()


class ReviewsSchema(Schema):
    reviews = fields.List(fields.Nested(ReviewSchema))


class OpenedSchema(Schema):
    """A change in full."""

    reference = fields.String()
    item = fields.String()
    now = fields.String(metadata={"description": "What is recorded; empty for nothing."})
    wanted = fields.String()
    district_now = fields.String()
    district_wanted = fields.String()
    sharing = fields.Integer(metadata={"description": "How many others have the new value already."})


class DecidedSchema(Schema):
    """What came of it: approving one whose record was changed meanwhile ends as rejected, with the reason."""

    reference = fields.String()
    state = fields.String(metadata={"description": "approved, returned, rejected"})
    reason = fields.String(allow_none=True)

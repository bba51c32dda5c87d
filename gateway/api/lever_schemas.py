"""The form of the levers in the API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.api.notification_fields import plain
from gateway.api.schemas import SOMETIMES
from gateway.delivery.route_book import LONGEST as LONGEST_OVERRIDE
from gateway.notifications.pauses import Kind

LONGEST = 200  # characters of a name or a cause
CANCELLED = ("notification", "reference", "broadcast")
_REQUIRED: dict[str, Any] = {"required": "is a required property", "invalid": "must be text"}


def _name(about: str) -> fields.String:
    return fields.String(
        required=True,
        validate=[validate.Length(1, LONGEST, error=f"must have 1 to {LONGEST} characters"), plain],
        error_messages=_REQUIRED,
        metadata={"description": about},
    )


def _one_of(choices: tuple[str, ...]) -> fields.String:
    check = validate.OneOf(choices, error=f"must be one of {', '.join(choices)}")
    return fields.String(required=True, validate=check, error_messages=_REQUIRED)


def _sometimes(about: str) -> fields.Integer:
    """A number that only some answers have."""
    return fields.Integer(metadata={"description": about, SOMETIMES: True})


class YesNo(fields.Boolean):
    """True or false and no word for it: what pulls a lever is not guessed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class HoldSchema(Schema):
    """What to hold still, or to let go."""

    kind = _one_of(tuple(Kind))
    name = _name("As `GET /v2/ops/levers` names it; a broadcast by its id.")


class HeldSchema(Schema):
    """How it stands now."""

    kind = fields.String()
    name = fields.String()
    state = fields.String(metadata={"description": "paused, running"})
    changed = fields.Boolean(metadata={"description": "False where it stood so before."})


class LeverSchema(Schema):
    """Something that can be held still."""

    kind = fields.String()
    name = fields.String()
    paused_since = fields.String(allow_none=True)
    paused_by = fields.String(allow_none=True)


class LeversSchema(Schema):
    levers = fields.List(fields.Nested(LeverSchema))


class CancelSchema(Schema):
    """What to withdraw."""

    kind = _one_of(CANCELLED)
    name = _name("A notification's or a broadcast's id, or a transaction's reference.")


class CancelledSchema(Schema):
    """What came of it."""

    kind = fields.String()
    name = fields.String()
    withdrawn = _sometimes("Not for a broadcast: it happens within seconds.")
    stopped = _sometimes("Went out, and do not go out again.")
    too_late = _sometimes("With a provider, or ended; they stay as they are.")


class CauseSchema(Schema):
    """The dead letters of one cause."""

    cause = fields.String(metadata={"description": "status/class/channel/reason; what a replay names."})
    number = fields.Integer()
    oldest = fields.String()
    newest = fields.String()
    replayable = fields.Boolean()


class CausesSchema(Schema):
    dead_letters = fields.List(fields.Nested(CauseSchema))


class ReplaySchema(Schema):
    """Dead letters to take anew."""

    cause = _name("As `GET /v2/ops/dead-letters` names it.")
    dry_run = YesNo(
        required=True,
        error_messages={**_REQUIRED, "invalid": "must be true or false"},
        metadata={"description": "True: count, and say who would get a second message; changes nothing."},
    )
    again = YesNo(
        load_default=False,
        error_messages={"invalid": "must be true or false"},
        metadata={"description": "Also to those who may have got it already."},
    )


class TwiceSchema(Schema):
    """Somebody who may have got it already, masked."""

    notification = fields.UUID()
    name = fields.String()
    address = fields.String()
    about = fields.String(metadata={"description": "The transaction's reference, or the broadcast's name."})


class ReplayedSchema(Schema):
    """What a replay does, or would do."""

    cause = fields.String()
    dry_run = fields.Boolean()
    fresh = _sometimes("With `dry_run`: would go out.")
    again = _sometimes("With `dry_run`: may have got it already; go only with `again`.")
    late = _sometimes("With `dry_run`: never go; too old, changed since, or called off.")
    would_get_a_second = fields.List(
        fields.Nested(TwiceSchema),
        metadata={"description": "With `dry_run`: the first of `again`.", SOMETIMES: True},
    )
    taken = _sometimes("Taken anew, 500 at most in one request.")
    left = _sometimes("For the next request, with a new Idempotency-Key; none helps once `taken` is 0.")


class OverrideSchema(Schema):
    """Other weights for some of a channel's providers."""

    channel = _name("sms, voice or email.")
    weights = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(strict=True, validate=validate.Range(0, 1000)),
        required=True,
        error_messages={**_REQUIRED, "invalid": "must be an object of providers and whole numbers"},
        metadata={"description": "By provider; those left out keep theirs."},
    )
    seconds = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(60, int(LONGEST_OVERRIDE.total_seconds())),
        error_messages={**_REQUIRED, "invalid": "must be a whole number"},
        metadata={"description": "How long, from now."},
    )
    why = _name("The reason, for the history.")


class OverriddenSchema(Schema):
    channel = fields.String()
    weights = fields.Dict(keys=fields.String(), values=fields.Integer())
    until = fields.String()


class ClearSchema(Schema):
    channel = _name("sms, voice or email.")


class ClearedSchema(Schema):
    channel = fields.String()
    cleared = fields.Integer(metadata={"description": "How many providers had other weights."})


class OtherWeightSchema(Schema):
    """A weight that holds for a while."""

    weight = fields.Integer()
    until = fields.String()
    by = fields.String()
    why = fields.String()


class RouteSchema(Schema):
    """A provider's weight in the settings, and the other one it has for a while."""

    channel = fields.String()
    provider = fields.String()
    weight = fields.Integer()
    override = fields.Nested(OtherWeightSchema, allow_none=True)


class RoutesSchema(Schema):
    routes = fields.List(fields.Nested(RouteSchema))

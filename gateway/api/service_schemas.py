"""The form of services, keys, senders and guests in the API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.api.lever_schemas import YesNo
from gateway.api.notification_fields import Text
from gateway.levers.accounts import CHANNELS, LONGEST_NAME, LONGEST_OVERLAP, MOST, OVERLAP
from gateway.services import guests, senders
from gateway.services.store import NORMAL, PER_DAY, PER_MINUTE, SCOPES, TYPES, USUAL

HOUR = 3_600  # seconds
LONGEST_ADDRESS = 254
MOST_LISTED = 100  # texts or senders a key is bound to
_REQUIRED: dict[str, Any] = {"required": "is a required property"}
_ID: dict[str, Any] = {"invalid_uuid": "is not a valid UUID", "invalid": "is not a valid UUID"}


def _text(about: str, longest: int, **options: Any) -> Text:
    check = validate.Length(1, longest, error=f"must have 1 to {longest} characters")
    return Text(validate=check, error_messages=_REQUIRED, metadata={"description": about}, **options)


def _one_of(choices: Any, about: str, **options: Any) -> Text:
    check = validate.OneOf(tuple(choices), error=f"is not one of [{', '.join(choices)}]")
    return Text(validate=check, error_messages=_REQUIRED, metadata={"description": about}, **options)


def _yes_no(about: str) -> YesNo:
    said: dict[str, Any] = {"invalid": "must be true or false"}
    return YesNo(load_default=False, error_messages=said, metadata={"description": about})


def _number(least: int, most: int, about: str, **options: Any) -> fields.Integer:
    said = {"invalid": "must be a whole number", **_REQUIRED}
    check = validate.Range(least, most, error=f"must be from {least} to {most}")
    return fields.Integer(
        strict=True, validate=check, error_messages=said, metadata={"description": about}, **options
    )


def _ids(about: str) -> fields.Field[Any]:
    check = validate.Length(max=MOST_LISTED, error=f"must be {MOST_LISTED} at most")
    said: dict[str, Any] = {"invalid": "is not of type array"}
    one = fields.UUID(error_messages=_ID)
    return fields.List(
        one, load_default=[], validate=check, error_messages=said, metadata={"description": about}
    )


def _said(choices: dict[str, str]) -> str:
    return "; ".join(f"`{name}`: {words}" for name, words in choices.items())


# --- what is asked for -------------------------------------------------------------------------


class NewServiceSchema(Schema):
    """A service to make."""

    name = _text("Not taken by another: letters, digits, spaces, dots, dashes.", LONGEST_NAME, required=True)


class PerDaySchema(Schema):
    """Messages a day; what is not named stays."""

    sms = _number(0, MOST, f"{PER_DAY:,} unless changed.")
    email = _number(0, MOST, f"{PER_DAY:,} unless changed.")
    voice = _number(0, MOST, f"{PER_DAY:,} unless changed.")


class LimitsSchema(Schema):
    """Other limits for a service; what is not named stays."""

    per_minute = _number(1, MOST, f"Requests of each type of key; {PER_MINUTE:,} unless changed.")
    per_day = fields.Nested(PerDaySchema, load_default=dict)


class NewKeySchema(Schema):
    """A key to make."""

    name = _text("Stands at the key's beginning: letters, digits, dots, dashes.", LONGEST_NAME, required=True)
    type = _one_of(TYPES, _said(TYPES), load_default=NORMAL)
    scopes = fields.List(
        _one_of(SCOPES, _said(SCOPES)),
        load_default=list(USUAL),
        validate=validate.Length(1, len(SCOPES), error="must be one at least, each once"),
        error_messages={"invalid": "is not of type array"},
        metadata={"description": f"What it may do; without it {', '.join(USUAL)}."},
    )
    templates = _ids("The texts it may send; empty: all.")
    senders = _ids("The senders it may name; empty: all.")


class OverlapSchema(Schema):
    """How long both keys work."""

    overlap_hours = _number(
        0, LONGEST_OVERLAP.days * 24, "So long the old key works.", load_default=OVERLAP.days * 24
    )


class NewSenderSchema(Schema):
    """A name to send under."""

    channel = _one_of(senders.CHANNELS, "sms: a signature or number; email: a reply-to.", required=True)
    value = _text("A signature without its 【】, a number, or an address.", LONGEST_ADDRESS, required=True)
    default = _yes_no("Used where a request names none; takes the place of the one before.")
    inbound = _yes_no("What people send to this number is this service's.")


class NewGuestSchema(Schema):
    """Somebody team keys may write to."""

    address = _text("A mobile number or an e-mail address.", LONGEST_ADDRESS, required=True)
    kind = _one_of(guests.KINDS, "Of the team, or a guest.", load_default="guest")


class GoneGuestSchema(Schema):
    """Somebody to take off the list."""

    address = _text("A mobile number or an e-mail address.", LONGEST_ADDRESS, required=True)


# --- what is shown -----------------------------------------------------------------------------


class ServiceSchema(Schema):
    """A service and its limits."""

    id = fields.UUID()
    name = fields.String()
    state = fields.String(metadata={"description": "active, archived"})
    per_minute = fields.Integer()
    per_day = fields.Dict(keys=fields.String(validate=validate.OneOf(CHANNELS)), values=fields.Integer())
    created_at = fields.String()


class KeySchema(Schema):
    """A key, without its secret."""

    id = fields.UUID()
    service_id = fields.UUID()
    name = fields.String()
    type = fields.String()
    scopes = fields.List(fields.String())
    templates = fields.List(fields.UUID())
    senders = fields.List(fields.UUID())
    state = fields.String(metadata={"description": "active, replaced (until expires_at), ended, revoked"})
    created_at = fields.String()
    expires_at = fields.String(allow_none=True)
    revoked_at = fields.String(allow_none=True)


class IssuedKeySchema(KeySchema):
    """A new key."""

    api_key = fields.String(
        allow_none=True,
        metadata={"description": "The whole key, told this once: null where the request is repeated."},
    )


class SenderSchema(Schema):
    """A name a service sends under."""

    id = fields.UUID()
    channel = fields.String()
    value = fields.String()
    is_default = fields.Boolean()
    inbound = fields.Boolean()


class GuestSchema(Schema):
    """Somebody team keys may write to, masked."""

    id = fields.UUID()
    kind = fields.String()
    address = fields.String()
    created_at = fields.String()


class ServicesSchema(Schema):
    services = fields.List(fields.Nested(ServiceSchema))


class WholeServiceSchema(ServiceSchema):
    """A service with all that belongs to it."""

    api_keys = fields.List(fields.Nested(KeySchema))
    sender_list = fields.List(fields.Nested(SenderSchema))
    guest_list = fields.List(fields.Nested(GuestSchema))


class ChangedSchema(Schema):
    """How it stands now."""

    id = fields.UUID()
    state = fields.String()
    changed = fields.Boolean(metadata={"description": "False where it stood so before."})


class ListedSchema(Schema):
    """Whether an address is on a list now, masked."""

    service_id = fields.UUID()
    address = fields.String()
    state = fields.String(metadata={"description": "listed, not listed"})
    changed = fields.Boolean(metadata={"description": "False where it stood so before."})

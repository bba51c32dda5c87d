"""Bodies of ``/v2/notifications``: what is asked, and what is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from gateway.api.notification_fields import (
    LONGEST_REFERENCE,
    NO_UUID,
    PLAIN,
    Mailbox,
    Moment,
    Names,
    OneOf,
    Phone,
    Reference,
    SecureUrl,
    Values,
    said,
)

PLAYS = (1, 2, 3)  # as often as Aliyun says a text in one call


def _words(about: str, **options: Any) -> fields.String:
    return fields.String(metadata={"description": about}, **options)


def by_id(about: str, **options: Any) -> fields.UUID:
    return fields.UUID(error_messages=said(NO_UUID), metadata={"description": about}, **options)


def given_values(about: str) -> Values:
    metadata = {"type": "object", "description": about}
    return Values(error_messages=said("None is not of type object"), metadata=metadata)


def by_phone(**options: Any) -> Phone:
    about = {"description": "A mobile number; outside the mainland with + and country."}
    return Phone(error_messages=said(), metadata=about, **options)


def by_mailbox(**options: Any) -> Mailbox:
    return Mailbox(error_messages=said(), metadata={"description": "An e-mail address."}, **options)


def own_reference() -> Reference:
    about = "Your own word for it; no personal data."
    metadata = {"description": about, "maxLength": LONGEST_REFERENCE, "pattern": PLAIN}
    return Reference(error_messages=said(), metadata=metadata)


def when() -> Moment:
    about = "Not before this time: ISO 8601, a week ahead at most."
    metadata = {"type": "string", "format": "date-time", "description": about}
    return Moment(error_messages=said(), metadata=metadata)


# --- what is asked --------------------------------------------------------------------------------


class NewMessageSchema(Schema):
    """What every channel is told."""

    template_id = by_id("A text of this channel.", required=True)
    personalisation = given_values("A value for each ((name)) in the text.")
    reference = own_reference()
    scheduled_for = when()


class NewSmsSchema(NewMessageSchema):
    """A text message to one person."""

    phone_number = by_phone(required=True)
    sms_sender_id = by_id("One of your senders; without it your default one, or else this city's signature.")


class NewEmailSchema(NewMessageSchema):
    """An e-mail to one person."""

    email_address = by_mailbox(required=True)
    email_reply_to_id = by_id("One of your addresses for answers; without it your default one, if any.")
    one_click_unsubscribe_url = SecureUrl(
        error_messages=said(),
        metadata={
            "format": "uri",
            "pattern": "^https://",
            "description": "An https address that stops such e-mails by a POST (RFC 8058); "
            "mail programs show it as a button.",
        },
    )
    sanitise_content_for = Names(
        allow_none=True,
        metadata={
            "type": "array",
            "items": {"type": "string"},
            "description": "Names of values you did not write yourself. No value can make markup or a link "
            "here anyhow; `sanitised_content` tells which of these were changed for it.",
        },
    )


class NewVoiceSchema(NewMessageSchema):
    """A call that speaks a text to one person. Not in Notify."""

    phone_number = by_phone(required=True)
    play_times = OneOf(
        PLAYS,
        metadata={
            "type": "integer",
            "enum": list(PLAYS),
            "description": "How often it is said; twice without.",
        },
    )


# --- what is answered ------------------------------------------------------------------------------


class TemplateSchema(Schema):
    """The version of the text it says."""

    id = fields.UUID()
    version = fields.Integer()
    uri = fields.String()


class SmsContentSchema(Schema):
    """What it says, without the signature."""

    body = fields.String()
    from_number = _words("The signature or number it goes out under.")


class EmailContentSchema(Schema):
    """What it says, as its text is written."""

    from_email = fields.String()
    body = fields.String()
    subject = fields.String()
    one_click_unsubscribe_url = fields.String(allow_none=True)


class TakenSchema(Schema):
    """What was taken. It is stored: nothing is lost from here on."""

    id = fields.UUID()
    reference = fields.String(allow_none=True)
    uri = fields.String()
    template = fields.Nested(TemplateSchema)
    scheduled_for = fields.String(allow_none=True)


class TakenSmsSchema(TakenSchema):
    """A text message that was taken."""

    content = fields.Nested(SmsContentSchema)


class TakenEmailSchema(TakenSchema):
    """An e-mail that was taken."""

    content = fields.Nested(EmailContentSchema)
    sanitised_content = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Of the values named in `sanitise_content_for`: those that were changed."},
    )


class TakenVoiceSchema(TakenSchema):
    """A call that was taken."""

    content = fields.Nested(SmsContentSchema)
    play_times = fields.Integer()

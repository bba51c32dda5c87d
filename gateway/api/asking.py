"""From the body of ``POST /v2/notifications/sms`` to what is asked for: the checks in Notify's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from gateway.api.known import Known
from gateway.api.notification_schemas import plain
from gateway.api.problems import ApiError, Problem
from gateway.channels import AddressError, sms
from gateway.content.rendering import MissingPersonalisationError, compared
from gateway.content.store import TemplateVersion
from gateway.notifications.request import Class, Origin, Request

LONGEST = 918  # characters: six parts, Notify's own limit
FURTHEST = timedelta(days=7)  # ahead; what is kept longer than its class says is kept for its sake
_AND = {"zh-CN": ("、", "和"), "en": (", ", " and ")}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that will be taken, and what its message says under which signature."""

    request: Request
    version: TemplateVersion
    body: str
    signature: str


def text_message(known: Known, body: Mapping[str, Any], origin: Origin, now: datetime) -> Asked:
    """What a checked body asks for; ``ApiError`` for the first rule it breaks."""
    at = _not_past(body.get("scheduled_for"), now)
    version = _version(known, body, "sms")
    values = _values(version, body.get("personalisation", {}))
    text = _body(version, values)
    address = _address(body["phone_number"])
    if len(text) > LONGEST:
        raise _refused(
            f"Your message is too long. Text messages cannot be longer than {LONGEST} characters. "
            f"Your message is {len(text)} characters long.",
            "Shorten the values or the text.",
        )
    carriage = known.carriage("sms")
    assert carriage
    if beyond := carriage.against(version, values, address):
        raise _refused(str(beyond), f"No provider carries it so. {beyond.zh}")
    klass = Class(version.klass)
    if at and klass is Class.CODE:
        raise _refused(
            "A code cannot be scheduled", "Leave scheduled_for out: it is of use for five minutes."
        )
    request = Request(
        None,
        "sms",
        klass,
        version.name,
        version.language,
        values,
        address=address,
        not_before=at,
        origin=origin,
    )
    return Asked(request, version, text, carriage.signature)


def _not_past(at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and not now <= at <= now + FURTHEST:
        said = "can not be in the past" if at < now else f"can only be {FURTHEST.days} days in the future"
        raise ApiError(
            400, Problem("ValidationError", f"scheduled_for datetime {said}", "Leave it out to send now.")
        )
    return at


def _version(known: Known, body: Mapping[str, Any], channel: str) -> TemplateVersion:
    version = known.text(body["template_id"])
    if version is None:
        raise _refused("Template not found", "Check template_id; GET /v2/templates lists the texts.")
    if version.channel != channel:
        said = f"{version.channel} template is not suitable for {channel} notification"
        raise _refused(said, f"Choose a text of channel {channel}.")
    return version


def _values(version: TemplateVersion, given: Mapping[str, Any]) -> dict[str, str]:
    """A word for each placeholder, and for nothing else: what is not said is not kept."""
    compiled = version.compiled
    try:
        words = {
            name: plain(_word(value, version.language))
            for name, value in given.items()
            if value is not None and compared(name) in compiled.names
        }
        return {compiled.names[key]: word for key, word in compiled.values(words).items()}
    except MissingPersonalisationError as error:
        raise _refused(str(error), "Give every ((name)) of the text a value.") from None
    except ValidationError as error:
        problem = Problem("ValidationError", f"personalisation {error.messages[0]}", "Send plain text.")
        raise ApiError(400, problem) from None


def _word(value: object, language: str) -> str:
    """A value as people read it; a list is told one after the other."""
    if isinstance(value, list):
        between, last = _AND.get(language, _AND["en"])
        return last.join(filter(None, (between.join(map(_one, value[:-1])), *map(_one, value[-1:]))))
    return _one(value)


def _one(value: object) -> str:
    if isinstance(value, list | dict):
        raise ValidationError("values must be strings, numbers or lists of them")
    return str(value)


def _body(version: TemplateVersion, values: Mapping[str, str]) -> str:
    text = version.compiled.render(values)
    if not text.strip():
        raise _refused("Your message is empty.", "Give the text something to say.")
    return text


def _address(written: str) -> str:
    try:
        return sms.normalise(written)
    except AddressError as error:
        problem = Problem("InvalidPhoneError", f"phone_number {error.en}", error.zh)
        raise ApiError(400, problem) from None


def _refused(message: str, next_step: str) -> ApiError:
    return ApiError(400, Problem("BadRequestError", message, next_step))

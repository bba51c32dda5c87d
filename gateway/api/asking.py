"""From a checked body to what is asked for: the rules of every channel, in GOV.UK Notify's order.

Text messages and calls are here, e-mails in ``mailing``. What is refused is an ``ApiError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from gateway import channels
from gateway.api.known import Known
from gateway.api.notification_fields import test_number
from gateway.api.personalisation import checked
from gateway.api.problems import ApiError, Problem
from gateway.channels import AddressError
from gateway.content.store import TemplateVersion
from gateway.notifications.carriage import Carriage
from gateway.notifications.request import CLASSES, TEST, Class, Origin, Request
from gateway.services.auth import Caller
from gateway.services.senders import Sender
from gateway.services.store import TEAM

LONGEST = 918  # characters: six parts, Notify's own limit
FURTHEST = timedelta(days=7)  # ahead; what is kept longer than its class says is kept for its sake
PLAYS = 2  # as often as a call says its text


class Asker(NamedTuple):
    """Who asks, when, and where to look things up."""

    known: Known
    caller: Caller
    now: datetime
    guests: frozenset[str] | None = None  # of many addresses those a team's key may write to


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that will be taken, and what its answer says beside what every answer says."""

    request: Request
    version: TemplateVersion
    said: Mapping[str, Any]


class Common(NamedTuple):
    """What all messages of a batch share: their text, under whose name, from when on."""

    channel: str
    version: TemplateVersion
    sender: Sender | None
    at: datetime | None


# --- what is asked for --------------------------------------------------------------------------


def text_message(asker: Asker, body: Mapping[str, Any]) -> Asked:
    """A text message."""
    common, values = begun(asker, "sms", body)
    return text_to(asker, common, values, body)


def call(asker: Asker, body: Mapping[str, Any]) -> Asked:
    """A call that speaks a text."""
    common, values = begun(asker, "voice", body)
    return text_to(asker, common, values, body)


def begun(asker: Asker, channel: str, body: Mapping[str, Any]) -> tuple[Common, dict[str, Any]]:
    """What comes before the address: the text, its values, the sender."""
    at = not_past(body.get("scheduled_for"), asker.now)
    version = _version(asker, body["template_id"], channel)
    values = checked(version, body.get("personalisation", {}))
    return common(asker, channel, version, body, at), values


def common(
    asker: Asker, channel: str, version: TemplateVersion, body: Mapping[str, Any], at: datetime | None
) -> Common:
    """What is left of a body once its text is known."""
    if at and version.klass == Class.CODE:
        raise refused("A code cannot be scheduled", "Leave scheduled_for out: it is of use for five minutes.")
    return Common(channel, version, _sender(asker, channel, body), at)


def text_to(asker: Asker, of: Common, values: Mapping[str, Any], body: Mapping[str, Any]) -> Asked:
    """A text, said or written, to one number."""
    text = of.version.compiled.render(values)
    if not text.strip():
        raise empty()
    written = body["phone_number"]
    address = recipient(asker, of.channel, "phone_number", written)
    if len(text) > LONGEST:
        raise _too_long(len(text))
    carriage = carried(asker, of, values, address)
    plays = body.get("play_times")
    request = asked(asker, of, values, address, body, supplied=written, plays=plays)
    name = of.sender.value if of.sender else carriage.signature
    said: dict[str, Any] = {"content": {"body": text, "from_number": name}}
    if of.channel == "voice":
        said["play_times"] = plays or PLAYS
    return Asked(request, of.version, said)


def asked(
    asker: Asker, of: Common, values: Mapping[str, Any], address: str, body: Mapping[str, Any], **more: Any
) -> Request:
    """The request for one message; ``more`` is what only its channel says of its origin."""
    caller, version = asker.caller, of.version
    sender = of.sender.id if of.sender else None
    origin = Origin(caller.service_id, caller.key.type, body.get("reference"), sender_id=sender, **more)
    return Request(
        None,
        of.channel,
        CLASSES[version.klass],
        version.name,
        version.language,
        values,
        address=address,
        not_before=of.at,
        origin=origin,
    )


# --- the checks, in their order --------------------------------------------------------------------


def not_past(at: datetime | None, now: datetime) -> datetime | None:
    """The time something is wanted at."""
    if at is not None and not now <= at <= now + FURTHEST:
        wrong = "can not be in the past" if at < now else f"can only be {FURTHEST.days} days in the future"
        raise ApiError(
            400, Problem("ValidationError", f"scheduled_for datetime {wrong}", "Leave it out to send now.")
        )
    return at


def text_of(asker: Asker, key: UUID) -> TemplateVersion:
    """The text with this id, which the key may send."""
    allowed = asker.caller.key.templates
    if allowed and key not in allowed:
        raise _not_with_this_key("this text", "a key that may send it")
    version = asker.known.text(key)
    if version is None:
        raise refused("Template not found", "Check template_id; GET /v2/templates lists the texts.")
    return version


def _version(asker: Asker, key: UUID, channel: str) -> TemplateVersion:
    version = text_of(asker, key)
    if version.channel != channel:
        wrong = f"{version.channel} template is not suitable for {channel} notification"
        raise refused(wrong, f"Choose a text of channel {channel}.")
    return living(version)


def living(version: TemplateVersion) -> TemplateVersion:
    """The same; nothing is sent of a text that was archived."""
    if version.archived:
        raise refused("Template has been deleted", "Choose another; GET /v2/templates lists the texts.")
    return version


_SENDERS = {"sms": "sms_sender_id", "email": "email_reply_to_id"}


def _sender(asker: Asker, channel: str, body: Mapping[str, Any]) -> Sender | None:
    """Whom the message names: the one asked for, else the service's default; None for the house itself."""
    name = _SENDERS.get(channel)
    if name is None:
        return None
    wanted, caller = body.get(name), asker.caller
    if wanted is None:
        allowed = caller.key.senders
        mine = [one for one in caller.account.senders if one.channel == channel]
        mine = [one for one in mine if one.id in allowed] if allowed else mine
        return next((one for one in mine if one.is_default), None) or next(
            iter(mine if allowed else ()), None
        )
    if caller.key.senders and wanted not in caller.key.senders:
        raise _not_with_this_key("this sender", "a key that may use it")
    account = asker.known.account_with(caller.account, wanted)
    for one in account.senders:
        if one.id == wanted and one.channel == channel:
            return one
    wrong = f"{name} {wanted} does not exist in database for service id {caller.service_id}"
    raise refused(wrong, "Leave it out for your default, or take the id of one of your senders.")


def recipient(asker: Asker, channel: str, field: str, written: str) -> str:
    """Where it goes, in the channel's one written form."""
    key, wrong, address = asker.caller.key, None, ""
    try:
        simulated = test_number(written) if key.type == TEST and channel != "email" else None
        address = simulated or channels.load(channel).normalise(written)
    except AddressError as error:
        wrong = Problem("InvalidPhoneError", f"{field} {error.en}", error.zh)
    if key.type == TEAM and not _may_get(asker, address):
        raise _not_in_team()
    if wrong:
        raise ApiError(400, wrong)
    return address


def _may_get(asker: Asker, address: str) -> bool:
    if asker.guests is not None:
        return address in asker.guests
    return asker.known.allows(asker.caller, address)


def carried(asker: Asker, of: Common, values: Mapping[str, Any], address: str) -> Carriage:
    """The channel's providers, one of which can carry this; a test is carried by nobody, wherever to."""
    carriage = asker.known.carriage(of.channel)
    assert carriage
    to = "" if asker.caller.key.type == TEST else address
    if beyond := carriage.against(of.version, values, to):
        raise refused(str(beyond), f"No provider carries it so. {beyond.zh}")
    return carriage


# --- words ----------------------------------------------------------------------------------------


def refused(message: str, next_step: str) -> ApiError:
    return ApiError(400, Problem("BadRequestError", message, next_step))


def empty() -> ApiError:
    return refused("Your message is empty.", "Give the text something to say.")


def _not_in_team() -> ApiError:
    return refused(
        "Can’t send to this recipient using a team-only API key",  # Notify's own apostrophe
        "Put it on the service's team or guest list, or use a normal key.",
    )


def _too_long(characters: int) -> ApiError:
    return refused(
        f"Your message is too long. Text messages cannot be longer than {LONGEST} characters. "
        f"Your message is {characters} characters long.",
        "Shorten the values or the text.",
    )


def _not_with_this_key(what: str, instead: str) -> ApiError:
    problem = Problem("AuthError", f"This API key may not use {what}", f"Take another, or {instead}.")
    return ApiError(403, problem)

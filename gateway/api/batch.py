"""Up to 1,000 messages of one text: what is wrong with one stops no other, and one commit takes them all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response
from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway import channels
from gateway.api import asking, door, mailing, problems, standing
from gateway.api.asking import Asked, Asker, Common
from gateway.api.batch_schemas import EmailItemSchema, PhoneItemSchema
from gateway.api.door import Answer
from gateway.api.listing import PATH
from gateway.api.personalisation import checked
from gateway.api.problems import ApiError, Problem
from gateway.channels import AddressError
from gateway.notifications import at_once
from gateway.notifications.notify_words import stamp
from gateway.notifications.stored import as_row
from gateway.runtime import Runtime
from gateway.services import limits
from gateway.services.store import TEAM

_PHONE, _EMAIL = PhoneItemSchema(), EmailItemSchema()
_ITEMS = {"sms": _PHONE, "voice": _PHONE, "email": _EMAIL}
LARGEST = 8 * 2**20  # bytes of the values all share, written out with each of its messages
Result = Asked | Sequence[Problem]


def take(runtime: Runtime, asker: Asker, body: Mapping[str, Any]) -> Response:
    """Take what can be taken; the answer has a result for each item, in their order."""
    try:
        common = _common(asker, body)
        door.limit(runtime, limits.Asked(common.channel, len(body["items"]), requests=0))
    except ApiError:
        if earlier := door.answered(runtime):
            return earlier
        raise
    asker = _with_guests(asker, common.channel, body["items"])
    results = [(item, _result(asker, common, body, item)) for item in body["items"]]
    if refused := sum(not isinstance(result, Asked) for _, result in results):
        door.put_back(runtime, refused)
    return door.once(runtime, lambda tx: _stored(tx, runtime, asker, common, results))


def _common(asker: Asker, body: Mapping[str, Any]) -> Common:
    """What is wrong with this is wrong with all of them."""
    at = asking.not_past(body.get("scheduled_for"), asker.now)
    _not_too_large(body.get("personalisation", {}), len(body["items"]))
    version = asking.living(asking.text_of(asker, body["template_id"]))
    return asking.common(asker, version.channel, version, body, at)


def _not_too_large(shared: Mapping[str, Any], messages: int) -> None:
    if shared and len(json.dumps(shared, ensure_ascii=False).encode(errors="replace")) * messages > LARGEST:
        raise asking.refused(
            f"The values all messages share are too long for {messages} messages",
            f"Written out for each they may have {LARGEST:,} bytes. Shorten them, or send smaller batches.",
        )


def _with_guests(asker: Asker, channel: str, items: Sequence[Any]) -> Asker:
    """Whom of them a team's key may write to, asked once."""
    if asker.caller.key.type != TEAM:
        return asker
    normalise, found = channels.load(channel).normalise, set()
    for item in items:
        try:
            found.add(normalise(str(item.get("email_address" if channel == "email" else "phone_number"))))
        except (AttributeError, AddressError):
            continue  # it is refused for that, when its turn comes
    return asker._replace(guests=asker.known.allowed(asker.caller, found))


def _result(asker: Asker, of: Common, body: Mapping[str, Any], item: Any) -> Result:
    if not isinstance(item, dict):
        return [Problem("ValidationError", "The item is not of type object", "Make it an object, { … }.")]
    try:
        asked = _asked(asker, of, body, _ITEMS[of.channel].load(item))
        return replace(asked, said={})  # nobody is told, and a thousand written out are much to hold
    except ValidationError as error:
        return door.faults(error)
    except ApiError as error:
        return error.problems


def _asked(asker: Asker, of: Common, body: Mapping[str, Any], item: dict[str, Any]) -> Asked:
    values = checked(of.version, {**body.get("personalisation", {}), **item.get("personalisation", {})})
    one = {"reference": body.get("reference"), **item}
    if of.channel == "email":
        return mailing.letter_to(asker, of, values, one)
    return asking.text_to(asker, of, values, one)


# --- stored and answered ---------------------------------------------------------------------------


def _stored(
    tx: Connection, runtime: Runtime, asker: Asker, of: Common, results: Sequence[tuple[Any, Result]]
) -> Answer:
    rows: list[dict[str, Any]] = []
    items = []
    for item, result in results:
        if isinstance(result, Asked):
            rows.append(as_row(runtime, result.request, result.version, asker.now))
            items.append(_taken(runtime, rows[-1]))
        else:
            items.append(_refused(item, result))
    if rows:
        at_once.enter_in(tx, rows)
    answer = {
        "template": standing.template(runtime, *of.version.key),
        "scheduled_for": stamp(of.at) if of.at else None,
        "taken": len(rows),
        "refused": len(items) - len(rows),
        "items": items,
    }
    return Answer(201, answer, {row["lane"] for row in rows})


def _taken(runtime: Runtime, row: Mapping[str, Any]) -> dict[str, Any]:
    uri = f"{runtime.settings.public_url}{PATH}/{row['id']}"
    return {"id": str(row["id"]), "reference": row["reference"], "uri": uri, "errors": []}


def _refused(item: Any, faults: Sequence[Problem]) -> dict[str, Any]:
    reference = item.get("reference") if isinstance(item, dict) else None
    named = reference if isinstance(reference, str) else None
    return {"id": None, "reference": named, "uri": None, "errors": problems.listed(faults)}

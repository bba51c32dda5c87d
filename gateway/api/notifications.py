"""Single messages for systems: take one, say how it stands, list them (GOV.UK Notify's v2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema

from gateway.api import (
    asking,
    batch,
    batch_schemas,
    door,
    listing,
    mailing,
    problems,
    standing,
    standing_schemas,
)
from gateway.api import notification_schemas as bodies
from gateway.api.asking import Asked, Asker
from gateway.api.door import ONCE
from gateway.api.known import Known
from gateway.api.problems import ApiError, Problem
from gateway.api.together import Together
from gateway.notifications.notify_words import stamp
from gateway.notifications.store import notifications
from gateway.notifications.stored import as_row
from gateway.runtime import Runtime
from gateway.services import idempotency
from gateway.services.idempotency import Stored
from gateway.services.store import READ, SEND

DESCRIBED: Mapping[str, type[Schema]] = {
    "PhoneItem": batch_schemas.PhoneItemSchema,
    "EmailItem": batch_schemas.EmailItemSchema,
    "Cost": standing_schemas.CostSchema,
}
"""Schemas that others name in words only."""
Ask = Callable[[Asker, Mapping[str, Any]], Asked]


@dataclass(frozen=True, slots=True)
class _Door:
    """What a request goes through."""

    runtime: Runtime
    known: Known
    together: Together


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/notifications``."""
    entry = _Door(runtime, Known(runtime), Together(runtime))
    routes = Blueprint("notifications", __name__, url_prefix="/v2/notifications", description="Messages")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: _enter(entry))
    routes.after_request(partial(door.leave, runtime))
    _taking(routes, entry)
    _looking(routes, runtime)
    return routes


def _taking(routes: Blueprint, entry: _Door) -> None:
    @routes.post("/sms")
    @routes.arguments(bodies.NewSmsSchema())  # made once, not for each request
    @routes.doc(parameters=[ONCE])
    @routes.response(201, bodies.TakenSmsSchema)
    def send_sms(body: dict[str, Any]) -> Response:
        """Take a text message. It is stored before you have the answer."""
        return _take(entry, asking.text_message, body)

    @routes.post("/email")
    @routes.arguments(bodies.NewEmailSchema())
    @routes.doc(parameters=[ONCE])
    @routes.response(201, bodies.TakenEmailSchema)
    def send_email(body: dict[str, Any]) -> Response:
        """Take an e-mail. It is stored before you have the answer."""
        return _take(entry, mailing.letter, body)

    @routes.post("/voice")
    @routes.arguments(bodies.NewVoiceSchema())
    @routes.doc(parameters=[ONCE])
    @routes.response(201, bodies.TakenVoiceSchema)
    def send_voice(body: dict[str, Any]) -> Response:
        """Take a call that speaks a text. It is stored before you have the answer."""
        return _take(entry, asking.call, body)

    @routes.post("/letter")
    def send_letter() -> Response:
        """There are no letters here: this refuses them in GOV.UK Notify's words."""
        raise asking.refused("Service is not allowed to send letters", "Send a text message or an e-mail.")

    @routes.post("/batch")
    @routes.arguments(batch_schemas.NewBatchSchema())
    @routes.doc(parameters=[ONCE])
    @routes.response(201, batch_schemas.BatchSchema)
    def send_batch(body: dict[str, Any]) -> Response:
        """Take up to 1,000 messages of one text, in one commit.

        What is wrong with the whole is refused as a whole. Otherwise each item has its own result,
        in their order: what is taken has an `id`, what is refused its `errors`.
        """
        return batch.take(entry.runtime, _asker(entry), body)


def _looking(routes: Blueprint, runtime: Runtime) -> None:
    @routes.get("")
    @routes.arguments(standing_schemas.ListingSchema(), location="query", unknown="raise")
    @routes.response(200, standing_schemas.NotificationsSchema)
    def show_all(wanted: dict[str, Any]) -> Response:
        """The messages of your service asked for with this type of key: 250 a page, the newest first.

        Calls are listed only with `template_type=voice`. `status=failed` means every failure.
        """
        with runtime.db.read() as tx:
            rows = listing.page(tx, door.caller(), wanted)
            found = list(standing.shown(tx, runtime, rows))
        last, given = rows[-1].id if rows else None, list(request.args.items(multi=True))
        links = listing.links(f"{runtime.settings.public_url}{listing.PATH}", given, last)
        return problems.as_json({"notifications": found, "links": links}, 200)

    @routes.get("/<key>")
    @routes.response(200, standing_schemas.NotificationSchema)
    def show(key: str) -> Response:
        """How a message of your service stands."""
        return problems.as_json(_own(runtime, key), 200)


def _enter(entry: _Door) -> Response | None:
    """Whoever looks needs another scope than whoever sends, and costs the day nothing."""
    runtime, account = entry.runtime, entry.known.account
    if request.method != "POST":
        return door.enter_known(runtime, READ, account)
    channel = request.path.rpartition("/")[2]
    return door.enter_known(runtime, SEND, account, channel if channel in runtime.settings.providers else "")


def _asker(entry: _Door) -> Asker:
    return Asker(entry.known, door.caller(), entry.runtime.clock())


# --- taking one -------------------------------------------------------------------------------------


def _take(entry: _Door, ask: Ask, body: dict[str, Any]) -> Response:
    runtime, asker = entry.runtime, _asker(entry)
    try:
        asked = ask(asker, body)
    except ApiError:
        if earlier := door.answered(runtime):
            return earlier
        raise
    row = as_row(runtime, asked.request, asked.version, asker.now)
    taken = _taken(runtime, row["id"], asked)
    if key := door.idempotency_key():
        return _take_once(entry, key, row, taken)
    entry.together.enter(row)
    return problems.as_json(taken, 201)


def _taken(runtime: Runtime, key: UUID, asked: Asked) -> dict[str, Any]:
    at = asked.request.not_before
    return {
        "id": str(key),
        "reference": asked.request.origin.reference,
        "uri": f"{runtime.settings.public_url}{listing.PATH}/{key}",
        "template": standing.template(runtime, *asked.version.key),
        "scheduled_for": stamp(at) if at else None,
        **asked.said,
    }


def _take_once(entry: _Door, key: str, row: Mapping[str, Any], taken: Mapping[str, Any]) -> Response:
    """Take it with its key, in one commit; or give the answer that stands under the key."""
    runtime, service = entry.runtime, door.caller().service_id
    digest = door.digest(runtime)
    answer = Stored(201, json.dumps(taken))
    found = entry.together.enter(row, idempotency.entry(runtime, service, key, digest, answer))
    if found is None:
        return problems.as_json(taken, 201)
    stored = door.repeated(found)
    g.repeated = True
    return problems.as_json(json.loads(stored.body), stored.status)


# --- looking at one -----------------------------------------------------------------------------------


def _own(runtime: Runtime, written: str) -> dict[str, Any]:
    """The caller's own message, asked for with the same type of key; any other is as unknown as none."""
    try:
        key = UUID(written)
    except ValueError:
        problem = Problem("ValidationError", "notification_id is not a valid UUID", "Take it from `id`.")
        raise ApiError(400, problem) from None
    query = notifications.select().where(notifications.c.id == key, listing.mine(door.caller()))
    with runtime.db.read() as tx:
        for one in standing.shown(tx, runtime, tx.execute(query).all()):
            return one
    raise ApiError(404, Problem("NoResultFound", "No result found", "Only your own messages are shown."))

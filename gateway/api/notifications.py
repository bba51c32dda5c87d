"""Single messages for systems: take one, say how it stands (GOV.UK Notify's v2, see its contract)."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection, select

from gateway import channels
from gateway.api import asking, door, problems, schemas
from gateway.api.asking import Asked
from gateway.api.door import Answer
from gateway.api.known import Known
from gateway.api.notification_schemas import NewSmsSchema, NotificationSchema, TakenSchema
from gateway.api.problems import ApiError, Problem
from gateway.api.shown import stamp
from gateway.api.together import Together
from gateway.delivery import addressing, compose
from gateway.notifications import at_once, store
from gateway.notifications.request import Origin
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.services.store import READ, SEND

ONCE = {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": 255}}
LETTERS = ("line_1", "line_2", "line_3", "line_4", "line_5", "line_6", "postcode", "postage")
STATUS = {
    Status.WAITING: "created",
    Status.SENDING: "sending",
    Status.ACCEPTED: "sending",
    Status.UNKNOWN: "sending",
    Status.DELIVERED: "delivered",
    Status.UNDELIVERED: "temporary-failure",
    Status.SUPPRESSED: "permanent-failure",
    Status.EXPIRED: "technical-failure",
    Status.FAILED: "technical-failure",
    Status.CANCELLED: "cancelled",
}
"""Our words in Notify's."""


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes under ``/v2/notifications``."""
    known, together = Known(runtime), Together(runtime)
    routes = Blueprint("notifications", __name__, url_prefix="/v2/notifications", description="Messages")
    routes.ARGUMENTS_PARSER = door.Parser()
    routes.before_request(lambda: _enter(runtime, known))
    routes.after_request(partial(door.leave, runtime))

    @routes.post("/sms")
    @routes.arguments(NewSmsSchema())  # made once, not for each request
    @routes.doc(parameters=[ONCE])
    @routes.response(201, TakenSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(409, schema=schemas.ProblemsSchema)
    def send_sms(body: dict[str, Any]) -> Response:
        """Take a text message. It is stored before you have the answer."""
        return _take(runtime, known, together, body)

    @routes.get("/<key>")
    @routes.response(200, NotificationSchema)
    @routes.alt_response(400, schema=schemas.ProblemsSchema)
    @routes.alt_response(404, schema=schemas.ProblemsSchema)
    def show(key: str) -> Response:
        """How a message of your service stands."""
        with runtime.db.read() as tx:
            return problems.as_json(_shown(tx, runtime, _own(tx, key)), 200)

    return routes


def _enter(runtime: Runtime, known: Known) -> None:
    """Whoever looks needs another scope than whoever sends, and costs the day nothing."""
    if request.method != "POST":
        door.enter_known(runtime, READ, known.account)
        return
    channel = request.path.rpartition("/")[2]
    door.enter_known(runtime, SEND, known.account, channel if channel in runtime.settings.providers else "")


def _take(runtime: Runtime, known: Known, together: Together, body: dict[str, Any]) -> Response:
    now, caller = runtime.clock(), door.caller()
    origin = Origin(caller.service_id, caller.key.type, body.get("reference"))
    asked = asking.text_message(known, body, origin, now)
    row = store.as_row(runtime, asked.request, asked.version, now)
    taken = _taken(runtime, row["id"], asked)
    if "Idempotency-Key" in request.headers:
        return door.once(runtime, lambda tx: _kept(tx, row, taken))
    together.enter(row)
    return problems.as_json(taken, 201)


def _kept(tx: Connection, row: dict[str, Any], taken: dict[str, Any]) -> Answer:
    at_once.enter_in(tx, [row])
    return Answer(201, taken, {row["lane"]})


def _taken(runtime: Runtime, key: UUID, asked: Asked) -> dict[str, Any]:
    at = asked.request.not_before
    return {
        "id": str(key),
        "reference": asked.request.origin.reference,
        "uri": f"{runtime.settings.public_url}/v2/notifications/{key}",
        "template": _template(runtime, *asked.version.key),
        "scheduled_for": stamp(at) if at else None,
        "content": {"body": asked.body, "from_number": asked.signature},
    }


def _template(runtime: Runtime, key: UUID, version: int) -> dict[str, Any]:
    return {
        "id": str(key),
        "version": version,
        "uri": f"{runtime.settings.public_url}/v2/template/{key}",
    }


# --- one message as it stands ---------------------------------------------------------------


def _own(tx: Connection, written: str) -> Any:
    """The caller's own message, asked for with the same type of key; any other is as unknown as none."""
    try:
        key = UUID(written)
    except ValueError:
        problem = Problem("ValidationError", "notification_id is not a valid UUID", "Take it from `id`.")
        raise ApiError(400, problem) from None
    columns, caller = notifications.c, door.caller()
    mine = (columns.service_id == caller.service_id) & (columns.key_type == caller.key.type)
    row = tx.execute(select(notifications).where(columns.id == key, mine)).one_or_none()
    if row is None:
        problem = Problem("NoResultFound", "No result found", "Only your own messages are shown.")
        raise ApiError(404, problem)
    return row


def _shown(tx: Connection, runtime: Runtime, row: Any) -> dict[str, Any]:
    """Every key of Notify's is there; what only letters have is null, and costs are not known yet."""
    [address] = addressing.addresses_of(tx, runtime, channels.load(row.channel).ADDRESS, [row])
    return {
        "id": str(row.id),
        "reference": row.reference,
        "email_address": address if row.channel == "email" else None,
        "phone_number": address if row.channel != "email" else None,
        **dict.fromkeys(LETTERS),
        "type": row.channel,
        "status": STATUS[Status(row.status)],
        "template": _template(runtime, row.template_id, row.template_version),
        "body": compose.words_of(tx, runtime, [row]).get(row.id, ""),
        "subject": None,
        "created_at": stamp(row.created_at),
        "created_by_name": None,
        "sent_at": stamp(row.handed_over_at) if row.handed_over_at else None,
        "completed_at": stamp(row.completed_at) if row.completed_at else None,
        "scheduled_for": None,
        "one_click_unsubscribe_url": None,
        "is_cost_data_ready": False,
        "cost_in_pounds": None,
        "cost_details": {},
    }

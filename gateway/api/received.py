"""What people wrote to a service (GOV.UK Notify's received text messages): the newest first, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Connection, Row, select, tuple_

from gateway.api import door, listing
from gateway.api.problems import ApiError, Problem
from gateway.api.standing_schemas import LinksSchema
from gateway.errors import TamperedError
from gateway.notifications.inbound import inbound
from gateway.notifications.notify_words import stamp
from gateway.runtime import Runtime
from gateway.services.store import READ

PAGE = 250
PATH = "/v2/received-text-messages"
OLDER = {
    "in": "query",
    "name": "older_than",
    "schema": {"type": "string", "format": "uuid"},
    "description": "The last id of a page, to get the next one; one that is unknown has an empty page.",
}


class ReceivedSchema(Schema):
    """One text somebody sent."""

    id = fields.UUID()
    user_number = fields.String(metadata={"description": "Who wrote, in E.164."})
    notify_number = fields.String(metadata={"description": "The number it was sent to."})
    service_id = fields.UUID(metadata={"description": "Yours."})
    content = fields.String()
    created_at = fields.String()


class ReceivedPageSchema(Schema):
    """Up to 250 of them."""

    received_text_messages = fields.List(fields.Nested(ReceivedSchema))
    links = fields.Nested(LinksSchema)


def blueprint(runtime: Runtime) -> Blueprint:
    """The route ``/v2/received-text-messages``."""
    routes = Blueprint("received", __name__, url_prefix=PATH, description="What people wrote")
    routes.before_request(lambda: door.enter(runtime, READ))

    @routes.get("")
    @routes.doc(parameters=[OLDER])
    @routes.response(200, ReceivedPageSchema)
    def every() -> Response:
        """What people wrote to your service, the newest first."""
        older = older_than()
        with runtime.db.read() as tx:
            rows = _page(tx, door.caller().service_id, older)
        shown = [one for row in rows for one in _shown(runtime, row)]
        links = page_links(runtime, PATH, rows[-1].id if rows else None)
        return door.shown({"received_text_messages": shown, "links": links})

    return routes


def older_than() -> UUID | None:
    """The id a page begins after; ``ApiError`` in Notify's words for what is none."""
    given = request.args.get("older_than")
    try:
        return UUID(given) if given is not None else None
    except ValueError:
        problem = Problem(
            "ValidationError", "older_than is not a valid UUID", "Take it from the last `id` of a page."
        )
        raise ApiError(400, problem) from None


def page_links(runtime: Runtime, path: str, last: UUID | None) -> dict[str, str]:
    """Links of a page that ends with this id; Notify's clients go on until a page is empty."""
    given = list(request.args.items(multi=True))
    return listing.links(f"{runtime.settings.public_url}{path}", given, last)


def _page(tx: Connection, service: UUID, older: UUID | None) -> Sequence[Row[Any]]:
    """Some of a service's, whatever comes in meanwhile: none is skipped or shown twice."""
    columns = inbound.c
    place, mine = tuple_(columns.received_at, columns.id), columns.service_id == service
    query = select(inbound).where(mine, columns.text.is_not(None))
    if older is not None:
        at = tx.execute(select(columns.received_at).where(columns.id == older, mine)).scalar_one_or_none()
        if at is None:
            return ()
        query = query.where(place < tuple_(at, older))
    newest = query.order_by(columns.received_at.desc(), columns.id.desc())
    return tx.execute(newest.limit(PAGE)).all()


def _shown(runtime: Runtime, row: Row[Any]) -> list[dict[str, Any]]:
    """One of them; none where its cell cannot be opened."""
    try:
        number = runtime.vault.open("inbound.address", row.id, row.address)
        content = runtime.vault.open("inbound.text", row.id, row.text)
    except TamperedError:
        return []
    return [
        {
            "id": str(row.id),
            "user_number": number,
            "notify_number": row.number,
            "service_id": str(row.service_id),
            "content": content,
            "created_at": stamp(row.received_at),
        }
    ]

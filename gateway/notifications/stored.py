"""A notification as it is stored: whatever names a person is sealed to its row."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from gateway.content.store import TemplateVersion
from gateway.notifications.request import Origin, Request
from gateway.notifications.status import Status
from gateway.runtime import Runtime

_written_out = json.JSONEncoder(ensure_ascii=False).encode


def as_row(runtime: Runtime, request: Request, template: TemplateVersion, now: datetime) -> dict[str, Any]:
    """One notification as it is stored, sealed; raises ``MissingPersonalisationError``.

    What cannot be filled is refused here, at every door alike: a broadcast of it is held, rather than
    fail for everybody.
    """
    template.compiled.values(request.personalisation)
    key, origin = runtime.new_id(), request.origin
    words = _written_out(dict(request.personalisation))
    seal = runtime.vault.seal
    stop = origin.unsubscribe and seal("notifications.unsubscribe", key, origin.unsubscribe)
    return {
        "id": key,
        "transaction_id": request.transaction_id,
        "citizen_id": request.citizen_id,
        "broadcast_id": request.broadcast_id,
        "first_id": request.first_id,
        "replay_of": request.replay_of,
        "service_id": origin.service_id,
        "key_type": origin.key_type,
        "reference": origin.reference,
        "sender_id": origin.sender_id,
        "unsubscribe": stop or None,
        "plays": origin.plays,
        "scheduled_for": request.not_before if origin.service_id else None,
        "address": seal("notifications.address", key, _written(request)) if request.address else None,
        "channel": request.channel,
        "lane": request.lane,
        "klass": request.klass.value,
        "title": request.title,
        "digest": request.digest or None,
        "template_id": template.id,
        "template_version": template.version,
        "personalisation": seal("notifications.personalisation", key, words),
        "status": Status.WAITING.value,
        "tries": 0,
        "created_at": now,
        "expires_at": request.expires_at(now),
        "due_at": request.due_at(now),
    }


def _written(request: Request) -> str:
    """The address, and on a line of its own how it was supplied, where that is otherwise."""
    address, supplied = str(request.address), request.origin.supplied
    return f"{address}\n{supplied}" if supplied and supplied != address else address


class Address(NamedTuple):
    """Where a message goes, in the channel's one written form, and as it was supplied."""

    written: str
    supplied: str


def own_address(runtime: Runtime, row: Any) -> Address | None:
    """The row's own address; None where it has none. Raises ``TamperedError``."""
    if not row.address:
        return None
    written, _, supplied = runtime.vault.open("notifications.address", row.id, row.address).partition("\n")
    return Address(written, supplied or written)


def own_unsubscribe(runtime: Runtime, row: Any) -> str:
    """The service's address that stops such e-mails; "" where it gave none. Raises ``TamperedError``."""
    sealed = row.unsubscribe
    return runtime.vault.open("notifications.unsubscribe", row.id, sealed) if sealed else ""


def own_origin(runtime: Runtime, row: Any) -> Origin:
    """Who asked for the row, and how it wanted it to go, to ask the same again. Raises ``TamperedError``."""
    address = own_address(runtime, row)
    return Origin(
        row.service_id,
        row.key_type,
        row.reference,
        address.supplied if address else None,
        row.sender_id,
        own_unsubscribe(runtime, row) or None,
        row.plays,
    )

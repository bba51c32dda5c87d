"""How notifications stand, as GOV.UK Notify shows them: each with every key, whatever its channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway import cities
from gateway.api import costs
from gateway.delivery import ends, wording
from gateway.errors import TamperedError
from gateway.notifications.notify_words import stamp
from gateway.notifications.stored import own_address, own_unsubscribe
from gateway.runtime import Runtime
from gateway.services import senders

T = TypeVar("T")
LETTERS = ("line_1", "line_2", "line_3", "line_4", "line_5", "line_6", "postcode", "postage")


def template(runtime: Runtime, key: UUID, version: int) -> dict[str, Any]:
    """The version of a text, by its address."""
    uri = f"{runtime.settings.public_url}/v2/template/{key}"
    return {"id": str(key), "version": version, "uri": uri}


def shown(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """Each of these; a few queries for all of them."""
    statuses = ends.notify_statuses(tx, rows)
    said = wording.said_by(tx, runtime, rows)
    named = senders.values(tx, runtime.vault, {row.sender_id for row in rows if row.sender_id})
    house = cities.of(runtime).rules_now(runtime.clock()).signature
    for row in rows:
        subject, body = said.get(row.id, (None, ""))
        written, supplied = _opened(own_address, runtime, row) or (None, None)
        signature = senders.signature(named.get(row.sender_id), house)
        yield {
            "id": str(row.id),
            "reference": row.reference,
            "email_address": supplied if row.channel == "email" else None,
            "phone_number": supplied if row.channel != "email" else None,
            **dict.fromkeys(LETTERS),
            "type": row.channel,
            "status": statuses[row.id],
            "template": template(runtime, row.template_id, row.template_version),
            "body": body,
            "subject": subject,
            "created_at": stamp(row.created_at),
            "created_by_name": None,
            "sent_at": _at(row.handed_over_at),
            "completed_at": _at(row.completed_at),
            "scheduled_for": _at(row.scheduled_for),
            "one_click_unsubscribe_url": _opened(own_unsubscribe, runtime, row) or None,
            **costs.of(runtime.settings, row, written, body, signature),
        }


def _at(moment: Any) -> str | None:
    return stamp(moment) if moment else None


def _opened(cell: Callable[[Runtime, Row[Any]], T], runtime: Runtime, row: Row[Any]) -> T | None:
    """What is in a cell; None where nobody can open it, which hides no other row of the page."""
    try:
        return cell(runtime, row)
    except TamperedError:
        return None

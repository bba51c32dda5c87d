"""What services are told, looked up when it leaves: in Notify's words of messages and texts.

An event whose subject is no longer kept has no body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway.delivery.ends import notify_statuses
from gateway.errors import TamperedError
from gateway.notifications.inbound import inbound
from gateway.notifications.notify_words import stamp
from gateway.notifications.store import notifications
from gateway.notifications.stored import own_address
from gateway.rows import one_of
from gateway.runtime import Runtime
from gateway.services.webhooks import Kind
from gateway.transactions.store import transactions

Body = Mapping[str, Any]
Events = Sequence[Row[Any]]


def bodies(tx: Connection, runtime: Runtime, kind: Kind, events: Events) -> dict[UUID, bytes]:
    """The bodies of events of one kind by their ids; a few queries for all of them."""
    found = _OF[kind](tx, runtime, events)
    return {key: json.dumps(body, ensure_ascii=False).encode() for key, body in found.items()}


def sample(kind: Kind, runtime: Runtime) -> bytes:
    """A body of this kind about nothing and nobody, to try an address with."""
    at, nobody = stamp(runtime.clock()), str(UUID(int=0))
    body = {
        Kind.RECEIPT: {
            "id": nobody,
            "reference": "test",
            "to": "+8613000000000",
            "status": "delivered",
            "created_at": at,
            "completed_at": at,
            "sent_at": at,
            "notification_type": "sms",
            "template_id": nobody,
            "template_version": 1,
        },
        Kind.INBOUND: {
            "id": nobody,
            "source_number": "+8613000000000",
            "destination_number": "106900012333",
            "message": "test",
            "date_received": at,
        },
        Kind.TRANSACTION: {
            "reference": "0" * 14,
            "type": "test",
            "state": "succeeded",
            "stage": "",
            "at": at,
            "uri": f"{runtime.settings.public_url}/v2/transactions/{'0' * 14}",
        },
    }[kind]
    return json.dumps(body).encode()


def _about(tx: Connection, table: Any, events: Events) -> dict[UUID, Row[Any]]:
    subjects = sorted({event.subject for event in events})
    return {row.id: row for row in tx.execute(select(table).where(one_of(tx, table.c.id, subjects)))}


def _receipts(tx: Connection, runtime: Runtime, events: Events) -> dict[UUID, Body]:
    rows = list(_about(tx, notifications, events).values())
    statuses = notify_statuses(tx, rows)
    about = {row.id: _receipt(row, statuses[row.id], _supplied(runtime, row)) for row in rows}
    return {event.id: about[event.subject] for event in events if event.subject in about}


def _supplied(runtime: Runtime, row: Row[Any]) -> str | None:
    """The recipient as the service wrote it; None once that is no longer kept."""
    try:
        own = own_address(runtime, row)
    except TamperedError:
        return None
    return own and own.supplied


def _receipt(row: Row[Any], status: str, to: str | None) -> Body:
    return {
        "id": str(row.id),
        "reference": row.reference,
        "to": to,
        "status": status,
        "created_at": stamp(row.created_at),
        "completed_at": stamp(row.completed_at) if row.completed_at else None,
        "sent_at": stamp(row.handed_over_at) if row.handed_over_at else None,
        "notification_type": row.channel,
        "template_id": str(row.template_id),
        "template_version": row.template_version,
    }


def _texts(tx: Connection, runtime: Runtime, events: Events) -> dict[UUID, Body]:
    about = _about(tx, inbound, events)
    found = {}
    for event in events:
        if body := _text(runtime, about.get(event.subject)):
            found[event.id] = body
    return found


def _text(runtime: Runtime, row: Row[Any] | None) -> Body | None:
    if row is None or row.text is None:
        return None
    try:
        source = runtime.vault.open("inbound.address", row.id, row.address)
        message = runtime.vault.open("inbound.text", row.id, row.text)
    except TamperedError:
        return None
    return {
        "id": str(row.id),
        "source_number": source,
        "destination_number": row.number,
        "message": message,
        "date_received": stamp(row.received_at),
    }


def _transactions(tx: Connection, runtime: Runtime, events: Events) -> dict[UUID, Body]:
    about = _about(tx, transactions, events)
    return {
        event.id: _transaction(runtime, event, about[event.subject])
        for event in events
        if event.subject in about
    }


def _transaction(runtime: Runtime, event: Row[Any], row: Row[Any]) -> Body:
    """As it was then; how it stands now its address tells. ``promise``: where it warns of one."""
    state, stage, *promise = event.detail.split(" ")
    warned = {"promise": {"kind": promise[0], "point": promise[1]}} if promise else {}
    return {
        "reference": row.reference,
        "type": row.type,
        "state": state,
        "stage": stage,
        "at": stamp(event.created_at),
        "uri": f"{runtime.settings.public_url}/v2/transactions/{row.reference}",
        **warned,
    }


_OF: Mapping[Kind, Callable[[Connection, Runtime, Events], dict[UUID, Body]]] = {
    Kind.RECEIPT: _receipts,
    Kind.INBOUND: _texts,
    Kind.TRANSACTION: _transactions,
}

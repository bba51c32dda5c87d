"""A notification as it is stored: whatever names a person is sealed to its row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.content import store as content
from gateway.content.store import TemplateVersion
from gateway.notifications.request import Origin, Request
from gateway.notifications.status import Status
from gateway.runtime import Runtime

_written_out = json.JSONEncoder(ensure_ascii=False).encode

OWN = ("id", "citizen_id", "first_id", "address", "personalisation", "unsubscribe")
"""The columns of each message for itself: what is sealed, and whom it goes to."""
_others = attrgetter(*(name for name in Request._fields if name not in OWN))

Text = tuple[str, str, str]  # template, channel, language


def text(request: Request) -> Text:
    return request.template, request.channel, request.language


def texts(tx: Connection, runtime: Runtime, requests: Sequence[Request]) -> dict[Text, TemplateVersion]:
    """The versions to send, each looked up once."""
    return {one: content.to_send(tx, *one, runtime.reviewers) for one in sorted(set(map(text, requests)))}


def as_columns(
    tx: Connection, runtime: Runtime, requests: Sequence[Request], now: datetime
) -> dict[str, list[Any]]:
    """Many notifications as they are stored, by column, in step; raises ``MissingPersonalisationError``.

    What neighbours have in common, as all of a broadcast do, is worked out once for all of them.
    """
    alike = [list(some) for _, some in groupby(requests, _others)]
    versions = texts(tx, runtime, [some[0] for some in alike])
    columns: dict[str, list[Any]] = {}
    for some in alike:
        template = versions[text(some[0])]
        own = zip(*(_own(runtime, one, template) for one in some), strict=True)
        shared = {name: [value] * len(some) for name, value in _shared(some[0], template, now).items()}
        for name, values in (dict(zip(OWN, own, strict=True)) | shared).items():
            columns.setdefault(name, []).extend(values)
    return columns


def as_row(runtime: Runtime, request: Request, template: TemplateVersion, now: datetime) -> dict[str, Any]:
    """One notification as it is stored, sealed; raises ``MissingPersonalisationError``."""
    own = dict(zip(OWN, _own(runtime, request, template), strict=True))
    return own | _shared(request, template, now)


def _own(runtime: Runtime, request: Request, template: TemplateVersion) -> tuple[Any, ...]:
    """The values of ``OWN``.

    What cannot be filled is refused here, at every door alike: a broadcast of it is held, rather than
    fail for everybody.
    """
    template.compiled.check(request.personalisation)
    key, seal = runtime.new_id(), runtime.vault.seal
    stop = request.origin.unsubscribe
    return (
        key,
        request.citizen_id,
        request.first_id,
        seal("notifications.address", key, _written(request)) if request.address else None,
        seal("notifications.personalisation", key, _written_out(dict(request.personalisation))),
        seal("notifications.unsubscribe", key, stop) if stop else None,
    )


def _shared(request: Request, template: TemplateVersion, now: datetime) -> dict[str, Any]:
    """The other columns: they follow from what is asked, not of whom."""
    origin = request.origin
    return {
        "transaction_id": request.transaction_id,
        "broadcast_id": request.broadcast_id,
        "replay_of": request.replay_of,
        "service_id": origin.service_id,
        "key_type": origin.key_type,
        "reference": origin.reference,
        "sender_id": origin.sender_id,
        "plays": origin.plays,
        "scheduled_for": request.not_before if origin.service_id else None,
        "channel": request.channel,
        "lane": request.lane,
        "klass": request.klass.value,
        "title": request.title,
        "digest": request.digest or None,
        "template_id": template.id,
        "template_version": template.version,
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

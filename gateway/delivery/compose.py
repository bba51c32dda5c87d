"""From a due row to a message its provider can carry: address, words, template code."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import cities
from gateway.citizens import register
from gateway.content import store as content
from gateway.content.rendering import MissingPersonalisationError
from gateway.content.store import Registration, TemplateVersion
from gateway.delivery import routing
from gateway.delivery.store import attempts
from gateway.errors import TamperedError
from gateway.notifications import store
from gateway.notifications.status import Status
from gateway.providers import Message, ReviewState
from gateway.runtime import Runtime

NO_ADDRESS = "no_address"
NOT_REGISTERED = "template_not_registered"
CANNOT_OPEN = "cannot_be_opened"
CANNOT_RENDER = "cannot_be_rendered"
REVIEW_PAUSE = timedelta(minutes=1)  # a provider's review of a text takes minutes to hours

Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, the provider that shall carry it, and whether another untried one could."""

    provider: str
    message: Message
    others: bool


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Why this row cannot go out: for good, or until ``due_at``."""

    status: Status
    reason: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Sources:
    """Everything the rows of one claim need, read set-wise."""

    addresses: Mapping[UUID, str]
    versions: Mapping[Key, TemplateVersion]
    registrations: Mapping[str, Mapping[Key, Registration]]
    tried: Mapping[UUID, frozenset[str]]
    signature: str


def compose(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Letter | Unsendable]:
    """A letter for each row, or why there is none; a handful of queries for all of them."""
    keys = list({(row.template_id, row.template_version) for row in rows})
    sources = _Sources(
        addresses=register.mobiles(tx, runtime.vault, [row.citizen_id for row in rows if row.citizen_id]),
        versions=content.versions(tx, keys),
        registrations={
            name: content.registrations(tx, name, keys)
            for name, provider in runtime.providers.items()
            if provider.needs_template
        },
        tried=_tried(tx, [row.id for row in rows if row.tries]),
        signature=cities.shipped()[runtime.settings.city].rules_now(runtime.clock()).signature,
    )
    return [_letter(runtime, row, sources) for row in rows]


def _tried(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The providers that had each of these notifications before."""
    found: dict[UUID, frozenset[str]] = {}
    if ids:
        query = select(attempts.c.notification_id, attempts.c.provider)
        for row in tx.execute(query.where(attempts.c.notification_id.in_(ids))):
            found[row.notification_id] = found.get(row.notification_id, frozenset()) | {row.provider}
    return found


def _letter(runtime: Runtime, row: Row[Any], sources: _Sources) -> Letter | Unsendable:
    address = sources.addresses.get(row.citizen_id)
    if address is None:
        return Unsendable(Status.SUPPRESSED, NO_ADDRESS)
    key: Key = (row.template_id, row.template_version)
    able = _able(runtime, key, sources)
    if not able:
        return Unsendable(Status.WAITING, NOT_REGISTERED, runtime.clock() + REVIEW_PAUSE)
    provider = routing.choose(able, row.provider, random.random())
    registration = sources.registrations.get(provider, {}).get(key)
    try:
        values = store.personalisation(runtime, row.id, row.personalisation)
        message = _message(address, sources, key, registration, values)
    except TamperedError:
        return Unsendable(Status.FAILED, CANNOT_OPEN)
    except MissingPersonalisationError:
        return Unsendable(Status.FAILED, CANNOT_RENDER)
    tried = sources.tried.get(row.id, frozenset()) | {provider}
    return Letter(provider, message, others=bool(able.keys() - tried))


def _message(
    address: str, sources: _Sources, key: Key, registration: Registration | None, values: Mapping[str, str]
) -> Message:
    compiled = sources.versions[key].compiled
    return Message(
        address=address,
        text=compiled.render(values),
        signature=sources.signature,
        template=registration.code if registration else None,
        params=compiled.provider_params(values),
    )


def _able(runtime: Runtime, key: Key, sources: _Sources) -> dict[str, int]:
    """The weights of the providers that can carry this template version."""
    able = {}
    for name, weight in runtime.settings.sms_providers.items():
        known = sources.registrations.get(name)
        registration = known.get(key) if known is not None else None
        approved = registration is not None and registration.state == ReviewState.APPROVED
        if weight and (known is None or approved):
            able[name] = weight
    return able

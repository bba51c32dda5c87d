"""From a due row to a message its provider can carry: address, words, template code."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway import cities
from gateway.citizens import register
from gateway.content import store as content
from gateway.content.store import Registration, TemplateVersion
from gateway.delivery import routing
from gateway.notifications import store
from gateway.notifications.status import Status
from gateway.providers import Message, ReviewState
from gateway.runtime import Runtime

NO_ADDRESS = "no_address"
NOT_REGISTERED = "template_not_registered"

Key = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, and the provider that shall carry it."""

    provider: str
    message: Message


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Why this row cannot go out at all."""

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class _Sources:
    """Everything the rows of one claim need, read set-wise."""

    addresses: Mapping[UUID, str]
    versions: Mapping[Key, TemplateVersion]
    registrations: Mapping[str, Mapping[Key, Registration]]
    signature: str


def compose(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Letter | Unsendable]:
    """A letter for each row, or why there is none; a handful of queries for all of them."""
    keys = list({(row.template_id, row.template_version) for row in rows})
    sources = _Sources(
        addresses=register.mobiles(tx, runtime.vault, [row.citizen_id for row in rows]),
        versions=content.versions(tx, keys),
        registrations={
            name: content.registrations(tx, name, keys)
            for name, provider in runtime.providers.items()
            if provider.needs_template
        },
        signature=cities.shipped()[runtime.settings.city].rules_at(runtime.clock().date()).signature,
    )
    return [_letter(runtime, row, sources) for row in rows]


def _letter(runtime: Runtime, row: Row[Any], sources: _Sources) -> Letter | Unsendable:
    address = sources.addresses.get(row.citizen_id)
    if address is None:
        return Unsendable(Status.SUPPRESSED, NO_ADDRESS)
    key: Key = (row.template_id, row.template_version)
    able = _able(runtime, key, sources)
    if not able:
        return Unsendable(Status.FAILED, NOT_REGISTERED)
    provider = routing.choose(able, row.provider, random.random())
    registration = sources.registrations.get(provider, {}).get(key)
    values = store.personalisation(runtime, row.id, row.personalisation)
    compiled = sources.versions[key].compiled
    message = Message(
        address=address,
        text=compiled.render(values),
        signature=sources.signature,
        template=registration.code if registration else None,
        params=compiled.provider_params(values),
    )
    return Letter(provider, message)


def _able(runtime: Runtime, key: Key, sources: _Sources) -> dict[str, int]:
    """The weights of the providers that can carry this template version."""
    able = {}
    for name, weight in runtime.settings.sms_providers.items():
        known = sources.registrations.get(name)
        registration = known.get(key) if known is not None else None
        if known is None or (registration and registration.state == ReviewState.APPROVED):
            able[name] = weight
    return able

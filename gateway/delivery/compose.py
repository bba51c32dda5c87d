"""From a due row to a message its provider can carry: address, words, template code."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import channels, cities
from gateway.channels import email
from gateway.cities import Rules
from gateway.citizens import register
from gateway.content import store as content
from gateway.content.letters import Frame, LetterError, compile_letter, letter
from gateway.content.rendering import MissingPersonalisationError
from gateway.content.store import Registration, TemplateVersion
from gateway.delivery import routing
from gateway.delivery.store import attempts
from gateway.errors import TamperedError
from gateway.notifications import store, suppression
from gateway.notifications.pauses import Kind, paused
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.providers import Message, ReviewState
from gateway.runtime import Runtime

NO_ADDRESS = "no_address"
NO_PROVIDER = "no_provider_can_carry_it"  # paused, without the template, or the channel is closed
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

    addresses: Mapping[UUID, str]  # by notification
    suppressed: frozenset[UUID]
    still: frozenset[str]  # providers an operator holds still
    versions: Mapping[Key, TemplateVersion]
    registrations: Mapping[str, Mapping[Key, Registration]]
    tried: Mapping[UUID, frozenset[str]]
    rules: Rules


def compose(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Letter | Unsendable]:
    """A letter for each row, or why there is none; a handful of queries for all of them."""
    keys = list({(row.template_id, row.template_version) for row in rows})
    addresses = addresses_of(tx, runtime, rows)
    sources = _Sources(
        addresses=addresses,
        suppressed=_suppressed(tx, runtime, rows, addresses),
        still=frozenset(paused(tx, Kind.PROVIDER)),
        versions=content.versions(tx, keys),
        registrations={
            name: content.registrations(tx, name, keys)
            for name, provider in runtime.providers.items()
            if provider.needs_template
        },
        tried=_tried(tx, [row.id for row in rows if row.tries]),
        rules=cities.shipped()[runtime.settings.city].rules_now(runtime.clock()),
    )
    return [_letter(runtime, row, sources) for row in rows]


def addresses_of(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, str]:
    """Where each of these notifications goes; one query for each kind of address."""
    kinds = {row.id: channels.load(row.channel).ADDRESS for row in rows}
    found = {row.id: address for row in rows if (address := _own_address(runtime, row))}
    for kind in sorted(set(kinds.values())):
        asked = [row for row in rows if kinds[row.id] == kind and row.id not in found and row.citizen_id]
        known = register.addresses(tx, runtime.vault, kind, [row.citizen_id for row in asked])
        found |= {row.id: known[row.citizen_id] for row in asked if row.citizen_id in known}
    return found


def _own_address(runtime: Runtime, row: Row[Any]) -> str | None:
    try:
        return row.address and runtime.vault.open("notifications.address", row.id, row.address)
    except TamperedError:
        return None


def _suppressed(
    tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]], addresses: Mapping[UUID, str]
) -> frozenset[UUID]:
    """The notices among these whose address said stop."""
    indexes = {
        row.id: runtime.vault.index(channels.load(row.channel).ADDRESS, addresses[row.id])
        for row in rows
        if row.klass == Class.NOTICE and row.id in addresses
    }
    said_stop = suppression.among(tx, set(indexes.values()))
    return frozenset(key for key, index in indexes.items() if index in said_stop)


def _tried(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The providers that had each of these notifications before."""
    found: dict[UUID, frozenset[str]] = {}
    if ids:
        query = select(attempts.c.notification_id, attempts.c.provider)
        for row in tx.execute(query.where(attempts.c.notification_id.in_(ids))):
            found[row.notification_id] = found.get(row.notification_id, frozenset()) | {row.provider}
    return found


def _letter(runtime: Runtime, row: Row[Any], sources: _Sources) -> Letter | Unsendable:
    address = sources.addresses.get(row.id)
    if address is None:
        return Unsendable(Status.SUPPRESSED, NO_ADDRESS)
    if row.id in sources.suppressed:
        return Unsendable(Status.SUPPRESSED, suppression.OPTED_OUT)
    key: Key = (row.template_id, row.template_version)
    able = _able(runtime, row.channel, key, sources)
    if not able:
        return Unsendable(Status.WAITING, NO_PROVIDER, runtime.clock() + REVIEW_PAUSE)
    provider = routing.choose(able, row.provider, random.random())
    registration = sources.registrations.get(provider, {}).get(key)
    try:
        values = store.personalisation(runtime, row.id, row.personalisation)
        message = _message(row.channel, address, sources, key, registration, values)
    except TamperedError:
        return Unsendable(Status.FAILED, CANNOT_OPEN)
    except (MissingPersonalisationError, LetterError):
        return Unsendable(Status.FAILED, CANNOT_RENDER)
    tried = sources.tried.get(row.id, frozenset()) | {provider}
    return Letter(provider, message, others=bool(able.keys() - tried))


def _message(
    channel: str,
    address: str,
    sources: _Sources,
    key: Key,
    registration: Registration | None,
    values: Mapping[str, str],
) -> Message:
    version = sources.versions[key]
    if channel == email.SUFFIX:
        return _letter_to(address, sources.rules, version, values)
    return Message(
        address=address,
        text=version.compiled.render(values),
        signature=sources.rules.signature,
        template=registration.code if registration else None,
        params=version.compiled.provider_params(values),
        language=version.language,
    )


def _letter_to(address: str, rules: Rules, version: TemplateVersion, values: Mapping[str, str]) -> Message:
    frame = Frame(rules.signature, rules.hotline_elsewhere, version.language)
    subject, text, html = letter(compile_letter(version.body), values, frame)
    return Message(address, text, rules.signature, language=version.language, subject=subject, html=html)


def _able(runtime: Runtime, channel: str, key: Key, sources: _Sources) -> dict[str, int]:
    """The weights of the providers of a channel that can carry this template version now."""
    able = {}
    for name, weight in runtime.weights(channel).items():
        if name in sources.still:
            continue
        known = sources.registrations.get(name)
        registration = known.get(key) if known is not None else None
        approved = registration is not None and registration.state == ReviewState.APPROVED
        if weight and (known is None or approved):
            able[name] = weight
    return able

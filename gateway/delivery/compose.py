"""From a due row to a message its provider can carry: address, words, template code."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import channels, cities
from gateway.calendars import years_before
from gateway.channels import email, voice
from gateway.cities import Rules
from gateway.citizens import register
from gateway.content import documents
from gateway.content import store as content
from gateway.content.letters import Frame, LetterError, compile_letter, letter
from gateway.content.rendering import MissingPersonalisationError
from gateway.content.store import Registration, TemplateVersion
from gateway.delivery import routing
from gateway.delivery.store import attempts
from gateway.errors import TamperedError
from gateway.messages import Attachment, Message, excess
from gateway.notifications import questions, store, suppression, unsubscribe
from gateway.notifications.pauses import Kind, paused
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.providers import ReviewState
from gateway.runtime import Runtime

NO_ADDRESS = "no_address"
NO_PROVIDER = "no_provider_can_carry_it"  # paused, without the template, or the channel is closed
CANNOT_OPEN = "cannot_be_opened"
CANNOT_RENDER = "cannot_be_rendered"
CANNOT_CARRY = "beyond_every_provider"  # with the limit and the field
ELDER = 60  # years (Law on the Protection of the Rights of the Elderly, article 2): told slowly, and twice
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
    suppressed: Mapping[UUID, str]  # with the reason
    young: frozenset[UUID]  # citizens known to be no elders
    asking: frozenset[UUID]  # calls that wait for a key
    still: frozenset[str]  # providers an operator holds still
    versions: Mapping[Key, TemplateVersion]
    registrations: Mapping[str, Mapping[Key, Registration]]
    tried: Mapping[UUID, frozenset[str]]
    files: Mapping[UUID, tuple[Attachment, ...]]  # by broadcast
    rules: Rules


def compose(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Letter | Unsendable]:
    """A letter for each row, or why there is none; a handful of queries for all of them."""
    keys = list({(row.template_id, row.template_version) for row in rows})
    addresses = addresses_of(tx, runtime, rows)
    rules = cities.shipped()[runtime.settings.city].rules_now(runtime.clock())
    sources = _Sources(
        addresses=addresses,
        suppressed=_suppressed(tx, runtime, rows, addresses),
        young=_young(tx, runtime.clock().astimezone(rules.zone).date(), rows),
        asking=frozenset(questions.asking(tx, [row.id for row in rows if row.channel == voice.SUFFIX])),
        still=frozenset(paused(tx, Kind.PROVIDER)),
        versions=content.versions(tx, keys),
        registrations={
            name: content.registrations(tx, name, keys)
            for name, provider in runtime.providers.items()
            if provider.needs_template
        },
        tried=_tried(tx, [row.id for row in rows if row.tries]),
        files=documents.of(tx, {row.broadcast_id for row in rows if _may_have_files(row)}),
        rules=rules,
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
) -> dict[UUID, str]:
    """What stands against some of these at their addresses."""
    vault = runtime.vault
    asked = {
        row.id: (Class(row.klass), vault.index(channels.load(row.channel).ADDRESS, addresses[row.id]))
        for row in rows
        if row.klass in suppression.STOPPED and row.id in addresses
    }
    found = suppression.against(tx, set(asked.values()), runtime.clock())
    return {key: found[one] for key, one in asked.items() if one in found}


def _young(tx: Connection, today: date, rows: Sequence[Row[Any]]) -> frozenset[UUID]:
    """The people to be called who are known to be younger than an elder, by the city's date."""
    called = [row.citizen_id for row in rows if row.channel == voice.SUFFIX and row.citizen_id]
    return frozenset(register.born_after(tx, years_before(today, ELDER), called))


def words_of(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, str]:
    """What each of these notifications says, without its signature; what cannot be told is left out."""
    known = content.versions(tx, list({(row.template_id, row.template_version) for row in rows}))
    found = {}
    for row in rows:
        try:
            values = store.personalisation(runtime, row.id, row.personalisation)
            found[row.id] = known[row.template_id, row.template_version].compiled.render(values)
        except (TamperedError, MissingPersonalisationError):
            continue
    return found


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
        return Unsendable(Status.SUPPRESSED, sources.suppressed[row.id])
    key: Key = (row.template_id, row.template_version)
    registered = _registered(runtime, row.channel, key, sources)
    if not registered:
        return Unsendable(Status.WAITING, NO_PROVIDER, runtime.clock() + REVIEW_PAUSE)
    try:
        message = _message(runtime, row, address, sources)
    except TamperedError:
        return Unsendable(Status.FAILED, CANNOT_OPEN)
    except (MissingPersonalisationError, LetterError):
        return Unsendable(Status.FAILED, CANNOT_RENDER)
    beyond = {name: excess(runtime.providers[name].limits, message) for name in registered}
    able = {name: weight for name, weight in registered.items() if beyond[name] is None}
    if not able:
        found = next(filter(None, beyond.values()))
        return Unsendable(Status.FAILED, f"{CANNOT_CARRY}:{found.limit}:{found.field}"[:80])
    provider = routing.choose(able, row.provider, random.random())
    registration = sources.registrations.get(provider, {}).get(key)
    tried = sources.tried.get(row.id, frozenset()) | {provider}
    template = registration.code if registration else None
    return Letter(provider, replace(message, template=template), others=bool(able.keys() - tried))


def _message(runtime: Runtime, row: Row[Any], address: str, sources: _Sources) -> Message:
    """The message without a provider's code for its template."""
    version = sources.versions[row.template_id, row.template_version]
    values = store.personalisation(runtime, row.id, row.personalisation)
    if row.channel == email.SUFFIX:
        return _letter_to(runtime, row, address, sources, version, values)
    quick = row.citizen_id in sources.young
    return Message(
        address=address,
        text=version.compiled.render(values),
        signature=sources.rules.signature,
        params=version.compiled.provider_params(values),
        language=version.language,
        plays=1 if quick else 2,
        slow=not quick,
        asks=row.id in sources.asking,
        expires_at=row.expires_at,
    )


def _letter_to(
    runtime: Runtime,
    row: Row[Any],
    address: str,
    sources: _Sources,
    version: TemplateVersion,
    values: Mapping[str, str],
) -> Message:
    rules, stop = sources.rules, _stop(runtime, row, address)
    frame = Frame(rules.signature, rules.hotline_elsewhere, version.language, stop)
    subject, text, html = letter(compile_letter(version.body), values, frame)
    return Message(
        address=address,
        text=text,
        signature=rules.signature,
        language=version.language,
        subject=subject,
        html=html,
        unsubscribe=stop,
        attachments=sources.files.get(row.broadcast_id, ()),
        expires_at=row.expires_at,
    )


def _stop(runtime: Runtime, row: Row[Any], address: str) -> str:
    """Where notices by e-mail can be stopped; "" for what nobody can stop."""
    if row.klass != Class.NOTICE:
        return ""
    index = runtime.vault.index(email.ADDRESS, address)
    return unsubscribe.link(runtime.vault, runtime.settings.public_url, index)


def _may_have_files(row: Row[Any]) -> bool:
    return row.channel == email.SUFFIX and row.broadcast_id is not None


def _registered(runtime: Runtime, channel: str, key: Key, sources: _Sources) -> dict[str, int]:
    """The weights of the providers of a channel that may send this template version now."""
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

"""What a citizen wants to be told, and where: by category and channel. Nothing said means yes.

A category is the first word of a house template's name (``policy``, ``pension_auth``). ``ANY``
stands for every category or every channel, so *no calls* is one row. Reminders and notices go by
it; codes and results always go, and what an address refused (``suppression``) stays refused.

*Daily* is a third wish, for notices: they wait for the city's digest and come together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Row, String, Table, Uuid, delete, select, update

from gateway import audit, channels
from gateway.citizens.register import citizens
from gateway.content.store import templates
from gateway.db import Utc, metadata, upsert
from gateway.errors import UnknownNameError
from gateway.notifications.request import Class
from gateway.rows import one_of
from gateway.runtime import Runtime

ANY = "*"
HEEDED = frozenset({Class.NOTICE, Class.REMINDER})

DIGESTS = "digest"  # texts that gather others: no category of their own


class Wish(StrEnum):
    """What somebody wants of a category by a channel."""

    ON = "on"
    OFF = "off"
    DAILY = "daily"  # notices together, once a day; of reminders the same as on


preferences = Table(
    "preferences",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    Column("category", String(40), primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("wish", String(6), nullable=False),
    Column("at", Utc, nullable=False),
    Column("through", String(80), nullable=False),  # a page, or who wrote it down for them
)

Said = Mapping[tuple[str, str], str]  # by category and channel


@dataclass(frozen=True, slots=True)
class Preference:
    """One thing a citizen said, when, and through whom."""

    category: str
    channel: str
    wish: Wish
    at: datetime
    through: str


def category(template: str) -> str:
    """``policy`` of ``policy/retirement_age``."""
    return template.partition("/")[0]


def wished(said: Said, category: str, channel: str) -> Wish:
    """What the most exact of these says: both, then the category, then the channel, then all."""
    exact = ((category, channel), (category, ANY), (ANY, channel), (ANY, ANY))
    return Wish(next((said[one] for one in exact if one in said), Wish.ON))


def prefer(
    tx: Connection,
    runtime: Runtime,
    citizen: UUID,
    category: str,
    channel: str,
    wish: Wish | None,
    through: str,
) -> None:
    """Write down what a citizen wants from now on; None takes back what was said. On record.

    ``UnknownNameError`` for a citizen nobody registered, a category no text belongs to, or a channel
    there is none of.
    """
    _check(tx, citizen, category, channel)
    now, keys = runtime.clock(), (preferences.c.citizen_id, preferences.c.category, preferences.c.channel)
    row = {"citizen_id": citizen, "category": category, "channel": channel}
    if wish is None:
        tx.execute(delete(preferences).where(*(key == row[key.name] for key in keys)))
    else:
        new = {"wish": wish, "at": now, "through": through}
        entered = upsert(tx, preferences).values(**row, **new)
        tx.execute(entered.on_conflict_do_update(index_elements=keys, set_=new))
    action = f"preference.{wish or 'unset'}"
    audit.record(tx, runtime.vault, now, through, action, f"{citizen} {category} {channel}")


def speak(tx: Connection, runtime: Runtime, citizen: UUID, language: str, through: str) -> None:
    """Write to a citizen in this language from now on, where there is such a text. On record.

    ``UnknownNameError`` for a citizen nobody registered or a language no text is in.
    """
    known = sorted(tx.execute(select(templates.c.language).distinct()).scalars())
    if language not in known:
        raise UnknownNameError(f"There is no text in {language[:20]!r}; there are {', '.join(known)}.")
    _registered(tx, citizen)
    tx.execute(update(citizens).where(citizens.c.id == citizen).values(language=language))
    said = f"{citizen} {language}"
    audit.record(tx, runtime.vault, runtime.clock(), through, "preference.language", said)


def _check(tx: Connection, citizen: UUID, category: str, channel: str) -> None:
    _registered(tx, citizen)
    known = categories(tx)
    if category != ANY and category not in known:
        raise UnknownNameError(f"There is no category {category[:20]!r}; there are {', '.join(known)}.")
    if channel != ANY:
        channels.load(channel)


def _registered(tx: Connection, citizen: UUID) -> None:
    if tx.execute(select(citizens.c.id).where(citizens.c.id == citizen)).first() is None:
        raise UnknownNameError(f"There is no citizen {citizen}.")


def categories(tx: Connection) -> Sequence[str]:
    """Those the house has texts for, in order."""
    found = {category(name) for name in tx.execute(select(templates.c.name).distinct()).scalars()}
    return sorted(found - {DIGESTS})


def of(tx: Connection, citizen: UUID) -> Sequence[Preference]:
    """Everything a citizen said, in order."""
    columns = preferences.c
    query = select(columns.category, columns.channel, columns.wish, columns.at, columns.through)
    query = query.where(columns.citizen_id == citizen).order_by(columns.category, columns.channel)
    return [
        Preference(row.category, row.channel, Wish(row.wish), row.at, row.through)
        for row in tx.execute(query)
    ]


def against(tx: Connection, channel: str, rows: Sequence[Row[Any]]) -> dict[UUID, Wish]:
    """Those of these notifications on a channel about which something else than *on* was said, by their ids.

    One query, two where anybody said anything.
    """
    said = _said(tx, list({row.citizen_id for row in rows if row.citizen_id}))
    theirs = [row for row in rows if row.citizen_id in said]
    if not theirs:
        return {}
    names = _names(tx, {row.template_id for row in theirs})
    wishes = ((row.id, said[row.citizen_id], category(names[row.template_id])) for row in theirs)
    found = {key: wished(theirs, about, channel) for key, theirs, about in wishes}
    return {key: wish for key, wish in found.items() if wish is not Wish.ON}


def _said(tx: Connection, citizens: Sequence[UUID]) -> dict[UUID, dict[tuple[str, str], str]]:
    """What each of these said; nothing for those who said nothing."""
    found: dict[UUID, dict[tuple[str, str], str]] = {}
    if citizens:
        columns = preferences.c
        query = select(columns.citizen_id, columns.category, columns.channel, columns.wish)
        for row in tx.execute(query.where(one_of(tx, columns.citizen_id, citizens))):
            found.setdefault(row.citizen_id, {})[row.category, row.channel] = row.wish
    return found


def _names(tx: Connection, keys: Collection[UUID]) -> dict[UUID, str]:
    query = select(templates.c.id, templates.c.name).where(templates.c.id.in_(keys))
    return {row.id: row.name for row in tx.execute(query)}

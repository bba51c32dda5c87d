"""Templates and their versions. A version never changes; a send names the one it uses.

The house's own texts are shipped as ``templates/messages/<type>/<event>.<channel>.<lang>.txt``
and imported as versions: a changed file becomes the next version. Where a
provider reviews texts before they may go out, ``provider_templates`` holds its
code for a version and what it said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    func,
    insert,
    select,
    tuple_,
    update,
)

from gateway.content.rendering import Compiled, compile_body
from gateway.db import Utc, metadata, uuid7
from gateway.errors import UnknownNameError
from gateway.providers import ReviewState

SHIPPED = Path(__file__).parents[2] / "templates" / "messages"
FALLBACK_LANGUAGE = "zh-CN"

templates = Table(
    "templates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False),  # <type>/<event>
    Column("channel", String(8), nullable=False),
    Column("language", String(8), nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("name", "channel", "language"),
)
template_versions = Table(
    "template_versions",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    ForeignKeyConstraint(["template_id"], ["templates.id"]),
)
provider_templates = Table(
    "provider_templates",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("code", String(80), nullable=False),
    Column("state", String(10), nullable=False),  # providers.ReviewState
    Column("reason", String(200), nullable=False),
    Column("updated_at", Utc, nullable=False),
    ForeignKeyConstraint(
        ["template_id", "version"], ["template_versions.template_id", "template_versions.version"]
    ),
)


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of one template, ready to render."""

    id: UUID
    version: int
    name: str
    channel: str
    language: str
    body: str

    @property
    def compiled(self) -> Compiled:
        return compile_body(self.body)

    @property
    def key(self) -> tuple[UUID, int]:
        return self.id, self.version


_columns = (
    templates.c.id,
    template_versions.c.version,
    templates.c.name,
    templates.c.channel,
    templates.c.language,
    template_versions.c.body,
)
_joined = templates.join(template_versions, template_versions.c.template_id == templates.c.id)
_newest = (
    select(func.max(template_versions.c.version))
    .where(template_versions.c.template_id == templates.c.id)
    .correlate(templates)
    .scalar_subquery()
)


def to_send(
    tx: Connection, name: str, channel: str, language: str, reviewers: Collection[str]
) -> TemplateVersion:
    """The version to send now, in the asked language or else in Chinese.

    ``reviewers`` are the providers that carry reviewed texts only: while they
    review a new version, the one they approved before goes on being sent. With
    none of them, and where nothing is approved yet, it is the newest.
    """
    columns = provider_templates.c
    approved = (
        select(columns.template_id)
        .where(columns.template_id == templates.c.id, columns.version == template_versions.c.version)
        .where(columns.provider.in_(reviewers), columns.state == ReviewState.APPROVED)
        .correlate(templates, template_versions)
    )
    preferred = templates.c.language == language
    row = tx.execute(
        select(*_columns)
        .select_from(_joined)
        .where(templates.c.name == name, templates.c.channel == channel)
        .where(templates.c.language.in_([language, FALLBACK_LANGUAGE]))
        .order_by(preferred.desc(), approved.exists().desc(), template_versions.c.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise UnknownNameError(f"There is no {channel} text templates/messages/{name}.{channel}.*.txt.")
    return TemplateVersion(*row)


def to_send_by_id(tx: Connection, key: UUID, reviewers: Collection[str]) -> TemplateVersion | None:
    """The version to send now of the text with this id; None where there is no such text."""
    columns = templates.c
    query = select(columns.name, columns.channel, columns.language).where(columns.id == key)
    row = tx.execute(query).one_or_none()
    return to_send(tx, *row, reviewers) if row else None


def exists(tx: Connection, name: str, channel: str) -> bool:
    """Whether there is any such text, in whatever language."""
    query = select(templates.c.id).where(templates.c.name == name, templates.c.channel == channel)
    return tx.execute(query.limit(1)).first() is not None


def languages(tx: Connection, name: str, channel: str) -> Sequence[str]:
    """Those there is such a text in, in order."""
    columns = templates.c
    query = select(columns.language).where(columns.name == name, columns.channel == channel)
    return tx.execute(query.order_by(columns.language)).scalars().all()


def versions(tx: Connection, keys: Sequence[tuple[UUID, int]]) -> Mapping[tuple[UUID, int], TemplateVersion]:
    """Those versions, in one query."""
    where = tuple_(templates.c.id, template_versions.c.version).in_(keys)
    rows = tx.execute(select(*_columns).select_from(_joined).where(where)).all()
    return {(row.id, row.version): TemplateVersion(*row) for row in rows}


# --- the house's own texts ------------------------------------------------------------


def import_shipped(tx: Connection, now: datetime, folder: Path = SHIPPED) -> int:
    """Make a version of every shipped text that is new or changed; returns how many."""
    known = {(t.name, t.channel, t.language): t for t in newest_versions(tx)}
    imported = 0
    for name, channel, language, body in _shipped(folder):
        present = known.get((name, channel, language))
        if present and present.body == body:
            continue
        _add_version(tx, present, (name, channel, language), body, now)
        imported += 1
    return imported


def newest_versions(tx: Connection) -> list[TemplateVersion]:
    rows = tx.execute(
        select(*_columns).select_from(_joined).where(template_versions.c.version == _newest)
    ).all()
    return [TemplateVersion(*row) for row in rows]


def _shipped(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for path in sorted(folder.glob("*/*.txt")):
        event, channel, language = path.name.removesuffix(".txt").split(".")
        yield f"{path.parent.name}/{event}", channel, language, path.read_text("utf-8").strip()


def _add_version(
    tx: Connection, present: TemplateVersion | None, key: tuple[str, str, str], body: str, now: datetime
) -> None:
    template = present.id if present else uuid7()
    if present is None:
        name, channel, language = key
        tx.execute(
            insert(templates).values(
                id=template, name=name, channel=channel, language=language, created_at=now
            )
        )
    version = present.version + 1 if present else 1
    tx.execute(
        insert(template_versions).values(template_id=template, version=version, body=body, created_at=now)
    )


# --- registration with providers that review texts ---------------------------------------


@dataclass(frozen=True, slots=True)
class Registration:
    """A version as one provider knows it."""

    template_id: UUID
    version: int
    provider: str
    code: str
    state: str
    reason: str


def registrations(
    tx: Connection, provider: str, keys: Sequence[tuple[UUID, int]] | None = None
) -> Mapping[tuple[UUID, int], Registration]:
    """What this provider knows of our versions: all of them, or those named."""
    columns = provider_templates.c
    query = select(
        columns.template_id, columns.version, columns.provider, columns.code, columns.state, columns.reason
    ).where(columns.provider == provider)
    if keys is not None:
        query = query.where(tuple_(columns.template_id, columns.version).in_(keys))
    return {(row.template_id, row.version): Registration(*row) for row in tx.execute(query)}


def record_registration(tx: Connection, registration: Registration, now: datetime) -> None:
    columns = provider_templates.c
    values = {
        "code": registration.code,
        "state": registration.state,
        "reason": registration.reason[:200],
        "updated_at": now,
    }
    where = and_(
        columns.template_id == registration.template_id,
        columns.version == registration.version,
        columns.provider == registration.provider,
    )
    if not tx.execute(update(provider_templates).where(where).values(**values)).rowcount:
        key = {
            "template_id": registration.template_id,
            "version": registration.version,
            "provider": registration.provider,
        }
        tx.execute(insert(provider_templates).values(**key, **values))

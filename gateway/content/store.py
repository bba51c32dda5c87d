"""Templates and their versions. A version never changes; a send names the one it uses.

A version begins as a draft, which goes out only to try it; once published it is what is sent.
Texts of one name and channel in several languages belong together. What is sent of a text that
providers review first depends on what they approved (``registered``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    ForeignKeyConstraint,
    Integer,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
)

from gateway.content.letters import bulleted, parted
from gateway.content.registered import provider_templates
from gateway.content.rendering import Compiled, Values, as_written, compile_body
from gateway.db import Utc, metadata
from gateway.errors import UnknownNameError
from gateway.providers import ReviewState

FALLBACK_LANGUAGE = "zh-CN"
LANGUAGES = (FALLBACK_LANGUAGE, "en")


class State(StrEnum):
    """How far a version is."""

    DRAFT = "draft"  # goes out to try it, to people of the team
    PUBLISHED = "published"  # may be sent; it stays so when a newer one is


templates = Table(
    "templates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False),  # <type>/<event>, or texts/<id of the first>
    Column("title", String(200), nullable=False),  # what people call it
    Column("channel", String(8), nullable=False),
    Column("language", String(8), nullable=False),
    Column("klass", String(10), nullable=False),  # notifications.request.Class
    Column("created_at", Utc, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("archived_at", Utc),
    UniqueConstraint("name", "channel", "language"),
)
template_versions = Table(
    "template_versions",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),  # State
    Column("created_at", Utc, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("published_at", Utc),
    ForeignKeyConstraint(["template_id"], ["templates.id"]),
)


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of one template, ready to render. ``klass`` is how its messages are treated.

    An e-mail's ``body`` begins with its subject, as it was written.
    """

    id: UUID
    version: int
    name: str
    channel: str
    language: str
    body: str
    title: str = ""
    klass: str = "result"
    archived: bool = False
    state: str = State.PUBLISHED
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None  # when this version was made or published; None for a first one

    @property
    def compiled(self) -> Compiled:
        return compile_body(self.body, self.language)

    @property
    def key(self) -> tuple[UUID, int]:
        return self.id, self.version

    @property
    def subject(self) -> str | None:
        """An e-mail's, with its placeholders; None on other channels."""
        return parted(self.body)[0] if self.channel == "email" else None

    @property
    def text(self) -> str:
        """The body without a subject, as it was written."""
        return parted(self.body)[1] if self.channel == "email" else self.body

    def words(self, personalisation: Values) -> tuple[str | None, str]:
        """Subject (an e-mail's) and text with the values put in, as the API shows them.

        An e-mail keeps its line ends as they were written. Raises ``MissingPersonalisationError`` for
        what either lacks.
        """
        compiled = self.compiled
        values = compiled.values(personalisation)
        if self.channel != "email":
            return None, compiled.filled(values)
        subject, text = (as_written(part, self.language) for part in parted(self.body))
        bullets = {key: bulleted(one) for key, one in compiled.lists(personalisation).items()}
        return subject.filled(values), text.filled({**values, **bullets})


_changed = func.coalesce(template_versions.c.published_at, template_versions.c.created_at)
_columns = (
    templates.c.id,
    template_versions.c.version,
    templates.c.name,
    templates.c.channel,
    templates.c.language,
    template_versions.c.body,
    templates.c.title,
    templates.c.klass,
    templates.c.archived_at.is_not(None).label("archived"),
    template_versions.c.state,
    template_versions.c.created_by,
    templates.c.created_at,
    case((template_versions.c.version > 1, _changed)).label("updated_at"),
)
_joined = templates.join(template_versions, template_versions.c.template_id == templates.c.id)
_published = template_versions.c.state == State.PUBLISHED


def _approved(reviewers: Collection[str] | BindParameter[Any]) -> ColumnElement[bool]:
    columns = provider_templates.c
    return (
        select(columns.template_id)
        .where(columns.template_id == templates.c.id, columns.version == template_versions.c.version)
        .where(columns.provider.in_(reviewers), columns.state == ReviewState.APPROVED)
        .correlate(templates, template_versions)
        .exists()
    )


def to_send(
    tx: Connection, name: str, channel: str, language: str, reviewers: Collection[str]
) -> TemplateVersion:
    """The version to send now, in the asked language or else in Chinese; never a draft.

    ``reviewers`` are the providers that carry reviewed texts only: while they
    review a new version, the one they approved before goes on being sent. With
    none of them, and where nothing is approved yet, it is the newest.
    """
    asked = {"name": name, "channel": channel, "language": language, "reviewers": list(reviewers)}
    row = tx.execute(_to_send(), asked).one_or_none()
    if row is None:
        raise UnknownNameError(f"There is no {channel} text templates/messages/{name}.{channel}.*.txt.")
    return TemplateVersion(*row)


@cache
def _to_send() -> Select[Any]:
    """The query for it: every message asks, and to put it together costs more than to ask it."""
    columns, language = templates.c, bindparam("language", type_=String)
    asked = and_(columns.name == bindparam("name"), columns.channel == bindparam("channel"))
    approved = _approved(bindparam("reviewers", expanding=True))
    return (
        select(*_columns)
        .select_from(_joined)
        .where(asked, columns.archived_at.is_(None), _published)
        .where(or_(columns.language == language, columns.language == FALLBACK_LANGUAGE))
        .order_by((columns.language == language).desc(), approved.desc())
        .order_by(template_versions.c.version.desc())
        .limit(1)
    )


def to_send_by_id(tx: Connection, key: UUID, reviewers: Collection[str]) -> TemplateVersion | None:
    """The version to send now of the text with this id, archived ones too.

    None where there is no such text, or nothing of it was published yet.
    """
    row = tx.execute(
        select(*_columns)
        .select_from(_joined)
        .where(templates.c.id == key, _published)
        .order_by(_approved(reviewers).desc(), template_versions.c.version.desc())
        .limit(1)
    ).one_or_none()
    return TemplateVersion(*row) if row else None


def listed(tx: Connection, reviewers: Collection[str]) -> list[TemplateVersion]:
    """The version to send now of every text that is not archived, ordered by title."""
    newest_first = (_approved(reviewers).desc(), template_versions.c.version.desc())
    place = func.row_number().over(partition_by=templates.c.id, order_by=newest_first).label("place")
    where = templates.c.archived_at.is_(None) & _published
    each = select(*_columns, place).select_from(_joined).where(where).subquery()
    rows = tx.execute(select(*each.c[:-1]).where(each.c.place == 1).order_by(each.c.title, each.c.id))
    return [TemplateVersion(*row) for row in rows]


def exists(tx: Connection, name: str, channel: str) -> bool:
    """Whether there is any such text, in whatever language."""
    query = select(templates.c.id).where(templates.c.name == name, templates.c.channel == channel)
    return tx.execute(query.limit(1)).first() is not None


def versions(tx: Connection, keys: Sequence[tuple[UUID, int]]) -> Mapping[tuple[UUID, int], TemplateVersion]:
    """Those versions, drafts too, in one query."""
    where = tuple_(templates.c.id, template_versions.c.version).in_(keys)
    rows = tx.execute(select(*_columns).select_from(_joined).where(where)).all()
    return {(row.id, row.version): TemplateVersion(*row) for row in rows}


def history(tx: Connection, key: UUID) -> list[TemplateVersion]:
    """Every version of a text, drafts too, the newest first; none where there is no such text."""
    query = select(*_columns).select_from(_joined).where(templates.c.id == key)
    rows = tx.execute(query.order_by(template_versions.c.version.desc()))
    return [TemplateVersion(*row) for row in rows]


def newest_versions(tx: Connection, *, drafts: bool = False) -> list[TemplateVersion]:
    """The newest published version of every text not archived; with ``drafts`` the newest at all."""
    counted = template_versions.alias()
    newest = select(func.max(counted.c.version)).where(counted.c.template_id == templates.c.id)
    if not drafts:
        newest = newest.where(counted.c.state == State.PUBLISHED)
    where = template_versions.c.version == newest.correlate(templates).scalar_subquery()
    query = select(*_columns).select_from(_joined).where(where, templates.c.archived_at.is_(None))
    return [TemplateVersion(*row) for row in tx.execute(query)]

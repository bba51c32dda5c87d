"""The house's own texts: ``templates/messages/<type>/<event>.<channel>.<lang>.txt``.

Each is imported as a template of the name ``<type>/<event>``; a changed file becomes its next
version, published. What people write over it stays until the file changes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from gateway.content.store import State, template_versions, templates
from gateway.db import uuid7

SHIPPED = Path(__file__).parents[2] / "templates" / "messages"
BY = "shipped"
REMINDERS = ("remind_", "tomorrow")  # what the events of our reminders begin with

Key = tuple[str, str, str]


def class_of(name: str) -> str:
    """How messages of a text are treated, by its name ``<type>/<event>``.

    The text tells, not the caller: whoever could say "result" of a policy text would write to
    people at night who asked for none. What is neither a code, a reminder nor policy answers
    something a person did.
    """
    kind, _, event = name.partition("/")
    if kind in ("policy", "digest"):
        return "notice"
    if event == "code" or kind == "identity":
        return "code"
    return "reminder" if event.startswith(REMINDERS) else "result"


def import_shipped(tx: Connection, now: datetime, folder: Path = SHIPPED) -> int:
    """Make a version of every shipped text that is new or changed; returns how many."""
    known = _known(tx)
    imported = 0
    for key, body in _shipped(folder):
        template, version, present = known.get(key, (None, 0, None))
        if present == body:
            continue
        _add(tx, template or _create(tx, key, now), version + 1, body, now)
        imported += 1
    return imported


def _known(tx: Connection) -> dict[Key, tuple[UUID, int, str]]:
    """Of each text its id, its last version's number, and how the last shipped one was worded."""
    ours, last = template_versions, func.max(template_versions.c.version)
    ends = select(ours.c.template_id, last.label("last"), last.filter(ours.c.created_by == BY).label("own"))
    end = ends.group_by(ours.c.template_id).subquery()
    joined = templates.join(end, end.c.template_id == templates.c.id).outerjoin(
        ours, (ours.c.template_id == end.c.template_id) & (ours.c.version == end.c.own)
    )
    columns = templates.c
    query = select(columns.name, columns.channel, columns.language, columns.id, end.c.last, ours.c.body)
    return {
        (name, channel, language): (key, version, body)
        for name, channel, language, key, version, body in tx.execute(query.select_from(joined))
    }


def _shipped(folder: Path) -> Iterator[tuple[Key, str]]:
    for path in sorted(folder.glob("*/*.txt")):
        event, channel, language = path.name.removesuffix(".txt").split(".")
        yield (f"{path.parent.name}/{event}", channel, language), path.read_text("utf-8").strip()


def _create(tx: Connection, key: Key, now: datetime) -> UUID:
    template, (name, channel, language) = uuid7(), key
    values = {"name": name, "title": name, "channel": channel, "language": language, "created_by": BY}
    tx.execute(insert(templates).values(id=template, klass=class_of(name), created_at=now, **values))
    return template


def _add(tx: Connection, template: UUID, version: int, body: str, now: datetime) -> None:
    values = {"body": body, "state": State.PUBLISHED, "created_by": BY}
    tx.execute(
        insert(template_versions).values(
            template_id=template, version=version, created_at=now, published_at=now, **values
        )
    )

"""Writing texts: make one, make its next version, publish, archive. Every step is on record.

A version is never changed. Whoever edits a text makes its next version, a draft, which goes out
to try it and otherwise not before it is published.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from gateway import audit
from gateway.content import lint, store
from gateway.content.letters import compile_letter
from gateway.content.lint import NotFitError
from gateway.content.shipped import BY as SHIPPED_BY
from gateway.content.store import (
    FALLBACK_LANGUAGE,
    LANGUAGES,
    State,
    TemplateVersion,
    template_versions,
    templates,
)
from gateway.db import uuid7
from gateway.errors import HuiyinError
from gateway.security import Vault

CHANNELS = ("sms", "email", "voice")
CLASSES = ("code", "result", "reminder", "notice")  # notifications.request.Class; a notice is the safe one
LONGEST_BODY = 100_000  # characters
LONGEST_TITLE = 200
LONGEST_NAME = 80
_NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")


class TextError(HuiyinError):
    """This cannot be done with this text."""


class Author(NamedTuple):
    """Who writes (as the audit chain names them), when, and what seals the chain."""

    name: str
    vault: Vault
    now: datetime


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to make. ``body`` is an e-mail's with its Subject line; see ``whole``.

    ``name`` is what the house knows it by, ``<group>/<event>``: people stop notices by the group.
    Without one it gets its own. ``translates`` is a text that says the same on the same channel in
    another language: they then share a name.
    """

    title: str
    channel: str
    body: str
    klass: str
    language: str = FALLBACK_LANGUAGE
    name: str = ""
    translates: UUID | None = None


def whole(subject: str | None, body: str) -> str:
    """A body as it is kept: an e-mail's begins with its subject."""
    return f"Subject: {' '.join(subject.split())}\n\n{body}" if subject is not None else body


def create(tx: Connection, author: Author, new: NewText) -> TemplateVersion:
    """Make a text with its first version, a draft. Raises ``TextError``."""
    _check(new)
    key = uuid7()
    name = _name_of(tx, new) or f"texts/{key}"
    _claim_place(tx, name, new)
    values = {"name": name, "title": new.title.strip(), "channel": new.channel, "language": new.language}
    tx.execute(
        insert(templates).values(
            id=key, klass=new.klass, created_at=author.now, created_by=author.name[:80], **values
        )
    )
    return _add(tx, author, key, 1, new.body)


def add_version(tx: Connection, author: Author, key: UUID, body: str) -> TemplateVersion:
    """Make the next version of a text, a draft. Raises ``TextError``."""
    newest = _history(tx, key)[0]
    if newest.archived:
        raise TextError("This text is archived. Make a new one instead.")
    if newest.body == body:
        raise TextError(f"This is what version {newest.version} says already. Change something first.")
    _check_body(newest.channel, body)
    return _add(tx, author, key, newest.version + 1, body)


def publish(tx: Connection, author: Author, key: UUID, version: int) -> TemplateVersion:
    """Let a draft be sent from now on; one that is published stays as it is.

    Raises ``TextError``, or ``NotFitError`` for one that breaks rules.
    """
    known = _history(tx, key)
    one = next((one for one in known if one.version == version), None)
    if one is None:
        raise TextError(f"There is no version {version} of this text; its newest is {known[0].version}.")
    if one.archived:
        raise TextError("This text is archived. Make a new one instead.")
    if one.state == State.PUBLISHED:
        return one
    if any(other.state == State.PUBLISHED and other.version > version for other in known):
        raise TextError(f"A newer version than {version} is published. Make a new version with these words.")
    if found := lint.errors(one):
        raise NotFitError(found)
    _check_names(tx, one, known)
    columns = template_versions.c
    where = (columns.template_id == key, columns.version == version)
    tx.execute(update(template_versions).where(*where).values(state=State.PUBLISHED, published_at=author.now))
    _recorded(tx, author, "publish", f"{key} version {version}")
    return store.versions(tx, [(key, version)])[key, version]


def archive(tx: Connection, author: Author, key: UUID) -> TemplateVersion:
    """Let a text be sent no more; what was sent of it stays readable. Raises ``TextError``.

    The house's own are needed by its transactions: they are reworded, not taken away.
    """
    newest = _history(tx, key)[0]
    if _is_the_houses(tx, key):
        raise TextError("The house itself sends this text. Publish another version of it instead.")
    if not newest.archived:
        tx.execute(update(templates).where(templates.c.id == key).values(archived_at=author.now))
        _recorded(tx, author, "archive", str(key))
    return store.versions(tx, [newest.key])[newest.key]


# --- inside -----------------------------------------------------------------------------------


def _history(tx: Connection, key: UUID) -> Sequence[TemplateVersion]:
    """Its versions, the newest first, while nobody else makes one."""
    tx.execute(select(templates.c.id).where(templates.c.id == key).with_for_update())
    known = store.history(tx, key)
    if not known:
        raise TextError(f"There is no text {key}. List them to see their ids.")
    return known


def _is_the_houses(tx: Connection, key: UUID) -> bool:
    maker = tx.execute(select(templates.c.created_by).where(templates.c.id == key)).scalar_one()
    return bool(maker == SHIPPED_BY)


def _check_names(tx: Connection, one: TemplateVersion, known: Sequence[TemplateVersion]) -> None:
    """Raise where a text that the house fills asks for what it never gave: nothing could be sent of it."""
    asked = one.compiled.names
    given = {
        name: word for it in known if it.state == State.PUBLISHED for name, word in it.compiled.names.items()
    }
    if asked.keys() <= given.keys() or not _is_the_houses(tx, one.id):
        return
    foreign = ", ".join(f"(({word}))" for name, word in asked.items() if name not in given)
    told = ", ".join(f"(({word}))" for word in given.values()) or "nothing"
    raise TextError(f"The house itself fills this text and has no {foreign}; it gives {told}.")


def _add(tx: Connection, author: Author, key: UUID, version: int, body: str) -> TemplateVersion:
    values = {"body": body, "state": State.DRAFT, "created_at": author.now, "created_by": author.name[:80]}
    tx.execute(insert(template_versions).values(template_id=key, version=version, **values))
    _recorded(tx, author, "write", f"{key} version {version}")
    return store.versions(tx, [(key, version)])[key, version]


def _recorded(tx: Connection, author: Author, what: str, subject: str) -> None:
    audit.record(tx, author.vault, author.now, author.name[:80], f"template.{what}", f"template {subject}")


def _check(new: NewText) -> None:
    for what, given, known in (
        ("channel", new.channel, CHANNELS),
        ("class", new.klass, CLASSES),
        ("language", new.language, LANGUAGES),
    ):
        if given not in known:
            raise TextError(f"There is no {what} {given[:20]!r}; there are {', '.join(known)}.")
    if not 0 < len(new.title.strip()) <= LONGEST_TITLE:
        raise TextError(f"A text needs a title of 1 to {LONGEST_TITLE} characters.")
    if new.name and (len(new.name) > LONGEST_NAME or not _NAME.fullmatch(new.name)):
        raise TextError("Its name is <group>/<event>: small letters, digits and _. Or leave it out.")
    _check_body(new.channel, new.body)


def _check_body(channel: str, body: str) -> None:
    if not body.strip():
        raise TextError("A text needs words. Write what people are to read.")
    if len(body) > LONGEST_BODY:
        raise TextError(f"A text may have {LONGEST_BODY:,} characters; this has {len(body):,}.")
    if channel == "email":
        compile_letter(body)  # LetterError says what is wrong


def _name_of(tx: Connection, new: NewText) -> str:
    if new.translates is None:
        return new.name
    columns = templates.c
    query = select(columns.name).where(columns.id == new.translates, columns.channel == new.channel)
    found = tx.execute(query).scalar_one_or_none()
    if found is None:
        raise TextError(f"There is no {new.channel} text {new.translates} to be translated.")
    return str(found)


def _claim_place(tx: Connection, name: str, new: NewText) -> None:
    """Raise where there is one of that name, channel and language already."""
    columns = templates.c
    same = (columns.name == name, columns.channel == new.channel, columns.language == new.language)
    there = tx.execute(select(columns.id).where(*same)).scalar_one_or_none()
    if there is not None:
        raise TextError(f"There is such a text in {new.language}: {there}. Make a new version of it.")

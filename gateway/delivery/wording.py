"""What notifications say, read again from their texts and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.content import store as content
from gateway.content.letters import LetterError
from gateway.content.rendering import MissingPersonalisationError
from gateway.errors import TamperedError
from gateway.notifications import store
from gateway.runtime import Runtime


def words_of(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, str]:
    """What each of these notifications says, without its signature; what cannot be told is left out."""
    return {key: text for key, (_, text) in said_by(tx, runtime, rows).items()}


def said_by(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, tuple[str | None, str]]:
    """The same with an e-mail's subject before it."""
    known = content.versions(tx, list({(row.template_id, row.template_version) for row in rows}))
    found = {}
    for row in rows:
        try:
            values = store.personalisation(runtime, row.id, row.personalisation)
            found[row.id] = known[row.template_id, row.template_version].words(values)
        except (TamperedError, MissingPersonalisationError, LetterError):
            continue
    return found

"""The notices of holidays and working weekends that this deployment has loaded, beside those of the release.

One row a year, kept as it was written down; ``gateway.calendars`` reads it. Notices of the same year are
replaced: now and then one is amended in the year itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from gateway import calendars
from gateway.calendars import Notice
from gateway.db import Utc, metadata

notices = Table(
    "calendar_notices",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False),  # of the document
    Column("document", Text, nullable=False),  # the whole file in which the notice was loaded
    Column("loaded_at", Utc, nullable=False),
    Column("loaded_by", String(80), nullable=False),
)


def put(tx: Connection, document: str, years: Sequence[int], now: datetime, by: str) -> None:
    """Store the notices of these years as they stand in this file; what stood there for them goes."""
    tx.execute(delete(notices).where(notices.c.year.in_(years)))
    digest = hashlib.sha256(document.encode()).digest()
    common = {"digest": digest, "document": document, "loaded_at": now, "loaded_by": by}
    tx.execute(insert(notices), [{**common, "year": year} for year in years])


def row(tx: Connection, year: int) -> Row[Any] | None:
    """What was loaded for a year, as it stands in the table."""
    return tx.execute(select(notices).where(notices.c.year == year)).one_or_none()


def stored(tx: Connection) -> Mapping[int, Notice]:
    """The notices in the database, by year; ``SettingError`` for one this release cannot read."""
    rows = tx.execute(select(notices.c.year, notices.c.document)).all()
    return {
        row.year: calendars.read(row.document, f"the notice of {row.year} as loaded")[row.year]
        for row in rows
    }

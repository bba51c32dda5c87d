"""How messages ended, in Notify's words: whether it is worth trying that address again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway.delivery.store import attempts
from gateway.notifications import notify_words
from gateway.notifications.status import Status
from gateway.rows import one_of

MISSED = (Status.UNDELIVERED, Status.FAILED)


def notify_statuses(tx: Connection, rows: Sequence[Row[Any]]) -> dict[UUID, str]:
    """Notify's word for the status of each of these notifications; one query more for those that missed."""
    causes = _causes(tx, [row.id for row in rows if row.status in MISSED])
    return {row.id: notify_words.status(row.status, causes.get(row.id, row.reason)) for row in rows}


def _causes(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why the last try of each of these failed, by the provider's word for it."""
    if not ids:
        return {}
    columns = attempts.c
    query = select(columns.notification_id, columns.cause).where(
        one_of(tx, columns.notification_id, ids), columns.cause.is_not(None)
    )
    found = tx.execute(query.order_by(columns.started_at, columns.handover))
    return {row.notification_id: row.cause for row in found}  # the last one stays

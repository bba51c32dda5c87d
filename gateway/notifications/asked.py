"""How many messages a service asked for: what its limit for a day counts."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from gateway.notifications.store import notifications
from gateway.services.limits import Day
from gateway.services.store import NORMAL, TEAM


def count(tx: Connection, day: Day) -> int:
    """Its messages of that time on that channel; not what test keys asked for, nor what was taken anew."""
    columns = notifications.c
    asked = (
        (columns.service_id == day.service_id)
        & columns.key_type.in_((NORMAL, TEAM))
        & (columns.created_at >= day.since)
        & (columns.created_at < day.before)
        & (columns.channel == day.channel)
        & columns.replay_of.is_(None)
    )
    return tx.execute(select(func.count()).select_from(notifications).where(asked)).scalar_one()

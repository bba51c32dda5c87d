"""When the rows of a claim may go by the city's hours and working days, worked out once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway import channels, digest_hours, send_windows
from gateway.cities import Rules
from gateway.notifications.request import CLASSES, TREATMENT, Class
from gateway.send_windows import Opening

Closed = Mapping[str, Opening]  # by class


def closed(rules: Rules, channel: str, now: datetime) -> Closed:
    """The classes a channel is not open for at this moment, and when it will be."""
    works = rules.calendar.is_working_day
    opens = {
        str(klass): send_windows.opening(rules.send_windows, channel, klass, now, rules.zone, works)
        for klass in Class
    }
    return {klass: opening for klass, opening in opens.items() if opening != Opening()}


def hold(closed: Closed, channel: str, row: Row[Any]) -> datetime | None:
    """Until when a row of this channel waits for its window; None: it may go now, or knows no windows."""
    opening = closed.get(row.klass)
    return opening.hold(row.expires_at) if opening and _windowed(channel, row) else None


def _windowed(channel: str, row: Row[Any]) -> bool:
    """Nobody is called again at night, not even with a result; a code is being waited for."""
    again = row.tries > 0 and row.klass != Class.CODE and bool(channels.load(channel).RETRIES)
    return again or TREATMENT[CLASSES[row.klass]].windowed


# --- digests -----------------------------------------------------------------------------


def digest(rules: Rules, since: datetime) -> datetime | None:
    """When the city's first digest at or after that moment goes."""
    works = rules.calendar.is_working_day
    return digest_hours.moment(rules.digest, rules.send_windows, since, rules.zone, works)


def with_a_digest(rules: Rules, row: Row[Any], until: datetime) -> datetime:
    """Until when a row is held that something holds until then: one that may join others goes with them."""
    if not row.digest:
        return until
    return digest_hours.with_a_digest(until, digest(rules, until), row.expires_at)

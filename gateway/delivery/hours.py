"""When the rows of a claim may go by the city's hours and working days, worked out once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway import calendars, channels, send_windows
from gateway.cities import Rules
from gateway.notifications.request import TREATMENT, Class
from gateway.send_windows import Opening

Kind = tuple[str, str]  # channel and class
Openings = Mapping[Kind, Opening]


def openings(rules: Rules, kinds: Iterable[Kind], now: datetime) -> Openings:
    """When each of these kinds may go out next."""
    works = calendars.shipped().is_working_day
    return {
        (channel, klass): send_windows.opening(rules.send_windows, channel, klass, now, rules.zone, works)
        for channel, klass in set(kinds)
    }


def hold(opens: Openings, row: Row[Any]) -> datetime | None:
    """Until when a row waits for its window; None: it may go now, or knows no windows."""
    return opens[row.channel, row.klass].hold(row.expires_at) if _windowed(row) else None


def _windowed(row: Row[Any]) -> bool:
    """Nobody is called again at night, not even with a result; a code is being waited for."""
    again = row.tries > 0 and row.klass != Class.CODE and bool(channels.load(row.channel).RETRIES)
    return again or TREATMENT[Class(row.klass)].windowed

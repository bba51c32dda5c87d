"""An entry for a citizen's own calendar. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Entry:
    """What, when and where; the texts hold both languages. ``alarm`` is how long before it rings."""

    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    text: str
    alarm: timedelta

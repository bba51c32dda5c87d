"""See whether a database connection still lives before it is used again, unless it was used a moment ago.

SQLAlchemy's own ``pool_pre_ping`` asks each time, which was a fiftieth of what a mass mailing cost.
"""

from __future__ import annotations

import math
import time
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

LEFT_AT = "left_at"
MOMENT = 0.1  # seconds: no database restarts within


def ping_the_idle(engine: Engine) -> None:
    """Where it lives no more, the pool drops all that are as old, and opens another."""

    def left(_connection: object, record: Any) -> None:
        record.info[LEFT_AT] = time.monotonic()

    def taken(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get(LEFT_AT, math.inf) > MOMENT:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error:
                raise InvalidatePoolError from None

    event.listen(engine, "checkin", left)
    event.listen(engine, "checkout", taken)

"""Single statements on PostgreSQL, each a transaction and a round trip of its own.

The connections are as the driver gives them: what usually stands between would cost such a
statement more than its row does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import URL


class Autocommit:
    """Connections on which every statement commits; safe in threads, each statement has one to itself."""

    def __init__(self, url: URL) -> None:
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._idle: deque[psycopg.Connection[Any]] = deque()

    def run(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """Run it and give its rows. Where a kept connection was lost under it, it is run again."""
        while True:
            try:
                connection, kept = self._idle.pop(), True
            except IndexError:
                connection, kept = psycopg.connect(self._address, autocommit=True), False
            try:
                found = connection.execute(statement, values).fetchall()
            except psycopg.Error:
                lost = connection.closed or connection.broken
                connection.close()
                if not (lost and kept):
                    raise
            else:
                self._idle.append(connection)
                return found

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

"""How PostgreSQL goes about our statements where there are many old rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text

from tests.world import World

OLD = 40_000
FILL = """
INSERT INTO notifications (id, channel, lane, class, template_id, template_version, personalisation, status,
                           tries, created_at, expires_at)
SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), 'sms', 'sms.bulk', 'notice',
       CAST(lpad('1', 32, '0') AS uuid), 1, '\\x01', 'delivered', 1,
       CAST('2026-01-01T00:00:00Z' AS timestamptz) + n * interval '1 minute',
       CAST('2026-01-04T00:00:00Z' AS timestamptz) + n * interval '1 minute'
FROM generate_series(1, :old) AS n
"""
TRIES = """
INSERT INTO attempts (notification_id, handover, provider, address_index, lease, started_at)
SELECT id, 'h', 'scripted', '\\x01', 1, created_at FROM notifications
"""


def fill(world: World) -> None:
    """Four weeks of notices that arrived, one a minute, each tried once; the planner knows of them."""
    with world.runtime.db.write() as tx:
        tx.execute(text(FILL), {"old": OLD})
        tx.execute(text(TRIES))
    with world.runtime.db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


@contextmanager
def plans_of(world: World) -> Iterator[list[str]]:
    """The plan of every statement that reads or changes a table, as it is made here and now."""
    found: list[str] = []

    def explain(connection: Any, _cursor: Any, words: str, values: Any, *_: Any) -> None:
        if words.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            with connection.connection.dbapi_connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {words}", values)
                found.append("\n".join(row[0] for row in cursor))

    event.listen(world.runtime.db.engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(world.runtime.db.engine, "before_cursor_execute", explain)


def scans(found: Sequence[str]) -> list[str]:
    """The plans that read a table of messages from end to end."""
    return [plan for plan in found if re.search(r"Seq Scan on (notifications|attempts)\b", plan)]

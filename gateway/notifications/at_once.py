"""Rows of notifications with their ledger entries in one statement: the way in of single messages.

On PostgreSQL a statement is a transaction and a round trip; opening one, two statements and
a commit are four. SQLite, which has no round trips, gets the two statements.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert

from gateway.db import Db
from gateway.notifications.entries import TAKEN, ledger
from gateway.notifications.status import Status
from gateway.notifications.store import notifications


def enter(db: Db, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Commit what ``store.as_row`` made of requests that ask nothing; returns the lanes to wake.

    They are part of no broadcast. Rows that are in already are passed over, so it may be repeated
    where an answer was lost.
    """
    names = {key: notifications.c[key].name for key in rows[0]}
    written = [{name: row[key] for key, name in names.items()} for row in rows]
    values = {"rows": json.dumps(written, default=_as_text)}
    if not db.execute_single(_statement(tuple(names.values())), values):
        with db.write() as tx:
            enter_in(tx, rows)
    return {row["lane"] for row in rows}


def enter_in(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same in a transaction that has more to write."""
    tx.execute(insert(notifications), rows)
    counted = Counter((row["lane"], entry) for row in rows for entry in (TAKEN, Status.WAITING))
    entries = [{"lane": lane, "entry": str(entry), "difference": n} for (lane, entry), n in counted.items()]
    tx.execute(insert(ledger), entries)


def _as_text(value: object) -> str:
    """A value JSON has no word for, as PostgreSQL reads it."""
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


@cache
def _statement(names: Sequence[str]) -> str:
    """One statement, and one plan, for any number of rows."""
    columns = ", ".join(names)
    return f"""
        WITH entered AS (
            INSERT INTO notifications ({columns})
            SELECT {columns} FROM json_populate_recordset(NULL::notifications, %(rows)s)
            ON CONFLICT (id) DO NOTHING RETURNING lane
        )
        INSERT INTO ledger (lane, entry, difference)
        SELECT lane, entry, count(*) FROM entered, unnest(ARRAY['{TAKEN}', '{Status.WAITING}']) AS entry
        GROUP BY lane, entry
    """  # noqa: S608  # made of our own names

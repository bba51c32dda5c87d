"""Rows of notifications with their ledger entries in one statement: the way in of single messages.

On PostgreSQL a statement is a transaction and a round trip; opening one, two statements and
a commit are four. SQLite, which has no round trips, gets one transaction. A row may come with
the entry of its ``Idempotency-Key``: then either both go in, or neither.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from gateway.db import Db, upsert
from gateway.notifications.entries import TAKEN, Entry, ledger
from gateway.notifications.entries import enter as count
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.rows import insert_many
from gateway.services import idempotency
from gateway.services.idempotency import answers

Row = Mapping[str, Any]


class Entered(NamedTuple):
    """The lanes to wake; the ids of those whose key was there before, and of those it is in use for now."""

    lanes: set[str]
    known: Collection[UUID] = ()
    running: Collection[UUID] = ()


def enter(db: Db, rows: Sequence[Row], keys: Mapping[UUID, Row] = {}) -> Entered:
    """Commit what ``stored.as_row`` made of requests that ask nothing.

    ``keys`` are entries of ``idempotency`` by the ids of their rows. The rows are part of no
    broadcast. Those that are in already are passed over, so it may be repeated where an answer
    was lost.
    """
    names = _names(tuple(rows[0]))
    pairs = (zip(names, row.values(), strict=True) for row in rows)
    written = [{name: value for name, value in row if value is not None} for row in pairs]
    values = {"rows": _json(written)}
    if keys:
        asked = [
            {**entry, "notification": key, "lock": idempotency.lock_number(entry["service_id"], entry["key"])}
            for key, entry in keys.items()
        ]
        values["keys"] = _json(asked)
    statement = _keyed_statement(names) if keys else _statement(names)
    found = db.execute_single(statement, values)
    if found is None:
        with db.write() as tx:
            found = _enter_each(tx, rows, keys)
    known = [one for one, mine in found if mine]
    running = [one for one, mine in found if not mine]
    return Entered({row["lane"] for row in rows}, known, running)


def enter_in(tx: Connection, rows: Sequence[Row]) -> None:
    """Rows in a transaction that has more to write."""
    insert_many(tx, notifications, {name: [row[name] for row in rows] for name in rows[0]})
    lanes = Counter(row["lane"] for row in rows)
    taken: dict[Entry, int] = {
        (lane, None, entry): n for lane, n in lanes.items() for entry in (TAKEN, Status.WAITING)
    }
    count(tx, taken)


def _enter_each(tx: Connection, rows: Sequence[Row], keys: Mapping[UUID, Row]) -> list[tuple[UUID, bool]]:
    """The same as the statement, where writers queue; returns those whose key was there."""
    known: list[tuple[UUID, bool]] = []
    if keys:
        new = upsert(tx, answers).values(list(keys.values())).on_conflict_do_nothing()
        fresh = set(tx.execute(new.returning(answers.c.body)).scalars())
        known = [(key, True) for key, entry in keys.items() if entry["body"] not in fresh]
    left_out = {key for key, _ in known}
    if taken := [row for row in rows if row["id"] not in left_out]:
        enter_in(tx, taken)
    return known


@cache
def _names(keys: Sequence[str]) -> tuple[str, ...]:
    """What the database calls these columns."""
    return tuple(notifications.c[key].name for key in keys)


def _as_text(value: object) -> str:
    """A value JSON has no word for, as PostgreSQL reads it."""
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


_json = json.JSONEncoder(default=_as_text).encode


@cache
def _statement(names: Sequence[str], which: str = "true", before: str = "", after: str = "") -> str:
    """One statement, and one plan, for any number of rows."""
    columns = ", ".join(names)
    return f"""
        WITH {before} entered AS (
            INSERT INTO notifications ({columns})
            SELECT {columns} FROM json_populate_recordset(NULL::notifications, %(rows)s) AS given
            WHERE {which} ON CONFLICT (id) DO NOTHING RETURNING lane
        ), counted AS (
            INSERT INTO {ledger.name} (lane, entry, difference)
            SELECT lane, entry, count(*)
            FROM entered, unnest(ARRAY['{TAKEN}', '{Status.WAITING}']) AS entry GROUP BY lane, entry
        )
        {after or "SELECT WHERE false"}
    """  # noqa: S608  # made of our own names


@cache
def _keyed_statement(names: Sequence[str]) -> str:
    """The same with keys: a row whose key cannot be entered is left out and comes back.

    A key that another transaction is working under is not waited for: everybody else here would wait too.
    """
    columns = ", ".join(column.name for column in answers.c)
    types = ", ".join(
        f"{name} {kind}"
        for name, kind in {
            **{column.name: column.type.compile(dialect=idempotency.POSTGRESQL) for column in answers.c},
            "notification": "uuid",
            "lock": "bigint",
        }.items()
    )
    before = f"""asked AS MATERIALIZED (
            SELECT *, pg_try_advisory_xact_lock(lock) AS mine
            FROM json_to_recordset(%(keys)s) AS asked ({types})
        ), fresh AS (
            INSERT INTO {answers.name} ({columns}) SELECT {columns} FROM asked WHERE mine
            ON CONFLICT (service_id, key) DO NOTHING RETURNING body
        ), refused AS MATERIALIZED (
            SELECT notification, mine FROM asked WHERE body NOT IN (SELECT body FROM fresh)
        ),"""  # noqa: S608  # made of our own names
    which = "given.id NOT IN (SELECT notification FROM refused)"
    return _statement(names, which, before, "SELECT notification, mine FROM refused")

"""Databases of PostgreSQL for tests: one that a test has used is emptied, not made anew.

To copy a database costs some hundred milliseconds, to empty one a tenth of it. What is handed
out is as new: tables without a page, counters at their beginning, the shipped rows where they were,
no statistics. A database that was analysed, or whose schema was changed, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection, sql

TEMPLATE = "template_huiyin"
SCHEMA = """
    SELECT string_agg(concat_ws(' ', relname, relkind, relnatts, relchecks), ',' ORDER BY relname)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
ANALYSED = "SELECT EXISTS (SELECT FROM pg_stats WHERE schemaname = 'public')"
FILLED = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
PLACES = "SELECT string_agg(ctid::text || xmin::text, ' ') FROM {}"
COUNTERS = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def named(server: str, database: str) -> str:
    """The address of another database of the server."""
    return f"{server.rpartition('/')[0]}/{database}"


@dataclass(slots=True)
class _Database:
    """One of the databases: its schema, and where the shipped rows stand, by table."""

    name: str
    schema: Any
    places: dict[str, Any]


@dataclass(slots=True)
class Databases:
    """Those of a server that are like its template."""

    server: str
    made: int = 0
    _shipped: dict[str, bytes] = field(default_factory=dict)
    _idle: list[_Database] = field(default_factory=list)
    _taken: dict[str, _Database] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with _connected(named(self.server, TEMPLATE)) as template:
            for (table,) in template.execute(FILLED).fetchall():
                with template.cursor().copy(_said("COPY {} TO STDOUT", table)) as rows:
                    self._shipped[table] = b"".join(rows)

    def take(self) -> str:
        """The address of one that is as new."""
        one = self._idle.pop() if self._idle else self._make()
        url = named(self.server, one.name)
        self._taken[url] = one
        return url

    def give_back(self, url: str) -> None:
        """Make it as new, or be rid of it."""
        one = self._taken.pop(url)
        with _connected(url) as connection:
            as_new = self._emptied(connection, one)
        if as_new:
            self._idle.append(one)
        else:
            with _connected(self.server) as connection:
                connection.execute(_said("DROP DATABASE {} WITH (FORCE)", one.name))

    def _make(self) -> _Database:
        self.made += 1
        name = f"test_{self.made}"
        with _connected(self.server) as connection:
            connection.execute(_said("CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE))
        with _connected(named(self.server, name)) as connection:
            return _Database(name, _first(connection, SCHEMA), self._places(connection))

    def _places(self, connection: Connection[Any]) -> dict[str, Any]:
        return {table: _first(connection, PLACES, table) for table in self._shipped}

    def _emptied(self, connection: Connection[Any], one: _Database) -> bool:
        """Take away what a test has left; False where that would not make it a new one."""
        connection.execute(OTHERS)
        if _first(connection, ANALYSED) or _first(connection, SCHEMA) != one.schema:
            return False
        _truncate(connection, [row[0] for row in connection.execute(FILLED) if row[0] not in self._shipped])
        for (counter,) in connection.execute(COUNTERS).fetchall():
            connection.execute(_said("ALTER SEQUENCE {} RESTART", counter))
        if self._places(connection) != one.places:
            self._refill(connection)
            one.places = self._places(connection)
        return True

    def _refill(self, connection: Connection[Any]) -> None:
        _truncate(connection, list(self._shipped))
        connection.execute("SET session_replication_role = replica")  # the tables come in any order
        for table, rows in self._shipped.items():
            with connection.cursor().copy(_said("COPY {} FROM STDIN", table)) as copy:
                copy.write(rows)


def _connected(url: str) -> Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def _said(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _first(connection: Connection[Any], query: str, *names: str) -> Any:
    row = connection.execute(_said(query, *names)).fetchone()
    return row and row[0]


def _truncate(connection: Connection[Any], tables: list[str]) -> None:
    if tables:
        connection.execute(_said(f"TRUNCATE {', '.join(['{}'] * len(tables))} CASCADE", *tables))

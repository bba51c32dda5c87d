"""Many rows in one statement, whatever the database.

PostgreSQL takes a column of values as one array: a statement's words are then the same for any
number of rows, so it is prepared once, and nobody writes or reads a thousand parameters. SQLite
runs in our own process and takes them one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Table,
    UpdateBase,
    any_,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from gateway.planning import PLANNED_ANEW

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


class _Bytes(LargeBinary):
    """Given to the driver as they are: each would be wrapped, only to be unwrapped there."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Nothing is left to do for each of many values."""


def one_of(tx: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of these; not for a million of them on SQLite."""
    if tx.dialect.name != "postgresql":
        return column.in_(values)
    kind = _Bytes() if isinstance(column.type, LargeBinary) else column.type
    return column == any_(bindparam(None, list(values), ARRAY(kind)))


def insert_many(
    tx: Connection, table: Table, rows: Mapping[str, Sequence[Any]], *, once: bool = False
) -> None:
    """Insert rows given by column, in step; a column that is None throughout may be left out.

    With ``once`` a row whose key is there already is left as it is.
    """
    if tx.dialect.name == "postgresql":
        each, alike = _parted(rows)
        statement = _insert_arrays(table, tuple(each), tuple(alike))
        tx.exec_driver_sql(f"{statement} ON CONFLICT DO NOTHING" if once else statement, {**each, **alike})
    else:
        tx.execute(insert(table).prefix_with("OR IGNORE") if once else insert(table), _by_row(rows))


def update_each(
    tx: Connection,
    table: Table,
    keys: Mapping[str, Sequence[Any]],
    values: Mapping[str, Sequence[Any]],
    keep: Sequence[str] = (),
    unset: str = "",
) -> int:
    """Set other values in each of many rows, found by their ``keys``; both given by column, in step.

    A column named in ``keep`` stays where its new value is None. Where ``unset`` names a column only
    rows that have nothing there yet change. Returns how many did.
    """
    if tx.dialect.name == "postgresql":
        each, alike = _parted(values)
        statement = _update_arrays(table, tuple(keys), tuple(each), tuple(alike), tuple(keep), unset)
        given = {f"of_{name}": list(keys[name]) for name in keys} | each | alike
        return tx.exec_driver_sql(statement, given, execution_options={PLANNED_ANEW: True}).rowcount
    else:
        where = [table.c[name] == bindparam(f"of_{name}") for name in keys]
        where += [table.c[unset].is_(None)] if unset else []
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in values}
        new |= {name: func.coalesce(new[name], table.c[name]) for name in keep}
        given = {f"of_{name}": keys[name] for name in keys} | {f"new_{name}": values[name] for name in values}
        return tx.execute(update(table).where(*where).values(**new), _by_row(given)).rowcount


def count_changes(tx: Connection, change: UpdateBase) -> Counter[tuple[Any, ...]]:
    """Change rows, and count them by what that returns of each; alike ones are counted where they are."""
    if tx.dialect.name != "postgresql":
        return Counter(map(tuple, tx.execute(change).all()))
    changed = change.cte("changed")
    found = tx.execute(select(*changed.c, func.count()).group_by(*changed.c)).all()
    return Counter({tuple(key): n for *key, n in found})


def _by_row(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _parted(columns: Mapping[str, Sequence[Any]]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The columns with a value for each row, and the one value of those that are alike in all of them."""
    alike = {name: found[0] for name, found in columns.items() if _same(found)}
    each = {name: list(found) for name, found in columns.items() if name not in alike}
    if not each:  # as many rows as there are values
        name = next(iter(columns))
        each[name] = list(columns[name])
        del alike[name]
    return each, alike


def _same(found: Sequence[Any]) -> bool:
    """Ids, the dearest to compare, mostly differ at the ends already."""
    return bool(found[0] == found[-1]) and found.count(found[0]) == len(found)


@cache
def _insert_arrays(table: Table, each: tuple[str, ...], alike: tuple[str, ...]) -> str:
    columns = ", ".join(table.c[name].name for name in (*each, *alike))
    fixed = "".join(f", {_typed(table.c[name])}" for name in alike)
    arrays = ", ".join(_typed(table.c[name], "[]") for name in each)
    into = f"INSERT INTO {table.name} ({columns})"
    return f"{into} SELECT given.*{fixed} FROM unnest({arrays}) AS given"  # noqa: S608 - our own names


@cache
def _update_arrays(
    table: Table,
    keys: tuple[str, ...],
    each: tuple[str, ...],
    alike: tuple[str, ...],
    keep: tuple[str, ...],
    unset: str,
) -> str:
    arrays = [_typed(table.c[name], "[]", "of_") for name in keys]
    arrays += [_typed(table.c[name], "[]") for name in each]
    given = ", ".join([*(f"of_{name}" for name in keys), *(f"new_{name}" for name in each)])
    new = {name: f"given.new_{name}" for name in each} | {name: _typed(table.c[name]) for name in alike}
    new |= {name: f"coalesce({new[name]}, old.{table.c[name].name})" for name in keep}
    changes = ", ".join(f"{table.c[name].name} = {value}" for name, value in new.items())
    same = " AND ".join(f"old.{table.c[name].name} = given.of_{name}" for name in keys)
    same += f" AND {_not_counted(f'old.{table.c[unset].name} IS NULL')}" if unset else ""
    source = f"unnest({', '.join(arrays)}) AS given ({given})"
    return f"UPDATE {table.name} AS old SET {changes} FROM {source} WHERE {same}"  # noqa: S608 - our own names


def _not_counted(condition: str) -> str:
    """The condition in words whose rows the planner does not count beforehand.

    Where it has seen that hardly any row fulfils one it looks for those first, in all of a small table.
    """
    return f"CASE WHEN {condition} THEN true ELSE false END"


def _typed(column: Column[Any], array: str = "", prefix: str = "") -> str:
    """A parameter of the column's key and type."""
    return f"CAST(%({prefix}{column.key})s AS {column.type.compile(dialect=_POSTGRESQL)}{array})"

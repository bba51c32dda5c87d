"""Many rows in one statement, whatever the database.

PostgreSQL takes a column of values as one array: a statement's words are then the same for any
number of rows, so it is prepared once, and nobody writes or reads a thousand parameters. SQLite
runs in our own process and takes them one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    TextClause,
    any_,
    bindparam,
    func,
    insert,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def one_of(tx: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of these; not for a million of them on SQLite."""
    if tx.dialect.name != "postgresql":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), ARRAY(column.type)))


def insert_many(
    tx: Connection, table: Table, each: Mapping[str, Sequence[Any]], alike: Mapping[str, Any]
) -> None:
    """Insert rows given by column: a value for ``each`` row, or one that is ``alike`` in all of them."""
    if tx.dialect.name == "postgresql":
        tx.execute(_insert_arrays(table, tuple(each), tuple(alike)), {**each, **alike})
    else:
        rows = (dict(zip(each, row, strict=True)) for row in zip(*each.values(), strict=True))
        tx.execute(insert(table), [{**row, **alike} for row in rows])


def update_each(
    tx: Connection,
    table: Table,
    keys: Mapping[str, Sequence[Any]],
    values: Mapping[str, Sequence[Any]],
    alike: Mapping[str, Any],
    keep: Sequence[str] = (),
) -> None:
    """Set other values in each of many rows, found by their ``keys``; both given by column, in step.

    ``alike`` is the same in all of them. A column named in ``keep`` stays where its new value is None.
    """
    given = {f"of_{name}": keys[name] for name in keys} | {f"new_{name}": values[name] for name in values}
    if tx.dialect.name == "postgresql":
        statement = _update_arrays(table, tuple(keys), tuple(values), tuple(alike), tuple(keep))
        tx.execute(statement, {**given, **alike})
    else:
        where = [table.c[name] == bindparam(f"of_{name}") for name in keys]
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in values}
        new |= {name: func.coalesce(new[name], table.c[name]) for name in keep}
        rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
        tx.execute(update(table).where(*where).values(**new, **alike), rows)


@cache
def _insert_arrays(table: Table, each: tuple[str, ...], alike: tuple[str, ...]) -> TextClause:
    columns = ", ".join(table.c[name].name for name in (*each, *alike))
    fixed = "".join(f", :{name}" for name in alike)
    arrays = ", ".join(_array(table.c[name], name) for name in each)
    into = f"INSERT INTO {table.name} ({columns})"
    statement = f"{into} SELECT given.*{fixed} FROM unnest({arrays}) AS given"  # noqa: S608 - our own names
    return text(statement).bindparams(*_arrays(table, "", each), *_singles(table, alike))


@cache
def _update_arrays(
    table: Table,
    keys: tuple[str, ...],
    values: tuple[str, ...],
    alike: tuple[str, ...],
    keep: tuple[str, ...],
) -> TextClause:
    given = {f"of_{name}": name for name in keys} | {f"new_{name}": name for name in values}
    arrays = ", ".join(_array(table.c[name], given_as) for given_as, name in given.items())
    same = " AND ".join(f"old.{table.c[name].name} = given.of_{name}" for name in keys)
    new = [f"{table.c[name].name} = given.new_{name}" for name in values if name not in keep]
    new += [f"{table.c[name].name} = coalesce(given.new_{name}, old.{table.c[name].name})" for name in keep]
    new += [f"{table.c[name].name} = :{name}" for name in alike]
    source = f"unnest({arrays}) AS given ({', '.join(given)})"
    statement = f"UPDATE {table.name} AS old SET {', '.join(new)} FROM {source} WHERE {same}"  # noqa: S608 - our own names
    both = (*_arrays(table, "of_", keys), *_arrays(table, "new_", values))
    return text(statement).bindparams(*both, *_singles(table, alike))


def _array(column: Column[Any], given_as: str) -> str:
    return f"CAST(:{given_as} AS {column.type.compile(dialect=_POSTGRESQL)}[])"


def _arrays(table: Table, prefix: str, names: Sequence[str]) -> list[Any]:
    return [bindparam(f"{prefix}{name}", type_=ARRAY(table.c[name].type)) for name in names]


def _singles(table: Table, names: Sequence[str]) -> list[Any]:
    return [bindparam(name, type_=table.c[name].type) for name in names]

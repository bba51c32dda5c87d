"""The query password (查询密码): six digits that somebody knows who has no telephone at hand.

Cities give out an *initial* one that anybody can work out (the end of the ID number), so one that was
never changed proves nothing. What is kept is a keyed digest, bound to the citizen. A password set on
the word of a single code begins to count later, and the one before counts until then: whoever took a
telephone neither gains by setting one, nor takes the owner's away.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    LargeBinary,
    Row,
    Table,
    Uuid,
    select,
)

from gateway.citizens import id_number as numbers
from gateway.db import Utc, metadata, upsert
from gateway.runtime import Runtime
from gateway.security import same

DIGITS = 6
_RUN = "01234567890"

query_passwords = Table(
    "query_passwords",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32)),  # null: none counts yet
    Column("initial", Boolean, nullable=False),
    Column("set_at", Utc, nullable=False),
    Column("next_digest", LargeBinary(32)),  # the one that counts from ``next_from`` on
    Column("next_from", Utc),
)


class Checked(StrEnum):
    """What came of trying a password; each with its one line of meaning."""

    RIGHT = "right"  # it is theirs, and not the initial one
    INITIAL = "initial"  # it is theirs and was never changed: it proves nothing
    WRONG = "wrong"  # another one, one that does not count yet, or there is none


def written(text: str) -> bool:
    """Whether it is written like one: six plain digits."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def weak(password: str, id_number: str) -> bool:
    """Whether anybody could guess it: one digit again and again, a run, or out of the ID number."""
    born = numbers.birth_date(id_number)
    dates = {f"{born:%y%m%d}", f"{born:%d%m%y}", f"{born:%m%d%y}", f"{born:%Y%m}", f"{born:%m%d%Y}"[:DIGITS]}
    obvious = len(set(password)) == 1 or password in _RUN or password in _RUN[::-1]
    return obvious or password in id_number or password in dates


def put(
    tx: Connection,
    runtime: Runtime,
    citizen_id: UUID,
    password: str,
    *,
    initial: bool = False,
    counts_from: datetime | None = None,
) -> None:
    """Set a citizen's password. With ``counts_from`` the one before counts until then."""
    now, digest = runtime.clock(), _digest(runtime, citizen_id, password)
    row = _row(tx, citizen_id, hold=True)
    if counts_from is not None and counts_from > now:
        old, was_initial = _counting(row, now)
        values = {"digest": old, "initial": was_initial, "next_digest": digest, "next_from": counts_from}
    else:
        values = {"digest": digest, "initial": initial, "next_digest": None, "next_from": None}
    _keep(tx, [{"citizen_id": citizen_id, "set_at": now, **values}])


def take_over(tx: Connection, runtime: Runtime, given: Iterable[tuple[UUID, str, bool]]) -> None:
    """Import citizens' passwords, each with whether it is the initial one; who has one here keeps it."""
    now = runtime.clock()
    rows = [
        {"citizen_id": key, "digest": _digest(runtime, key, password), "initial": initial, "set_at": now}
        for key, password, initial in given
    ]
    if rows:
        tx.execute(upsert(tx, query_passwords).on_conflict_do_nothing(), rows)


def check(tx: Connection, runtime: Runtime, citizen_id: UUID | None, password: str) -> Checked:
    """Try a password. For nobody (None) the same is done, so that time does not tell who is registered.

    Whoever calls counts the tries: six digits are guessed in a million of them.
    """
    key = citizen_id or runtime.new_id()
    kept, initial = _counting(_row(tx, key), runtime.clock())
    given = _digest(runtime, key, password)
    if not same(kept or bytes(len(given)), given):
        return Checked.WRONG
    return Checked.INITIAL if initial else Checked.RIGHT


def usable(tx: Connection, citizen_id: UUID, now: datetime) -> bool:
    """Whether this citizen has one that proves something now."""
    kept, initial = _counting(_row(tx, citizen_id), now)
    return kept is not None and not initial


def _digest(runtime: Runtime, citizen_id: UUID, password: str) -> bytes:
    return runtime.vault.digest("query_password", citizen_id.bytes + password.encode())


def _row(tx: Connection, citizen_id: UUID, *, hold: bool = False) -> Row[Any] | None:
    query = select(query_passwords).where(query_passwords.c.citizen_id == citizen_id)
    return tx.execute(query.with_for_update() if hold else query).one_or_none()


def _counting(row: Row[Any] | None, now: datetime) -> tuple[bytes | None, bool]:
    """The digest that counts now, and whether it is of an initial password."""
    if row is None:
        return None, False
    if row.next_from is not None and row.next_from <= now:
        return row.next_digest, False
    return row.digest, row.initial


def _keep(tx: Connection, rows: list[dict[str, Any]]) -> None:
    statement = upsert(tx, query_passwords)
    fresh = {name: statement.excluded[name] for name in rows[0] if name != "citizen_id"}
    tx.execute(statement.on_conflict_do_update(index_elements=["citizen_id"], set_=fresh), rows)

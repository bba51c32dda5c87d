"""Where notifications go: their own address, or their citizen's; and how their sealed cells are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.citizens import register
from gateway.content.rendering import Values
from gateway.errors import TamperedError
from gateway.notifications import questions
from gateway.notifications.store import personalisation
from gateway.notifications.stored import own_address
from gateway.runtime import Runtime


def _own_address(runtime: Runtime, row: Row[Any]) -> str | None:
    own = own_address(runtime, row)
    return own and own.written


def _values(runtime: Runtime, row: Row[Any]) -> Values:
    return personalisation(runtime, row.id, row.personalisation)


def _asking(tx: Connection, rows: Sequence[Row[Any]]) -> Collection[UUID]:
    return questions.asking(tx, [row.id for row in rows])


class Cells(NamedTuple):
    """How to read a row's address and values (``TamperedError``: another's), and which rows ask something."""

    address: Callable[[Runtime, Any], str | None]
    values: Callable[[Runtime, Any], Values]
    asking: Callable[[Connection, Sequence[Any]], Collection[UUID]]


SEALED = Cells(_own_address, _values, _asking)


def addresses_of(
    tx: Connection, runtime: Runtime, kind: str, rows: Sequence[Row[Any]], cells: Cells = SEALED
) -> list[str | None]:
    """Where each of these notifications goes, by an address of this kind."""
    found = [_readable(runtime, row, cells) for row in rows]
    asked = {row.citizen_id for row, own in zip(rows, found, strict=True) if row.citizen_id and not own}
    if not asked:
        return found
    known = register.addresses(tx, runtime.vault, kind, list(asked))
    return [own or known.get(row.citizen_id) for row, own in zip(rows, found, strict=True)]


def _readable(runtime: Runtime, row: Row[Any], cells: Cells) -> str | None:
    try:
        return cells.address(runtime, row)
    except TamperedError:
        return None

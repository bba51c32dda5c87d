"""Where notifications go: their own address, or their citizen's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from gateway.citizens import register
from gateway.errors import TamperedError
from gateway.notifications.stored import own_address
from gateway.runtime import Runtime


def addresses_of(tx: Connection, runtime: Runtime, kind: str, rows: Sequence[Row[Any]]) -> list[str | None]:
    """Where each of these notifications goes, by an address of this kind."""
    found = [_own_address(runtime, row) for row in rows]
    asked = {row.citizen_id for row, own in zip(rows, found, strict=True) if row.citizen_id and not own}
    if not asked:
        return found
    known = register.addresses(tx, runtime.vault, kind, list(asked))
    return [own or known.get(row.citizen_id) for row, own in zip(rows, found, strict=True)]


def _own_address(runtime: Runtime, row: Row[Any]) -> str | None:
    try:
        own = own_address(runtime, row)
    except TamperedError:
        return None
    return own and own.written

"""Everything kept of one person, as one JSON object by table. What names others is masked.

What somebody merely typed under their ID number, and never proved, is told without its answers: it may
be another's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, LargeBinary, Row

from gateway import audit
from gateway.errors import TamperedError
from gateway.rights import person as people
from gateway.rights.person import Person
from gateway.rights.tables import HELD, NOTHING, Held
from gateway.runtime import Runtime
from gateway.security import mask_id_number, mask_name

SOMEBODY = "somebody else"
CANNOT_BE_READ = "cannot be read: the cell is damaged"
log = structlog.get_logger()


def of(tx: Connection, runtime: Runtime, id_number: str, actor: str) -> dict[str, Any]:
    """All of it; who asked is in the audit chain first."""
    person = people.find(tx, runtime, id_number)
    subject = f"citizen {person.id}" if person.id else "nobody registered"
    audit.record(tx, runtime.vault, runtime.clock(), actor, "citizen.export", subject)
    return {
        "made_at": runtime.clock().isoformat(),
        "id_number": id_number,
        "registered": person.id is not None,
        "tables": {name: _rows(tx, runtime, name, person) for name in HELD},
        "why_kept": {name: held.why for name, held in HELD.items() if held.why},
        "hold_nothing": dict(NOTHING),
    }


def _rows(tx: Connection, runtime: Runtime, name: str, person: Person) -> list[dict[str, Any]]:
    return [_row(runtime, name, person, row) for row in people.rows(tx, name, person)]


def _row(runtime: Runtime, name: str, person: Person, row: Row[Any]) -> dict[str, Any]:
    held, columns = HELD[name], people.table(name).c
    plain = {
        column.key: _plain(row._mapping[column], held, column.key, person)  # noqa: SLF001  # its public name
        for column in columns
        if not isinstance(column.type, LargeBinary) and column.key not in held.hidden
    }
    return {**plain, **_opened(runtime, name, person, row)}


def _plain(value: Any, held: Held, column: str, person: Person) -> Any:
    """A value as JSON has it; whoever else it names stays unnamed."""
    if column in held.of_others and value is not None and value != person.id:
        return SOMEBODY
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value


def _opened(runtime: Runtime, name: str, person: Person, row: Row[Any]) -> dict[str, Any]:
    """The sealed cells, opened; those that may be another's are left out."""
    held = HELD[name]
    if people.is_of_others(held, person) or (name == "transactions" and not _proven(row, person)):
        return {}
    return {column: _cell(runtime, name, column, row) for column in held.opened}


def _proven(row: Row[Any], person: Person) -> bool:
    return person.id is not None and row.citizen_id == person.id and bool(row.proof)


def _cell(runtime: Runtime, name: str, column: str, row: Row[Any]) -> Any:
    sealed = getattr(row, column)
    if not sealed:
        return None
    try:
        text = runtime.vault.open(f"{name}.{column}", row.id, sealed)
    except TamperedError:
        log.error("cell_cannot_be_opened", table=name, row=str(row.id))  # noqa: TRY400
        return CANNOT_BE_READ
    return _masked(json.loads(text)) if column in ("answers", "facts", "personalisation") else text


def _masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whoever acted for them stays masked: that is another's."""
    masks = {"helper_id_number": mask_id_number, "helper_name": mask_name}
    return {name: masks[name](value) if name in masks else value for name, value in values.items()}

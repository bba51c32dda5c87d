"""Who would get a second message if a cause's dead letters were replayed to everybody, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, select

from gateway import channels
from gateway.broadcasts.store import broadcasts
from gateway.citizens import register
from gateway.delivery.addressing import addresses_of
from gateway.errors import TamperedError
from gateway.levers import dead_letters
from gateway.levers.dead_letters import Cause
from gateway.notifications import store
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.security import mask_email, mask_mobile, mask_name
from gateway.transactions.store import transactions

SHOWN = 20  # named; the plan counts them all
_mine = notifications.c


@dataclass(frozen=True, slots=True)
class Twice:
    """Somebody who may have the message already: masked, and what it is about.

    ``about`` is the reference of their transaction, or the name of the broadcast.
    """

    notification: UUID
    name: str
    address: str
    about: str


def listed(tx: Connection, runtime: Runtime, cause: Cause, now: datetime, limit: int = SHOWN) -> list[Twice]:
    """The first of them, oldest first; a few queries for all."""
    wanted = select(notifications).where(dead_letters.in_doubt(cause, now))
    rows = tx.execute(wanted.order_by(_mine.id).limit(limit)).all()
    if not rows:
        return []
    kind = channels.load(cause.channel).ADDRESS
    references = _named(tx, transactions.c.id, transactions.c.reference, [row.transaction_id for row in rows])
    names = _named(tx, broadcasts.c.id, broadcasts.c.name, [row.broadcast_id for row in rows])
    addresses = addresses_of(tx, runtime, kind, rows)
    known = register.people(tx, runtime.vault, _citizens(rows))
    return [
        Twice(
            notification=row.id,
            name=mask_name(known[row.citizen_id].name) if row.citizen_id in known else _called(runtime, row),
            address=_masked(kind, address or ""),
            about=references.get(row.transaction_id) or names.get(row.broadcast_id, ""),
        )
        for row, address in zip(rows, addresses, strict=True)
    ]


def _named(tx: Connection, key: Column[Any], name: Column[Any], ids: Sequence[Any]) -> Mapping[Any, str]:
    return {row[0]: row[1] for row in tx.execute(select(key, name).where(key.in_(set(ids) - {None})))}


def _citizens(rows: Sequence[Any]) -> list[UUID]:
    return [row.citizen_id for row in rows if row.citizen_id]


def _called(runtime: Runtime, row: Any) -> str:
    """The name in the message of somebody the register does not know."""
    try:
        return mask_name(store.personalisation(runtime, row.id, row.personalisation).get("name", ""))
    except TamperedError:
        return "*"


def _masked(kind: str, address: str) -> str:
    return mask_email(address) if kind == "email" else mask_mobile(address)

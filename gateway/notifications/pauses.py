"""What an operator holds still: a lane, a provider, a broadcast. Read at every claim.

From its commit on nothing more of it is claimed; what was claimed before still goes
out. What is paused keeps its rows and their order; its messages may grow too old
meanwhile and then expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, String, Table, delete, select

from gateway.db import Utc, metadata, upsert

pauses = Table(
    "pauses",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("since", Utc, nullable=False),
    Column("actor", String(80), nullable=False),
)


class Kind(StrEnum):
    """What can be paused."""

    LANE = "lane"
    PROVIDER = "provider"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when something is held still, and by whom."""

    since: datetime
    actor: str


def pause(tx: Connection, kind: Kind, name: str, actor: str, now: datetime) -> bool:
    """Hold it still; False when it was already."""
    values = {"kind": kind, "name": name, "since": now, "actor": actor}
    statement = upsert(tx, pauses).values(**values).on_conflict_do_nothing().returning(pauses.c.name)
    return tx.execute(statement).first() is not None


def resume(tx: Connection, kind: Kind, name: str) -> bool:
    """Let it go on; False when it was not paused."""
    return bool(tx.execute(delete(pauses).where(pauses.c.kind == kind, pauses.c.name == name)).rowcount)


def everything(tx: Connection) -> Mapping[Kind, frozenset[str]]:
    """The names of all that is paused, by kind; one query for a whole claim."""
    found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for row in tx.execute(select(pauses.c.kind, pauses.c.name)):
        found[Kind(row.kind)].add(row.name)
    return {kind: frozenset(names) for kind, names in found.items()}


def paused(tx: Connection, kind: Kind) -> Mapping[str, Pause]:
    """All of this kind that are paused."""
    query = select(pauses.c.name, pauses.c.since, pauses.c.actor).where(pauses.c.kind == kind)
    return {row.name: Pause(row.since, row.actor) for row in tx.execute(query)}

"""Who may act for whom: guardians of children, and relatives with a mandate written down at a counter.

A helper proves who *they* are, with a code to their own registered mobile; the mandate says that this
counts for the other. It names two people of the register, the kind, the matters it is for, and whether
the helper may be told of them unasked, as when somebody does not answer any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Row,
    String,
    Table,
    Uuid,
    insert,
    or_,
    select,
    update,
)

from gateway import audit
from gateway.db import Utc, metadata
from gateway.runtime import Runtime

LONGEST_MATTERS = 200  # characters


class Kind(StrEnum):
    """What ties the two; each with its one line of meaning."""

    GUARDIAN = "guardian"  # of a child; it ends with the birthday from which they act for themselves
    RELATIVE = "relative"  # of an adult, who gave the mandate


mandates = Table(
    "mandates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("citizen_id", Uuid, nullable=False, index=True),  # whose matters they are
    Column("helper_id", Uuid, nullable=False, index=True),  # who may act
    Column("kind", String(8), nullable=False),
    Column("matters", String(LONGEST_MATTERS), nullable=False),  # types by comma; empty: every one
    Column("may_be_told", Boolean, nullable=False),  # the citizen's consent that the helper is told unasked
    Column("last_day", Date),  # null: until it is revoked
    Column("given_at", Utc, nullable=False),
    Column("given_by", String(80), nullable=False),  # the operator who saw the papers
    Column("revoked_at", Utc),
)


def add(
    tx: Connection,
    runtime: Runtime,
    citizen_id: UUID,
    helper_id: UUID,
    kind: Kind,
    actor: str,
    *,
    matters: Sequence[str] = (),
    last_day: date | None = None,
    may_be_told: bool = False,
) -> UUID:
    """Write a mandate down, on record; it takes the place of an earlier one of the same two and kind."""
    key, now, columns = runtime.new_id(), runtime.clock(), mandates.c
    same = (columns.citizen_id == citizen_id) & (columns.helper_id == helper_id) & (columns.kind == kind)
    tx.execute(update(mandates).where(same, columns.revoked_at.is_(None)).values(revoked_at=now))
    tx.execute(
        insert(mandates).values(
            id=key,
            citizen_id=citizen_id,
            helper_id=helper_id,
            kind=kind,
            matters=",".join(matters),
            may_be_told=may_be_told,
            last_day=last_day,
            given_at=now,
            given_by=actor,
        )
    )
    told = " may_be_told" if may_be_told else ""
    audit.record(tx, runtime.vault, now, actor, "mandate.add", f"{key} {kind}{told}")
    return key


def revoke(tx: Connection, runtime: Runtime, key: UUID, actor: str) -> bool:
    """End a mandate now, on record; False where there is none in force with this id."""
    now = runtime.clock()
    in_force = (mandates.c.id == key) & mandates.c.revoked_at.is_(None)
    if not tx.execute(update(mandates).where(in_force).values(revoked_at=now)).rowcount:
        return False
    audit.record(tx, runtime.vault, now, actor, "mandate.revoke", str(key))
    return True


def of(tx: Connection, citizen_id: UUID) -> Sequence[Row[Any]]:
    """The mandates that concern somebody on either side and were not revoked, oldest first."""
    columns = mandates.c
    theirs = or_(columns.citizen_id == citizen_id, columns.helper_id == citizen_id)
    query = select(mandates).where(theirs, columns.revoked_at.is_(None))
    return tx.execute(query.order_by(columns.given_at, columns.id)).all()


def holds(tx: Connection, citizen_id: UUID, helper_id: UUID, kind: Kind, matter: str, today: date) -> bool:
    """Whether the helper may act in this matter (the name of a transaction type) on this day."""
    columns = mandates.c
    query = select(columns.matters).where(
        columns.citizen_id == citizen_id,
        columns.helper_id == helper_id,
        columns.kind == kind,
        columns.revoked_at.is_(None),
        or_(columns.last_day.is_(None), columns.last_day >= today),
    )
    given = tx.execute(query).scalars().all()
    return any(covers(matters, matter) for matters in given)


def to_be_told(
    tx: Connection, citizen_ids: Sequence[UUID], today: date
) -> Mapping[UUID, Sequence[tuple[UUID, str]]]:
    """By citizen: who may be told of their matters unasked on this day, and of which (empty: every one)."""
    columns = mandates.c
    query = select(columns.citizen_id, columns.helper_id, columns.matters).where(
        columns.citizen_id.in_(citizen_ids),
        columns.may_be_told,
        columns.revoked_at.is_(None),
        or_(columns.last_day.is_(None), columns.last_day >= today),
    )
    found: defaultdict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for citizen, helper, matters in tx.execute(query.order_by(columns.given_at, columns.id)):
        found[citizen].append((helper, matters))
    return found


def covers(matters: str, matter: str) -> bool:
    """Whether a mandate for these matters is for that one."""
    return not matters or matter in matters.split(",")

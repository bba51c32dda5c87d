"""Pages cut off a broadcast's people: each is made by whoever cut it, under a lease of its own.

The cursor moves in the commit that writes the page down, so several workers make pages of one
broadcast side by side. Its row goes in the commit that takes its messages: nobody is written to
twice and nobody left out, whoever dies when (ADR 42).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    Uuid,
    delete,
    exists,
    insert,
    select,
    update,
)

from gateway.broadcasts.store import State, broadcasts
from gateway.db import Utc, claim, metadata, new_lease, sparse_index
from gateway.runtime import Runtime

END = "end"  # the cursor of a broadcast whose last page was cut

pages = Table(
    "broadcast_pages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("broadcast_id", Uuid, nullable=False, index=True),
    Column("after", String(36)),  # the cursor it was cut at; null at the beginning
    Column("upto", String(36), nullable=False),  # and the one after it; END where nobody comes after
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_broadcast_pages_due", pages.c.due_at)


class Cut(NamedTuple):
    """A page under our lease: the people after one cursor, up to and with the other."""

    id: UUID
    broadcast_id: UUID
    after: str | None
    upto: str
    lease: int

    @property
    def last(self) -> str | None:
        """The last of them; None where that is whoever comes last."""
        return None if self.upto == END else self.upto


def cut(tx: Connection, runtime: Runtime, broadcast: UUID, after: str | None, upto: str) -> Cut:
    """Write a page down, held by the caller; the cursor moves in the same commit."""
    made = Cut(runtime.new_id(), broadcast, after, upto, new_lease())
    until = runtime.clock() + timedelta(seconds=runtime.settings.lease)
    tx.execute(insert(pages).values(due_at=until, **made._asdict()))
    return made


def left(tx: Connection, now: datetime, seconds: float) -> Cut | None:
    """One that was cut and not made, held by the caller from now on: whoever had it died, or met a pause."""
    running = exists().where(broadcasts.c.id == pages.c.broadcast_id, broadcasts.c.state == State.RUNNING)
    rows = claim(tx, pages, now=now, seconds=seconds, limit=1, lease=new_lease(), where=[running])
    return _cut(rows[0]) if rows else None


def _cut(row: Any) -> Cut:
    return Cut(*(getattr(row, name) for name in Cut._fields))


def made(tx: Connection, page: Cut) -> bool:
    """Forget it, in the commit that takes its messages; False where it is not ours, or held still.

    Whoever drops it meanwhile waits for this commit, and sees what was taken.
    """
    running = exists().where(broadcasts.c.id == page.broadcast_id, broadcasts.c.state == State.RUNNING)
    return bool(tx.execute(delete(pages).where(_ours(page), running)).rowcount)


def release(tx: Connection, page: Cut, now: datetime) -> None:
    """Leave it to whoever comes when the broadcast goes on."""
    tx.execute(update(pages).where(_ours(page)).values(due_at=now, lease=None))


def _ours(page: Cut) -> Any:
    return (pages.c.id == page.id) & (pages.c.lease == page.lease)


def are_open(tx: Connection, broadcast: UUID) -> bool:
    """Whether any is being made, or waits for somebody to make it."""
    return (
        tx.execute(select(pages.c.id).where(pages.c.broadcast_id == broadcast).limit(1)).first() is not None
    )


def drop(tx: Connection, broadcast: UUID) -> None:
    """Make none of those any more: it was cancelled, or its stage is over."""
    tx.execute(delete(pages).where(pages.c.broadcast_id == broadcast))

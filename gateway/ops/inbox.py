"""What people wrote to us that answers no question: for people to read, and to mark as handled.

Numbers are masked. A text may hold anything, so it is opened only where somebody
asks to read it, and that is on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select, update

from gateway import audit
from gateway.content.store import templates
from gateway.delivery.store import attempts
from gateway.errors import TamperedError
from gateway.notifications.inbound import FOR_PEOPLE, WAITING, inbound
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from gateway.security import mask_mobile

SHOWN = 20  # on a page
MOST = 10_000  # counting stops there


@dataclass(frozen=True, slots=True)
class Sent:
    """The message that went to a number last, before its owner wrote: the text's name, its class, when."""

    template: str
    klass: Class
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """One thing somebody wrote. ``text`` is None unless it was asked for, "" where it cannot be opened."""

    id: UUID
    at: datetime
    mobile: str
    wish: str | None
    text: str | None
    handled_at: datetime | None
    handled_by: str | None
    before: Sent | None


def count(tx: Connection) -> int:
    """How many wait for somebody to read them."""
    waiting = select(inbound.c.id).where(WAITING).limit(MOST).subquery()
    return tx.execute(select(func.count()).select_from(waiting)).scalar_one()


def listed(
    tx: Connection, runtime: Runtime, *, everything: bool = False, after: UUID | None = None
) -> list[Written]:
    """The newest ``SHOWN`` that wait, older than the one named; with ``everything`` also what is done."""
    return [_written(runtime, row, sent, None) for row, sent in _rows(tx, everything, after)]


def read(
    tx: Connection, runtime: Runtime, by: str, *, everything: bool = False, after: UUID | None = None
) -> list[Written]:
    """The same with what they wrote; who reads it is on record."""
    rows = _rows(tx, everything, after)
    _record(tx, runtime, by, "read", [row.id for row, _ in rows])
    return [_written(runtime, row, sent, _text(runtime, row)) for row, sent in rows]


def handled(tx: Connection, runtime: Runtime, ids: Sequence[UUID], by: str) -> int:
    """Somebody has seen to these; returns how many waited until now."""
    mine = WAITING & inbound.c.id.in_(ids)
    statement = update(inbound).where(mine).values(handled_at=runtime.clock(), handled_by=by)
    done = list(tx.execute(statement.returning(inbound.c.id)).scalars())
    _record(tx, runtime, by, "handled", sorted(done))
    return len(done)


def _record(tx: Connection, runtime: Runtime, by: str, what: str, ids: Sequence[UUID]) -> None:
    """One row for all of them: how many, from which to which."""
    if ids:
        which = f"{len(ids)}: {ids[0]} to {ids[-1]}" if len(ids) > 1 else str(ids[0])
        audit.record(tx, runtime.vault, runtime.clock(), by, f"reply.{what}", which)


def _rows(tx: Connection, everything: bool, after: UUID | None) -> list[tuple[Row[Any], Sent | None]]:
    columns = inbound.c
    wanted = FOR_PEOPLE if everything else WAITING
    if after:
        wanted &= _older(tx, after)
    query = select(inbound, _last_before().label("before")).where(wanted)
    newest = query.order_by(columns.received_at.desc(), columns.id.desc()).limit(SHOWN)
    rows = tx.execute(newest).all()
    sent = _sent(tx, [row.before for row in rows if row.before])
    return [(row, sent.get(row.before)) for row in rows]


def _older(tx: Connection, than: UUID) -> ColumnElement[bool]:
    columns = inbound.c
    at = tx.execute(select(columns.received_at).where(columns.id == than)).scalar_one_or_none()
    if at is None:
        return false()
    return or_(columns.received_at < at, and_(columns.received_at == at, columns.id < than))


def _last_before() -> Any:
    """The notification that was handed over last to the number before it wrote."""
    columns = attempts.c
    mine = (columns.address_index == inbound.c.address_index) & (columns.started_at <= inbound.c.received_at)
    query = select(columns.notification_id).where(mine).order_by(columns.started_at.desc())
    return query.limit(1).correlate(inbound).scalar_subquery()


def _sent(tx: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Sent]:
    columns = notifications.c
    query = select(columns.id, templates.c.name, columns.klass, columns.channel, columns.handed_over_at)
    found = query.join(templates, templates.c.id == columns.template_id).where(columns.id.in_(ids))
    return {
        row.id: Sent(row.name, Class(row.klass), row.channel, row.handed_over_at) for row in tx.execute(found)
    }


def _written(runtime: Runtime, row: Row[Any], sent: Sent | None, text: str | None) -> Written:
    return Written(
        id=row.id,
        at=row.received_at,
        mobile=mask_mobile(_opened(runtime, row, "address")) or "*",
        wish=row.wish,
        text=text,
        handled_at=row.handled_at,
        handled_by=row.handled_by,
        before=sent,
    )


def _text(runtime: Runtime, row: Row[Any]) -> str:
    return _opened(runtime, row, "text")


def _opened(runtime: Runtime, row: Row[Any], column: str) -> str:
    try:
        return runtime.vault.open(f"inbound.{column}", row.id, getattr(row, column))
    except TamperedError:
        return ""

"""The questions our messages ask, each open until it is answered or too old.

Written with its message in one commit. What people reply is matched in ``replies``;
an answer to a transaction's question then waits here for the room of transactions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    select,
)

from gateway import channels
from gateway.citizens import register
from gateway.db import Utc, metadata, sparse_index
from gateway.notifications.asks import KIND, Asks
from gateway.notifications.request import Request
from gateway.runtime import Runtime

LANE = "transactions"  # whose workers take the answers up
OPEN_FOR = timedelta(hours=72)  # after the hand-over of its message
KEPT = timedelta(days=90)  # like what people wrote
ANSWERED_FROM = "mobile"  # nobody reads what is sent back to an e-mail

questions = Table(
    "questions",
    metadata,
    Column("id", Uuid, primary_key=True),  # of the notification that asks
    Column("transaction_id", Uuid),
    Column("broadcast_id", Uuid),  # a replay's too: that of the message whose place it takes
    Column("address_index", LargeBinary(16), nullable=False),
    Column("kind", String(KIND), nullable=False),
    Column("choices", Text, nullable=False),
    Column("asked_at", Utc, nullable=False),  # when its message was taken
    Column("answer", String(1)),
    Column("answered_at", Utc),
    Column("inbound_id", Uuid),  # what was said
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_questions_due", questions.c.due_at)
sparse_index("ix_questions_address", questions.c.address_index, questions.c.asked_at)
_answered = questions.c.answer.is_not(None)
Index(
    "ix_questions_broadcast",  # for counts, and lists in their order
    questions.c.broadcast_id,
    questions.c.answer,
    questions.c.id,
    postgresql_where=_answered,
    sqlite_where=_answered,
)


def ask(tx: Connection, runtime: Runtime, requests: Iterable[tuple[UUID, Request]]) -> None:
    """Write down what these messages ask, each with its id; without an address nobody is asked."""
    asking = {
        key: request
        for key, request in requests
        if request.asks and channels.load(request.channel).ADDRESS == ANSWERED_FROM
    }
    if not asking:
        return
    known = register.mobile_indexes(tx, {one.citizen_id for one in asking.values() if one.citizen_id})
    replayed = _broadcasts(tx, {one.replay_of for one in asking.values() if one.replay_of})
    rows = [
        {
            "id": key,
            "transaction_id": request.transaction_id,
            "broadcast_id": request.broadcast_id or replayed.get(request.replay_of),
            "address_index": index,
            "kind": request.asks.kind,
            "choices": json.dumps(request.asks.choices, ensure_ascii=False),
            "asked_at": runtime.clock(),
        }
        for key, request in asking.items()
        if request.asks and (index := _address(runtime, request, known))
    ]
    if rows:
        tx.execute(insert(questions), rows)


def _broadcasts(tx: Connection, ids: Collection[UUID]) -> Mapping[UUID | None, UUID]:
    """The broadcasts in which these messages asked, of those that were part of one."""
    columns = questions.c
    query = select(columns.id, columns.broadcast_id).where(columns.id.in_(ids))
    return {row.id: row.broadcast_id for row in tx.execute(query) if row.broadcast_id} if ids else {}


def _address(runtime: Runtime, request: Request, known: Mapping[UUID, bytes]) -> bytes | None:
    if request.address:
        return runtime.vault.index(ANSWERED_FROM, request.address)
    return known.get(request.citizen_id) if request.citizen_id else None


def asks(row: Row[Any]) -> Asks:
    """What a row asks."""
    return Asks(row.kind, tuple((digit, word) for digit, word in json.loads(row.choices)))


def of(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, Asks]:
    """What these notifications ask, of those that ask something nobody has answered."""
    open_ = select(questions).where(questions.c.id.in_(ids), questions.c.answer.is_(None))
    rows = tx.execute(open_) if ids else ()
    return {row.id: asks(row) for row in rows}


def asking(tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these notifications that ask something nobody has answered."""
    columns = questions.c
    query = select(columns.id).where(columns.id.in_(ids), columns.answer.is_(None))
    return set(tx.execute(query).scalars()) if ids else set()


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop those asked long ago; what was answered stands on the timeline."""
    tx.execute(delete(questions).where(questions.c.asked_at < now - KEPT, questions.c.due_at.is_(None)))

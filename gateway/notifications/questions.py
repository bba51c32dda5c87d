"""The questions our messages ask, each open until it is answered or too old.

Written with its message in one commit. What people reply is matched in ``replies``;
an answer to a transaction's question then waits here for the room of transactions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
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


def ask(tx: Connection, runtime: Runtime, requests: Mapping[UUID, Request]) -> None:
    """Write down what these messages ask, by their ids; without an address nobody is asked."""
    asking = {
        key: request
        for key, request in requests.items()
        if request.asks and channels.load(request.channel).ADDRESS == ANSWERED_FROM
    }
    if not asking:
        return
    known = register.mobile_indexes(tx, {one.citizen_id for one in asking.values() if one.citizen_id})
    rows = [
        {
            "id": key,
            "transaction_id": request.transaction_id,
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


def _address(runtime: Runtime, request: Request, known: Mapping[UUID, bytes]) -> bytes | None:
    if request.address:
        return runtime.vault.index(ANSWERED_FROM, request.address)
    return known.get(request.citizen_id) if request.citizen_id else None


def asks(row: Row[Any]) -> Asks:
    """What a row asks."""
    return Asks(row.kind, tuple((digit, word) for digit, word in json.loads(row.choices)))


def of(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, Asks]:
    """What these notifications ask, of those that ask anything."""
    rows = tx.execute(select(questions).where(questions.c.id.in_(ids))) if ids else ()
    return {row.id: asks(row) for row in rows}


def asking(tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these notifications that ask something nobody has answered."""
    columns = questions.c
    query = select(columns.id).where(columns.id.in_(ids), columns.answer.is_(None))
    return set(tx.execute(query).scalars()) if ids else set()


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop those asked long ago; what was answered stands on the timeline."""
    tx.execute(delete(questions).where(questions.c.asked_at < now - KEPT, questions.c.due_at.is_(None)))

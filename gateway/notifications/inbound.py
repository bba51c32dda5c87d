"""What people send to us: kept sealed, once, and heeded.

A provider may push the same message twice: its id counts once. A word that means
stop or start goes first, then the question it answers; anything else is kept for
people to read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    select,
    update,
)

from gateway.db import Utc, metadata, upsert
from gateway.notifications import replies, suppression
from gateway.notifications.replies import Matched, Reply
from gateway.providers import Inbound
from gateway.runtime import Runtime
from gateway.services import webhooks
from gateway.services.webhooks import Kind

KEPT = timedelta(days=90)
NUMBER = 40
AT_ONCE = 1_000  # messages in one statement; databases bound its parameters

inbound = Table(
    "inbound",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("provider_id", String(64), nullable=False),
    Column("service_id", Uuid),  # whose it is: of that number, or else who wrote to this person last
    Column("number", String(NUMBER), nullable=False),  # ours that it was sent to; "" where nobody said
    Column("address_index", LargeBinary(16), nullable=False, index=True),
    Column("address", LargeBinary),  # null once forgotten, like the text
    Column("text", LargeBinary),
    Column("wish", String(8)),  # stop, start
    Column("question", Uuid),  # the notification whose question it answers
    Column("choice", String(1)),
    Column("handled_at", Utc),  # by a person who read it
    Column("handled_by", String(80)),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("provider", "provider_id"),
    Index("ix_inbound_received_at", "received_at", "id"),
)
OWNED = inbound.c.service_id.is_not(None)
Index(
    "ix_inbound_service",
    *(inbound.c[name] for name in ("service_id", "received_at", "id")),
    postgresql_where=OWNED,
    sqlite_where=OWNED,
)
FOR_PEOPLE = inbound.c.question.is_(None) & inbound.c.text.is_not(None)
WAITING = FOR_PEOPLE & inbound.c.wish.is_(None) & inbound.c.handled_at.is_(None)
"""What nobody has read yet; an index holds just these."""
Index(
    "ix_inbound_waiting", inbound.c.received_at, inbound.c.id, postgresql_where=WAITING, sqlite_where=WAITING
)


@dataclass(frozen=True, slots=True)
class Received:
    """How many messages were new, and how many of them answered a question for the first time."""

    new: int
    answers: int


Calls = Mapping[tuple[str, str], UUID]
"""By hand-over and address: the notification of the call in which keys were pressed."""
Owners = Mapping[tuple[str, str], UUID]
"""By provider and its id of a message: the service it is for."""


def receive(
    tx: Connection,
    runtime: Runtime,
    said: Sequence[tuple[str, Inbound]],
    calls: Calls | None = None,
    owners: Owners | None = None,
) -> Received:
    """Keep what came in from each provider, heed it in the order it came, and tell whose it is."""
    messages = {(provider, message.id[:64]): message for provider, message in said}
    rows = {
        key: _row(runtime, key[0], message, place, (owners or {}).get((key[0], message.id)))
        for place, (key, message) in enumerate(messages.items())
    }
    if not rows:
        return Received(0, 0)
    new = _keep(tx, sorted(rows.values(), key=itemgetter("provider", "provider_id")))
    told = [(rows[key]["service_id"], rows[key]["id"]) for key in new if rows[key]["service_id"]]
    webhooks.tell(tx, Kind.INBOUND, webhooks.ended(told), runtime.clock())
    _heed(tx, {rows[key]["address_index"] for key in new if rows[key]["wish"]})
    plain = [(rows[key], messages[key]) for key in new if not rows[key]["wish"]]
    matched = replies.match(tx, _replies(plain, calls or {}), runtime.clock())
    _note(tx, matched)
    return Received(len(new), sum(not one.repeated for one in matched))


def _keep(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Store those not known yet; returns their keys."""
    columns, new = inbound.c, list[tuple[str, str]]()
    for start in range(0, len(rows), AT_ONCE):
        statement = upsert(tx, inbound).values(rows[start : start + AT_ONCE]).on_conflict_do_nothing()
        kept = tx.execute(statement.returning(columns.provider, columns.provider_id))
        new += [(provider, key) for provider, key in kept]
    return new


def _row(runtime: Runtime, provider: str, message: Inbound, place: int, owner: UUID | None) -> dict[str, Any]:
    key = runtime.new_id()
    sent_at = message.at or runtime.clock()  # vendors' clocks count seconds: their order tells the rest
    return {
        "id": key,
        "provider": provider,
        "provider_id": message.id[:64],
        "service_id": owner,
        "number": message.to[:NUMBER],
        "address_index": runtime.vault.index("mobile", message.address),
        "address": runtime.vault.seal("inbound.address", key, message.address),
        "text": runtime.vault.seal("inbound.text", key, message.text),
        "wish": message.wish or suppression.wish(message.text),
        "received_at": sent_at + timedelta(microseconds=place),
    }


def _replies(plain: Sequence[tuple[Mapping[str, Any], Inbound]], calls: Calls) -> list[Reply]:
    """Those that may answer something: keys of a call we know nothing of answer nothing."""
    return [
        Reply(row["id"], row["address_index"], message.text, row["received_at"], of)
        for row, message in plain
        for of in [calls.get((message.handover, message.address))]
        if of or not message.handover
    ]


def _note(tx: Connection, matched: Sequence[Matched]) -> None:
    columns = inbound.c
    rows = [{"of": one.reply, "to": one.question, "digit": one.choice} for one in matched]
    if rows:
        answered = update(inbound).where(columns.id == bindparam("of"))
        tx.execute(answered.values(question=bindparam("to"), choice=bindparam("digit")), rows)


def _heed(tx: Connection, addresses: Collection[bytes]) -> None:
    """The last wish of each of these people counts, in whatever order their messages came to us.

    They have just said one. A start ends what was said before it, and nothing after it.
    """
    columns = inbound.c
    query = select(columns.address_index, columns.provider, columns.wish, columns.received_at)
    wished = query.where(columns.wish.is_not(None)).order_by(columns.received_at, columns.id)
    last: dict[bytes, Row[Any]] = {}
    for some in suppression.batches(addresses):
        last |= {row.address_index: row for row in tx.execute(wished.where(columns.address_index.in_(some)))}
    suppression.hold(tx, addresses)
    stops = [row for row in last.values() if row.wish == "stop"]
    suppression.suppress(tx, [(row.address_index, row.provider, row.received_at) for row in stops])
    starts = {row.address_index: row.received_at for row in last.values() if row.wish == "start"}
    suppression.start(tx, starts)


def forget_old(tx: Connection, now: datetime) -> None:
    """Empty what was said long ago; that it was said, and the wish, stay."""
    columns = inbound.c
    old = (columns.received_at < now - KEPT) & columns.text.is_not(None)
    tx.execute(update(inbound).where(old).values(text=None, address=None))

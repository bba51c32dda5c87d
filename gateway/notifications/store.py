"""The rows of notifications, and the only function that moves their status.

``move`` changes rows set-wise and writes the ledger beside them in the same
transaction. The ledger is a list of small differences: nobody waits for anybody
else's counter. ``taken`` is written by the door, the others by ``move``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Update,
    Uuid,
    case,
    literal,
    or_,
    select,
    update,
)

from gateway.db import Utc, metadata, sparse_index
from gateway.errors import ForgottenError
from gateway.notifications import questions
from gateway.notifications.entries import TAKEN, Entry, enter
from gateway.notifications.request import TITLE, Request
from gateway.notifications.status import DEAD, ENDS, Status, may_move
from gateway.notifications.stored import as_columns
from gateway.rows import count_changes, insert_many, one_of
from gateway.runtime import Runtime
from gateway.services import webhooks
from gateway.services.webhooks import Kind

FORGOTTEN = b""  # in the place of what a message said, once that is no longer kept
BY_NUMBER = attrgetter("int")  # the order of ids, found far faster than by comparing them

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("transaction_id", Uuid),
    Column("citizen_id", Uuid),
    Column("broadcast_id", Uuid),
    Column("first_id", Uuid),  # the first message to that person in its broadcast; null in that one itself
    Column("replay_of", Uuid),  # the dead letter whose place this one takes
    Column("service_id", Uuid),  # the one that asked for it through the API
    Column("key_type", String(8)),  # of the key it asked with
    Column("reference", String(1000)),  # that service's own word for it
    Column("sender_id", Uuid),  # of services.senders: the name it goes out under, where not the house's
    Column("unsubscribe", LargeBinary),  # that service's address to stop such e-mails
    Column("plays", SmallInteger),  # how often a call says its text
    Column("scheduled_for", Utc),  # by that service
    Column("address", LargeBinary),  # of somebody the register does not know; see ``stored``
    Column("channel", String(8), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("class", String(8), nullable=False, key="klass"),
    Column("title", String(TITLE)),  # what it is called among others in a digest
    Column("digest", Boolean),  # true: may go together with others; false: tried, and goes by itself
    Column("template_id", Uuid, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("personalisation", LargeBinary, nullable=False),
    Column("status", String(12), nullable=False),
    Column("reason", String(80)),
    Column("provider", String(40)),  # the one tried last
    Column("tries", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("handed_over_at", Utc),
    Column("completed_at", Utc),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_notifications_due", notifications.c.lane, notifications.c.due_at)
sparse_index("ix_notifications_first", notifications.c.broadcast_id, notifications.c.first_id)
sparse_index("ix_notifications_transaction", notifications.c.transaction_id)
_may_join = notifications.c.digest.is_(True)
Index(
    "ix_notifications_digest",  # over what never changes, or nearly
    notifications.c.citizen_id,
    postgresql_where=_may_join,
    sqlite_where=_may_join,
)
_replays = notifications.c.replay_of.is_not(None)
Index(
    "uq_notifications_replay_of",  # a dead letter is replayed once
    notifications.c.replay_of,
    unique=True,
    postgresql_where=_replays,
    sqlite_where=_replays,
)
_dead = or_(*(notifications.c.status == status for status in DEAD))
Index(
    "ix_notifications_dead",
    notifications.c.status,
    notifications.c.completed_at,
    postgresql_where=_dead,
    sqlite_where=_dead,
)
UNKNOWN = notifications.c.status == literal(str(Status.UNKNOWN), literal_execute=True)
"""In the words of the index below, so that few unknown ones are found among many that wait."""
_being_found_out = UNKNOWN & notifications.c.due_at.is_not(None)
Index(
    "ix_notifications_unknown",  # not those left unknown for good: it stays as short as the queue is
    notifications.c.lane,
    notifications.c.due_at,
    postgresql_where=_being_found_out,
    sqlite_where=_being_found_out,
)
_of_a_broadcast = notifications.c.broadcast_id.is_not(None)
Index(
    "ix_notifications_broadcast",
    notifications.c.broadcast_id,
    notifications.c.id,
    postgresql_where=_of_a_broadcast,
    sqlite_where=_of_a_broadcast,
)
_asked_for = notifications.c.service_id.is_not(None)
Index(
    "ix_notifications_service",  # what a service lists, newest first, and what it asked for today
    *(notifications.c[name] for name in ("service_id", "key_type", "created_at", "id")),
    postgresql_where=_asked_for,
    sqlite_where=_asked_for,
)
# Four bytes of each: a reference may be a thousand characters long.
sparse_index("ix_notifications_reference", notifications.c.reference, postgresql_using="hash")


def take(tx: Connection, runtime: Runtime, requests: Sequence[Request]) -> set[str]:
    """Store the notifications and enter them in the ledger; returns the lanes to wake after commit.

    Raises ``MissingPersonalisationError``.
    """
    if not requests:
        return set()
    columns = as_columns(tx, runtime, requests, runtime.clock())
    put(tx, runtime, requests, columns)
    return set(columns["lane"])


def put(
    tx: Connection, runtime: Runtime, requests: Sequence[Request], columns: Mapping[str, Sequence[Any]]
) -> None:
    """Store what ``stored.as_columns`` made of these requests, as it stands, and enter it in the ledger."""
    insert_many(tx, notifications, columns)
    questions.ask(tx, runtime, zip(columns["id"], requests, strict=True))
    places = (columns[name] for name in ("lane", "broadcast_id", "status"))
    found: Counter[Entry] = Counter(zip(*places, strict=True))
    for (lane, broadcast, _), n in list(found.items()):
        found[lane, broadcast, TAKEN] += n
    enter(tx, found)


def personalisation(runtime: Runtime, key: UUID, sealed: bytes) -> dict[str, Any]:
    """The values that fill its text; raises ``TamperedError`` or, of an old message, ``ForgottenError``."""
    if sealed == FORGOTTEN:
        raise ForgottenError
    return dict(json.loads(runtime.vault.open("notifications.personalisation", key, sealed)))


class Move(NamedTuple):
    """A change of status to make: who, from where, to where, and when to look again (null: never)."""

    id: UUID
    lane: str
    old: Status
    new: Status
    due_at: datetime | None = None
    reason: str | None = None
    broadcast_id: UUID | None = None


def moved(
    row: Any,
    new: Status,
    due_at: datetime | None = None,
    reason: str | None = None,
    *,
    old: Status | None = None,
) -> Move:
    """The move of a row from where it stands (or from ``old``) to ``new``."""
    return Move(row.id, row.lane, old or Status(row.status), new, due_at, reason, row.broadcast_id)


def move(
    tx: Connection,
    moves: Iterable[Move],
    now: datetime,
    *,
    lease: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> int:
    """Make those moves whose row still stands where ``old`` says; returns how many were made.

    Rows are changed in groups that share everything but the id. With ``lease``
    only rows still leased under that token change. ``extra`` sets further columns
    on every row. The service that asked for a message is told of its end. A move the
    status table does not allow is a bug and raises.
    """
    groups: dict[tuple[Any, ...], list[UUID]] = {}
    for key, *alike in moves:
        groups.setdefault(tuple(alike), []).append(key)
    differences: Counter[Entry] = Counter()
    told = list[Any]()
    made = 0
    for (lane, old, new, due_at, reason, broadcast), ids in groups.items():
        if old is not new and not may_move(old, new):
            raise ValueError(f"a notification cannot move from {old} to {new}")
        moving = _moving(tx, ids, old, lease, standing(new, due_at, reason, now, extra))
        if new in ENDS and broadcast is None:  # no service asked for a broadcast's
            rows = tx.execute(moving.returning(notifications.c.service_id, notifications.c.id)).all()
            changed, told = len(rows), [*told, *(row for row in rows if row.service_id)]
        else:
            changed = tx.execute(moving).rowcount
        made += changed
        if old is not new:
            differences[lane, broadcast, old] -= changed
            differences[lane, broadcast, new] += changed
    enter(tx, differences)
    webhooks.tell(tx, Kind.RECEIPT, webhooks.ended(told), now)
    return made


def deliver(tx: Connection, ids: Collection[UUID], old: Status, now: datetime) -> int:
    """Deliver those of these that stand at ``old``, as nearly all do when their receipts come; how many.

    Nobody looked at them before; so whatever stands elsewhere is left as it is.
    """
    columns = notifications.c
    where = one_of(tx, columns.id, sorted(ids, key=BY_NUMBER)) & (columns.status == old)
    change = update(notifications).where(where).values(**standing(Status.DELIVERED, None, None, now, None))
    asked = columns.service_id.is_not(None)  # nothing more is fetched where nobody asked, as in a broadcast
    whose = (columns.service_id, case((asked, columns.id)))
    found = count_changes(tx, change.returning(columns.lane, columns.broadcast_id, *whose))
    made: Counter[Entry] = Counter()
    for (lane, broadcast, *_), n in found.items():
        made.update({(lane, broadcast, old): -n, (lane, broadcast, Status.DELIVERED): n})
    enter(tx, made)
    told = webhooks.ended([(service, key) for _, _, service, key in found if service])
    webhooks.tell(tx, Kind.RECEIPT, told, now)
    return found.total()


def standing(
    new: Status, due_at: datetime | None, reason: str | None, now: datetime, extra: Mapping[str, Any] | None
) -> dict[str, Any]:  # what a row holds once it has moved
    values: dict[str, Any] = {"status": new, "due_at": due_at, "reason": reason, **(extra or {})}
    if new is not Status.SENDING:  # a claim keeps its lease; every other move ends it
        values["lease"] = None
    if new in ENDS or due_at is None:
        values["completed_at"] = now
    return values


def _moving(
    tx: Connection, ids: Sequence[UUID], old: Status, lease: int | None, values: Mapping[str, Any]
) -> Update:
    where = one_of(tx, notifications.c.id, sorted(ids, key=BY_NUMBER)) & (notifications.c.status == old)
    if lease is not None:
        where &= notifications.c.lease == lease
    return update(notifications).where(where).values(**values)


def hold(tx: Connection, ids: Iterable[UUID]) -> Mapping[UUID, Any]:
    """Lock these rows until commit, in the one order everybody takes: notifications by id, then attempts."""
    columns = notifications.c
    query = select(columns.id, columns.lane, columns.status, columns.broadcast_id)
    query = query.add_columns(columns.channel, columns.expires_at, columns.due_at, columns.tries)
    query = query.where(one_of(tx, columns.id, sorted(set(ids), key=BY_NUMBER)))
    return {row.id: row for row in tx.execute(query.order_by(columns.id).with_for_update()).all()}


def of_transaction(tx: Connection, transaction_id: UUID) -> Sequence[Any]:
    """The notifications a transaction caused, oldest first."""
    query = select(notifications).where(notifications.c.transaction_id == transaction_id)
    return tx.execute(query.order_by(notifications.c.created_at, notifications.c.id)).all()

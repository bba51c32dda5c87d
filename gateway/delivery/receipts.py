"""What providers report to us: pushed or fetched, kept raw, applied in batches by workers.

A receipt may come before its hand-over's answer is recorded, late, twice or in
the wrong order. None moves a status back; one that matches nothing yet is put
back and kept. A push that comes again, word by word, is kept once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.exc import OperationalError

from gateway.db import Utc, claim, metadata, new_lease, sparse_index, upsert
from gateway.delivery import acceptances, keyed, matching, owners, reachability, reading
from gateway.delivery.matching import OvertakenError
from gateway.notifications import inbound, questions
from gateway.providers import (
    Callback,
    Complaint,
    Inbound,
    Receipt,
    Report,
    Unreadable,
)
from gateway.rows import one_of
from gateway.runtime import Runtime

LANE = "receipts"
CLAIM = 50  # callbacks, each with up to some hundred receipts
BYTES = 4 * 1024 * 1024  # of bodies in one claim, or a single longer one: memory is bounded
AT_ONCE = 1_000  # receipts in one commit; databases bound a statement's parameters
KEPT = timedelta(days=30)
FORGET = 5_000  # rows in one commit: nobody waits for long
AGAIN = 50  # given-up callbacks looked at again for one reference
TRIES = 12  # doubling from 1 s: an unmatched receipt is looked for during an hour, then kept as it is
log = structlog.get_logger()

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),  # of its body as it came, in bytes
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("received_at", Utc, nullable=False, index=True),
    Column("state", String(12), nullable=False),  # new, applied, unmatched, unreadable
    Column("tries", Integer, nullable=False),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_callbacks_due", callbacks.c.due_at)
_odd = (callbacks.c.state == "unmatched") | (callbacks.c.state == "unreadable")
Index("ix_callbacks_odd", callbacks.c.state, postgresql_where=_odd, sqlite_where=_odd)
GIVEN_UP = _odd & callbacks.c.due_at.is_(None)


def _kept_once(new: Any) -> Any:
    """What was given up is looked at once more; its id where there is something to look at."""
    again = {name: new.excluded[name] for name in ("state", "tries", "due_at")}
    once = new.on_conflict_do_update(index_elements=[callbacks.c.digest], set_=again, where=GIVEN_UP)
    return once.returning(callbacks.c.id)


_SINGLE = _kept_once(insert(callbacks)).compile(dialect=psycopg_dialect())  # type: ignore[no-untyped-call]


def keep(tx: Connection, runtime: Runtime, provider: str, callback: Callback) -> bool:
    """Store a verified callback as it came, sealed; False where it is kept already.

    Answering the provider is then safe. What became of the one before stands: its answer
    was lost, not its content. Only where nobody could read it, or it was given up unmatched,
    it is looked at once more.
    """
    return _enter(tx, _row(runtime, provider, callback))


def keep_now(runtime: Runtime, provider: str, callback: Callback) -> bool:
    """The same in a commit of its own: on PostgreSQL in one round trip, harmless when it is repeated."""
    row = _row(runtime, provider, callback)
    found = runtime.db.execute_single(str(_SINGLE), _SINGLE.params | row)
    if found is None:
        with runtime.db.write() as tx:
            return _enter(tx, row)
    return bool(found)


def _enter(tx: Connection, row: Mapping[str, Any]) -> bool:
    return tx.execute(_kept_once(upsert(tx, callbacks)), row).first() is not None


def _row(runtime: Runtime, provider: str, callback: Callback) -> dict[str, Any]:
    key, now = runtime.new_id(), runtime.clock()
    place = json.dumps([provider, callback.kind, callback.url]).encode()
    return {
        "id": key,
        "provider": provider,
        "kind": callback.kind,
        "body": runtime.vault.seal_bytes(reading.CELL, key, reading.packed(callback)),
        "size": len(callback.body),
        "digest": runtime.vault.digest("callbacks", place + b"\0" + callback.body),
        "received_at": now,
        "state": "new",
        "tries": 0,
        "due_at": now,
        "lease": None,
    }


def look_again(tx: Connection, provider: str, since: datetime, now: datetime) -> None:
    """Look once more at what a provider pushed since then and was given up: one of its references was learnt.

    At the first of them: a receipt comes soon after its message.
    """
    columns = callbacks.c
    given_up = select(columns.id).where(GIVEN_UP, columns.state == "unmatched", columns.provider == provider)
    first = given_up.where(columns.received_at >= since).order_by(columns.received_at).limit(AGAIN)
    some = tx.execute(first.with_for_update(skip_locked=True)).scalars().all()
    if some:
        tx.execute(update(callbacks).where(columns.id.in_(some)).values(due_at=now))


# --- applying ---------------------------------------------------------------------------------


def apply_due(runtime: Runtime) -> int:
    """Apply the receipts of due callbacks; returns how many callbacks were looked at.

    Before that, unfold what waited for its receipts long enough. What comes while these are applied
    has a wake-up of its own: it is left to gather until then.
    """
    acceptances.unfold_due(runtime)
    done, more = 0, True
    while more:
        rows, more = _claimed(runtime)
        if not rows:
            break
        read = [(row, reading.read(runtime, row)) for row in rows]
        try:
            _apply_all(runtime, read)
        except Exception as error:  # noqa: BLE001 - one callback must not hold up all the others
            log.warning("receipts_one_by_one", error=type(error).__name__)
            for item in read:
                _apply_alone(runtime, item)
        done += len(rows)
    return done


def _claimed(runtime: Runtime) -> tuple[Sequence[Row[Any]], bool]:
    """The oldest due, as many as ``CLAIM`` and ``BYTES`` allow, one at least; whether there may be more."""
    columns, seconds = callbacks.c, runtime.settings.lease
    with runtime.db.write() as tx:
        now, lease = runtime.clock(), new_lease()
        due = select(columns.id, columns.size).where(columns.due_at <= now)
        locked = due.order_by(columns.due_at).limit(CLAIM).with_for_update(skip_locked=True)
        rows = tx.execute(locked).all()
        sizes = accumulate(size for _, size in rows)
        some = [key for (key, _), size in zip(rows, sizes, strict=True) if size <= BYTES]
        fits = columns.id.in_(some or [key for key, _ in rows[:1]])
        claimed = claim(tx, callbacks, now=now, seconds=seconds, limit=CLAIM, lease=lease, where=[fits])
        return claimed, len(rows) == CLAIM or len(some) < len(rows)


Read = tuple[Row[Any], Sequence[Report] | None]
Told = TypeVar("Told", Receipt, Complaint)
Apply = Callable[[Connection, Runtime, Sequence[tuple[str, Told]], datetime], matching.Applied]


def _apply_all(runtime: Runtime, read: Sequence[Read]) -> None:
    now = runtime.clock()
    reports = [(row.provider, report) for row, found in read for report in found or ()]
    pairs = [(name, report) for name, report in reports if isinstance(report, Receipt)]
    complaints = [(name, report) for name, report in reports if isinstance(report, Complaint)]
    unmatched = _matched(runtime, matching.apply, pairs, now)
    unmatched |= _matched(runtime, matching.complained, complaints, now)
    said = [(name, one) for name, one in reports if isinstance(one, Inbound)]
    with runtime.db.write() as tx:
        keys = keyed.calls(tx, runtime, [one for _, one in said])
        heard = inbound.receive(tx, runtime, said, keys, owners.owners(tx, runtime, said))
        _settle(tx, read, unmatched, now)
    if heard.answers:
        runtime.wake(questions.LANE)
    log.info("receipts_applied", callbacks=len(read), reports=len(reports), unmatched=len(unmatched))


def _matched(
    runtime: Runtime, apply: Apply[Told], pairs: Sequence[tuple[str, Told]], now: datetime
) -> set[tuple[str, Receipt | Complaint]]:
    """Apply these, some in each commit; returns those no attempt is known for.

    A commit holds its notifications and addresses at once and in order, then takes no others: nobody
    waits in a ring. Whatever is applied again because a later commit failed counts once.
    """
    unmatched: set[tuple[str, Receipt | Complaint]] = set()
    for start in range(0, len(pairs), AT_ONCE):
        unmatched |= _applied(runtime, apply, pairs[start : start + AT_ONCE], now)
    return unmatched


def _applied(
    runtime: Runtime, apply: Apply[Told], pairs: Sequence[tuple[str, Told]], now: datetime
) -> set[tuple[str, Receipt | Complaint]]:
    """Apply these in one commit; looked at anew as often as another worker was faster."""
    while True:
        try:
            with runtime.db.write() as tx:
                applied = apply(tx, runtime, pairs, now)
                reachability.heed(tx, applied.said, now)
            return applied.unmatched
        except OvertakenError:
            log.info("receipts_looked_at_anew", reports=len(pairs))


def _whole(found: Sequence[Report] | None) -> bool:
    """Whether all of it could be read; what could is applied either way, the rest is for people."""
    return found is not None and not any(isinstance(one, Unreadable) for one in found)


def _apply_alone(runtime: Runtime, item: Read) -> None:
    """Apply one callback; one that cannot be applied is set aside for people."""
    try:
        _apply_all(runtime, [item])
    except OperationalError as error:  # the database's, not the callback's: due again when the lease ends
        log.warning("callback_later", callback=str(item[0].id), error=type(error.orig).__name__)
    except Exception as error:  # noqa: BLE001 - see apply_due
        log.error("callback_not_applied", callback=str(item[0].id), error=type(error).__name__)  # noqa: TRY400
        with runtime.db.write() as tx:
            _settle(tx, [(item[0], None)], (), runtime.clock())


def _settle(tx: Connection, read: Sequence[Read], unmatched: Collection[Any], now: datetime) -> None:
    """Have each callback stand as it was read; one with anything unmatched is looked at again."""
    stand: defaultdict[tuple[str, datetime | None], list[UUID]] = defaultdict(list)
    for row, found in read:
        if unmatched and any((row.provider, one) in unmatched for one in found or ()):
            again = now + timedelta(seconds=2**row.tries) if row.tries < TRIES else None
            stand["unmatched", again].append(row.id)
        else:
            stand["applied" if _whole(found) else "unreadable", None].append(row.id)
    columns = callbacks.c
    for (state, due_at), ids in stand.items():
        values = {"state": state, "due_at": due_at, "lease": None, "tries": columns.tries + 1}
        tx.execute(update(callbacks).where(one_of(tx, columns.id, ids)).values(**values))


def forget_old(tx: Connection, now: datetime) -> bool:
    """Drop some of those long applied: they hold addresses. True where there are more."""
    old = select(callbacks.c.id).where(callbacks.c.received_at < now - KEPT, callbacks.c.due_at.is_(None))
    gone = tx.execute(delete(callbacks).where(callbacks.c.id.in_(old.limit(FORGET))))
    return gone.rowcount == FORGET


def waiting(tx: Connection) -> Mapping[str, int]:
    """How many callbacks stand in each state."""
    query = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    return dict(tx.execute(query).all())

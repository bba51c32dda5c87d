"""What providers push to us: kept raw at the door, applied in batches by workers.

A receipt may come before its hand-over's answer is recorded, late, twice or in
the wrong order. None moves a status back; one that matches nothing yet is put
back and kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

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
    insert,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from gateway.db import Utc, claim, metadata, new_lease, sparse_index
from gateway.delivery import matching
from gateway.notifications import inbound
from gateway.providers import Callback, Complaint, Inbound, Receipt, Report, Reporter
from gateway.runtime import Runtime

LANE = "receipts"
CLAIM = 50  # callbacks, each with up to some hundred receipts
AT_ONCE = 1_000  # receipts in one statement; databases bound its parameters
KEPT = timedelta(days=30)
FORGET = 5_000  # rows in one commit: nobody waits for long
TRIES = 12  # doubling from 1 s: an unmatched receipt is looked for during an hour, then kept as it is
log = structlog.get_logger()

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Utc, nullable=False, index=True),
    Column("state", String(12), nullable=False),  # new, applied, unmatched, unreadable
    Column("tries", Integer, nullable=False),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_callbacks_due", callbacks.c.due_at)
_odd = (callbacks.c.state == "unmatched") | (callbacks.c.state == "unreadable")
Index("ix_callbacks_odd", callbacks.c.state, postgresql_where=_odd, sqlite_where=_odd)


def keep(tx: Connection, runtime: Runtime, provider: str, callback: Callback) -> None:
    """Store a verified callback as it came, sealed. Answering the provider is then safe."""
    key, now = runtime.new_id(), runtime.clock()
    kept = json.dumps({"url": callback.url, "body": base64.b64encode(callback.body).decode()})
    tx.execute(
        insert(callbacks).values(
            id=key,
            provider=provider,
            kind=callback.kind,
            body=runtime.vault.seal("callbacks.body", key, kept),
            received_at=now,
            state="new",
            tries=0,
            due_at=now,
        )
    )


def apply_due(runtime: Runtime) -> int:
    """Apply the receipts of due callbacks; returns how many callbacks were looked at."""
    done = 0
    while rows := _claimed(runtime):
        read = [(row, _read(runtime, row)) for row in rows]
        try:
            _apply_all(runtime, read)
        except Exception as error:  # noqa: BLE001 - one callback must not hold up all the others
            log.warning("receipts_one_by_one", error=type(error).__name__)
            for item in read:
                _apply_alone(runtime, item)
        done += len(rows)
    return done


def _claimed(runtime: Runtime) -> Sequence[Row[Any]]:
    with runtime.db.write() as tx:
        now, lease = runtime.clock(), new_lease()
        return claim(tx, callbacks, now=now, seconds=runtime.settings.lease, limit=CLAIM, lease=lease)


def _read(runtime: Runtime, row: Row[Any]) -> Sequence[Report] | None:
    """What is in a callback; None when nobody can read it."""
    provider = runtime.providers.get(row.provider)
    if not isinstance(provider, Reporter):
        return None
    try:
        kept = json.loads(runtime.vault.open("callbacks.body", row.id, row.body))
        came = Callback(row.kind, kept["url"], {}, base64.b64decode(kept["body"]), "")
        return [_clean(report) for report in provider.parse(came)]
    except Exception as error:  # noqa: BLE001 - whatever came in, it is kept as unreadable, not tried for ever
        log.warning("callback_unreadable", callback=str(row.id), error=type(error).__name__)
        return None


def _clean(receipt: Report) -> Report:
    """Its words without what a database refuses: lone surrogates and NUL."""
    if isinstance(receipt, Complaint):
        return receipt
    if isinstance(receipt, Inbound):
        return replace(receipt, id=_storable(receipt.id), text=_storable(receipt.text))
    return replace(
        receipt,
        reference=_storable(receipt.reference),
        handover=_storable(receipt.handover),
        code=_storable(receipt.code)[:80],
    )


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


Read = tuple[Row[Any], Sequence[Report] | None]


def _apply_all(runtime: Runtime, read: Sequence[Read]) -> None:
    now = runtime.clock()
    reports = [(row.provider, report) for row, found in read for report in found or ()]
    pairs = [(name, report) for name, report in reports if isinstance(report, Receipt)]
    unmatched: set[tuple[str, Receipt]] = set()
    with runtime.db.write() as tx:
        for start in range(0, len(pairs), AT_ONCE):
            unmatched |= matching.apply(tx, runtime, pairs[start : start + AT_ONCE], now)
        inbound.receive(tx, runtime, [(name, said) for name, said in reports if isinstance(said, Inbound)])
        for row, found in read:
            waiting = found is not None and any((row.provider, one) in unmatched for one in found)
            _settle(tx, row, readable=found is not None, waiting=waiting, now=now)
    log.info("receipts_applied", callbacks=len(read), reports=len(reports), unmatched=len(unmatched))


def _apply_alone(runtime: Runtime, item: Read) -> None:
    """Apply one callback; one that cannot be applied is set aside for people."""
    try:
        _apply_all(runtime, [item])
    except OperationalError as error:  # the database's, not the callback's: due again when the lease ends
        log.warning("callback_later", callback=str(item[0].id), error=type(error.orig).__name__)
    except Exception as error:  # noqa: BLE001 - see apply_due
        log.error("callback_not_applied", callback=str(item[0].id), error=type(error).__name__)  # noqa: TRY400
        with runtime.db.write() as tx:
            _settle(tx, item[0], readable=False, waiting=False, now=runtime.clock())


def _settle(tx: Connection, row: Row[Any], *, readable: bool, waiting: bool, now: datetime) -> None:
    due_at: datetime | None = None
    state = "applied" if readable else "unreadable"
    if waiting:
        state = "unmatched"
        due_at = now + timedelta(seconds=2**row.tries) if row.tries < TRIES else None
    values = {"state": state, "due_at": due_at, "lease": None, "tries": row.tries + 1}
    tx.execute(update(callbacks).where(callbacks.c.id == row.id).values(**values))


def forget_old(tx: Connection, now: datetime) -> bool:
    """Drop some of those long applied: they hold addresses. True where there are more."""
    old = select(callbacks.c.id).where(callbacks.c.received_at < now - KEPT, callbacks.c.due_at.is_(None))
    gone = tx.execute(delete(callbacks).where(callbacks.c.id.in_(old.limit(FORGET))))
    return gone.rowcount == FORGET


def waiting(tx: Connection) -> Mapping[str, int]:
    """How many callbacks stand in each state."""
    query = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    return dict(tx.execute(query).all())

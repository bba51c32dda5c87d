"""What providers push to us: kept raw at the door, applied in batches by workers.

A receipt may come before its hand-over's answer is recorded, late, twice or in
the wrong order. None moves a status back; one that matches nothing yet is put
back and kept.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
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
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.db import Utc, claim, metadata, new_lease
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.status import Status, may_move
from gateway.notifications.store import Move, notifications
from gateway.providers import Callback, Delivery, Receipt, Reporter
from gateway.runtime import Runtime

LANE = "receipts"
CLAIM = 50  # callbacks, each with up to some hundred receipts
TRIES = 12  # doubling from 1 s: an unmatched receipt is looked for during an hour, then kept as it is
log = structlog.get_logger()

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("state", String(12), nullable=False),  # new, applied, unmatched, unreadable
    Column("tries", Integer, nullable=False),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
Index(
    "ix_callbacks_due",
    callbacks.c.due_at,
    postgresql_where=callbacks.c.due_at.is_not(None),
    sqlite_where=callbacks.c.due_at.is_not(None),
)


def keep(tx: Connection, runtime: Runtime, provider: str, callback: Callback) -> None:
    """Store a verified callback as it came, sealed. Answering the provider is then safe."""
    key, now = runtime.new_id(), runtime.clock()
    body = base64.b64encode(callback.body).decode()
    tx.execute(
        insert(callbacks).values(
            id=key,
            provider=provider,
            kind=callback.kind,
            body=runtime.vault.seal("callbacks.body", key, body),
            received_at=now,
            state="new",
            tries=0,
            due_at=now,
        )
    )


def apply_due(runtime: Runtime) -> int:
    """Apply the receipts of due callbacks; returns how many callbacks were looked at."""
    done = 0
    while claimed := _apply_some(runtime):
        done += claimed
    return done


def _apply_some(runtime: Runtime) -> int:
    """One claim. No network is involved, so claiming and applying share one transaction."""
    now = runtime.clock()
    with runtime.db.write() as tx:
        rows = claim(tx, callbacks, now=now, seconds=runtime.settings.lease, limit=CLAIM, lease=new_lease())
        read = [(row, _read(runtime, row)) for row in rows]
        pairs = [(row.provider, receipt) for row, receipts in read for receipt in receipts or ()]
        unmatched = _apply(tx, runtime, pairs, now)
        for row, receipts in read:
            waiting = receipts is not None and any((row.provider, r) in unmatched for r in receipts)
            _settle(tx, row, readable=receipts is not None, waiting=waiting, now=now)
    if rows:
        log.info("receipts_applied", callbacks=len(rows), receipts=len(pairs), unmatched=len(unmatched))
    return len(rows)


def _read(runtime: Runtime, row: Row[Any]) -> Sequence[Receipt] | None:
    provider = runtime.providers.get(row.provider)
    body = base64.b64decode(runtime.vault.open("callbacks.body", row.id, row.body))
    if not isinstance(provider, Reporter):
        return None
    try:
        return provider.parse(Callback(row.kind, "", {}, body, ""))
    except ValueError:
        log.warning("callback_unreadable", provider=row.provider, callback=str(row.id))
        return None


def _settle(tx: Connection, row: Row[Any], *, readable: bool, waiting: bool, now: datetime) -> None:
    due_at: datetime | None = None
    state = "applied" if readable else "unreadable"
    if waiting:
        state = "unmatched"
        due_at = now + timedelta(seconds=2**row.tries) if row.tries < TRIES else None
    values = {"state": state, "due_at": due_at, "lease": None, "tries": row.tries + 1}
    tx.execute(update(callbacks).where(callbacks.c.id == row.id).values(**values))


# --- from receipts to statuses ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """What a receipt and an attempt have in common: the address, and one of two references."""

    provider: str
    reference: str
    address: bytes


def _apply(
    tx: Connection, runtime: Runtime, pairs: Iterable[tuple[str, Receipt]], now: datetime
) -> set[tuple[str, Receipt]]:
    """Apply receipts set-wise; returns those no attempt is known for yet."""
    addressed = [(name, receipt, runtime.vault.index("mobile", receipt.address)) for name, receipt in pairs]
    if not addressed:
        return set()
    known = _matching(tx, [(receipt, address) for _, receipt, address in addressed])
    unmatched: set[tuple[str, Receipt]] = set()
    final: dict[tuple[UUID, str], Receipt] = {}
    for name, receipt, address in addressed:
        attempt = _attempt(known, name, receipt, address)
        if attempt is None:
            unmatched.add((name, receipt))
        elif receipt.delivery is not Delivery.PENDING and attempt.receipt is None:
            final.setdefault((attempt.notification_id, attempt.handover), receipt)
    _record(tx, final, now)
    _move(tx, final, now)
    return unmatched


def _attempt(known: Mapping[_Key, Row[Any]], name: str, receipt: Receipt, address: bytes) -> Row[Any] | None:
    by_reference = known.get(_Key(name, receipt.reference, address)) if receipt.reference else None
    by_handover = known.get(_Key(name, receipt.handover, address)) if receipt.handover else None
    return by_reference or by_handover


def _matching(tx: Connection, wanted: Sequence[tuple[Receipt, bytes]]) -> dict[_Key, Row[Any]]:
    """The attempts these receipts may speak of, by provider reference and by hand-over id."""
    references = {receipt.reference for receipt, _ in wanted if receipt.reference}
    handovers = {receipt.handover for receipt, _ in wanted if receipt.handover}
    where = or_(attempts.c.provider_ref.in_(references), attempts.c.handover.in_(handovers))
    addresses = {address for _, address in wanted}
    found: dict[_Key, Row[Any]] = {}
    for row in tx.execute(select(attempts).where(where, attempts.c.address_index.in_(addresses))):
        found[_Key(row.provider, row.handover, row.address_index)] = row
        if row.provider_ref:
            found[_Key(row.provider, row.provider_ref, row.address_index)] = row
    return found


def _record(tx: Connection, final: Mapping[tuple[UUID, str], Receipt], now: datetime) -> None:
    if not final:
        return
    columns = attempts.c
    tx.execute(
        update(attempts).where(
            columns.notification_id == bindparam("of"), columns.handover == bindparam("in_handover")
        ),
        [
            {
                "of": notification,
                "in_handover": handover,
                "receipt": receipt.delivery,
                "receipt_code": receipt.code[:80],
                "receipt_at": receipt.at or now,
            }
            for (notification, handover), receipt in final.items()
        ],
    )


def _move(tx: Connection, final: Mapping[tuple[UUID, str], Receipt], now: datetime) -> None:
    reports = {notification: receipt for (notification, _), receipt in final.items()}
    columns = notifications.c
    rows = tx.execute(
        select(columns.id, columns.lane, columns.status).where(columns.id.in_(reports)).with_for_update()
    ).all()
    moves = []
    for row in rows:
        report, old = reports[row.id], Status(row.status)
        new = Status.DELIVERED if report.delivery is Delivery.DELIVERED else Status.UNDELIVERED
        if may_move(old, new):
            reason = None if new is Status.DELIVERED else report.code[:80]
            moves.append(Move(row.id, row.lane, old, new, None, reason))
    store.move(tx, moves, now)


def waiting(tx: Connection) -> Mapping[str, int]:
    """How many callbacks stand in each state."""
    query = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    return dict(tx.execute(query).all())

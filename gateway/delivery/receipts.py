"""What providers push to us: kept raw at the door, applied in batches by workers.

A receipt may come before its hand-over's answer is recorded, late, twice or in
the wrong order. None moves a status back; one that matches nothing yet is put
back and kept.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
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
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway import channels
from gateway.db import Utc, claim, metadata, new_lease, sparse_index
from gateway.delivery import measures
from gateway.delivery.store import attempts
from gateway.notifications import inbound, store
from gateway.notifications.status import Status, may_move
from gateway.notifications.store import moved
from gateway.providers import Callback, Delivery, Inbound, Receipt, Report, Reporter
from gateway.runtime import Runtime

LANE = "receipts"
CLAIM = 50  # callbacks, each with up to some hundred receipts
AT_ONCE = 1_000  # receipts in one statement; databases bound its parameters
KEPT = timedelta(days=30)
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
            unmatched |= _apply(tx, runtime, pairs[start : start + AT_ONCE], now)
        inbound.receive(tx, runtime, [(name, said) for name, said in reports if isinstance(said, Inbound)])
        for row, found in read:
            waiting = found is not None and any((row.provider, one) in unmatched for one in found)
            _settle(tx, row, readable=found is not None, waiting=waiting, now=now)
    log.info("receipts_applied", callbacks=len(read), reports=len(reports), unmatched=len(unmatched))


def _apply_alone(runtime: Runtime, item: Read) -> None:
    """Apply one callback; one that cannot be applied is set aside for people."""
    try:
        _apply_all(runtime, [item])
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
    addressed = [(name, receipt, _index(runtime, name, receipt.address)) for name, receipt in pairs]
    known = _matching(tx, [(receipt, address) for _, receipt, address in addressed])
    unmatched: set[tuple[str, Receipt]] = set()
    final: dict[tuple[UUID, str], Receipt] = {}
    counted: Counter[measures.Key] = Counter()
    for name, receipt, address in addressed:
        attempt = _attempt(known, name, receipt, address)
        if attempt is None:
            unmatched.add((name, receipt))
        elif receipt.delivery is not Delivery.PENDING and attempt.receipt is None:
            first = final.setdefault((attempt.notification_id, attempt.handover), receipt)
            counted[measures.RECEIPTS, name, receipt.delivery] += first is receipt
    if final:
        held = store.hold(tx, [notification for notification, _ in final])
        _record(tx, final, now)
        measures.add(tx, counted, now)
        _move(tx, held, final, now)
    return unmatched


def _index(runtime: Runtime, provider: str, address: str) -> bytes:
    kind = channels.load(runtime.providers[provider].channel).ADDRESS
    return runtime.vault.index(kind, address)


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
    columns = attempts.c
    mine = (columns.notification_id == bindparam("of")) & (columns.handover == bindparam("in_handover"))
    rows = [
        {
            "of": notification,
            "in_handover": handover,
            "receipt": receipt.delivery,
            "receipt_code": receipt.code,
            "receipt_at": receipt.at or now,
        }
        for (notification, handover), receipt in sorted(final.items(), key=itemgetter(0))
    ]
    tx.execute(update(attempts).where(mine), rows)


def _move(
    tx: Connection, held: Mapping[UUID, Any], final: Mapping[tuple[UUID, str], Receipt], now: datetime
) -> None:
    """Delivered by any attempt is delivered; undelivered only when no other attempt may still arrive."""
    delivered = {notification for (notification, _), r in final.items() if r.delivery is Delivery.DELIVERED}
    failed = {notification: r for (notification, _), r in final.items() if notification not in delivered}
    open_still = _open_still(tx, list(failed))
    moves = []
    for row in held.values():
        old = Status(row.status)
        if row.id in delivered:
            new, reason = Status.DELIVERED, None
        elif row.id not in open_still:
            new, reason = Status.UNDELIVERED, failed[row.id].code
        else:
            continue
        if may_move(old, new):
            moves.append(moved(row, new, None, reason))
    store.move(tx, moves, now)


def _open_still(tx: Connection, notifications: Sequence[UUID]) -> set[UUID]:
    """Those with an attempt that was or may have been taken and has no receipt yet."""
    columns = attempts.c
    taken = columns.outcome.is_(None) | columns.outcome.in_(["accepted", "unknown"])
    query = select(columns.notification_id).where(
        columns.notification_id.in_(notifications), columns.receipt.is_(None), taken
    )
    return set(tx.execute(query).scalars())


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop callbacks whose receipts have long been applied: they hold addresses."""
    old = callbacks.c.received_at < now - KEPT
    tx.execute(delete(callbacks).where(old, callbacks.c.due_at.is_(None)))


def waiting(tx: Connection) -> Mapping[str, int]:
    """How many callbacks stand in each state."""
    query = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    return dict(tx.execute(query).all())

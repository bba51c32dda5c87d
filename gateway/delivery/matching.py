"""From receipts to statuses: which attempt a receipt speaks of, and what follows for its notification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from gateway import channels
from gateway.delivery import measures
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.status import Status, may_move
from gateway.notifications.store import moved
from gateway.providers import Delivery, Receipt
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class _Key:
    """What a receipt and an attempt have in common: the address, and one of two references."""

    provider: str
    reference: str
    address: bytes


def apply(
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

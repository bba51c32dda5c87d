"""From reports to statuses: which attempt a receipt or a complaint speaks of, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from gateway import channels
from gateway.delivery import measures, retry
from gateway.delivery.reachability import Said
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.status import Status, may_move
from gateway.notifications.store import Move, moved
from gateway.notifications.suppression import COMPLAINT
from gateway.providers import Cause, Complaint, Delivery, Receipt
from gateway.runtime import Runtime

TAKEN = (None, "accepted", "unknown")  # outcomes after which something may still arrive


@dataclass(frozen=True, slots=True)
class _Key:
    """What a receipt and an attempt have in common: the address, and one of two references."""

    provider: str
    reference: str
    address: bytes


@dataclass(slots=True)
class Applied:
    """What came of reports: those no attempt is known for yet, and what the others say of addresses."""

    unmatched: set[tuple[str, Receipt | Complaint]] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Final:
    """The receipt that ended an attempt."""

    attempt: Row[Any]
    receipt: Receipt


Finals = Mapping[tuple[UUID, str], _Final]  # by notification and hand-over


def apply(tx: Connection, runtime: Runtime, pairs: Iterable[tuple[str, Receipt]], now: datetime) -> Applied:
    """Apply receipts set-wise. The first final one of an attempt counts, whatever comes after it."""
    addressed = [(name, receipt, index(runtime, name, receipt.address)) for name, receipt in pairs]
    known = _matching(tx, [(receipt, address) for _, receipt, address in addressed])
    applied = Applied()
    first: dict[tuple[UUID, str], _Final] = {}
    for name, receipt, address in addressed:
        attempt = _attempt(known, name, receipt, address)
        if attempt is None:
            applied.unmatched.add((name, receipt))
        elif receipt.delivery is not Delivery.PENDING and attempt.receipt is None:
            first.setdefault((attempt.notification_id, attempt.handover), _Final(attempt, receipt))
    if first:
        held = store.hold(tx, [notification for notification, _ in first])
        final = _still_open(tx, first)
        _end(tx, held, final, now)
        applied.said.extend(_said(runtime, final.values()))
    return applied


def _end(tx: Connection, held: Mapping[UUID, Any], final: Finals, now: datetime) -> None:
    if final:
        _record(tx, final, now)
        measures.add(tx, _counted(final.values()), now)
        ended = {key: held[key] for key, _ in final}
        store.move(tx, _moves(tx, ended, final, now), now)


def complained(
    tx: Connection, runtime: Runtime, pairs: Iterable[tuple[str, Complaint]], now: datetime
) -> Applied:
    """Hear complaints about messages to that very address; another came too early, or is forged."""
    addressed = [(name, one, index(runtime, name, one.address)) for name, one in pairs]
    known = _attempts(tx, set(), {one.handover for _, one, _ in addressed}, {key for *_, key in addressed})
    applied = Applied()
    for name, one, address in addressed:
        if _Key(name, one.handover, address) in known:
            applied.said.append(Said(address, _kind(runtime, name), name, one.at or now, COMPLAINT))
        else:
            applied.unmatched.add((name, one))
    return applied


def index(runtime: Runtime, provider: str, address: str) -> bytes:
    """The blind index of an address a provider names."""
    return runtime.vault.index(_kind(runtime, provider), address)


def _kind(runtime: Runtime, provider: str) -> str:
    return channels.load(runtime.providers[provider].channel).ADDRESS


def _attempt(known: Mapping[_Key, Row[Any]], name: str, receipt: Receipt, address: bytes) -> Row[Any] | None:
    by_reference = known.get(_Key(name, receipt.reference, address)) if receipt.reference else None
    by_handover = known.get(_Key(name, receipt.handover, address)) if receipt.handover else None
    return by_reference or by_handover


def _matching(tx: Connection, wanted: Sequence[tuple[Receipt, bytes]]) -> dict[_Key, Row[Any]]:
    """The attempts these receipts may speak of, by provider reference and by hand-over id."""
    references = {receipt.reference for receipt, _ in wanted if receipt.reference}
    handovers = {receipt.handover for receipt, _ in wanted if receipt.handover}
    return _attempts(tx, references, handovers, {address for _, address in wanted})


def _attempts(
    tx: Connection, references: Collection[str], handovers: Collection[str], addresses: Collection[bytes]
) -> dict[_Key, Row[Any]]:
    where = or_(attempts.c.provider_ref.in_(references), attempts.c.handover.in_(handovers))
    found: dict[_Key, Row[Any]] = {}
    for row in tx.execute(select(attempts).where(where, attempts.c.address_index.in_(addresses))):
        found[_Key(row.provider, row.handover, row.address_index)] = row
        if row.provider_ref:
            found[_Key(row.provider, row.provider_ref, row.address_index)] = row
    return found


# --- what follows -------------------------------------------------------------------------


def _still_open(tx: Connection, final: Finals) -> Finals:
    """Those whose attempt has no receipt yet, now that they are held: another worker may have come first."""
    columns = attempts.c
    query = select(columns.notification_id, columns.handover).where(
        columns.notification_id.in_({key for key, _ in final}), columns.receipt.is_(None)
    )
    still = {(row.notification_id, row.handover) for row in tx.execute(query)}
    return {key: one for key, one in final.items() if key in still}


def _record(tx: Connection, final: Finals, now: datetime) -> None:
    """Write the receipts to their attempts."""
    columns = attempts.c
    mine = (columns.notification_id == bindparam("of")) & (columns.handover == bindparam("in_handover"))
    rows = [
        {
            "of": notification,
            "in_handover": handover,
            "receipt": one.receipt.delivery,
            "receipt_code": one.receipt.code,
            "receipt_at": one.receipt.at or now,
            "cause": one.receipt.cause,
        }
        for (notification, handover), one in sorted(final.items(), key=itemgetter(0))
    ]
    tx.execute(update(attempts).where(mine, columns.receipt.is_(None)), rows)


def _counted(final: Iterable[_Final]) -> Counter[measures.Key]:
    counted: Counter[measures.Key] = Counter()
    for one in final:
        counted[measures.RECEIPTS, one.attempt.provider, one.receipt.delivery] += 1
        if one.receipt.cause is Cause.UNSPECIFIED:
            counted[measures.UNKNOWN_CODES, one.attempt.provider, "receipt"] += 1
    return counted


def _said(runtime: Runtime, final: Iterable[_Final]) -> list[Said]:
    """What the receipts say of addresses: reached, or why not."""
    return [
        Said(row.address_index, _kind(runtime, row.provider), row.provider, row.started_at, word)
        for row, receipt in ((one.attempt, one.receipt) for one in final)
        if (word := receipt.cause or receipt.delivery) != Delivery.UNDELIVERED
    ]


def _moves(tx: Connection, held: Mapping[UUID, Any], final: Finals, now: datetime) -> list[Move]:
    """Delivered by any try is delivered; anything else is decided when no try may still arrive."""
    delivered = {key for (key, _), one in final.items() if one.receipt.delivery is Delivery.DELIVERED}
    missed = _missed(tx, [key for key in held if key not in delivered])
    moves = []
    for row in held.values():
        if row.id in delivered:
            then = retry.Next(Status.DELIVERED)
        elif row.id in missed:
            over = row.due_at is None  # its window: whoever was away then is not called out of the blue
            retries = () if over else channels.load(row.channel).RETRIES
            then = retry.after_receipt(missed[row.id], row.expires_at, now, retries)
        else:
            continue
        if may_move(Status(row.status), then.status):
            moves.append(moved(row, then.status, then.due_at, then.reason))
    return moves


def _missed(tx: Connection, notifications: Sequence[UUID]) -> dict[UUID, retry.Missed]:
    """Those no try of which arrived or may still arrive, whatever order the receipts came in."""
    if not notifications:
        return {}
    columns = attempts.c
    query = select(attempts).where(columns.notification_id.in_(notifications))
    tries: dict[UUID, list[Row[Any]]] = {}
    for row in tx.execute(query.order_by(columns.started_at, columns.handover)):
        tries.setdefault(row.notification_id, []).append(row)
    found = {}
    for key, rows in tries.items():
        failed = [row for row in rows if row.receipt == Delivery.UNDELIVERED]
        if failed and not any(row.receipt is None and row.outcome in TAKEN for row in rows):
            newest = failed[-1]
            cause = Cause(newest.cause) if newest.cause else None
            away = sum(row.cause == Cause.AWAY for row in failed)
            found[key] = retry.Missed(newest.receipt_code or "", cause, away)
    return found

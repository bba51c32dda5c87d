"""From reports to statuses: which attempt a receipt or a complaint speaks of, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import channels
from gateway.delivery import acceptances, measures, retry
from gateway.delivery.reachability import Said
from gateway.delivery.store import attempts
from gateway.notifications import store, suppression
from gateway.notifications.status import Status, may_move
from gateway.notifications.store import Move, moved
from gateway.notifications.suppression import COMPLAINT
from gateway.providers import Cause, Complaint, Delivery, Receipt
from gateway.rows import one_of, update_each
from gateway.runtime import Runtime

TAKEN = (None, "accepted", "unknown")  # outcomes after which something may still arrive


@dataclass(slots=True)
class Applied:
    """What came of reports: those no attempt is known for yet, and what the others say of addresses."""

    unmatched: set[tuple[str, Receipt | Complaint]] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)


class OvertakenError(Exception):
    """Another worker ended one of these attempts meanwhile: look at them anew, in another transaction."""


class _Final(NamedTuple):
    """The receipt that ended an attempt."""

    attempt: Row[Any]
    receipt: Receipt


Key = tuple[str, str, bytes]  # provider, our hand-over or its reference, blind index of the address
Finals = Mapping[tuple[UUID, str], _Final]  # by notification and hand-over
Folded = Mapping[str, Row[Any]]  # the acceptances of these hand-overs that are not unfolded yet


def apply(tx: Connection, runtime: Runtime, pairs: Sequence[tuple[str, Receipt]], now: datetime) -> Applied:
    """Apply receipts set-wise. The first final one of an attempt counts, whatever comes after it.

    Raises ``OvertakenError`` where somebody else applies one of them at this moment.
    """
    kinds = {name: _kind(runtime, name) for name in {name for name, _ in pairs}}
    blind = runtime.vault.index
    addressed = [(name, receipt, blind(kinds[name], receipt.address)) for name, receipt in pairs]
    known, joined = _matching(tx, addressed)
    applied = Applied()
    first: dict[tuple[UUID, str], _Final] = {}
    for name, receipt, address in addressed:
        attempt = _attempt(known, name, receipt, address)
        if attempt is None:
            applied.unmatched.add((name, receipt))
        elif receipt.delivery is not Delivery.PENDING:
            for one in joined.get((attempt.handover, address), (attempt,)) if joined else (attempt,):
                if one.receipt is None:
                    first.setdefault((one.notification_id, one.handover), _Final(one, receipt))
    if first:
        _end(tx, first, now)
        measures.add(tx, _counted(first.values()), now)
        applied.said.extend(_said(tx, runtime, first.values()))
    return applied


def _end(tx: Connection, final: Finals, now: datetime) -> None:
    """Write the receipts down: on notifications first, then on attempts, in the one order of locks."""
    folded = acceptances.of(tx, {handover for _, handover in final})
    held = {} if _all_delivered(tx, final, folded, now) else store.hold(tx, [key for key, _ in final])
    if _record(tx, final, folded, now) < len(final):
        raise OvertakenError
    store.move(tx, _moves(tx, held, final, now), now)


def _all_delivered(tx: Connection, final: Finals, folded: Folded, now: datetime) -> bool:
    """Deliver all in one statement, where that is all there is to do; else nothing is done or held."""
    ids = {key for key, _ in final}
    stand = {Status.SENDING if handover in folded else Status.ACCEPTED for _, handover in final}
    if len(stand) > 1 or any(one.receipt.delivery is not Delivery.DELIVERED for one in final.values()):
        return False
    at_once = tx.begin_nested()
    if store.deliver(tx, ids, stand.pop(), now) < len(ids):
        at_once.rollback()
        return False
    at_once.commit()
    return True


def complained(
    tx: Connection, runtime: Runtime, pairs: Iterable[tuple[str, Complaint]], now: datetime
) -> Applied:
    """Hear complaints about messages to that very address; another came too early, or is forged."""
    addressed = [(name, one, index(runtime, name, one.address)) for name, one in pairs]
    tried = _handed_over(tx, {one.handover for _, one, _ in addressed}, {key for *_, key in addressed})
    known = {(row.provider, row.handover, row.address_index) for row in tried}
    applied = Applied()
    for name, one, address in addressed:
        if (name, one.handover, address) in known:
            applied.said.append(Said(address, _kind(runtime, name), name, one.at or now, COMPLAINT))
        else:
            applied.unmatched.add((name, one))
    return applied


def index(runtime: Runtime, provider: str, address: str) -> bytes:
    """The blind index of an address a provider names."""
    return runtime.vault.index(_kind(runtime, provider), address)


def _kind(runtime: Runtime, provider: str) -> str:
    return channels.load(runtime.providers[provider].channel).ADDRESS


def _attempt(known: Mapping[Key, Row[Any]], name: str, receipt: Receipt, address: bytes) -> Row[Any] | None:
    by_handover = known.get((name, receipt.handover, address)) if receipt.handover else None
    return by_handover or (known.get((name, receipt.reference, address)) if receipt.reference else None)


Joined = Mapping[tuple[str, bytes], Sequence[Row[Any]]]  # the attempts that were one message, by its place


def _matching(
    tx: Connection, wanted: Sequence[tuple[str, Receipt, bytes]]
) -> tuple[dict[Key, Row[Any]], Joined]:
    """The attempts these receipts may speak of: by hand-over id, then by reference what is left."""
    handovers = {receipt.handover for _, receipt, _ in wanted if receipt.handover}
    found = _handed_over(tx, handovers, {address for *_, address in wanted})
    known = {(row.provider, row.handover, row.address_index): row for row in found}
    left = {
        (receipt.reference, address)
        for name, receipt, address in wanted
        if receipt.reference and (name, receipt.handover, address) not in known
    }
    referred = _referred_to(tx, left)
    by_reference = {(row.provider, row.provider_ref, row.address_index): row for row in referred}
    alone = len(found) + len(referred) == len(known) + len(by_reference)
    return known | by_reference, {} if alone else _joined([*found, *referred])


def _joined(rows: Iterable[Row[Any]]) -> Joined:
    """Those of a message that told several stand at one place."""
    found: dict[tuple[str, bytes], dict[UUID, Row[Any]]] = {}
    for row in rows:
        found.setdefault((row.handover, row.address_index), {})[row.notification_id] = row
    return {place: list(some.values()) for place, some in found.items()}


_COLUMNS = [attempts.c[name] for name in ("notification_id", "handover", "provider", "address_index")]
_FOUND = select(*_COLUMNS, attempts.c.provider_ref, attempts.c.receipt, attempts.c.started_at)


def _handed_over(tx: Connection, handovers: Collection[str], addresses: Collection[bytes]) -> Sequence[Any]:
    if not handovers:
        return ()
    columns = attempts.c
    query = _FOUND.where(
        one_of(tx, columns.handover, sorted(handovers)), one_of(tx, columns.address_index, sorted(addresses))
    )
    return tx.execute(query).all()


def _referred_to(tx: Connection, wanted: Collection[tuple[str, bytes]]) -> Sequence[Any]:
    if not wanted:
        return ()
    columns = attempts.c
    addresses, references = ({one[place] for one in wanted} for place in (1, 0))
    query = _FOUND.where(
        one_of(tx, columns.address_index, sorted(addresses)),
        one_of(tx, columns.provider_ref, sorted(references)),
    )
    return tx.execute(query).all()


# --- what follows -------------------------------------------------------------------------


def _record(tx: Connection, final: Finals, folded: Folded, now: datetime) -> int:
    """Write the receipts to their attempts, where none is yet, with what is folded; returns to how many."""
    ordered = sorted(final.items(), key=lambda one: one[0][0].int)
    receipts = [one.receipt for _, one in ordered]
    keys: dict[str, Sequence[Any]] = {
        "notification_id": [notification for (notification, _), _ in ordered],
        "handover": [handover for (_, handover), _ in ordered],
    }
    values: dict[str, Sequence[Any]] = {
        "receipt": [one.delivery.value for one in receipts],
        "receipt_code": [one.code for one in receipts],
        "receipt_at": [one.at or now for one in receipts],
        "cause": [one.cause and one.cause.value for one in receipts],
    }
    learnt = acceptances.written(folded, keys["handover"]) if folded else {}
    return update_each(tx, attempts, keys, values | learnt, keep=tuple(learnt), unset="receipt")


def _counted(final: Iterable[_Final]) -> Counter[measures.Key]:
    counted: Counter[measures.Key] = Counter()
    for one in final:
        counted[measures.RECEIPTS, one.attempt.provider, one.receipt.delivery] += 1
        if one.receipt.cause is Cause.UNSPECIFIED:
            counted[measures.UNKNOWN_CODES, one.attempt.provider, "receipt"] += 1
    return counted


def _said(tx: Connection, runtime: Runtime, final: Collection[_Final]) -> list[Said]:
    """What the receipts say of addresses: why not reached; or reached, where that was doubted."""
    words = [(one.attempt, one.receipt.cause or one.receipt.delivery) for one in final]
    reached = {row.address_index for row, word in words if word == Delivery.DELIVERED}
    doubted = suppression.among(tx, reached, suppression.DEAD_ADDRESS)
    return [
        Said(row.address_index, _kind(runtime, row.provider), row.provider, row.started_at, word)
        for row, word in words
        if word != Delivery.UNDELIVERED and (word != Delivery.DELIVERED or row.address_index in doubted)
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
    query = select(attempts).where(one_of(tx, columns.notification_id, notifications))
    tries: dict[UUID, list[Row[Any]]] = {}
    for row in tx.execute(query.order_by(columns.started_at, columns.handover)).all():
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

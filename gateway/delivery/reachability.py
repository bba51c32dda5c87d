"""What answers and receipts say about an address itself, beyond their own message.

An address where nothing arrives is given up for a while: an e-mail address at once, a
telephone after three messages within 30 days. Whatever arrives there later ends that. A
carrier's word that somebody opted out counts like the person's own, unless the person has
said start since.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from gateway.delivery.store import attempts
from gateway.notifications import suppression
from gateway.notifications.inbound import inbound
from gateway.notifications.suppression import COMPLAINT, DEAD_ADDRESS, OPTED_OUT
from gateway.providers import Cause, Delivery

NEEDED = {"email": 1, "mobile": 3}  # messages that must fail, by the kind of address
WITHIN = timedelta(days=30)
GIVEN_UP = timedelta(days=90)  # about as long as carriers rest a number before they give it to another
UNWANTED = {Cause.OPTED_OUT.value: OPTED_OUT, COMPLAINT: COMPLAINT}


class Said(NamedTuple):
    """One word about an address: a ``Delivery``, the ``Cause`` of a failure, or ``COMPLAINT``.

    ``kind`` is that of the address (``mobile``, ``email``), ``at`` when the message it is about
    went out.
    """

    address: bytes
    kind: str
    provider: str
    at: datetime
    word: str


def heed(tx: Connection, said: Sequence[Said], now: datetime) -> None:
    """Act on what was said; last in its commit, when the attempts and wishes it looks at are written."""
    failed = {one.address for one in said if one.word == Cause.RECIPIENT}
    reached = {one.address for one in said if one.word == Delivery.DELIVERED}
    doubted = suppression.among(tx, reached, DEAD_ADDRESS)
    suppression.hold(tx, failed | doubted | {one.address for one in said if one.word in UNWANTED})
    for word, reason in UNWANTED.items():
        refused = _not_started_since(tx, [one for one in said if one.word == word])
        suppression.suppress(tx, [(one.address, one.provider, one.at) for one in refused], reason)
    looked_at = {one.address: one for one in said if one.address in failed | doubted}
    failures = _failures(tx, looked_at, now)
    dead = {key: one for key, one in looked_at.items() if failures.get(key, 0) >= NEEDED[one.kind]}
    given_up = [(key, one.provider, now) for key, one in dead.items()]
    suppression.suppress(tx, given_up, DEAD_ADDRESS, now + GIVEN_UP)
    suppression.lift(tx, doubted - dead.keys(), DEAD_ADDRESS)


def _not_started_since(tx: Connection, said: Sequence[Said]) -> list[Said]:
    """Those not taken back by the person since the message it is about went out."""
    columns = inbound.c
    query = select(columns.address_index, func.max(columns.received_at)).group_by(columns.address_index)
    started = query.where(columns.wish == "start")
    latest: dict[bytes, datetime] = {}
    for some in suppression.batches({one.address for one in said}):
        latest |= dict(tx.execute(started.where(columns.address_index.in_(some))).all())
    return [one for one in said if one.address not in latest or latest[one.address] < one.at]


def _failures(tx: Connection, addresses: Collection[bytes], now: datetime) -> dict[bytes, int]:
    """How many messages lately found nobody at each of these, sent since one that arrived there."""
    columns = attempts.c
    query = select(columns.address_index, columns.notification_id, columns.started_at, columns.receipt)
    query = query.add_columns(columns.handover)
    lately = query.where(
        columns.started_at > now - WITHIN,
        or_(columns.cause == Cause.RECIPIENT.value, columns.receipt == Delivery.DELIVERED.value),
    )
    failed: dict[bytes, dict[UUID, str]] = {}
    for some in suppression.batches(addresses):
        rows = tx.execute(lately.where(columns.address_index.in_(some))).all()
        last = dict(sorted((row[0], row.started_at) for row in rows if row.receipt == Delivery.DELIVERED))
        for row in rows:
            after = row.started_at > last.get(row.address_index, now - WITHIN)
            if after and row.receipt != Delivery.DELIVERED:
                latest = failed.setdefault(row.address_index, {})
                latest[row.notification_id] = max(latest.get(row.notification_id, ""), row.handover)
    # One that was tried twice counts once, and so do several that were one message.
    return {address: len(set(handovers.values())) for address, handovers in failed.items()}

"""Acceptances: what a provider took as a whole, written down once for all messages of the call.

That a hundred messages were taken is one row in one commit, not a hundred attempts and a hundred
notifications. Most of their receipts come within seconds, and write down both at once. What is left
then is *unfolded*: onto each attempt and notification whose receipt has not come (ADR 43).
Until then a notification still stands as being sent, under the lease of its hand-over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Table,
    case,
    delete,
    func,
    select,
)

from gateway import channels
from gateway.db import Utc, begin_until, is_due, metadata
from gateway.delivery import retry
from gateway.delivery.store import REFERENCE, attempts
from gateway.notifications import store
from gateway.notifications.status import Status
from gateway.notifications.store import Move, moved
from gateway.providers import Accepted, Outcome
from gateway.rows import insert_many, one_of, update_each
from gateway.runtime import Runtime

FEWEST = 10  # messages of a call that are worth a row: fewer are written down at once
OF_A_LEASE = 6  # a part of it is waited for receipts: what died with its worker is far from lost then
AT_ONCE = 10  # calls unfolded in one commit: SQLite is held for some 40 ms

acceptances = Table(
    "acceptances",
    metadata,
    Column("handover", String(15), primary_key=True),
    Column("provider_ref", String(REFERENCE), nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False, index=True),  # to be unfolded, by whoever looks
)


def foldable(runtime: Runtime, outcomes: Sequence[Outcome], leased_at: datetime, now: datetime) -> bool:
    """Whether one row says it all: many messages, all of them accepted alike, and their lease still long.

    It must be unfolded before that ends: else somebody would ask about what is known.
    """
    first = outcomes[0]
    whole = isinstance(first, Accepted) and len(outcomes) >= FEWEST and outcomes.count(first) == len(outcomes)
    return whole and now < begin_until(leased_at, runtime.settings.lease)


def fold(tx: Connection, runtime: Runtime, taken: Mapping[str, Accepted], now: datetime) -> None:
    """Write down that these hand-overs were accepted as a whole; once, however often it is tried."""
    if not taken:
        return
    due_at = now + timedelta(seconds=runtime.settings.lease / OF_A_LEASE)
    rows: dict[str, Sequence[Any]] = {
        "handover": list(taken),
        "provider_ref": [one.reference for one in taken.values()],
        "accepted_at": [now] * len(taken),
        "due_at": [due_at] * len(taken),
    }
    insert_many(tx, acceptances, rows, once=True)


def of(tx: Connection, handovers: Collection[str]) -> Mapping[str, Row[Any]]:
    """Those of these hand-overs that are not unfolded yet."""
    if not handovers:
        return {}
    query = select(acceptances).where(one_of(tx, acceptances.c.handover, sorted(handovers)))
    return {row.handover: row for row in tx.execute(query).all()}


def written(found: Mapping[str, Row[Any]], handovers: Sequence[str]) -> dict[str, Sequence[Any]]:
    """What these say of each attempt of those hand-overs, by column; None where they say nothing."""
    told = {key: ("accepted", row.provider_ref, row.accepted_at) for key, row in found.items()}
    columns = zip(*(told.get(handover, (None, None, None)) for handover in handovers), strict=True)
    return dict(zip(("outcome", "provider_ref", "finished_at"), columns, strict=True))


def seen() -> Select[Any]:
    """Attempts for whoever shows them, with what is not unfolded yet laid over them."""
    theirs = acceptances.c
    laid = {
        "outcome": case((theirs.handover.is_not(None), "accepted")),
        "provider_ref": theirs.provider_ref,
        "finished_at": theirs.accepted_at,
    }
    columns = [
        func.coalesce(laid[own.name], own).label(own.name) if own.name in laid else own for own in attempts.c
    ]
    here = attempts.outerjoin(acceptances, theirs.handover == attempts.c.handover)
    return select(*columns).select_from(here)


def unfold_due(runtime: Runtime, until: timedelta = timedelta(0)) -> None:
    """Unfold those that are due, or will be within ``until``."""
    with runtime.db.read() as tx:
        more = is_due(tx, acceptances, runtime.clock() + until)
    while more:
        with runtime.db.write() as tx:
            columns = acceptances.c
            due = select(acceptances).where(columns.due_at <= runtime.clock() + until)
            locked = due.order_by(columns.due_at).limit(AT_ONCE).with_for_update(skip_locked=True)
            found = {row.handover: row for row in tx.execute(locked).all()}
            if not found:
                return
            _unfold(tx, found, one_of(tx, attempts.c.handover, sorted(found)), runtime.clock())
            tx.execute(delete(acceptances).where(one_of(tx, columns.handover, sorted(found))))
        more = len(found) == AT_ONCE


def unfold_of(tx: Connection, notifications: Sequence[UUID], now: datetime) -> set[UUID]:
    """Unfold those of these notifications, whose lease has ended; returns whom they are about."""
    columns = attempts.c
    theirs = one_of(tx, columns.notification_id, notifications)
    open_ones = select(columns.handover).where(theirs, columns.outcome.is_(None))
    found = of(tx, set(tx.execute(open_ones).scalars()))
    return _unfold(tx, found, theirs & one_of(tx, columns.handover, sorted(found)), now) if found else set()


def _unfold(
    tx: Connection, found: Mapping[str, Row[Any]], which: ColumnElement[bool], now: datetime
) -> set[UUID]:
    """Write them onto the attempts that have not learnt it with their receipt; returns whose these are."""
    columns = attempts.c
    query = select(columns.notification_id, columns.handover, columns.lease)
    rows = tx.execute(query.where(which, columns.outcome.is_distinct_from("accepted"))).all()
    if not rows:
        return set()
    left = sorted(rows, key=lambda one: one.notification_id.int)
    held = store.hold(tx, [one.notification_id for one in left])
    moves: defaultdict[int | None, list[Move]] = defaultdict(list)
    for one in left:
        row = held[one.notification_id]
        window = channels.load(row.channel).RECEIPT_WINDOW
        then = retry.accepted(found[one.handover].accepted_at, window)
        if row.status == Status.SENDING:
            moves[one.lease].append(moved(row, then.status, then.due_at))
        elif row.status == Status.UNKNOWN:  # given up meanwhile; withdrawn, where nobody looks again
            moves[None].append(moved(row, then.status, row.due_at and then.due_at))
    for lease, some in moves.items():
        store.move(tx, some, now, lease=lease)
    keys: dict[str, Sequence[Any]] = {
        "notification_id": [one.notification_id for one in left],
        "handover": [one.handover for one in left],
    }
    values = {**written(found, keys["handover"]), "code": [None] * len(left)}  # no more than an answer says
    update_each(tx, attempts, keys, values)
    return set(held)

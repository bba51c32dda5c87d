"""Claim unknown notifications that are due to be asked about: one question for each message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from gateway import channels, cities
from gateway.db import begin_until, claim, new_lease
from gateway.delivery import joined
from gateway.delivery.addressing import addresses_of
from gateway.delivery.claim import Claimed, Question, channel_of, held_of
from gateway.delivery.store import attempts
from gateway.delivery.wording import words_of
from gateway.notifications import store
from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status
from gateway.notifications.store import UNKNOWN, Move, moved, notifications
from gateway.providers import Inquiry
from gateway.rows import one_of
from gateway.runtime import Runtime
from gateway.services import senders

Place = tuple[str, bytes]  # hand-over and address: one message


def claim_questions(runtime: Runtime, lane: str, limit: int) -> Claimed:
    """Lease up to ``limit`` unknown notifications that are due to be asked about, and whatever
    else their messages told.
    """
    now, lease = runtime.clock(), new_lease()
    with runtime.db.write() as tx:
        rows = claim(
            tx,
            notifications,
            now=now,
            seconds=runtime.settings.lease,
            limit=limit,
            lease=lease,
            where=[notifications.c.lane == lane, UNKNOWN],
        )
        if not rows:
            return Claimed(lease, 0, now)
        latest = _latest_attempts(tx, [row.id for row in rows])
        told = joined.told(tx, {one.handover for one in latest.values()} if _any_joined(rows) else ())
        every = [*rows, *_others(tx, runtime, rows, latest, told, lease, now)]
        moves, questions = _questions(tx, runtime, channel_of(lane), every, latest, told)
        store.move(tx, moves, now)
    return Claimed(lease, len(rows), begin_until(now, runtime.settings.lease), questions=questions)


def _any_joined(rows: Sequence[Row[Any]]) -> bool:
    return any(row.digest for row in rows)


def _place(attempt: Row[Any]) -> Place:
    return attempt.handover, attempt.address_index


def _others(
    tx: Connection,
    runtime: Runtime,
    rows: Sequence[Row[Any]],
    latest: dict[UUID, Row[Any]],
    told: Mapping[Place, str],
    lease: int,
    now: datetime,
) -> Sequence[Row[Any]]:
    """What the messages of these told besides and is being found out, leased too: the answer is theirs."""
    joined = {_place(latest[row.id]) for row in rows} & told.keys()
    if not joined:
        return ()
    query = select(attempts).where(one_of(tx, attempts.c.handover, sorted({one for one, _ in joined})))
    theirs = {one.notification_id: one for one in tx.execute(query) if _place(one) in joined}
    keys = sorted(theirs.keys() - latest.keys(), key=store.BY_NUMBER)
    latest |= {key: theirs[key] for key in keys}
    columns = notifications.c
    free = one_of(tx, columns.id, keys) & UNKNOWN & columns.due_at.is_not(None) & columns.lease.is_(None)
    until = now + timedelta(seconds=runtime.settings.lease)
    leased = update(notifications).where(free).values(due_at=until, lease=lease)
    return tx.execute(leased.returning(*columns)).all()


def _questions(
    tx: Connection,
    runtime: Runtime,
    channel: str,
    rows: Sequence[Row[Any]],
    latest: Mapping[UUID, Row[Any]],
    told: Mapping[Place, str],
) -> tuple[list[Move], list[Question]]:
    kind = channels.load(channel).ADDRESS
    addresses, words = addresses_of(tx, runtime, kind, rows), words_of(tx, runtime, rows)
    house = cities.of(runtime).rules_now(runtime.clock()).signature
    named = senders.values(tx, runtime.vault, {row.sender_id for row in rows if row.sender_id})
    moves, asked = list[Move](), dict[tuple[Any, ...], Question]()
    for row, address in zip(rows, addresses, strict=True):
        attempt, held = latest[row.id], held_of(row, Status.UNKNOWN, row.tries)
        if address is None:  # the citizen left the register: there is no number to ask about
            moves.append(moved(row, Status.UNKNOWN, None, Reason.NO_ADDRESS))
            continue
        place = _place(attempt)
        key = place if place in told else (row.id,)
        if key in asked:
            first = asked[key]
            asked[key] = Question(first.held, first.provider, first.inquiry, (*first.others, held))
            continue
        text = told.get(place) or words.get(row.id, "")
        signature = senders.signature(named.get(row.sender_id), house)
        inquiry = Inquiry(address, attempt.handover, attempt.started_at, text, signature)
        asked[key] = Question(held, attempt.provider, inquiry)
    return moves, list(asked.values())


def _latest_attempts(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    query = select(attempts).where(attempts.c.notification_id.in_(ids)).order_by(attempts.c.started_at)
    return {attempt.notification_id: attempt for attempt in tx.execute(query)}

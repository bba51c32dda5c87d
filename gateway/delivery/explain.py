"""What ``why`` needs to know of some notifications, read in a handful of queries for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from gateway import channels, cities
from gateway.content import registered
from gateway.content.registered import Registration
from gateway.delivery import acceptances, hours, joined, retry, route_book
from gateway.delivery.retry import Next
from gateway.delivery.store import attempts
from gateway.delivery.why import Facts, Why, explain
from gateway.notifications.pauses import Kind, Pause, paused
from gateway.notifications.reasons import Reason
from gateway.notifications.request import TEST
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.providers import ReviewState
from gateway.runtime import Runtime

Key = tuple[UUID, int]
Digest = tuple[UUID, str, datetime]  # whose, in which lane, when


@dataclass(frozen=True, slots=True)
class Explained:
    """One notification and its sentence; ids, words and codes only."""

    id: UUID
    klass: str
    lane: str
    status: str
    reason: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class _Known:
    """What is true of all of them, and what each was tried for last."""

    pauses: Mapping[Kind, Mapping[str, Pause]]
    latest: Mapping[UUID, Row[Any]]
    replayed: frozenset[UUID]
    obstacles: Mapping[UUID, Mapping[str, str]]
    waiting: Mapping[Digest, int]
    told: Mapping[joined.Place, int]


def of(tx: Connection, runtime: Runtime, key: UUID) -> Explained | None:
    """Why one notification is where it is; None for an unknown id."""
    rows = tx.execute(select(notifications).where(notifications.c.id == key)).all()
    return of_rows(tx, runtime, rows)[0] if rows else None


def of_rows(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Explained]:
    """Why each of these is where it is."""
    now, keys = runtime.clock(), [row.id for row in rows]
    rules = cities.of(runtime).rules_now(now)
    latest = _latest(tx, keys)
    known = _Known(
        pauses={kind: paused(tx, kind) for kind in Kind},
        latest=latest,
        waiting=_waiting(tx, {row.citizen_id for row in rows if _for_digest(row)}),
        told=joined.counted(tx, {latest[row.id].handover for row in rows if row.digest and row.id in latest}),
        replayed=_replayed(tx, keys),
        obstacles=_obstacles(tx, runtime, rows),
    )
    looked_at = {row.id: (row.channel, max(row.due_at or now, now)) for row in rows}
    closed = {moment: hours.closed(rules, *moment) for moment in set(looked_at.values())}
    opens = {row.id: hours.hold(closed[looked_at[row.id]], row.channel, row) for row in rows}
    facts = [_facts(row, known, opens[row.id], now, rules.zone) for row in rows]
    return [
        Explained(row.id, row.klass, row.lane, one.status, row.reason, explain(one))
        for row, one in zip(rows, facts, strict=True)
    ]


def _for_digest(row: Row[Any]) -> bool:
    """Whether a digest is all that it waits for."""
    held = row.reason in (None, Reason.DIGEST)
    return bool(row.digest and row.citizen_id and held and row.status == Status.WAITING and not row.tries)


def _waiting(tx: Connection, citizens: Collection[UUID]) -> dict[Digest, int]:
    """How many notices of these people wait for each of their digests."""
    if not citizens:
        return {}
    columns = notifications.c
    by = (columns.citizen_id, columns.lane, columns.due_at)
    mine = columns.citizen_id.in_(citizens) & columns.digest.is_(True) & (columns.status == Status.WAITING)
    return {tuple(key): n for *key, n in tx.execute(select(*by, func.count()).where(mine).group_by(*by))}


def _facts(row: Row[Any], known: _Known, opens_at: datetime | None, now: datetime, zone: ZoneInfo) -> Facts:
    attempt = known.latest.get(row.id)
    told = known.told.get((attempt.handover, attempt.address_index), 1) if attempt else 1
    digest = (row.citizen_id, row.lane, row.due_at)
    future = _for_digest(row) and row.due_at is not None and row.due_at > now
    stands = _stands(row, attempt)
    return Facts(
        status=stands.status,
        reason=row.reason,
        channel=row.channel,
        lane=row.lane,
        now=now,
        zone=zone,
        expires_at=row.expires_at,
        due_at=stands.due_at,
        completed_at=row.completed_at,
        provider=(attempt.provider if attempt else row.provider) or _player(row.lane),
        code=(attempt.receipt_code or attempt.code or "") if attempt else "",
        paused=_paused(row, known.pauses),
        opens_at=opens_at,
        obstacles=known.obstacles.get(row.id, {}),
        replayed=row.id in known.replayed,
        waits_with=known.waiting.get(digest, 1) - 1 if future else None,
        told_with=told - 1 if row.status != Status.WAITING else 0,
    )


def _stands(row: Row[Any], attempt: Row[Any] | None) -> Next:
    """Where it stands; one whose provider took it, where that is not unfolded yet, as it will stand then."""
    if row.status == Status.SENDING and attempt and attempt.outcome == "accepted":
        return retry.accepted(attempt.finished_at, channels.load(row.channel).RECEIPT_WINDOW)
    return Next(Status(row.status), row.due_at)


def _player(lane: str) -> str:
    """Who takes what a test key asked for, and reports what became of it."""
    return "simulator" if lane.endswith(f".{TEST}") else ""


def _paused(row: Row[Any], pauses: Mapping[Kind, Mapping[str, Pause]]) -> tuple[str, str] | None:
    """What holds it still, and by whom; a provider's pause alone holds nothing that another carries."""
    for kind, name in ((Kind.LANE, row.lane), (Kind.BROADCAST, str(row.broadcast_id))):
        if name in pauses[kind]:
            return f"{kind} {name}", pauses[kind][name].actor
    return None


def _latest(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """The newest attempt of each that was tried."""
    query = acceptances.seen().where(attempts.c.notification_id.in_(ids)).order_by(attempts.c.started_at)
    return {attempt.notification_id: attempt for attempt in tx.execute(query)}


def _replayed(tx: Connection, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those whose place another has taken."""
    columns = notifications.c
    return frozenset(tx.execute(select(columns.replay_of).where(columns.replay_of.in_(ids))).scalars())


def _obstacles(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, dict[str, str]]:
    """What keeps each provider from carrying those that no provider can carry now."""
    stuck = [row for row in rows if row.reason == Reason.NO_PROVIDER and row.status == Status.WAITING]
    if not stuck:
        return {}
    overrides, still = route_book.by_channel(tx, runtime.clock()), set(paused(tx, Kind.PROVIDER))
    weights = {
        channel: {**runtime.weights(channel), **overrides.get(channel, {})}
        for channel in {row.channel for row in stuck}
    }
    used = {name for one in weights.values() for name, weight in one.items() if weight}
    known = {name: registered.registrations(tx, name) for name in sorted(used)}
    return {
        row.id: {
            name: _obstacle(name, weight, still, known, (row.template_id, row.template_version))
            for name, weight in weights[row.channel].items()
            if weight or runtime.weights(row.channel).get(name)
        }
        for row in stuck
    }


def _obstacle(
    name: str,
    weight: int,
    still: Collection[str],
    known: Mapping[str, Mapping[Key, Registration]],
    key: Key,
) -> str:
    if not weight:
        return "left_out"
    return "paused" if name in still else _review(known[name], key)


def _review(known: Mapping[Key, Registration], key: Key) -> str:
    """Where a provider's review of a text stands; one that reviews none can carry it."""
    if key not in known:
        return "unknown_text" if known else "able"
    state = known[key].state
    return "able" if state == ReviewState.APPROVED else state

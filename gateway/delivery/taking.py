"""Take messages and open their first attempts in one commit, for whoever hands them over at once.

Each row is written as it stands then: being sent, waiting for later, or ended. That is one version
of it less, and nothing that was just sealed is opened again (ADR 24).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from gateway import cities
from gateway.content.rendering import Values
from gateway.db import begin_until, new_lease
from gateway.delivery import claim, measures, routes
from gateway.delivery.addressing import Cells
from gateway.delivery.attempt import Calls
from gateway.delivery.claim import Claimed, Handover, Sheet, open_attempts
from gateway.notifications import questions, store
from gateway.notifications.entries import TAKEN, enter
from gateway.notifications.pauses import Kind, everything
from gateway.notifications.request import Request
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.notifications.stored import as_row
from gateway.rows import insert_many
from gateway.runtime import Runtime
from gateway.traffic.turn import Turn

OPEN = 2_000  # messages open before the next are taken: a page is made while one is handed over
LATER = dict.fromkeys(("reason", "provider", "lease", "handed_over_at", "completed_at"))


class _Fresh(NamedTuple):
    """What a claim looks at of a row, while it is not sealed yet."""

    id: UUID
    citizen_id: UUID | None
    broadcast_id: UUID | None
    address: str | None
    lane: str
    klass: str
    template_id: UUID
    template_version: int
    personalisation: Values
    asks: bool
    status: str
    provider: None
    tries: int
    created_at: datetime
    expires_at: datetime
    due_at: datetime
    title: str | None
    sender_id: UUID | None
    unsubscribe: bytes | None
    plays: int | None
    digest: None = None


PLAIN = Cells(
    lambda _runtime, row: row.address,
    lambda _runtime, row: row.personalisation,
    lambda _tx, rows: [row.id for row in rows if row.asks],
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be stored, then handed over under one lease; and the lanes to wake for the rest."""

    requests: Sequence[Request] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    claimed: Claimed | None = None
    lanes: Collection[str] = ()
    held_back: Mapping[measures.Key, int] = field(default_factory=dict)


def prepare(runtime: Runtime, requests: Sequence[Request], calls: Calls | None) -> Taken:
    """Seal messages of one lane and look at them, all before anything is locked: whoever else writes need
    not wait. Without ``calls`` they wait for their lane's worker.
    """
    if not requests:
        return Taken()
    if calls is None or calls.stopping():
        with runtime.db.read() as tx:
            return _waiting(requests, _rows(tx, runtime, requests, runtime.clock()))
    with routes.turn(runtime, requests[0].lane, len(requests)) as turn, runtime.db.read() as tx:
        return _looked_at(tx, runtime, requests, turn)


def put(tx: Connection, runtime: Runtime, taken: Taken) -> None:
    """Store them as they stand, with the attempts, and enter them in the ledger."""
    rows = taken.rows
    if not rows:
        return
    insert_many(tx, notifications, {name: [row[name] for row in rows] for name in rows[0]})
    questions.ask(tx, runtime, {row["id"]: one for row, one in zip(rows, taken.requests, strict=True)})
    found = Counter((row["lane"], row["broadcast_id"], str(row["status"])) for row in rows)
    for (lane, broadcast, _), n in list(found.items()):
        found[lane, broadcast, TAKEN] += n
    enter(tx, found)
    if claimed := taken.claimed:
        open_attempts(tx, claimed.handovers, claimed.lease, rows[0]["created_at"])
    measures.add(tx, taken.held_back, rows[0]["created_at"])


def _rows(
    tx: Connection, runtime: Runtime, requests: Sequence[Request], now: datetime
) -> list[dict[str, Any]]:
    versions = store.texts(tx, runtime, requests)
    return [LATER | as_row(runtime, one, versions[store.text(one)], now) for one in requests]


def _waiting(requests: Sequence[Request], rows: Sequence[Mapping[str, Any]]) -> Taken:
    return Taken(requests, rows, lanes=(requests[0].lane,))


def _looked_at(tx: Connection, runtime: Runtime, requests: Sequence[Request], turn: Turn) -> Taken:
    """With an attempt for those that ``turn`` has room for."""
    now, lane, still = runtime.clock(), requests[0].lane, everything(tx)
    rows = _rows(tx, runtime, requests, now)
    if lane in still[Kind.LANE]:
        return _waiting(requests, rows)
    pairs = zip(rows[: turn.limit], requests, strict=False)
    fresh = [_fresh(row, request) for row, request in pairs if row["due_at"] <= now and not row["digest"]]
    channel, lease = claim.channel_of(lane), new_lease()
    sheet = claim.sort(channel, fresh, now, cities.of(runtime).rules_now(now))
    handovers = claim.gather(tx, runtime, channel, sheet, still[Kind.PROVIDER], turn, PLAIN)
    _stand(rows, sheet, handovers, _sending(runtime, lease, now), now)
    claimed = Claimed(lease, len(fresh), begin_until(now, runtime.settings.lease), handovers)
    return Taken(requests, rows, claimed, (lane,) if len(fresh) < len(rows) else (), sheet.held_back)


def _fresh(row: Mapping[str, Any], request: Request) -> Any:
    """The row, with what it says as it was given; as ``claim`` reads a stored one."""
    return _Fresh(
        row["id"],
        request.citizen_id,
        request.broadcast_id,
        request.address,
        row["lane"],
        row["klass"],
        row["template_id"],
        row["template_version"],
        request.personalisation,
        request.asks is not None,
        row["status"],
        None,
        0,
        row["created_at"],
        row["expires_at"],
        row["due_at"],
        row["title"],
        row["sender_id"],
        row["unsubscribe"],
        row["plays"],
    )


def _sending(runtime: Runtime, lease: int, now: datetime) -> dict[str, Any]:
    until = now + timedelta(seconds=runtime.settings.lease)
    more = {"lease": lease, "tries": 1, "handed_over_at": now}
    return store.standing(Status.SENDING, until, None, now, more)


def _stand(
    rows: Sequence[dict[str, Any]],
    sheet: Sheet,
    handovers: Sequence[Handover],
    sending: Mapping[str, Any],
    now: datetime,
) -> None:
    """Have each row stand as it does after its first look."""
    by_id = {row["id"]: row for row in rows}
    for move in sheet.moves:
        by_id[move.id].update(store.standing(move.new, move.due_at, move.reason, now, None))
    for may_join, moves in sheet.marked.items():
        for move in moves:
            more = {"digest": may_join}
            by_id[move.id].update(store.standing(move.new, move.due_at, move.reason, now, more))
    for handover in handovers:
        sent = {**sending, "provider": handover.provider}
        for held in handover.held:
            by_id[held.id].update(sent)

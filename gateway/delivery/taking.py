"""Take messages and open their first attempts in one commit, for whoever hands them over at once.

Each row is written as it stands then: being sent, waiting for later, or ended. That is one version
of it less, and nothing that was just sealed is opened again (ADR 24).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from gateway.notifications import store
from gateway.notifications.pauses import Kind, everything
from gateway.notifications.request import Request
from gateway.notifications.status import Status
from gateway.notifications.stored import as_columns
from gateway.runtime import Runtime
from gateway.traffic.turn import Turn

OPEN = 2_000  # messages open before the next are taken: a page is made while one is handed over
LATER = ("reason", "provider", "lease", "handed_over_at", "completed_at")  # columns that are empty until then


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
    provider: str | None
    tries: int
    created_at: datetime
    expires_at: datetime
    due_at: datetime
    title: str | None
    sender_id: UUID | None
    unsubscribe: bytes | None
    plays: int | None
    digest: bool | None


PLAIN = Cells(
    lambda _runtime, row: row.address,
    lambda _runtime, row: row.personalisation,
    lambda _tx, rows: [row.id for row in rows if row.asks],
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be stored, then handed over under one lease; and the lanes to wake for the rest."""

    requests: Sequence[Request] = ()
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
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
            return _waiting(requests, as_columns(tx, runtime, requests, runtime.clock()))
    with routes.turn(runtime, requests[0].lane, len(requests)) as turn, runtime.db.read() as tx:
        return _looked_at(tx, runtime, requests, turn)


def put(tx: Connection, runtime: Runtime, taken: Taken) -> None:
    """Store them as they stand, with the attempts, and enter them in the ledger."""
    if not taken.requests:
        return
    store.put(tx, runtime, taken.requests, taken.columns)
    now = taken.columns["created_at"][0]
    if claimed := taken.claimed:
        open_attempts(tx, claimed.handovers, claimed.lease, now)
    measures.add(tx, taken.held_back, now)


def _waiting(requests: Sequence[Request], columns: Mapping[str, Sequence[Any]]) -> Taken:
    return Taken(requests, columns, lanes=(requests[0].lane,))


def _looked_at(tx: Connection, runtime: Runtime, requests: Sequence[Request], turn: Turn) -> Taken:
    """With an attempt for those that ``turn`` has room for."""
    now, lane, still = runtime.clock(), requests[0].lane, everything(tx)
    columns = as_columns(tx, runtime, requests, now)
    if lane in still[Kind.LANE]:
        return _waiting(requests, columns)
    columns |= {name: [None] * len(requests) for name in LATER}
    rows = _fresh(columns, requests)[: turn.limit]
    fresh = [row for row in rows if row.due_at <= now and not row.digest]
    channel, lease = claim.channel_of(lane), new_lease()
    sheet = claim.sort(channel, fresh, now, cities.of(runtime).rules_now(now))
    handovers = claim.gather(tx, runtime, channel, sheet, still[Kind.PROVIDER], turn, PLAIN)
    _stand(columns, sheet, handovers, _sending(runtime, lease, now), now)
    claimed = Claimed(lease, len(fresh), begin_until(now, runtime.settings.lease), handovers)
    return Taken(requests, columns, claimed, (lane,) if len(fresh) < len(requests) else (), sheet.held_back)


def _fresh(columns: Mapping[str, Sequence[Any]], requests: Sequence[Request]) -> list[Any]:
    """The rows, with what they say as it was given; as ``claim`` reads stored ones."""
    plain = {
        "address": [one.address for one in requests],
        "personalisation": [one.personalisation for one in requests],
        "asks": [one.asks is not None for one in requests],
    }
    known = {**columns, **plain}
    return list(map(_Fresh._make, zip(*(known[name] for name in _Fresh._fields), strict=True)))


def _sending(runtime: Runtime, lease: int, now: datetime) -> dict[str, Any]:
    until = now + timedelta(seconds=runtime.settings.lease)
    more = {"lease": lease, "tries": 1, "handed_over_at": now}
    return store.standing(Status.SENDING, until, None, now, more)


def _stand(
    columns: Mapping[str, list[Any]],
    sheet: Sheet,
    handovers: Sequence[Handover],
    sending: Mapping[str, Any],
    now: datetime,
) -> None:
    """Have each row stand as it does after its first look."""
    places = {key: place for place, key in enumerate(columns["id"])}

    def stand(ids: Iterable[UUID], values: Mapping[str, Any]) -> None:
        theirs = [places[key] for key in ids]
        for name, value in {**values, "status": str(values["status"])}.items():
            column = columns[name]
            for place in theirs:
                column[place] = value

    for move in sheet.moves:
        stand([move.id], store.standing(move.new, move.due_at, move.reason, now, None))
    for may_join, moves in sheet.marked.items():
        for move in moves:
            more = {"digest": may_join}
            stand([move.id], store.standing(move.new, move.due_at, move.reason, now, more))
    for handover in handovers:
        stand((one.id for one in handover.held), {**sending, "provider": handover.provider})

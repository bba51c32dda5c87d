"""What services and operators do with subscriptions: set, try, hold, remove; the log, and telling anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, tuple_, update

from gateway import audit
from gateway.errors import HuiyinError, UnknownNameError
from gateway.runtime import Runtime
from gateway.services import webhooks as store
from gateway.services.webhooks import Kind, State, events, webhooks
from gateway.webhooks import addresses, signing, telling
from gateway.webhooks.bodies import sample
from gateway.webhooks.retry import Outcome

KEPT = timedelta(days=7)  # the log, and what waits for a paused subscription
FORGET = 5_000  # rows in one commit: nobody waits for long
PAGE = 250
LONGEST_TOKEN = 200
_TOKEN = re.compile(rf"[\x21-\x7e]{{{signing.SHORTEST_TOKEN},{LONGEST_TOKEN}}}")


class TokenError(HuiyinError):
    """token must be 10 to 200 plain characters without blanks; leave it out to have one made."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the service must know, shown once."""

    token: str
    secret: str


def subscribe(
    tx: Connection, runtime: Runtime, service_id: UUID, kind: Kind, url: str, token: str | None, actor: str
) -> Secrets:
    """Tell a service at this address, under a new signing secret; the url was checked before."""
    token = signing.new_token() if token is None else token
    if not _TOKEN.fullmatch(token):
        raise TokenError
    made = Secrets(token, signing.new_secret())
    now = runtime.clock()
    store.subscribe(tx, runtime.vault, service_id, kind, url, made.token, made.secret, now)
    _note(tx, runtime, actor, "set", service_id, kind)
    return made


def check(runtime: Runtime, url: str) -> None:
    """Raises ``UnusableUrlError``; it asks the network, so no transaction may be open."""
    addresses.check(url, runtime.settings.webhooks_private)


def known(tx: Connection, service_id: UUID, kind: Kind) -> Row[Any]:
    """The subscription; ``UnknownNameError`` where there is none."""
    row = store.find(tx, service_id, kind)
    if row is None:
        raise UnknownNameError(f"This service has no webhook of kind {kind}.")
    return row


def pause(tx: Connection, runtime: Runtime, service_id: UUID, kind: Kind, actor: str) -> bool:
    changed = store.pause(tx, known(tx, service_id, kind).id, actor, runtime.clock())
    _note(tx, runtime, actor, "pause", service_id, kind)
    return changed


def resume(tx: Connection, runtime: Runtime, service_id: UUID, kind: Kind, actor: str) -> bool:
    changed = store.resume(tx, known(tx, service_id, kind).id, runtime.clock())
    _note(tx, runtime, actor, "resume", service_id, kind)
    return changed


def remove(tx: Connection, runtime: Runtime, service_id: UUID, kind: Kind, actor: str) -> None:
    store.remove(tx, known(tx, service_id, kind).id, runtime.clock())
    _note(tx, runtime, actor, "remove", service_id, kind)


def _note(tx: Connection, runtime: Runtime, actor: str, what: str, service_id: UUID, kind: Kind) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"webhook.{what}", f"{service_id} {kind}")


def try_out(runtime: Runtime, service_id: UUID, kind: Kind) -> Outcome:
    """Post a body about nothing there, now; no transaction may be open."""
    with runtime.db.read() as tx:
        webhook = store.opened(runtime.vault, known(tx, service_id, kind))
    return telling.try_out(runtime, webhook, sample(kind, runtime))


# --- how it stands -------------------------------------------------------------------------------


def counts(tx: Connection, service_id: UUID | None = None) -> Mapping[UUID, Mapping[str, int]]:
    """Of each subscription how many events of the log stand where; told = waiting + delivered + failed."""
    query = select(events.c.webhook_id, events.c.state, func.count()).group_by(
        events.c.webhook_id, events.c.state
    )
    if service_id is not None:
        query = query.where(events.c.webhook_id.in_(_of(service_id, None)))
    found: dict[UUID, dict[str, int]] = {}
    for key, state, number in tx.execute(query):
        found.setdefault(key, {one.value: 0 for one in State})[state] = number
    return found


def waiting(tx: Connection, now: datetime) -> tuple[int, float]:
    """How many events wait, and how many seconds the oldest has: from the index of due ones."""
    due = select(func.count(), func.min(events.c.since)).where(events.c.due_at.is_not(None))
    number, oldest = tx.execute(due).one()
    return number, round((now - oldest).total_seconds(), 1) if oldest else 0.0


# --- the log -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Which:
    """Some of a service's events: of one kind, in these states, told of in this time, or just these."""

    service_id: UUID
    kind: Kind | None = None
    states: Sequence[State] = tuple(State)
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[UUID] = ()


def _of(service_id: UUID, kind: Kind | None) -> Any:
    query = select(webhooks.c.id).where(webhooks.c.service_id == service_id)
    return query.where(webhooks.c.kind == kind.value) if kind else query


def _wanted(which: Which) -> list[ColumnElement[bool]]:
    columns = events.c
    wanted: list[ColumnElement[bool]] = [
        columns.webhook_id.in_(_of(which.service_id, which.kind)),
        columns.state.in_(which.states),
    ]
    wanted += [columns.created_at >= which.since] if which.since else []
    wanted += [columns.created_at < which.until] if which.until else []
    return wanted + ([columns.id.in_(which.ids)] if which.ids else [])


def log(
    tx: Connection, which: Which, older_than: UUID | None = None, limit: int = PAGE
) -> Sequence[Row[Any]]:
    """The newest events first, each with its ``kind``; beyond one of them, the next older ones."""
    columns = events.c
    place = tuple_(columns.created_at, columns.id)
    query = select(events, webhooks.c.kind).join(webhooks, webhooks.c.id == columns.webhook_id)
    query = query.where(*_wanted(which))
    if older_than is not None:
        mark = tx.execute(select(columns.created_at).where(columns.id == older_than)).scalar_one_or_none()
        if mark is None:
            return ()
        query = query.where(place < tuple_(mark, older_than))
    return tx.execute(query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)).all()


def replay(tx: Connection, runtime: Runtime, which: Which, actor: str) -> int:
    """Tell these anew, under their own ids, for a day; returns how many."""
    now = runtime.clock()
    anew = {"state": State.WAITING.value, "tries": 0, "since": now, "due_at": now, "ended_at": None}
    live = events.c.webhook_id.in_(select(webhooks.c.id).where(store.LIVE, store.TOLD))
    number = tx.execute(update(events).where(live, *_wanted(which)).values(**anew)).rowcount
    kind = which.kind or "all"
    audit.record(tx, runtime.vault, now, actor, "webhook.replay", f"{which.service_id} {kind} {number}")
    return number


def forget_old(tx: Connection, now: datetime) -> bool:
    """Drop some of the oldest events, told or not. True where there are more."""
    every = list(tx.execute(select(webhooks.c.id)).scalars())
    columns = events.c
    old = select(columns.id).where(columns.webhook_id.in_(every), columns.created_at < now - KEPT)
    return tx.execute(delete(events).where(columns.id.in_(old.limit(FORGET)))).rowcount == FORGET

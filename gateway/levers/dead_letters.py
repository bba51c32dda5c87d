"""Dead letters: what reached nobody, gathered by its cause, and taken anew once the cause is gone.

A dead letter is an end and stays one. A replay takes a new notification that says the same to the
same person and names the old one in ``replay_of``; the old one then counts as replayed. It never
travels in an urgent lane: no code waits behind it. A replay belongs to its broadcast: its files go
with it, pausing and cancelling reach it, and in its figures it takes the dead one's place. The
service that asked sees both.

What is no longer true is never replayed: codes; reminders, whose next one is judged by itself;
results that are old, or whose transaction changed since; notices that are old, or whose broadcast
was cancelled. Nor what is no longer kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from gateway.broadcasts.store import State, broadcasts
from gateway.content import store as content
from gateway.content.rendering import MissingPersonalisationError
from gateway.content.store import TemplateVersion
from gateway.delivery.store import attempts
from gateway.errors import ForgottenError, TamperedError
from gateway.notifications import questions, store, stored
from gateway.notifications.asks import Asks
from gateway.notifications.request import TEST, Class, Request
from gateway.notifications.status import DEAD, Status
from gateway.notifications.store import notifications
from gateway.providers import Delivery
from gateway.runtime import Runtime
from gateway.transactions.store import transactions

AT_ONCE, MOST_COUNTED = 500, 10_000  # replayed in one commit; counted of what is counted again and again
LISTED = timedelta(days=90)  # what is older can help nobody any more, and is not listed
OLD_RESULT, OLD_NOTICE = timedelta(days=3), timedelta(days=7)
NEVER = frozenset({Class.CODE, Class.REMINDER})
log = structlog.get_logger()

_mine = notifications.c
_reason = func.coalesce(_mine.reason, literal_column("''"))
_newer = notifications.alias("newer")
_real = _mine.key_type.is_distinct_from(TEST)  # a test's end was played, and must never go out
_not_replayed = ~exists().where(_newer.c.replay_of == _mine.id)
_perhaps_taken = exists().where(
    attempts.c.notification_id == _mine.id,
    attempts.c.outcome.is_(None) | attempts.c.outcome.in_(["accepted", "unknown"]),
    attempts.c.receipt.is_distinct_from(Delivery.UNDELIVERED.value),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some notifications reached nobody; what is replayed is all that share one."""

    status: Status
    klass: Class
    channel: str
    reason: str

    @classmethod
    def read(cls, text: str) -> Cause:
        """From ``status/class/channel/reason``, as it is written; ``ValueError`` where it is none."""
        parts = text.split("/", 3)
        if len(parts) != 4 or parts[0] not in list(DEAD) or parts[1] not in list(Class):
            raise ValueError(f"{text[:200]!r} is no cause")
        return cls(Status(parts[0]), Class(parts[1]), parts[2], parts[3])

    def __str__(self) -> str:
        return f"{self.status}/{self.klass}/{self.channel}/{self.reason}"

    @property
    def replayable(self) -> bool:
        return self.klass not in NEVER


@dataclass(frozen=True, slots=True)
class Group:
    """The dead letters of one cause that were not replayed: how many, and from when to when."""

    cause: Cause
    number: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would do: ``fresh`` go out, ``again`` may be a second message, ``late`` never go."""

    fresh: int
    again: int
    late: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some letters of a replay: looked at, taken anew, the last of them (None: there was none), and the
    lanes to wake.
    """

    held: int
    taken: int
    last: UUID | None
    lanes: set[str]


def groups(tx: Connection, *statuses: Status, since: datetime | None = None) -> list[Group]:
    """Dead letters by cause, the newest first; those that ended ``since`` then, or all."""
    keys = (_mine.status, _mine.klass, _mine.channel, _reason)
    number = func.count()
    newest = func.max(_mine.completed_at)
    query = (
        select(*keys, number, func.min(_mine.completed_at), newest)
        .where(_one_of(statuses), _real, _mine.completed_at > since if since else true(), _not_replayed)
        .group_by(*keys)
        .order_by(newest.desc())
    )
    return [
        Group(Cause(Status(status), Class(klass), channel, reason), count, oldest, last)
        for status, klass, channel, reason, count, oldest, last in tx.execute(query)
    ]


def recent(tx: Connection, now: datetime, within: timedelta) -> Mapping[str, int]:
    """How many failed lately and were not replayed, by lane; counting stops at ``MOST_COUNTED``."""
    some = (
        select(_mine.lane)
        .where(_one_of([Status.FAILED]), _real, _mine.completed_at > now - within, _not_replayed)
        .limit(MOST_COUNTED)
        .subquery()
    )
    query = select(some.c.lane, func.count()).group_by(some.c.lane)
    return dict(tx.execute(query).all())


def plan(tx: Connection, cause: Cause, now: datetime) -> Plan:
    """Count what a replay of this cause would do now; changes nothing."""
    kind = case((_too_late(now), "late"), (_perhaps_taken, "again"), else_="fresh")
    query = select(kind.label("kind"), func.count()).where(_of(cause), _not_replayed)
    counts: dict[str, int] = dict(tx.execute(query.group_by("kind")).all())
    return Plan(counts.get("fresh", 0), counts.get("again", 0), counts.get("late", 0))


def in_doubt(cause: Cause, now: datetime) -> ColumnElement[bool]:
    """The letters of a cause that somebody may have got already: a replay may be their second message."""
    return and_(_of(cause), _not_replayed, ~_too_late(now), _perhaps_taken)


def replay(
    runtime: Runtime, cause: Cause, until: datetime, *, again: bool = False, most: int | None = None
) -> Iterator[int]:
    """Take the dead letters of a cause anew, a commit for each ``AT_ONCE``; yields how many it took.

    Only those that ended by ``until`` go: what the plan was shown for. With
    ``again`` also those that somebody may have got already. A letter goes once,
    whoever else presses at the same time. Stops after ``most``.
    """
    left = most or sys.maxsize
    after: UUID | None = None
    while left > 0:
        with runtime.db.write() as tx:
            batch = take(tx, runtime, cause, until, again=again, after=after, most=min(left, AT_ONCE))
        if batch.last is None:
            return
        runtime.wake_all(batch.lanes)
        after = batch.last
        left -= batch.held
        yield batch.taken


def take(
    tx: Connection,
    runtime: Runtime,
    cause: Cause,
    until: datetime,
    *,
    again: bool,
    most: int,
    after: UUID | None = None,
) -> Batch:
    """The next letters of a cause, taken anew in the caller's commit."""
    if not cause.replayable:
        return Batch(0, 0, None, set())
    held = _hold(tx, _wanted(cause, until, runtime.clock(), again=again), after, most)
    requests = _requests(tx, runtime, held)
    return Batch(len(held), len(requests), held[-1] if held else None, store.take(tx, runtime, requests))


def _one_of(statuses: Sequence[Status]) -> ColumnElement[bool]:
    """Written so that both databases see it is what the index of dead letters holds."""
    return or_(*(_mine.status == status for status in statuses))


def _of(cause: Cause) -> ColumnElement[bool]:
    if cause.status not in DEAD:
        raise ValueError(f"{cause.status} is no dead letter")
    return and_(
        _real,
        _mine.status == cause.status,
        _mine.klass == cause.klass,
        _mine.channel == cause.channel,
        _reason == cause.reason,
    )


def _too_late(now: datetime) -> ColumnElement[bool]:
    """What would say something that is no longer true, or that nobody waits for."""
    changed = exists().where(
        transactions.c.id == _mine.transaction_id, transactions.c.updated_at > _mine.created_at
    )
    called_off = exists().where(broadcasts.c.id == _mine.broadcast_id, broadcasts.c.state == State.CANCELLED)
    return or_(
        _mine.klass.in_(NEVER),
        _mine.personalisation == store.FORGOTTEN,
        and_(_mine.klass == Class.RESULT, or_(_mine.created_at <= now - OLD_RESULT, changed)),
        and_(_mine.klass == Class.NOTICE, or_(_mine.created_at <= now - OLD_NOTICE, called_off)),
    )


def _wanted(cause: Cause, until: datetime, now: datetime, *, again: bool) -> ColumnElement[bool]:
    wanted = and_(_of(cause), _mine.completed_at <= until, _not_replayed, ~_too_late(now))
    return wanted if again else and_(wanted, ~_perhaps_taken)


def _hold(tx: Connection, wanted: ColumnElement[bool], after: UUID | None, limit: int) -> list[UUID]:
    """Lock the next letters until commit: whoever replays the same ones waits, then sees what was done."""
    query = select(_mine.id).where(wanted)
    if after is not None:
        query = query.where(_mine.id > after)
    locked = query.order_by(_mine.id).limit(limit).with_for_update(of=notifications)
    return list(tx.execute(locked).scalars())


def _requests(tx: Connection, runtime: Runtime, held: Sequence[UUID]) -> list[Request]:
    """The same again for each, but for those a replay cannot help: no longer to be opened, or rendered."""
    rows = tx.execute(select(notifications).where(_mine.id.in_(held), _not_replayed)).all()
    versions = content.versions(tx, list({(row.template_id, row.template_version) for row in rows}))
    asked = questions.of(tx, held)
    made = [
        _request(runtime, row, versions[row.template_id, row.template_version], asked.get(row.id))
        for row in rows
    ]
    requests = [request for request in made if request]
    texts = stored.texts(tx, runtime, requests)
    return [request for request in requests if _renders(request, texts[stored.text(request)])]


def _renders(request: Request, version: TemplateVersion) -> bool:
    try:
        version.compiled.check(request.personalisation)
    except MissingPersonalisationError:
        return False
    return True


def _request(runtime: Runtime, row: Row[Any], version: TemplateVersion, asks: Asks | None) -> Request | None:
    """The same again; None for a row whose cells cannot be opened, which no replay can help."""
    try:
        address, origin = stored.own_address(runtime, row), stored.own_origin(runtime, row)
        said = store.personalisation(runtime, row.id, row.personalisation)
    except ForgottenError:  # counted among the late ones, unless it happened meanwhile
        return None
    except TamperedError:
        log.error("cell_cannot_be_opened", table="notifications", row=str(row.id))  # noqa: TRY400
        return None
    return Request(
        citizen_id=row.citizen_id,
        channel=row.channel,
        klass=Class(row.klass),
        template=version.name,
        language=version.language,
        personalisation=said,
        transaction_id=row.transaction_id,
        broadcast_id=row.broadcast_id,
        address=address.written if address else None,
        first_id=row.first_id or (row.id if row.broadcast_id else None),
        replay_of=row.id,
        asks=asks,
        origin=origin,
    )

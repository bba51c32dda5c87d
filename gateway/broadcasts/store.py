"""The rows of broadcasts, and what an operator, a service or the command may do with one.

A draft is counted before it goes. Pausing holds still what it has taken as well
(``notifications.pauses``); cancelling withdraws it, a batch at a time (``expand``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    insert,
    select,
    update,
)

from gateway import audit
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import Definition
from gateway.content import documents
from gateway.db import Utc, metadata, sparse_index
from gateway.messages import Attachment
from gateway.notifications import check_codes, pauses
from gateway.notifications.pauses import Kind
from gateway.runtime import Runtime
from gateway.transactions import call_backs


class State(StrEnum):
    """Where a broadcast is; each with its one line of meaning."""

    DRAFT = "draft"  # counted, or its list being read in
    RUNNING = "running"  # taking people, waiting for receipts, or following up
    PAUSED = "paused"  # held still: nothing more is taken or handed over
    CANCELLED = "cancelled"  # takes nobody more; what still waits is withdrawn
    FINISHED = "finished"  # all that was to be done is done; receipts may still come


DRAFT_LIFE = timedelta(days=30)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("template", String(80), nullable=False),
    Column("definition", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("service_id", Uuid, index=True),
    Column("created_by", String(80), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("check_code", String(check_codes.DIGITS), nullable=False),  # by which its notice is known as ours
    Column("counted", Integer),  # people in it; null while its list is being read in
    Column("stage", Integer, nullable=False),  # 1 the first channel, 2 the follow-up
    Column("cursor", String(36)),  # the last one taken: a citizen, a line, or a notification of stage 1
    Column("exhausted_at", Utc),  # when this stage had taken its last, or the broadcast was cancelled
    Column("settled_at", Utc),  # when this stage had handed over its last
    Column("paced_until", Utc),  # up to when the pace is used up
    Column("held_s", Integer, nullable=False),  # seconds it was paused
    Column("started_at", Utc),
    Column("finished_at", Utc),
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_broadcasts_due", broadcasts.c.due_at)


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do with a broadcast: from which states, and to which."""

    name: str
    before: frozenset[State]
    after: State


START = Action("start", frozenset({State.DRAFT}), State.RUNNING)
PAUSE = Action("pause", frozenset({State.RUNNING}), State.PAUSED)
RESUME = Action("resume", frozenset({State.PAUSED}), State.RUNNING)
CANCEL = Action("cancel", frozenset({State.DRAFT, State.RUNNING, State.PAUSED}), State.CANCELLED)
ACTIONS: Mapping[str, Action] = {action.name: action for action in (START, PAUSE, RESUME, CANCEL)}


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why an action cannot be taken, and what to do instead."""

    message: str
    next_step: str


# --- making one -----------------------------------------------------------------------------


def create(
    tx: Connection,
    runtime: Runtime,
    definition: Definition,
    actor: str,
    *,
    counted: int | None,
    service_id: UUID | None = None,
    key: UUID | None = None,
    files: Sequence[Attachment] = (),
) -> UUID:
    """Write the draft down. With ``counted`` None its list follows in batches (``list_is_read``).

    ``files`` were checked (``enclosures``).
    """
    key = key or runtime.new_id()
    now = runtime.clock()
    title = definition.title or definition.name
    tx.execute(
        insert(broadcasts).values(
            id=key,
            check_code=check_codes.draw(tx, key, title, definition.title_en or title, now),
            name=definition.name,
            template=definition.template,
            definition=definitions.dump(definition),
            state=State.DRAFT,
            service_id=service_id,
            created_by=actor,
            created_at=now,
            counted=counted,
            stage=1,
            held_s=0,
        )
    )
    documents.attach(tx, key, files, now)
    _record(tx, runtime, actor, "create", key)
    return key


def list_is_read(tx: Connection, key: UUID, counted: int) -> None:
    """The whole list is stored: the draft may be started."""
    tx.execute(update(broadcasts).where(broadcasts.c.id == key).values(counted=counted))


def is_draft(tx: Connection, key: UUID) -> bool:
    """Whether it still is one; nobody changes that until commit."""
    query = select(broadcasts.c.state).where(broadcasts.c.id == key).with_for_update()
    return bool(tx.execute(query).scalar_one() == State.DRAFT)


def forget_old(tx: Connection, now: datetime) -> None:
    """A draft nobody started within thirty days is cancelled; what waits of its list goes with it."""
    old = (broadcasts.c.state == State.DRAFT) & (broadcasts.c.created_at < now - DRAFT_LIFE)
    tx.execute(update(broadcasts).where(old).values(state=State.CANCELLED, exhausted_at=now, due_at=now))


# --- finding ---------------------------------------------------------------------------------


def find(tx: Connection, key: UUID, *, service_id: UUID | None = None) -> Any:
    """The broadcast with this id; with ``service_id`` only if it is that service's own."""
    query = select(broadcasts).where(broadcasts.c.id == key)
    if service_id is not None:
        query = query.where(broadcasts.c.service_id == service_id)
    return tx.execute(query).one_or_none()


def listed(tx: Connection, *, service_id: UUID | None = None, limit: int = 50) -> Sequence[Any]:
    """The newest broadcasts first: of one service, or all."""
    query = select(broadcasts).order_by(broadcasts.c.created_at.desc(), broadcasts.c.id.desc())
    if service_id is not None:
        query = query.where(broadcasts.c.service_id == service_id)
    return tx.execute(query.limit(limit)).all()


# --- steering ----------------------------------------------------------------------------------


def act(tx: Connection, runtime: Runtime, key: UUID, action: Action, actor: str) -> NotNow | None:
    """Do it, in the books and in the audit chain; None when it is done, or was done before.

    The caller has made sure that the broadcast exists and may be touched by ``actor``.
    """
    row = tx.execute(select(broadcasts).where(broadcasts.c.id == key).with_for_update()).one()
    if row.state == action.after:
        return None
    if row.state not in action.before:
        return NotNow(
            f"A broadcast that is {row.state} cannot {action.name}",
            f"Only one that is {' or '.join(sorted(action.before))} can.",
        )
    if action is START and not row.counted:
        return _not_ready(row)
    now = runtime.clock()
    tx.execute(
        update(broadcasts).where(broadcasts.c.id == key).values(**_changes(tx, row, action, actor, now))
    )
    if action is START:
        check_codes.begin(tx, key, now)
    if action is CANCEL:
        call_backs.withdraw_all(tx, runtime, key)
    _record(tx, runtime, actor, action.name, key)
    return None


def _changes(tx: Connection, row: Any, action: Action, actor: str, now: datetime) -> dict[str, Any]:
    """The columns an action sets; pauses are kept beside them."""
    values: dict[str, Any] = {"state": action.after, "due_at": now, "lease": None}
    name = str(row.id)
    if action is START:
        values["started_at"] = now
    elif action is PAUSE:
        pauses.pause(tx, Kind.BROADCAST, name, actor, now)
        values["due_at"] = None
    else:
        values["held_s"] = row.held_s + held(tx, row.id, now)
        if action is RESUME:
            pauses.resume(tx, Kind.BROADCAST, name)
        else:  # what waits is held still until it is withdrawn
            pauses.pause(tx, Kind.BROADCAST, name, actor, now)
            values |= {"cursor": None, "exhausted_at": now}
    return values


def held(tx: Connection, key: UUID, now: datetime) -> int:
    """For how many seconds it has been paused this time."""
    pause = pauses.paused(tx, Kind.BROADCAST).get(str(key))
    return int((now - pause.since).total_seconds()) if pause else 0


def _not_ready(row: Any) -> NotNow:
    if row.counted is None:
        return NotNow("Its list was not read to the end", "Make it again; cancel this one.")
    return NotNow("There is nobody in it", "Choose a wider audience and make another draft.")


def _record(tx: Connection, runtime: Runtime, actor: str, action: str, key: UUID) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"broadcast.{action}", f"broadcast {key}")

"""Call-backs that a broadcast asked for: which are needless by now, and what a person who calls must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from gateway.broadcasts.store import broadcasts
from gateway.citizens import register
from gateway.errors import TamperedError
from gateway.notifications.questions import questions
from gateway.notifications.status import Status
from gateway.notifications.store import notifications, personalisation
from gateway.runtime import Runtime
from gateway.transactions.call_backs import OPEN, call_backs

_messages = notifications.c


@dataclass(frozen=True, slots=True)
class Told:
    """Whom to call and why: the masked name, the number, the broadcast's name, and what was tried.

    ``tried`` are pairs of a channel and the status of its message, oldest first. ``number`` is "" where
    nobody knows one; it is masked before it is shown.
    """

    name: str
    number: str
    about: str
    tried: Sequence[tuple[str, Status]]


def reached() -> ColumnElement[bool]:
    """A message arrived: its receipt says so, or its reader answered."""
    answered = exists().where(questions.c.id == _messages.id, questions.c.answer.is_not(None))
    return or_(_messages.status == Status.DELIVERED, answered)


def _open(broadcast: UUID) -> ColumnElement[bool]:
    return (call_backs.c.broadcast_id == broadcast) & (call_backs.c.state == OPEN)


def any_open(tx: Connection, broadcast: UUID) -> bool:
    return tx.execute(select(call_backs.c.id).where(_open(broadcast)).limit(1)).first() is not None


def reached_since(tx: Connection, broadcast: UUID, limit: int) -> list[UUID]:
    """Open tickets of people whom a message reached after all: its receipt was late, or they answered."""
    columns = call_backs.c
    first = exists().where(_messages.id == columns.notification_id, reached())
    later = exists().where(
        _messages.broadcast_id == broadcast, _messages.first_id == columns.notification_id, reached()
    )
    query = select(columns.id).where(_open(broadcast), or_(first, later))
    return list(tx.execute(query.limit(limit)).scalars())


def told(tx: Connection, runtime: Runtime, tickets: Sequence[Any]) -> Mapping[UUID, Told]:
    """What to know for each of these rows of ``call_backs``, by its id; four queries for all."""
    firsts = [row.notification_id for row in tickets]
    about = {row.broadcast_id for row in tickets}
    named = select(broadcasts.c.id, broadcasts.c.name).where(broadcasts.c.id.in_(about))
    names = {row.id: row.name for row in tx.execute(named)}
    wanted = _messages.id.in_(firsts) | (_messages.broadcast_id.in_(about) & _messages.first_id.in_(firsts))
    messages = tx.execute(select(notifications).where(wanted).order_by(_messages.id)).all()
    first = {row.id: row for row in messages if row.first_id is None}
    known = register.addresses(
        tx, runtime.vault, "mobile", [row.citizen_id for row in tickets if row.citizen_id]
    )
    tried: dict[UUID, list[tuple[str, Status]]] = {}
    for row in messages:
        tried.setdefault(row.first_id or row.id, []).append((row.channel, Status(row.status)))
    found = {}
    for row in tickets:
        mine = first.get(row.notification_id)
        name, number = _who(runtime, mine) if mine else ("*", "")  # forgotten: an old ticket
        number = number or known.get(row.citizen_id, "")
        found[row.id] = Told(
            name, number, names.get(row.broadcast_id, ""), tried.get(row.notification_id, ())
        )
    return found


def _who(runtime: Runtime, row: Any) -> tuple[str, str]:
    """The masked name the message used, and the number of somebody the register does not know."""
    try:
        name = personalisation(runtime, row.id, row.personalisation).get("name", "*")
        return name, (row.address and runtime.vault.open("notifications.address", row.id, row.address)) or ""
    except TamperedError:
        return "*", ""

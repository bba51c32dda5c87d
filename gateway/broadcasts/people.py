"""A broadcast in people: each counts once, wherever the ladder has brought them; the sum is its audience.

Most had one message, and its status stands in the ledger. Whoever had more, answered, or is to be
called is looked at one by one, in the database: the few among the many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, Select, case, func, select, union_all

from gateway import channels
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.follow_up import NOWHERE, ON_ITS_WAY
from gateway.broadcasts.form import CHANNELS
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.store import State
from gateway.notifications.questions import questions
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.transactions.call_backs import DONE, OPEN, call_backs

# Where somebody stands, the best first; a person is as far as the best of their messages and calls.
REACHED = {channel: place for place, channel in enumerate((*CHANNELS, CALL_BACK))}
TO_CALL, GOING, AWAITED, LEFT_ALONE, MISSED = range(10, 15)
STANDS: Mapping[str, int] = {
    **dict.fromkeys(ON_ITS_WAY, GOING),
    **dict.fromkeys((Status.ACCEPTED, Status.UNKNOWN), AWAITED),
    **dict.fromkeys((Status.SUPPRESSED, Status.CANCELLED), LEFT_ALONE),
    **dict.fromkeys((Status.UNDELIVERED, Status.EXPIRED, Status.FAILED), MISSED),
}


@dataclass(frozen=True, slots=True)
class People:
    """``reached`` by channel (whoever was reached twice by the text, else by the call) or call-back;
    ``waiting`` for a message, a receipt, or their turn; ``to_call`` with an open ticket; ``unreached``
    with nothing more to come; ``left_alone`` on purpose, or cancelled.
    """

    reached: Mapping[str, int]
    waiting: int
    to_call: int
    unreached: int
    left_alone: int

    @property
    def audience(self) -> int:
        return sum(self.reached.values()) + self.waiting + self.to_call + self.unreached + self.left_alone


def of_all(
    tx: Connection, rows: Sequence[Any], taken: Mapping[UUID, Mapping[str, int]], now: datetime
) -> dict[UUID, People]:
    """Each of these broadcasts in people; two queries for all. ``taken`` are the messages of the first
    channel by status, from the ledger.
    """
    keys = [row.id for row in rows]
    first = {key: Counter(taken.get(key, {})) for key in keys}
    channel = {row.id: definitions.load(row.definition).channel for row in rows}
    for key, by, status, n in tx.execute(_later(keys)):
        if by == channel[key]:  # a replay, which is nobody's first message
            first[key][status] -= n
    stands: dict[UUID, Counter[int]] = {key: Counter() for key in keys}
    for key, status, best, n in tx.execute(_looked_at(keys)):
        first[key][status] -= n
        stands[key][best] += n
    for row in rows:
        for status, n in first[row.id].items():
            stands[row.id][_rank_of(status, channel[row.id])] += n
    return {row.id: _people(row, stands[row.id], now) for row in rows}


def _rank_of(status: str, channel: str) -> int:
    return REACHED[channel] if status == Status.DELIVERED else STANDS[status]


def _people(row: Any, stands: Mapping[int, int], now: datetime) -> People:
    definition = definitions.load(row.definition)
    n = Counter(stands)
    to_come = max((row.counted or 0) - n.total(), 0)
    going_on = row.finished_at is None and row.state != State.CANCELLED
    taking = going_on and row.stage == 1 and row.exhausted_at is None
    window = max(channels.load(name).RECEIPT_WINDOW for name in definition.channels)
    awaited = n[AWAITED] if row.finished_at is None or now < row.finished_at + window else 0
    climbing = n[MISSED] if going_on and definition.then else 0
    return People(
        reached={name: n[REACHED[name]] for name in (one.channel for one in definition.rungs)},
        waiting=n[GOING] + awaited + climbing + (to_come if taking else 0),
        to_call=n[TO_CALL],
        unreached=n[AWAITED] - awaited + n[MISSED] - climbing,
        left_alone=n[LEFT_ALONE] + (0 if taking else to_come),
    )


def as_json(people: People) -> dict[str, Any]:
    return {"audience": people.audience, **asdict(people)}


# --- those looked at one by one ------------------------------------------------------------------


def _later(keys: Sequence[UUID]) -> Select[Any]:
    """How many messages were nobody's first, by broadcast, channel and status."""
    columns = notifications.c
    by = (columns.broadcast_id, columns.channel, columns.status)
    mine = columns.broadcast_id.in_(keys) & columns.first_id.is_not(None)
    return select(*by, func.count()).where(mine).group_by(*by)


def _looked_at(keys: Sequence[UUID]) -> Select[Any]:
    """How many people, by broadcast, the status of their first message, and where they stand."""
    every = union_all(_messages(keys), _answers(keys), _calls(keys)).subquery()
    best = func.min(every.c.rank).label("best")
    each = select(every.c.broadcast_id, every.c.person, best).group_by(every.c.broadcast_id, every.c.person)
    one, first = each.subquery(), notifications.alias("first")
    rank = case((one.c.best < _rank(first), one.c.best), else_=_rank(first))
    found = select(one.c.broadcast_id, first.c.status, rank.label("rank")).join(
        first, first.c.id == one.c.person
    )
    per = found.subquery()
    return select(*per.c, func.count()).group_by(*per.c)


def _messages(keys: Sequence[UUID]) -> Select[Any]:
    later = notifications.alias("later")
    answered = questions.c.answer.is_not(None)
    rank = case((answered, _channel(later)), else_=_rank(later))
    query = select(later.c.broadcast_id, later.c.first_id.label("person"), rank.label("rank"))
    joined = query.outerjoin_from(later, questions, questions.c.id == later.c.id)
    return joined.where(later.c.broadcast_id.in_(keys), later.c.first_id.is_not(None))


def _answers(keys: Sequence[UUID]) -> Select[Any]:
    """Whoever answered was reached, whatever the receipt says."""
    asked = notifications.alias("asked")
    query = select(asked.c.broadcast_id, asked.c.id.label("person"), _channel(asked).label("rank"))
    joined = query.join_from(questions, asked, asked.c.id == questions.c.id)
    mine = questions.c.broadcast_id.in_(keys) & questions.c.answer.is_not(None)
    return joined.where(mine, asked.c.first_id.is_(None))


def _calls(keys: Sequence[UUID]) -> Select[Any]:
    columns = call_backs.c
    rank = case((columns.state == DONE, REACHED[CALL_BACK]), else_=TO_CALL)
    query = select(columns.broadcast_id, columns.notification_id.label("person"), rank.label("rank"))
    return query.where(columns.broadcast_id.in_(keys), columns.state.in_((OPEN, DONE)))


def _channel(messages: FromClause) -> ColumnElement[int]:
    return case(*((messages.c.channel == name, REACHED[name]) for name in CHANNELS))


def _rank(messages: FromClause) -> ColumnElement[int]:
    """Where a message brings its reader; no address of one kind is no wish to be left alone."""
    status = messages.c.status
    nowhere = (status == Status.SUPPRESSED) & messages.c.reason.in_(NOWHERE)
    return case(
        (status == Status.DELIVERED, _channel(messages)),
        (nowhere, MISSED),
        *((status == name, rank) for name, rank in STANDS.items()),
    )

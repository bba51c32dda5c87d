"""Which question a reply answers: that of the call it was keyed in, or else the newest one.

A question is open from its hand-over for 72 hours. Of those that understand a reply the newest
is meant, and its first answer counts: the same again is taken for a repetition, another one is
left to people. None goes on to an older question, which somebody who answers twice or thinks
again does not have in mind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, case, or_, select, update

from gateway.notifications.asks import Asks
from gateway.notifications.questions import OPEN_FOR, asks, questions
from gateway.notifications.status import Status
from gateway.notifications.store import notifications

AT_ONCE = 1_000  # replies in one statement; databases bound its parameters
CLOCKS = timedelta(minutes=1)  # vendors' clocks count whole seconds, and are not ours
NOT_HEARD = (Status.WAITING, Status.FAILED, Status.SUPPRESSED, Status.CANCELLED)
"""Where a message surely reached nobody, or not yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody said, without a wish in it; ``of`` is the notification whose call it was keyed in."""

    id: UUID
    address: bytes
    text: str
    at: datetime
    of: UUID | None


@dataclass(frozen=True, slots=True)
class Matched:
    """A reply and the question it answers, with the digit of its choice; ``repeated``: once more."""

    reply: UUID
    question: UUID
    choice: str
    repeated: bool


@dataclass(slots=True)
class _Question:
    """A question somebody was asked, with the answer it has by now."""

    row: Row[Any]
    asks: Asks
    answer: str | None


def match(tx: Connection, replies: Sequence[Reply], now: datetime) -> list[Matched]:
    """Find the question of each reply and keep the answers; a reply left out is for people.

    The questions are held until commit, so that of two workers one comes first.
    """
    asked = _asked(tx, replies)
    found = [one for reply in sorted(replies, key=attrgetter("at")) for one in _matched(asked, reply)]
    _keep(tx, [one for one in found if not one.repeated], now)
    return found


def _asked(tx: Connection, replies: Sequence[Reply]) -> list[_Question]:
    """What these people were asked lately, the newest hand-over first."""
    if not replies:
        return []
    ordered = sorted(replies, key=attrgetter("address"))
    parts = (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
    found = {row.id: row for some in parts for row in _held(tx, some) if row.handed_over_at}
    known = [_Question(row, asks(row), row.answer) for row in found.values()]
    return sorted(known, key=lambda one: (one.row.handed_over_at, one.row.id), reverse=True)


def _held(tx: Connection, replies: Sequence[Reply]) -> Sequence[Row[Any]]:
    """The rows these replies may answer, locked in the one order everybody takes: by address, then id."""
    columns, message = questions.c, notifications.c
    addressed = columns.address_index.in_({one.address for one in replies})
    lately = message.handed_over_at > min(reply.at for reply in replies) - OPEN_FOR
    keyed = columns.id.in_({one.of for one in replies if one.of})
    query = select(questions, message.handed_over_at, message.status).join(
        notifications, message.id == columns.id
    )
    wanted = query.where(addressed, or_(lately, keyed)).order_by(columns.address_index, columns.id)
    return tx.execute(wanted.with_for_update(of=questions)).all()


def _matched(asked: Collection[_Question], reply: Reply) -> Iterator[Matched]:
    able = [one for one in asked if _may_answer(one.row, reply)]
    for question in able:
        if choice := question.asks.answer(reply.text):
            repeated, question.answer = question.answer is not None, question.answer or choice
            if question.answer == choice:
                yield Matched(reply.id, question.row.id, choice, repeated)
            return


def _may_answer(row: Row[Any], reply: Reply) -> bool:
    if reply.of is not None:
        return bool(row.id == reply.of and row.address_index == reply.address)
    return (
        row.address_index == reply.address
        and row.status not in NOT_HEARD
        and row.asked_at <= reply.at + CLOCKS
        and reply.at < row.handed_over_at + OPEN_FOR
    )


def _keep(tx: Connection, answers: Sequence[Matched], now: datetime) -> None:
    columns = questions.c
    values: Mapping[str, Any] = {
        "answer": bindparam("choice"),
        "answered_at": now,
        "inbound_id": bindparam("reply"),
        "due_at": case((columns.transaction_id.is_not(None), now)),
    }
    rows = [{"of": one.question, "choice": one.choice, "reply": one.reply} for one in answers]
    if rows:
        tx.execute(update(questions).where(columns.id == bindparam("of")).values(**values), rows)

"""Reminders: planned as rows, judged again by their type just before they go out.

A citizen is reminded of an event once for each occasion and channel, however
often it is planned. What the type's back office cannot answer waits; what fell
away is dropped with its reason. Types that work in our own database are given a
``Desk``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    func,
    select,
    update,
)

from gateway import cities
from gateway.citizens import mandates, register
from gateway.content import store as content
from gateway.db import Utc, begin_until, claim, metadata, new_lease, sparse_index, upsert
from gateway.notifications import store as notifications
from gateway.notifications.request import Class, Request
from gateway.runtime import Runtime
from gateway.transactions import registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.messages import recipients
from gateway.transactions.model import Drop, Judgement, Later, Plan, Reminded, Tell

LANE = "reminders"
CLAIM = 50
BUG_PAUSE = timedelta(minutes=10)
BUG_LIFE = timedelta(days=3)  # after the planned moment: then nobody waits for it to be mended
INSTEAD = "sms"  # the channel that is always open takes the place of one that is closed
log = structlog.get_logger()

reminders = Table(
    "reminders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("citizen_id", Uuid, nullable=False),
    Column("event", String(32), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("occasion", String(40), nullable=False),
    Column("transaction_id", Uuid, index=True),
    Column("state", String(8), nullable=False),  # planned, told, dropped
    Column("reason", String(40)),
    Column("planned_for", Utc, nullable=False),
    Column("settled_at", Utc),  # when it was told or dropped
    Column("due_at", Utc),
    Column("lease", BigInteger),
    UniqueConstraint("citizen_id", "type", "event", "channel", "occasion"),
)
sparse_index("ix_reminders_due", reminders.c.due_at)


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder to judge: its row and whom it is for."""

    row: Row[Any]
    reminded: Reminded


def plan(
    tx: Connection,
    runtime: Runtime,
    type_name: str,
    citizen_id: UUID,
    plans: Sequence[Plan],
    transaction_id: UUID | None = None,
) -> None:
    """Plan these; one that was planned before, or has gone out, is left as it is."""
    plan_all(tx, runtime, type_name, [(citizen_id, item) for item in plans], transaction_id)


def plan_all(
    tx: Connection,
    runtime: Runtime,
    type_name: str,
    plans: Sequence[tuple[UUID, Plan]],
    transaction_id: UUID | None = None,
) -> None:
    """Plan a reminder for each of these citizens, in one statement; otherwise like ``plan``."""
    rows = [
        {
            "id": runtime.new_id(),
            "type": type_name,
            "citizen_id": citizen_id,
            "event": item.event,
            "channel": item.channel,
            "occasion": item.occasion,
            "transaction_id": transaction_id,
            "state": "planned",
            "planned_for": item.due_at,
            "due_at": item.due_at,
        }
        for citizen_id, item in plans
    ]
    if rows:
        tx.execute(upsert(tx, reminders).on_conflict_do_nothing(), rows)


def cared_for(tx: Connection, type_name: str, ids: Sequence[UUID], occasion: str) -> set[UUID]:
    """Those of these citizens who have a reminder of the type ahead, or had the one of this occasion."""
    columns = reminders.c
    query = select(columns.citizen_id).where(
        columns.type == type_name,
        columns.citizen_id.in_(ids),
        (columns.state == "planned") | (columns.occasion == occasion),
    )
    return set(tx.execute(query).scalars())


def last_due(tx: Connection, type_name: str, occasion: str) -> datetime | None:
    """When the last one planned for an occasion is due; None where none waits."""
    columns = reminders.c
    query = select(func.max(columns.due_at)).where(columns.type == type_name, columns.occasion == occasion)
    return cast("datetime | None", tx.execute(query).scalar_one())


def drop(tx: Connection, runtime: Runtime, transaction_id: UUID, reason: str) -> None:
    """Nothing more is to be said of this transaction."""
    columns, settled = reminders.c, {"settled_at": runtime.clock(), "due_at": None, "lease": None}
    where = (columns.transaction_id == transaction_id) & (columns.state == "planned")
    tx.execute(update(reminders).where(where).values(**settled, state="dropped", reason=reason))


def run_due(runtime: Runtime) -> int:
    """Judge and send what is due; returns how many reminders were looked at.

    A back office may be slow: near the end of the lease nothing more is begun under
    it, and the rest is claimed anew.
    """
    done = 0
    while rows := _claimed(runtime):
        until = begin_until(runtime.clock(), runtime.settings.lease)
        for due in _opened(runtime, rows):
            if runtime.clock() >= until:
                _let_go(runtime, rows)
                break
            _one(runtime, due)
            done += 1
    return done


def _let_go(runtime: Runtime, rows: Sequence[Row[Any]]) -> None:
    """Those of these rows that are still held under our lease are due at once, for whoever comes first."""
    ours = reminders.c.id.in_([row.id for row in rows]) & (reminders.c.lease == rows[0].lease)
    with runtime.db.write() as tx:
        tx.execute(update(reminders).where(ours).values(lease=None, due_at=runtime.clock()))


def _claimed(runtime: Runtime) -> Sequence[Row[Any]]:
    seconds = runtime.settings.lease
    with runtime.db.write() as tx:
        return claim(tx, reminders, now=runtime.clock(), seconds=seconds, limit=CLAIM, lease=new_lease())


def _opened(runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Due]:
    """The rows with whom they are for; who left the register is dropped."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    with runtime.db.read() as tx:
        citizens = [row.citizen_id for row in rows]
        people = register.people(tx, runtime.vault, citizens)
        told = mandates.to_be_told(tx, citizens, now.astimezone(rules.zone).date())
    found = []
    for row in rows:
        person = people.get(row.citizen_id)
        if person is None:
            _keep(runtime, row, Drop("not_in_register"))
            continue
        reminded = Reminded(
            person.id_number,
            person.name,
            row.citizen_id,
            Plan(row.event, row.channel, row.planned_for, row.occasion),
            rules,
            now,
            row.transaction_id,
            tuple(helper for helper, for_ in told.get(row.citizen_id, ()) if mandates.covers(for_, row.type)),
        )
        found.append(Due(row, reminded))
    return found


def _one(runtime: Runtime, due: Due) -> None:
    try:
        _judge(runtime, due)
    except Exception as error:  # noqa: BLE001 - a bug in a plug-in, or a missing text, must not stop the others
        log.error("reminder_bug", type=due.row.type, error=type(error).__name__)  # noqa: TRY400
        again = runtime.clock() + BUG_PAUSE
        over = again > due.row.planned_for + BUG_LIFE
        _keep(runtime, due.row, Drop("bug") if over else Later(again, "bug"))


def _judge(runtime: Runtime, due: Due) -> None:
    kind = registry.get(due.row.type)
    judge = kind.remind
    if not any(runtime.weights(due.row.channel).values()):
        _keep(runtime, due.row, Drop("channel_closed", _by_text(runtime, due)))
    elif judge is None:
        _keep(runtime, due.row, Drop("type_reminds_no_more"))
    elif kind.back_office is None:
        with runtime.db.write() as tx:
            lanes = _record(tx, runtime, due.row, judge(Desk(tx, runtime), due.reminded))
        runtime.wake_all(lanes)
    else:
        _keep(runtime, due.row, judge(runtime.back_office(kind.back_office), due.reminded))


def _by_text(runtime: Runtime, due: Due) -> Sequence[Plan]:
    """The same by text message, where there is such a text; planned already, it stays the only one."""
    with runtime.db.read() as tx:
        there = content.exists(tx, _template(due.row), INSTEAD)
    return [replace(due.reminded.plan, channel=INSTEAD)] if there and due.row.channel != INSTEAD else []


def _template(row: Row[Any]) -> str:
    return f"{row.type}/{row.event}"


def _keep(runtime: Runtime, row: Row[Any], judgement: Judgement) -> None:
    with runtime.db.write() as tx:
        lanes = _record(tx, runtime, row, judgement)
    runtime.wake_all(lanes)


def _record(tx: Connection, runtime: Runtime, row: Row[Any], judgement: Judgement) -> set[str]:
    """Write the judgement down where the lease is still ours, and take the message it asks for."""
    values: dict[str, Any] = {"lease": None, "due_at": None, "settled_at": runtime.clock()}
    match judgement:
        case Tell():
            values |= {"state": "told", "reason": None}
        case Drop(reason):
            values |= {"state": "dropped", "reason": reason[:40]}
        case Later(at, reason):
            values |= {"due_at": at, "reason": reason[:40], "settled_at": None}
    where = (reminders.c.id == row.id) & (reminders.c.lease == row.lease)
    kept = tx.execute(update(reminders).where(where).values(**values)).rowcount
    if not kept or isinstance(judgement, Later):
        return set()
    plan(tx, runtime, row.type, row.citizen_id, judgement.then, row.transaction_id)
    if row.transaction_id:
        word = "reminded" if isinstance(judgement, Tell) else "reminder_dropped"
        store.note(tx, runtime, row.transaction_id, word, f"{row.event} {row.channel}")
    return _taken(tx, runtime, row, judgement) if isinstance(judgement, Tell) else set()


def _taken(tx: Connection, runtime: Runtime, row: Row[Any], judgement: Tell) -> set[str]:
    """To whom the type says, else where the transaction's results went: a helper too, for a child alone."""
    it = store.load(tx, runtime, row.transaction_id) if row.transaction_id else None
    told = {one.id: one.language for one in recipients(tx, runtime, it)} if it and it.row.helper_id else {}
    told = {one: register.language(tx, one) for one in judgement.to} or told
    requests = [
        Request(
            citizen_id=citizen,
            channel=row.channel,
            klass=Class.REMINDER,
            template=_template(row),
            language=language,
            personalisation=judgement.values,
            transaction_id=row.transaction_id,
            expires=judgement.until,
        )
        for citizen, language in (told or {row.citizen_id: register.language(tx, row.citizen_id)}).items()
    ]
    return notifications.take(tx, runtime, requests)


def of_citizen(tx: Connection, citizen_id: UUID) -> Sequence[Row[Any]]:
    """What is planned for somebody and what became of it, earliest first."""
    return _in_order(tx, reminders.c.citizen_id == citizen_id)


def of_transaction(tx: Connection, transaction_id: UUID) -> Sequence[Row[Any]]:
    """The same of one transaction."""
    return _in_order(tx, reminders.c.transaction_id == transaction_id)


def _in_order(tx: Connection, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    order = reminders.c.planned_for, reminders.c.id
    return tx.execute(select(reminders).where(which).order_by(*order)).all()

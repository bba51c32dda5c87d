"""Reminders planned again when a rule or the calendar changes: moved, dropped or added; once a change.

Promises whose day was provisional are counted anew with them.

What holds has a stamp (``cities.stamp``). Where it is not the one reminders were last planned by, a row is
written and worked on like any other: page by page of the reminders that are ahead, each page in one commit
with its place. To do it again changes nothing. Reminders go by the rules in force, not by those their
transaction began under, as they are judged by them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Row,
    String,
    Table,
    Uuid,
    bindparam,
    select,
    update,
)

from gateway import cities
from gateway.cities import Rules
from gateway.db import Utc, begin_until, claim, metadata, new_lease, sparse_index, upsert
from gateway.errors import TamperedError
from gateway.runtime import Runtime
from gateway.transactions import promises, registry, store
from gateway.transactions.model import ENDS, Plan
from gateway.transactions.reminders import plan_all, reminders
from gateway.transactions.store import transactions

PAGE = 500
GONE = "planned_otherwise"  # the reason of what the rules plan no more
SETTLED = 2 * cities.FRESH  # by then every process has seen what changed
Key = tuple[str, str, str]  # event, channel, occasion

replannings = Table(
    "replannings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # counted from 1
    Column("stamp", String(64), nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("after", Uuid),  # the last reminder looked at
    Column("looked", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("promises", Integer, nullable=False),  # those with another day
    Column("due_at", Utc),
    Column("lease", BigInteger),
)
sparse_index("ix_replannings_due", replannings.c.due_at)


@dataclass(slots=True)
class Changes:
    """What a page of reminders becomes: new moments, those that fell away, and new ones."""

    moved: list[tuple[Row[Any], Plan]] = field(default_factory=list)
    dropped: list[Row[Any]] = field(default_factory=list)
    added: list[tuple[Row[Any], Plan]] = field(default_factory=list)


def notice(runtime: Runtime) -> bool:
    """Write down that rules or calendar changed since reminders were last planned; whether they have."""
    with runtime.db.read() as tx:
        stamp, last = cities.stamp(tx, runtime), _last(tx)
    if last is not None and last.stamp == stamp:
        return False
    now = runtime.clock()
    values = {"id": last.id + 1 if last else 1, "stamp": stamp, "began_at": now, "due_at": now + SETTLED}
    nothing = {"looked": 0, "moved": 0, "dropped": 0, "added": 0, "promises": 0}
    with runtime.db.write() as tx:  # of two who notice at once one writes
        tx.execute(upsert(tx, replannings).on_conflict_do_nothing(), {**values, **nothing})
    return True


def _last(tx: Connection) -> Row[Any] | None:
    return tx.execute(select(replannings).order_by(replannings.c.id.desc()).limit(1)).one_or_none()


def last(tx: Connection) -> Mapping[str, Any] | None:
    """When rules and calendar last changed, and what became of the reminders; None: they never did."""
    row = _last(tx)
    names = ("began_at", "ended_at", "looked", "moved", "dropped", "added", "promises")
    return {name: getattr(row, name) for name in names} if row else None


def run_due(runtime: Runtime) -> int:
    """Plan again what is due to be, page by page; returns how many reminders were looked at."""
    seconds, done = runtime.settings.lease, 0
    with runtime.db.write() as tx:
        now, lease = runtime.clock(), new_lease()
        claimed = claim(tx, replannings, now=now, seconds=seconds, limit=1, lease=lease)
    if not claimed:
        return 0
    until = begin_until(runtime.clock(), seconds)
    row: Row[Any] | None = claimed[0]
    if row is not None and row.after is None:
        _count_promises(runtime, claimed[0])
    while row is not None and row.ended_at is None and runtime.clock() < until:
        looked, row = _page(runtime, row)
        done += looked
    if row is not None and row.ended_at is None:  # the rest is whoever's comes next
        with runtime.db.write() as tx:
            tx.execute(update(replannings).where(_held(row)).values(lease=None, due_at=runtime.clock()))
    return done


def _count_promises(runtime: Runtime, row: Row[Any]) -> None:
    """Those whose year was not announced are counted anew, page by page; interrupted, it begins again."""
    after: UUID | None = None
    while True:
        with runtime.db.write() as tx:
            moved, after = promises.recompute(tx, runtime, after)
            tx.execute(update(replannings).where(_held(row)).values(promises=replannings.c.promises + moved))
        if after is None:
            return


def _held(row: Row[Any]) -> Any:
    return (replannings.c.id == row.id) & (replannings.c.lease == row.lease)


def _page(runtime: Runtime, row: Row[Any]) -> tuple[int, Row[Any] | None]:
    """Look at the next page under this lease; the row as it then stands, None where another has it."""
    with runtime.db.write() as tx:
        held = tx.execute(select(replannings).where(_held(row)).with_for_update()).one_or_none()
        if held is None:
            return 0, None
        page = _ahead(tx, held.after)
        changes = judge(tx, runtime, page)
        _apply(tx, runtime, changes)
        values: dict[str, Any] = {
            "looked": held.looked + len(page),
            "moved": held.moved + len(changes.moved),
            "dropped": held.dropped + len(changes.dropped),
            "added": held.added + len(changes.added),
            "after": page[-1].id if page else held.after,
        }
        if len(page) < PAGE:
            values |= {"ended_at": runtime.clock(), "due_at": None, "lease": None}
        changed = update(replannings).where(_held(row)).values(**values).returning(*replannings.c)
        return len(page), tx.execute(changed).one()


def _ahead(tx: Connection, after: UUID | None) -> Sequence[Row[Any]]:
    """The next reminders that wait for their moment; one being judged now is told or dropped by itself."""
    columns = reminders.c
    query = select(reminders).where(columns.state == "planned", columns.lease.is_(None))
    if after is not None:
        query = query.where(columns.id > after)
    return tx.execute(query.order_by(columns.id).limit(PAGE)).all()


def judge(tx: Connection, runtime: Runtime, page: Sequence[Row[Any]]) -> Changes:
    """What the rules in force make of these reminders."""
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    wanted, known = _wanted(tx, runtime, page, rules, now), _known(tx, page)
    changes = Changes()
    for row in page:
        mine = wanted.get(row.transaction_id, {})
        plan = mine.get(_key(row)) or _again(row, rules)
        if plan is None or (_key(plan) != _key(row) and _of(row, plan) in known):
            changes.dropped.append(row)
        elif plan != _plan(row):
            changes.moved.append((row, plan))
            known.add(_of(row, plan))
    for row in page:
        for plan in wanted.get(row.transaction_id, {}).values():
            if plan.due_at > now and _of(row, plan) not in known:
                changes.added.append((row, plan))
                known.add(_of(row, plan))
    return changes


def _again(row: Row[Any], rules: Rules) -> Plan | None:
    """One that no transaction would plan now, as its type has it by these rules; None: it has fallen away."""
    reminding, plan = registry.get(row.type).reminding, _plan(row)
    return reminding.again(plan, rules) if reminding and reminding.again else plan


def _wanted(
    tx: Connection, runtime: Runtime, page: Sequence[Row[Any]], rules: Rules, now: datetime
) -> Mapping[UUID, Mapping[Key, Plan]]:
    """What each transaction of these would have planned, had it ended under these rules."""
    ids = {row.transaction_id for row in page if row.transaction_id}
    rows = tx.execute(select(transactions).where(transactions.c.id.in_(ids), transactions.c.state.in_(ENDS)))
    found: dict[UUID, Mapping[Key, Plan]] = {}
    for row in rows.all():
        try:
            view = replace(store.opened(runtime, row).view(now), rules=rules)
        except TamperedError:  # one bad cell must not hold the page: its own go by their type
            continue
        found[row.id] = {_key(plan): plan for plan in registry.get(row.type).follow_up(view)}
    return found


def _known(tx: Connection, page: Sequence[Row[Any]]) -> set[tuple[Any, ...]]:
    """All that was ever planned for these people, whatever became of it."""
    columns, people = reminders.c, {row.citizen_id for row in page}
    known = select(columns.citizen_id, columns.type, columns.event, columns.channel, columns.occasion)
    return {tuple(one) for one in tx.execute(known.where(columns.citizen_id.in_(people)))}


def _of(row: Row[Any], plan: Plan) -> tuple[Any, ...]:
    return row.citizen_id, row.type, *_key(plan)


def _key(it: Any) -> Key:
    return it.event, it.channel, it.occasion


def _plan(row: Row[Any]) -> Plan:
    return Plan(row.event, row.channel, row.planned_for, row.occasion)


def _apply(tx: Connection, runtime: Runtime, changes: Changes) -> None:
    now, columns = runtime.clock(), reminders.c
    waiting = (columns.id == bindparam("key")) & (columns.state == "planned") & columns.lease.is_(None)
    if changes.moved:
        moved = update(reminders).where(waiting)
        tx.execute(
            moved.values(
                planned_for=bindparam("moment"),
                due_at=bindparam("moment"),
                reason=None,
                occasion=bindparam("named"),
            ),
            [{"key": row.id, "moment": plan.due_at, "named": plan.occasion} for row, plan in changes.moved],
        )
    if changes.dropped:
        gone = {"state": "dropped", "reason": GONE, "due_at": None, "settled_at": now}
        tx.execute(
            update(reminders).where(waiting).values(**gone), [{"key": row.id} for row in changes.dropped]
        )
    by_matter: dict[tuple[str, UUID | None], list[tuple[UUID, Plan]]] = {}
    for row, plan in changes.added:
        by_matter.setdefault((row.type, row.transaction_id), []).append((row.citizen_id, plan))
    for (kind, transaction_id), plans in by_matter.items():
        plan_all(tx, runtime, kind, plans, transaction_id)
    _note(tx, runtime, changes)


def _note(tx: Connection, runtime: Runtime, changes: Changes) -> None:
    """Each on the timeline of its transaction, where it has one."""
    said = [
        *((row, "reminder_moved") for row, _ in changes.moved),
        *((row, "reminder_dropped") for row in changes.dropped),
    ]
    store.note_all(
        tx,
        runtime,
        [
            (row.transaction_id, word, f"{row.event} {row.channel}")
            for row, word in said
            if row.transaction_id
        ],
    )

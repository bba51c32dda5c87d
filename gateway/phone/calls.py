"""The driver of calls: loads a call, runs the dialogue and the work it asks for, keeps both; one commit.

A switch names the step it answers. A step that was passed already (a webhook
that came twice) gets the very same actions again and nothing is done. What a
caller keyed stands in no log; session and actions are kept sealed, for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)

from gateway import cities
from gateway.barometer.store import Measure
from gateway.db import Utc, metadata, upsert
from gateway.phone import away, dialogue, errands, leaving, session, signals
from gateway.phone.matter import Matter
from gateway.phone.session import Place, Session
from gateway.phone.signals import Action, Answered, Event, HangUp, Hangup, Perform, Performed, Transfer
from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.devices import Device
from gateway.transactions.model import Words
from gateway.transactions.store import transactions

LIVE, ENDED, TRANSFERRED = "live", "ended", "transferred"
KEPT = timedelta(days=1)

calls = Table(
    "calls",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "call_key", LargeBinary(16), nullable=False, unique=True
    ),  # blind index of the switch's name for it
    Column("session", LargeBinary, nullable=False),
    Column("step", Integer, nullable=False),
    Column("actions", LargeBinary, nullable=False),  # what was rendered last
    Column("transaction_id", Uuid),
    Column("state", String(12), nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a switch is to do, and the number of the step its answer belongs to."""

    step: int
    actions: tuple[Action, ...]


def step(
    runtime: Runtime,
    call_key: str,
    event: Event,
    number: int,
    device: Device | None = None,
    caller: str = "",
) -> Reply:
    """Go on with a call by one event; ``number`` is the step the event answers, 0 for a new call.

    ``device`` is where the call comes from, ``caller`` the number it shows, as the switch writes it.

    Hanging up answers no step: it may come at any time. The first event of a
    call we do not know, or know no more, is taken as its beginning.
    """
    with runtime.db.write() as tx:
        row = _held(tx, runtime, call_key, create=not isinstance(event, Hangup))
        if row is None:
            return Reply(number, (HangUp(),))
        if row.state != LIVE or (row.step and row.step != number and not isinstance(event, Hangup)):
            return Reply(row.step, _opened(runtime, row))
        turn, lanes = _advance(tx, runtime, row, event if row.step else Answered(), device, caller)
    runtime.wake_all(lanes)
    return turn


def _held(tx: Connection, runtime: Runtime, call_key: str, *, create: bool) -> Row[Any] | None:
    """The call's row, ours until commit; two first webhooks make one row."""
    index = runtime.vault.index("call", call_key)
    if create:
        tx.execute(upsert(tx, calls).values(_fresh(runtime, index)).on_conflict_do_nothing())
    query = select(calls).where(calls.c.call_key == index)
    return tx.execute(query.with_for_update()).one_or_none()


def _fresh(runtime: Runtime, index: bytes) -> dict[str, Any]:
    key, now = runtime.new_id(), runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    began = dialogue.begin(
        tuple(registry.offered(runtime.settings)), Words(rules.signature, f"{rules.name_en} social security")
    )
    return {
        "id": key,
        "call_key": index,
        "session": runtime.vault.seal("calls.session", key, began.to_json()),
        "step": 0,
        "actions": runtime.vault.seal("calls.actions", key, signals.to_json(())),
        "state": LIVE,
        "started_at": now,
        "updated_at": now,
    }


def _opened(runtime: Runtime, row: Row[Any]) -> tuple[Action, ...]:
    return signals.from_json(runtime.vault.open("calls.actions", row.id, row.actions))


def _advance(
    tx: Connection, runtime: Runtime, row: Row[Any], event: Event, device: Device | None, caller: str
) -> tuple[Reply, set[str]]:
    before = session.from_json(runtime.vault.open("calls.session", row.id, row.session))
    before = replace(before, back=away.back(runtime, before))
    proven, known = (UUID(key) if key else None for key in (before.proven, before.known))
    matter = Matter(tx, runtime, row.transaction_id, proven, known, device, caller)
    now, actions = _run(matter, before, event)
    now = replace(now, proven=str(matter.proven or ""), known=str(matter.known or ""))
    state = _state(now, actions)
    if state == ENDED:
        leaving.leave(matter)
    values = {
        "session": runtime.vault.seal("calls.session", row.id, now.to_json()),
        "step": now.step,
        "actions": runtime.vault.seal("calls.actions", row.id, signals.to_json(actions)),
        "transaction_id": matter.key,
        "state": state,
        "updated_at": runtime.clock(),
    }
    tx.execute(update(calls).where(calls.c.id == row.id).values(**values))
    return Reply(now.step, actions), matter.lanes


def _run(matter: Matter, now: Session, event: Event) -> tuple[Session, tuple[Action, ...]]:
    """The dialogue and its errands, until it waits for the switch."""
    now, actions = dialogue.advance(now, event)
    while isinstance(actions[-1], Perform):
        wanted = actions[-1]
        result = errands.run(matter, wanted.step, wanted.values)
        now, actions = dialogue.advance(now, Performed(result, errands.elder(matter)))
    return now, actions


def _state(now: Session, actions: Sequence[Action]) -> str:
    if now.place is not Place.OVER:
        return LIVE
    return TRANSFERRED if isinstance(actions[-1], Transfer) else ENDED


def counted(tx: Connection, begin: datetime, end: datetime) -> list[tuple[Measure, str, str, int]]:
    """Calls that began in that time, by the type they came to, and those put through; for the barometer."""
    columns, name = calls.c, func.coalesce(transactions.c.type, "")
    about = calls.outerjoin(transactions, transactions.c.id == columns.transaction_id)
    through = func.count().filter(columns.state == TRANSFERRED)
    query = select(name.label("name"), func.count(), through).select_from(about).group_by(name)
    rows = tx.execute(query.where(columns.started_at >= begin, columns.started_at < end)).all()
    whole = [(Measure.CALLS, name, "phone", number) for name, number, _ in rows]
    return whole + [(Measure.TO_PERSON, name, "phone", number) for name, _, number in rows if number]


def forget_old(tx: Connection, now: datetime) -> None:
    """Drop calls that nobody has moved for a day."""
    tx.execute(delete(calls).where(calls.c.updated_at < now - KEPT))

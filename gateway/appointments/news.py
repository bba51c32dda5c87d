"""What others did with a booking – offered a place, closed the hall, found nobody there – made known.

It is written down where it happens, in the rows of bookings alone, so that whoever offers or
closes holds no transaction. Here each transaction is taken in its turn, moved to its stage,
and its citizen told; one commit each, and safe to repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, select, update

from gateway.appointments import closures, doing, limits, stages, told, waiting, words
from gateway.appointments.bookings import Standing, bookings, of
from gateway.cities import Rules
from gateway.runtime import Runtime
from gateway.transactions import outcome, store
from gateway.transactions.desk import Desk
from gateway.transactions.model import Changed
from gateway.transactions.store import Transaction

AT_A_TIME = 500
BUG_PAUSE = timedelta(minutes=10)
WAITS = ("waits_from", "waits_to", "waits_since")
log = structlog.get_logger()


def run_due(runtime: Runtime) -> int:
    """Tell every transaction how its booking now stands; returns how many there were."""
    columns, now = bookings.c, runtime.clock()
    query = select(columns.transaction_id).where(columns.due_at <= now).order_by(columns.due_at)
    with runtime.db.read() as tx:
        keys = tx.execute(query.limit(AT_A_TIME)).scalars().all()
    for key in keys:
        _one(runtime, key)
    return len(keys)


def _one(runtime: Runtime, key: UUID) -> None:
    try:
        with runtime.db.write() as tx:
            lanes = _tell(tx, runtime, key)
    except Exception as error:  # noqa: BLE001 - one that cannot be opened must not stop the others
        log.error("booking_not_told", error=type(error).__name__)  # noqa: TRY400 - personal data
        with runtime.db.write() as tx:
            _set(tx, key, due_at=runtime.clock() + BUG_PAUSE)
    else:
        runtime.wake_all(lanes)


def _tell(tx: Connection, runtime: Runtime, key: UUID) -> set[str]:
    now = runtime.clock()
    transaction, booking = store.load(tx, runtime, key, hold=True), of(tx, key)
    if booking is None or booking.due_at is None or booking.due_at > now:
        return set()
    if booking.state == Standing.OFFERED and booking.held_until <= now:
        begins, ends, since = (datetime.fromisoformat(transaction.facts[name]) for name in WAITS)
        waiting.wait_on(tx, booking, begins, ends, since)
        return set()
    _set(tx, key, due_at=None)
    stage = str(booking.state)
    if stage not in stages.STAGES[transaction.row.stage].then:
        return set()  # its citizen was quicker
    facts = {**transaction.facts, **_facts(tx, transaction, booking, now)}
    pressing = stage == words.CLOSED and told.is_pressing(replace(transaction.view(now), facts=facts))
    changed = Changed(stage, facts, told.SOON[stage] if pressing else None)
    doing.remind_no_more(Desk(tx, runtime), transaction, stage)
    return outcome.move(tx, runtime, transaction, changed, stage)


def _set(tx: Connection, key: UUID, **values: Any) -> None:
    tx.execute(update(bookings).where(bookings.c.transaction_id == key).values(**values))


def _facts(tx: Connection, transaction: Transaction, booking: Row[Any], now: datetime) -> Mapping[str, str]:
    """What is known of it now, beside what was before."""
    rules = transaction.rules
    match booking.state:
        case Standing.OFFERED:
            return _offered(rules, booking)
        case Standing.CANCELLED_BY_HALL:
            begins = booking.starts_at or datetime.fromisoformat(transaction.facts["waits_from"])
            hall = booking.hall or transaction.answers["hall"]
            return {"closed": closures.why(tx, rules, hall, begins, whenever=True)}
        case Standing.NO_SHOW:
            until = limits.off_until(tx, rules, booking.subject, booking.citizen_id, now)
            exempt = limits.is_exempt(tx, rules, booking.citizen_id, now)
            return {"off_until": until.isoformat() if until else "", "exempt": "1" if exempt else ""}
        case _:
            return {}


def _offered(rules: Rules, booking: Row[Any]) -> Mapping[str, str]:
    begins = booking.starts_at.astimezone(rules.zone)
    slot = waiting.slot_of(rules, booking)
    ends = slot.ends_at if slot else begins + timedelta(minutes=rules.appointment.slot_minutes)
    spans = {"starts_at": begins, "ends_at": ends, "offer_until": booking.held_until.astimezone(rules.zone)}
    return {name: at.isoformat() for name, at in spans.items()}

"""Who did not come. Judged once the day is over, and only where a hall kept its book that day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from gateway import cities
from gateway.appointments import book
from gateway.appointments.bookings import Standing, bookings, slots
from gateway.cities import Rules
from gateway.runtime import Runtime

LOOKED_BACK = timedelta(days=14)  # a day nobody looked after for longer is let be
CAME = (Standing.CHECKED_IN, Standing.SERVED)


def run_due(runtime: Runtime) -> int:
    """Write down who did not come on the days that are over; returns how many.

    On a day when a hall checked nobody in, it did not look who came: nobody is taken for absent.
    """
    now = runtime.clock()
    city = cities.of(runtime)
    rules, midnight = city.rules_now(now), city.midnight(now)
    with runtime.db.read() as tx:
        looked = {_day(rules, row) for row in _of_days_past(tx, CAME, midnight)}
        booked = _of_days_past(tx, (Standing.BOOKED,), midnight)
    keys = [row.transaction_id for row in booked if _day(rules, row) in looked]
    if not keys:
        return 0
    columns = bookings.c
    with runtime.db.write() as tx:
        still = columns.transaction_id.in_(keys) & (columns.state == Standing.BOOKED)
        ours = columns.transaction_id.in_(book.in_order(tx, still, columns.transaction_id))
        missed = update(bookings).where(ours).values(state=Standing.NO_SHOW, due_at=now)
        return tx.execute(missed).rowcount


def _of_days_past(tx: Connection, states: Sequence[str], midnight: datetime) -> Sequence[Row[Any]]:
    columns, at = bookings.c, slots.c.starts_at
    query = select(columns.transaction_id, slots.c.hall, at).join(slots, slots.c.id == columns.slot_id)
    past = query.where(columns.state.in_(states), at < midnight, at > midnight - LOOKED_BACK)
    rows: Sequence[Any] = tx.execute(past).all()
    return rows


def _day(rules: Rules, row: Row[Any]) -> tuple[str, date]:
    return row.hall, row.starts_at.astimezone(rules.zone).date()

"""Which report somebody asks for: a week, some days, or those around a policy that went out or has a date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from gateway import cities
from gateway.barometer import spans
from gateway.barometer.spans import Asked, SpanError
from gateway.broadcasts.store import broadcasts
from gateway.runtime import Runtime

WAYS = ("week", "from", "to", "around")


def asked(tx: Connection, runtime: Runtime, given: Mapping[str, str]) -> Asked:
    """By ``week``, ``from`` and ``to``, or ``around``; the last whole week where nothing is given.

    Raises ``SpanError`` with what to write instead.
    """
    wanted = {way: given[way].strip() for way in WAYS if given.get(way, "").strip()}
    now = runtime.clock()
    today = now.astimezone(cities.of(runtime).rules_now(now).zone).date()
    if len(set(wanted) - {"to"}) > 1 or ("to" in wanted and "from" not in wanted and len(wanted) > 1):
        raise SpanError("Ask for a week, or from a day to a day, or around a policy; one of these.")
    if "week" in wanted:
        return spans.week(wanted["week"], today)
    if "around" in wanted:
        return _around(tx, runtime, wanted["around"], today)
    if "from" in wanted or "to" in wanted:
        if set(wanted) != {"from", "to"}:
            raise SpanError("Give both days, from and to.")
        return spans.days(_day(wanted["from"]), _day(wanted["to"]), today)
    return spans.last_week(today)


def _around(tx: Connection, runtime: Runtime, given: str, today: date) -> Asked:
    """A day, or the id of a broadcast, which is then named."""
    try:
        key = UUID(given)
    except ValueError:
        return spans.around(_day(given), "", today)
    columns = broadcasts.c
    row = tx.execute(select(columns.name, columns.started_at).where(columns.id == key)).one_or_none()
    if row is None:
        raise SpanError("There is no broadcast with this id; gateway broadcast list shows them.")
    if row.started_at is None:
        raise SpanError("This broadcast has not begun; ask again once it has, or give a day.")
    zone = cities.of(runtime).rules_now(runtime.clock()).zone
    return spans.around(row.started_at.astimezone(zone).date(), row.name, today)


def _day(given: str) -> date:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        raise SpanError(f"{given[:20]!r} is no day; write one like 2026-11-21.") from None
    if not date(2000, 1, 1) <= found <= date(2999, 1, 1):
        raise SpanError(f"{given[:20]!r} is too far away; write a day like 2026-11-21.")
    return found

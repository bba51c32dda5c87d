"""Whose time has passed and who has no helper that may be told: the community's list, by district.

The list is made of the weekly reminders: one that found no helper is dropped with ``LISTED``. Each is
judged by the registry, so whoever is authenticated, has died or is in dispute leaves it within the week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select

from gateway import audit, cities
from gateway.citizens import register
from gateway.pensions.ladder import HELPER_EVENT, LISTED
from gateway.pensions.planning import TYPE
from gateway.runtime import Runtime
from gateway.security import mask_id_number, mask_mobile, mask_name, redact_written
from gateway.transactions.reminders import reminders

LONGEST = 5_000  # of a list: a district has so many in no week
AGAIN = timedelta(days=1)  # the next week's word may be a working day late


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody to look in on: since when it is overdue, and when this was found out last."""

    name: str
    id_number: str
    mobile: str
    district: str
    due: date
    seen_at: datetime


def listed(
    tx: Connection, runtime: Runtime, district: str, actor: str, reason: str = ""
) -> Sequence[Overdue]:
    """Who of a district is on the list, longest overdue first; masked unless there is a reason. On record."""
    now, reason = runtime.clock(), reason.strip()
    rule = cities.of(runtime).rules_now(now).pension_auth
    columns, people = reminders.c, register.citizens.c
    newest = (
        select(columns.citizen_id, func.max(columns.planned_for).label("at"))
        .where(columns.type == TYPE, columns.event == HELPER_EVENT, columns.state != "planned")
        .where(columns.planned_for > now - timedelta(days=rule.weekly_days) - 4 * AGAIN)
        .group_by(columns.citizen_id)
        .subquery()
    )
    query = (
        select(columns.citizen_id, columns.occasion, columns.planned_for)
        .join(newest, (newest.c.citizen_id == columns.citizen_id) & (newest.c.at == columns.planned_for))
        .join(register.citizens, people.id == columns.citizen_id)
        .where(columns.event == HELPER_EVENT, columns.reason == LISTED, people.district == district)
        .order_by(columns.occasion, columns.citizen_id)
    )
    rows = tx.execute(query.limit(LONGEST)).all()
    keys = [row.citizen_id for row in rows]
    known, mobiles = (
        register.people(tx, runtime.vault, keys),
        register.addresses(tx, runtime.vault, "mobile", keys),
    )
    why = redact_written(reason) if reason else "masked"
    audit.record(tx, runtime.vault, now, actor, "community_list.read", f"{district} {len(rows)} {why}"[:120])
    found = []
    for row in rows:
        one, mobile = known.get(row.citizen_id), mobiles.get(row.citizen_id, "")
        if one is None:  # a cell that cannot be opened, which is logged: the others are still looked in on
            continue
        shown = (one.name, one.id_number, mobile)
        if not reason:
            shown = (
                mask_name(one.name),
                mask_id_number(one.id_number),
                mask_mobile(mobile) if mobile else "",
            )
        found.append(Overdue(*shown, district, date.fromisoformat(row.occasion[:10]), row.planned_for))
    return found

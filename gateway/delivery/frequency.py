"""Who had how many notices lately, from the attempts that are stored anyway.

A person is a citizen, with every address of theirs; whom the register does not know is the
address itself. Two claims at the same moment may each let one notice through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from gateway.citizens.register import citizens
from gateway.delivery.store import attempts
from gateway.notice_cap import WEEK, NoticeCap, free_on
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.providers import Delivery
from gateway.rows import one_of

COUNTED = ("accepted", "unknown")  # outcomes after which somebody may have read it

Person = UUID | bytes  # a citizen, or the blind index of an address
_MINE = (notifications.c.id == attempts.c.notification_id) & (notifications.c.klass == Class.NOTICE)


@dataclass(slots=True)
class Had:
    """The days on which the people of one claim had notices; who gets one now has had one."""

    cap: NoticeCap
    today: date
    days: dict[Person, list[date]]

    def free_on(self, person: Person) -> date | None:
        """The day from which this one may get another notice; None: now, and that counts from now on."""
        days = self.days.setdefault(person, [])
        day = free_on(self.cap, days, self.today)
        if day > self.today:
            return day
        days.append(self.today)
        return None


def had(tx: Connection, cap: NoticeCap, people: Collection[Person], now: datetime, zone: ZoneInfo) -> Had:
    """What these people had in the days the cap looks at; one query for citizens, one for the rest."""
    today = now.astimezone(zone).date()
    span = WEEK - 1 if cap.per_week else 0
    since = datetime.combine(today - timedelta(days=span), time(), zone)
    found: dict[UUID, tuple[datetime, str, Person]] = {}  # a notice counts once, however often it was tried
    for query in _queries(tx, people):
        for row in tx.execute(query.where(*_lately(since))):
            found[row.id] = (row.started_at, row.handover, row.person)
    days: dict[Person, list[date]] = {}
    for at, _, person in set(found.values()):  # and so do several in one message
        days.setdefault(person, []).append(at.astimezone(zone).date())
    return Had(cap, today, days)


def _queries(tx: Connection, people: Collection[Person]) -> Iterator[Select[Any]]:
    """Each notice tried for them: its id, whose, when."""
    known = [one for one in people if isinstance(one, UUID)]
    strangers = [one for one in people if isinstance(one, bytes)]
    tried, when = attempts.join(notifications, _MINE), (attempts.c.started_at, attempts.c.handover)
    if known:
        theirs = attempts.c.address_index.in_([citizens.c.mobile_index, citizens.c.email_index])
        whose = citizens.join(tried, theirs & (notifications.c.citizen_id == citizens.c.id))
        query = select(notifications.c.id, citizens.c.id.label("person"), *when).select_from(whose)
        yield query.where(one_of(tx, citizens.c.id, known))
    if strangers:
        query = select(notifications.c.id, attempts.c.address_index.label("person"), *when).select_from(tried)
        nobody = notifications.c.citizen_id.is_(None)
        yield query.where(one_of(tx, attempts.c.address_index, strangers), nobody)


def _lately(since: datetime) -> Sequence[ColumnElement[bool]]:
    """Handed over since then, or being handed over now, and not known to have failed."""
    columns = attempts.c
    return (
        columns.started_at >= since,
        or_(columns.outcome.is_(None), columns.outcome.in_(COUNTED)),
        or_(columns.receipt.is_(None), columns.receipt != Delivery.UNDELIVERED.value),
    )

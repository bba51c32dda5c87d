"""First reminders for those who never asked: the register's pensioners whose authentication is open.

The register's word may be old, so nothing is sent by it: each reminder is judged
by the registry just before it goes out, which then plans the rungs that follow.
They are spread over the hours in which the hotline can take the calls they cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

from gateway import cities
from gateway.cities import Rules
from gateway.citizens import register
from gateway.pensions.ladder import first
from gateway.pensions.situation import DUE
from gateway.runtime import Runtime
from gateway.transactions import reminders

TYPE = "pension_auth"
PAGE = 500
FIRST, LAST = time(9), time(17)  # of a working day; text messages may go out from 8 to 20


def plan_pensioners(runtime: Runtime, limit: int, tell: Callable[[int], None] = lambda _n: None) -> int:
    """Plan one reminder for each, at most ``limit`` of them; returns how many were planned.

    Whoever had one this month, or has one ahead, is passed over: running it again
    changes nothing, and after a stop it goes on where it was. ``tell`` is called
    with the number of each page.
    """
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    month = f"{now.astimezone(rules.zone):%Y-%m}"
    occasion = first(month, now).occasion
    with runtime.db.read() as tx:
        busy_until = reminders.last_due(tx, TYPE, occasion)
    moments = paced(rules, max(now, busy_until or now))
    planned, after = 0, None
    while planned < limit:
        with runtime.db.write() as tx:
            page = register.pensioners(tx, DUE, after, PAGE)
            known = reminders.cared_for(tx, TYPE, page, occasion)
            fresh = [citizen for citizen in page if citizen not in known][: limit - planned]
            plans = [(citizen, first(month, next(moments))) for citizen in fresh]
            reminders.plan_all(tx, runtime, TYPE, plans)
        planned += len(fresh)
        tell(len(fresh))
        if len(page) < PAGE:
            break
        after = page[-1]
    return planned


def paced(rules: Rules, after: datetime) -> Iterator[datetime]:
    """Moments after that one, as many an hour as the city's rule allows, in working hours alone."""
    apart = timedelta(hours=1) / rules.pension_auth.reminders_per_hour
    calendar, moment = rules.calendar, after.astimezone(rules.zone)
    while True:
        moment += apart
        opens = datetime.combine(moment.date(), FIRST, rules.zone)
        if moment.time() >= LAST or not calendar.is_working_day(moment.date()):
            moment = calendar.add(opens, 1, "working_day", rules.zone).at
        yield (moment := max(moment, datetime.combine(moment.date(), FIRST, rules.zone)))

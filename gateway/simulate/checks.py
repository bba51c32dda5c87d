"""What must be true when the year is over, looked at from outside: the diary against the product's books.

Each check counts what it looked at and names what is wrong, by reference or row, nobody's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from gateway.cities import Rules
from gateway.delivery import ledger
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.pensions.situation import DUE, STOPPING
from gateway.simulate.acts import Act
from gateway.simulate.lives import Life
from gateway.transactions.model import OPEN, State
from gateway.transactions.promises import promises
from gateway.transactions.reminders import reminders
from gateway.transactions.store import transactions

SHOWN = 5  # of what is wrong
AHEAD = timedelta(hours=24)  # a lost card's reminder before it lapses
LATE = timedelta(hours=1)  # after its moment nothing may lie about
WARNED = ("due", "overdue")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the checks look at. ``lives`` are by citizen."""

    rules: Rules
    now: datetime
    lives: Mapping[UUID, Life]
    acts: Sequence[Act]
    reminders: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule: how many things it was looked at on, and what broke it."""

    rule: str
    looked: int
    wrong: Sequence[str]

    def told(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "ok": not self.wrong and self.looked > 0,
            "looked_at": self.looked,
            "wrong": len(self.wrong),
            "for_example": list(self.wrong[:SHOWN]),
        }


def all_of(tx: Connection, seen: Seen) -> Sequence[Check]:
    return [
        _once(tx, seen),
        nobody_passed_over(seen),
        due_rungs(seen),
        _due_of_matters(seen),
        reason_held(seen),
        _nothing_lies_about(tx, seen),
        _promises(tx, seen),
        _ledger(tx),
    ]


def _once(tx: Connection, seen: Seen) -> Check:
    """As many messages as reminders told, for each citizen and channel."""
    columns = notifications.c
    query = select(columns.citizen_id, columns.channel, func.count()).where(columns.klass == Class.REMINDER)
    sent = Counter(
        {(row[0], row[1]): row[2] for row in tx.execute(query.group_by(columns.citizen_id, columns.channel))}
    )
    told = Counter((row.citizen_id, row.channel) for row in seen.reminders if row.state == "told")
    wrong = [
        f"citizen {key[0]} {key[1]}: {told[key]} told, {sent[key]} sent"
        for key in sent | told
        if sent[key] != told[key]
    ]
    return Check("every reminder told is one message, and none is sent beside them", told.total(), wrong)


def nobody_passed_over(seen: Seen) -> Check:
    """Whoever is due when a month's reminders are planned has one from that day on."""
    last: dict[UUID, datetime] = {}
    for row in seen.reminders:
        if row.type == "pension_auth":
            last[row.citizen_id] = max(last.get(row.citizen_id, row.planned_for), row.planned_for)
    found, wrong = 0, list[str]()
    for citizen, life in seen.lives.items():
        for at in _plannings(life, seen):
            status, flags = life.stood(at)
            if status not in DUE or flags & STOPPING:
                continue
            found += 1
            if citizen not in last or last[citizen].date() < at.date():
                wrong.append(f"citizen {citizen}, {status} on {at:%Y-%m-%d}: none planned")
    return Check("whoever is due has a reminder ahead or has had it", found, wrong)


def _plannings(life: Life, seen: Seen) -> Sequence[datetime]:
    """Noon of each first of a month since this life changed first."""
    if not life.diary:
        return []
    days, day = list[datetime](), life.diary[0][0].astimezone(seen.rules.zone).replace(hour=12, minute=0)
    while day < seen.now:
        days += [day] if day.day == 1 else []
        day += timedelta(days=1)
    return days


def due_rungs(seen: Seen) -> Check:
    """Whoever was still due on the day of a rung, and had heard of it before, was reminded."""
    rule, found, wrong = seen.rules.pension_auth, 0, list[str]()
    told = {
        (row.citizen_id, row.channel, row.occasion): row
        for row in seen.reminders
        if row.type == "pension_auth"
    }
    heard = _first_heard(seen)
    rungs = [("sms", days) for days in rule.sms_days] + [("voice", days) for days in rule.voice_days]
    for citizen, life in seen.lives.items():
        for due in life.due:
            for channel, days in rungs:
                day = seen.rules.calendar.nearest(due - timedelta(days=days), -1)
                at = datetime.combine(day, datetime.min.time().replace(hour=12), seen.rules.zone)
                status, flags = life.stood(at)
                before = citizen in heard and heard[citizen].date() < day and at < seen.now
                if not before or status not in DUE or flags & STOPPING or _since(life, at) > heard[citizen]:
                    continue
                found += 1
                row = told.get((citizen, channel, f"{due} T-{days}"))
                if row is None or row.state != "told":
                    wrong.append(
                        f"citizen {citizen} {channel} {due} T-{days}: {row.reason if row else 'not planned'}"
                    )
    return Check("whoever is still due when a rung comes is reminded", found, wrong)


def _first_heard(seen: Seen) -> Mapping[UUID, datetime]:
    """When each heard first in this year: the ladder is planned behind that."""
    found: dict[UUID, datetime] = {}
    for row in seen.reminders:
        if row.type == "pension_auth" and row.state == "told" and row.settled_at:
            found[row.citizen_id] = min(found.get(row.citizen_id, row.settled_at), row.settled_at)
    return found


def _since(life: Life, at: datetime) -> datetime:
    """Since when they are due at that moment: a new cycle begins with a first reminder of its own."""
    began = [when for when, status, _ in life.diary if when <= at and status == "due_soon"]
    return began[-1] if began else at


def _due_of_matters(seen: Seen) -> Check:
    """A lost card, a visit, a filing: told once where it still stood when its moment came."""
    told: dict[tuple[UUID, str], set[str]] = {}
    for row in seen.reminders:
        if row.state == "told" and row.transaction_id:
            told.setdefault((row.transaction_id, row.type), set()).add(row.occasion)
    found, wrong = 0, list[str]()
    for act in seen.acts:
        wanted = _wanted(act, seen)
        if wanted is None:
            continue
        found += 1
        if len(told.get((act.id, act.kind), ())) != wanted:
            wrong.append(
                f"{act.kind} {act.reference}: {len(told.get((act.id, act.kind), ()))} told, not {wanted}"
            )
    return Check("a matter that stands when its reminder comes is told of once", found, wrong)


def _wanted(act: Act, seen: Seen) -> int | None:
    """How many reminders of a matter were due and true; null where nothing can be said of it."""
    if act.until is None or act.state not in (State.SUCCEEDED, State.SUBMITTED):
        return None
    stands = act.over_at or seen.now

    def due(at: datetime) -> bool:
        return act.at + LATE < at < min(stands, seen.now - LATE)

    if act.kind == "card_loss":
        return int(due(act.until - AHEAD))
    if act.kind == "appointment":
        day = act.until.astimezone(seen.rules.zone) - timedelta(days=1)
        first, last = (day.replace(hour=hour, minute=0, second=0) for hour in (9, 10))
        return None if first <= stands <= last or first <= act.at <= last else int(due(last) and due(first))
    last_day = act.until.astimezone(seen.rules.zone) - timedelta(days=1)
    moments = [last_day.replace(hour=9) - timedelta(days=days) for days in seen.rules.filing.remind_days]
    return sum(due(at) for at in moments)


def reason_held(seen: Seen) -> Check:
    """None goes out after its reason fell away: authenticated, dead, disputed, released, cancelled."""
    acts = {act.id: act for act in seen.acts}
    told = [row for row in seen.reminders if row.state == "told" and row.settled_at]
    wrong = [
        f"{row.type} {row.event} of {row.settled_at:%Y-%m-%d}: {why}"
        for row in told
        if (why := _no_reason(row, seen.lives.get(row.citizen_id), acts.get(row.transaction_id)))
    ]
    return Check("no reminder goes out after its reason fell away", len(told), wrong)


def _no_reason(row: Row[Any], life: Life | None, act: Act | None) -> str:
    if row.type == "pension_auth" and life is not None:
        status, flags = life.stood(row.settled_at)
        if flags & STOPPING:
            return f"flagged {min(flags & STOPPING)}"
        return "" if status in DUE or (status == "paused" and row.event != "remind_due") else status
    if act is not None and act.over_at is not None and act.over_at <= row.settled_at:
        return f"over since {act.over_at:%Y-%m-%d}"
    return ""


def _nothing_lies_about(tx: Connection, seen: Seen) -> Check:
    """Whatever is due was done."""
    waits = {
        "transactions": transactions,
        "reminders": reminders,
        "promises": promises,
        "notifications": notifications,
    }
    late = {name: _late(tx, table, seen.now) for name, table in waits.items()}
    open_ones = select(func.count()).where(
        transactions.c.state.in_(OPEN), transactions.c.created_at < seen.now - timedelta(days=2)
    )
    late["drafts"] = tx.execute(open_ones).scalar_one()
    looked = tx.execute(select(func.count()).select_from(transactions)).scalar_one() + len(seen.reminders)
    return Check("nothing that is due lies about", looked, [f"{n} {name}" for name, n in late.items() if n])


def _late(tx: Connection, table: Any, now: datetime) -> int:
    found: int = tx.execute(
        select(func.count()).select_from(table).where(table.c.due_at < now - LATE)
    ).scalar_one()
    return found


def _promises(tx: Connection, seen: Seen) -> Check:
    """Kept in time, dropped with its matter, or the office was warned when it was due."""
    rows = tx.execute(select(promises)).all()
    wrong = [
        f"promise {row.kind} of {row.made_at:%Y-%m-%d}, due {row.due_on}"
        for row in rows
        if (row.late or (row.state == "running" and row.ends_at < seen.now - LATE)) and row.said not in WARNED
    ]
    return Check("every promise was kept or warned of", len(rows), wrong)


def _ledger(tx: Connection) -> Check:
    """taken = ended + in flight + waiting + unknown, in every lane."""
    taken = sum(account.taken for account in ledger.accounts(tx))
    wrong = [] if ledger.balanced(tx) and ledger.adds_up(tx) else ["the ledger does not balance"]
    return Check("the ledger is balanced", taken, wrong)

"""How somebody's pension payments stand on the day the registry was asked. Pure.

Facts of a transaction are strings, so this is written to them and read from them. Sums are kept for
half an hour at most, and only where the city's rules let them be shown: a reference and four digits
of a mobile read a transaction later, and that is too little for what somebody lives on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway import calendars
from gateway.rules.model import Rules
from gateway.security import mask_name
from gateway.transactions.model import Level, View
from gateway.transactions.references import is_reference

PAID, PENDING, FAILED, HELD, NONE_YET = "paid", "pending", "pay_failed", "held_back", "none_yet"
STAGES = (PAID, PENDING, FAILED, HELD, NONE_YET)
_STAGE_OF = {"failed": FAILED, "held": HELD, "pending": PENDING, "paid": PAID}  # the first that applies
CAUSES = ("account_closed", "account_blocked", "data_mismatch")
SHOWN = timedelta(minutes=30)
DAILY = timedelta(days=1)


class Payment(Protocol):
    """One month's pension as the registry tells it; ``integrations.pension_registry`` says more."""

    @property
    def month(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def paid_on(self) -> date | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def serial(self) -> str | None: ...
    @property
    def amount(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Payments:
    """The last payments: ``stage`` is how they stand, ``month`` the one this is said of.

    ``months`` are those listed with their states, newest first; ``amounts`` their sums, if they may be
    shown until ``shown_until``. ``reason`` is why it failed, ``ours``: because of a loss report made here.
    ``next_on`` is the next day of payment, ``provisional`` while its year has no holidays announced.
    """

    stage: str = ""
    name: str = ""
    month: str = ""
    paid_on: date | None = None
    reason: str = ""
    ours: bool = False
    next_on: date | None = None
    provisional: bool = False
    asked_on: date | None = None
    months: tuple[tuple[str, str], ...] = ()
    amounts: tuple[tuple[str, str], ...] = ()
    shown_until: datetime | None = None


def found(rows: Sequence[Payment], rules: Rules, now: datetime, name: str) -> Payments:
    """What the registry's rows, newest first, come to."""
    today = now.astimezone(rules.zone).date()
    past = [row for row in rows if row.state != "planned"]
    state = next((state for state in _STAGE_OF if any(row.state == state for row in past)), "")
    it = next((row for row in past if row.state == state), None)
    planned = next((row.paid_on for row in rows if row.state == "planned" and row.paid_on), None)
    due = calendars.Day(planned, provisional=False) if planned else next_day(rules, today)
    seen = Payments(
        _STAGE_OF.get(state, NONE_YET),
        mask_name(name),
        next_on=due.date,
        provisional=due.provisional,
        asked_on=today,
        months=tuple((row.month, row.state) for row in past),
    )
    if it is None:
        return seen
    why = (it.reason or "") if state == "failed" else ""
    ours = why == "account_blocked" and is_reference(it.serial or "")
    seen = replace(seen, month=it.month, paid_on=it.paid_on, reason=why, ours=ours)
    sums = tuple((row.month, row.amount) for row in past if row.amount and row.state == "paid")
    if not sums or not may_show_amounts(rules):
        return seen
    return replace(seen, amounts=sums, shown_until=now + SHOWN)


def may_show_amounts(rules: Rules) -> bool:
    """Only where the city wants it, and asks for a second proof of who looks."""
    return rules.pension_payment.amounts and rules.identity.levels.get("pension_payment") == Level.STRONG


def next_day(rules: Rules, today: date) -> calendars.Day:
    """The next day after today on which pensions are paid, by the city's rule."""
    first = today.replace(day=1)
    for _ in range(2):
        day = _pay_day(rules, first)
        if day.date > today:
            return day
        first = (first + timedelta(days=32)).replace(day=1)
    return _pay_day(rules, first)


def _pay_day(rules: Rules, first: date) -> calendars.Day:
    """That month's: a working day, the nearest in the rule's direction."""
    rule, calendar = rules.pension_payment, rules.calendar
    day, step = first.replace(day=rule.pay_day), -1 if rule.on_holiday == "before" else 1
    while not calendar.is_working_day(day):
        day += timedelta(days=step)
    return calendars.Day(day, calendar.is_provisional(day))


def look_again(it: Payments, since: datetime, now: datetime, rules: Rules) -> datetime | None:
    """When to look again: what is not settled each day, and soon where sums are to be forgotten."""
    if it.shown_until:
        return it.shown_until
    over = since + timedelta(days=rules.pension_payment.follow_days)
    return now + DAILY if it.stage != PAID and now < over else None


# --- as facts ------------------------------------------------------------------------------------


def facts(it: Payments) -> dict[str, str]:
    """As facts of a transaction; what is not known is not among them."""
    values = {name: getattr(it, name) for name in ("stage", "name", "month", "reason")}
    days = {name: getattr(it, name) for name in ("paid_on", "next_on", "asked_on", "shown_until")}
    values |= {name: day.isoformat() for name, day in days.items() if day}
    values |= {name: "yes" for name in ("ours", "provisional") if getattr(it, name)}
    for name in ("months", "amounts"):
        values[name] = ",".join(f"{month}={word}" for month, word in getattr(it, name))
    return {name: value for name, value in values.items() if value}


def of(view: View) -> Payments:
    """What a transaction's facts tell of; stage "" where nothing was found."""
    given: Mapping[str, str] = view.facts
    until = datetime.fromisoformat(given["shown_until"]) if "shown_until" in given else None
    shown = until is not None and view.now < until
    return Payments(
        stage=given.get("stage", ""),
        name=given.get("name", ""),
        month=given.get("month", ""),
        reason=given.get("reason", ""),
        ours="ours" in given,
        paid_on=_day(given.get("paid_on")),
        next_on=_day(given.get("next_on")),
        provisional="provisional" in given,
        asked_on=_day(given.get("asked_on")) or view.updated_at.astimezone(view.rules.zone).date(),
        months=_pairs(given.get("months", "")),
        amounts=_pairs(given.get("amounts", "")) if shown else (),
        shown_until=until if shown else None,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return tuple((month, word) for month, _, word in pairs)

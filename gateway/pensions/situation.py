"""How somebody's authentication stands on the day the registry was asked. Pure.

The registry's statuses and causes of failure are domain words; the two dates are
the city's (``pension_rules``). Facts of a transaction are strings, so a situation
is written to them and read from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from gateway import pension_rules
from gateway.cities import Rules
from gateway.citizens import id_number
from gateway.security import mask_name
from gateway.transactions.model import View, Words

DONE = frozenset({"not_due", "done_silent", "done_face", "done_helper", "done_counter", "done_overseas"})
DUE = frozenset({"due_soon", "failed", "overdue_grace"})  # still to be done, and the pension not paused
PAID_AGAIN = frozenset({"resumed_backpay_pending", "backpaid"})
STATUSES = DONE | DUE | PAID_AGAIN | {"submitted_reviewing", "paused", "ended"}
STOPPING = frozenset({"death", "dispute"})  # flags under which nobody is reminded of anything

Pension = Literal["paid", "may_stop", "stopped", "ended", "not_said"]


class Standing(Protocol):
    """What the registry says of somebody; ``failed_on`` and ``failure`` of a failed try since the last.

    ``held``: the months (2026-10) that were, or are, held back by a pause.
    """

    @property
    def status(self) -> str: ...
    @property
    def last_done(self) -> date | None: ...
    @property
    def failed_on(self) -> date | None: ...
    @property
    def failure(self) -> str | None: ...
    @property
    def flags(self) -> frozenset[str]: ...
    @property
    def held(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Situation:
    """A standing with the city's dates. ``due`` and ``pause_from`` are unknown before the first time.

    ``asked_on`` is the day it is true of; ``old``: of an age at which people are
    visited; ``held``: flagged for a person to look at; ``months``: those that were, or are,
    held back, in order; ``call_back`` and ``home_visit``: until when we promised to call, each
    with the day we did. A visit is then arranged for ``visit_on`` (``visit_part``: am, pm or "") and
    made on ``visited_on``, or refused (``visit_refused``, one of ``visits.REFUSALS``).
    """

    rules: Rules
    status: str
    name: str
    asked_on: date
    due: date | None = None
    pause_from: date | None = None
    failed_on: date | None = None
    failure: str = ""
    old: bool = False
    held: bool = False
    months: tuple[str, ...] = ()
    call_back: date | None = None
    call_back_done: date | None = None
    home_visit: date | None = None
    home_visit_done: date | None = None
    visit_on: date | None = None
    visited_on: date | None = None
    visit_part: str = ""
    visit_refused: str = ""

    @property
    def pension(self) -> Pension:
        """Whether the pension is paid, as far as this is known."""
        if self.status in {"paused", "ended"}:
            return "stopped" if self.status == "paused" else "ended"
        if not self.held and self.status in DONE | PAID_AGAIN | {"due_soon", "overdue_grace"}:
            return "paid"
        if self.held or self.pause_from is None:
            return "not_said"
        return "paid" if self.asked_on < self.pause_from else "may_stop"


def found(standing: Standing, rules: Rules, now: datetime, number: str, name: str) -> Situation:
    """The situation of the person with this ID number and name."""
    rule, today = rules.pension_auth, now.astimezone(rules.zone).date()
    done = standing.last_done
    born = id_number.birth_date(number)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return Situation(
        rules,
        standing.status,
        mask_name(name),
        today,
        due=pension_rules.due(rule, done) if done else None,
        pause_from=pension_rules.pause_from(rule, done) if done else None,
        failed_on=standing.failed_on,
        failure=standing.failure or "",
        old=age >= rule.home_visit_age,
        held=bool(standing.flags & STOPPING),
        months=tuple(sorted(standing.held)),
    )


_CALLS = ("call_back", "call_back_done", "home_visit", "home_visit_done", "visit_on", "visited_on")
_VISIT = ("visit_part", "visit_refused")
PROMISES = (*_CALLS, *_VISIT)  # the facts that are ours, not the registry's
_DAYS = ("asked_on", "due", "pause_from", "failed_on", *_CALLS)
_FLAGS = ("old", "held")


def facts(situation: Situation) -> dict[str, str]:
    """The situation as facts of a transaction; what is not known is not among them."""
    values = {key: getattr(situation, key) for key in ("status", "name", "failure", *_VISIT)}
    values["months"] = ",".join(situation.months)
    days = {key: getattr(situation, key) for key in _DAYS}
    values |= {key: day.isoformat() for key, day in days.items() if day}
    values |= {key: "yes" for key in _FLAGS if getattr(situation, key)}
    return {key: value for key, value in values.items() if value}


def of(view: View) -> Situation:
    """The situation a transaction's facts tell of; status "" where none was found."""
    given: Mapping[str, str] = view.facts
    days = {key: date.fromisoformat(given[key]) for key in _DAYS if key in given}
    days.setdefault("asked_on", view.updated_at.astimezone(view.rules.zone).date())
    flags = {key: key in given for key in _FLAGS}
    return Situation(
        view.rules,
        given.get("status", ""),
        given.get("name", ""),
        failure=given.get("failure", ""),
        months=tuple(filter(None, given.get("months", "").split(","))),
        visit_part=given.get("visit_part", ""),
        visit_refused=given.get("visit_refused", ""),
        **days,  # type: ignore[arg-type]
        **flags,  # type: ignore[arg-type]
    )


def day(value: date, beside: date) -> Words:
    """A date as people say it; with its year only where that is not the year beside it."""
    if value.year == beside.year:
        return Words(f"{value.month}月{value.day}日", f"{value.day} {value:%B}")
    return Words(f"{value.year}年{value.month}月{value.day}日", f"{value.day} {value:%B %Y}")


def months(named: tuple[str, ...], beside: date) -> Words:
    """Months as people say them: each where they are few, else from the first to the last and how many."""
    if not named:
        return Words("部分", "part")
    days = [date.fromisoformat(f"{month}-01") for month in named]
    few = 3
    if len(days) <= few:
        return Words(
            "、".join(_month(one, beside).zh for one in days),
            ", ".join(_month(one, beside).en for one in days),
        )
    first, last = _month(days[0], beside), _month(days[-1], beside)
    return Words(f"{first.zh}至{last.zh}共{len(days)}个月", f"{first.en} to {last.en}")


def _month(one: date, beside: date) -> Words:
    if one.year == beside.year:
        return Words(f"{one.month}月", f"{one:%B}")
    return Words(f"{one.year}年{one.month}月", f"{one:%b %Y}")

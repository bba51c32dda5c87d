"""What becomes of each pensioner's authentication in the year, drawn beforehand, and its diary. Pure.

Most are matched silently, some scan their face, some fail at it and go to a counter, some forget and are
paused, a few die or are in dispute. The registry is told on the day; the diary is what the product's
reminders are judged by in the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from gateway import pension_rules
from gateway.pension_rules import PensionAuth

SILENT, FACE, FAILS, FORGETS, DIES = 0.78, 0.88, 0.93, 0.975, 0.99  # upper bounds of a draw from 0 to 1
BACK_PAID = 4  # days after whoever was paused has authenticated


@dataclass(frozen=True, slots=True)
class Turn:
    """A change the registry writes on a day, as its own ``change`` takes it."""

    day: date
    values: Mapping[str, Any]


@dataclass(slots=True)
class Life:
    """``turns`` ahead, in order of time; ``diary`` of what has happened: when, the status, the flags."""

    last_done: date
    turns: Sequence[Turn]
    due: Sequence[date]  # the due dates of the year
    diary: list[tuple[datetime, str, frozenset[str]]] = field(default_factory=list)

    def write(self, at: datetime, values: Mapping[str, Any]) -> None:
        status = str(values.get("status") or (self.diary[-1][1] if self.diary else "not_due"))
        flags = frozenset(values.get("flags") or (self.diary[-1][2] if self.diary else ()))
        self.diary.append((at, status, flags))

    def stood(self, at: datetime) -> tuple[str, frozenset[str]]:
        """Status and flags at a moment."""
        place = bisect_right(self.diary, at, key=lambda one: one[0]) - 1
        return self.diary[place][1:] if place >= 0 else ("not_due", frozenset())


def draw(luck: Random, rule: PensionAuth, begins: date, ends: date) -> Life:
    """A life in which the last authentication was some day of the year before."""
    last = begins - timedelta(days=luck.randrange(1, 365))
    turns, due, done = list[Turn](), list[date](), last
    while (soon := max(pension_rules.due(rule, done) - timedelta(days=rule.due_soon_days), begins)) < ends:
        due.append(pension_rules.due(rule, done))
        turns.append(Turn(soon, {"status": "due_soon"}))
        cycle = list(_cycle(luck, rule, soon, done))
        turns += cycle
        again = cycle[-1].values.get("last_done")
        if again is None:
            break
        done = date.fromisoformat(again)
    return Life(last, tuple(turns), tuple(due))


def _cycle(luck: Random, rule: PensionAuth, soon: date, before: date) -> Iterator[Turn]:
    """What follows once somebody is due: the last turn has done it, or nothing more comes."""
    draw, days = luck.random(), luck.randrange
    if draw < SILENT:
        yield _done(soon + timedelta(days=days(0, 56)), "silent")
    elif draw < FACE:
        yield _done(soon + timedelta(days=days(3, 88)), "face")
    elif draw < FAILS:
        failed = soon + timedelta(days=days(3, 60))
        tried = {"status": "failed", "failed_on": failed.isoformat(), "failure": "photo_mismatch"}
        yield Turn(failed, tried)
        yield _done(failed + timedelta(days=days(3, 26)), "counter")
    elif draw < FORGETS:
        due, paused = pension_rules.due(rule, before), pension_rules.pause_from(rule, before)
        if paused > due + timedelta(days=1):
            yield Turn(due + timedelta(days=1), {"status": "overdue_grace"})
        yield Turn(paused, {"status": "paused"})
        back = paused + timedelta(days=days(5, 71))
        yield Turn(
            back, {"status": "resumed_backpay_pending", "last_done": back.isoformat(), "method": "counter"}
        )
        yield Turn(back + timedelta(days=BACK_PAID), {"status": "backpaid", "last_done": back.isoformat()})
    elif draw < DIES:
        yield Turn(soon + timedelta(days=days(0, 121)), {"flags": ["death"]})
    else:
        yield Turn(soon + timedelta(days=days(0, 61)), {"flags": ["dispute"]})


def _done(day: date, method: str) -> Turn:
    return Turn(day, {"status": f"done_{method}", "last_done": day.isoformat(), "method": method})


def by_day(lives: Mapping[str, Life]) -> Mapping[date, list[tuple[str, Turn]]]:
    """Who is changed on which day; of two turns of one day the later one comes later."""
    found: dict[date, list[tuple[str, Turn]]] = defaultdict(list)
    for number, life in lives.items():
        for turn in life.turns:
            found[turn.day].append((number, turn))
    return found

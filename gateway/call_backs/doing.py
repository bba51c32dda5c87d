"""A call asked for, called off, tried: the work behind its type, in the caller's commit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from gateway.back_offices import AlreadyDone, Done, Refused, StepOutcome
from gateway.call_backs import hours, words
from gateway.call_backs.hours import SOON, Window
from gateway.call_backs.trying import Again, Over, Result
from gateway.rules.model import Rules
from gateway.transactions import call_backs, promises, tallies
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, Changed, View, Words
from gateway.transactions.tallies import Limit

KIND = "callback_request"  # of the type, and of its calls in the line
PROMISE = "call_back"  # kept by the first try
A_DAY = Limit("call_asked", 3, timedelta(hours=24), timedelta(hours=24))
"""For one number, whoever gives it: a landline gives no code, and its owner is not to be rung all day."""


def perform(desk: Desk, case: Case) -> StepOutcome:
    """Put the number into the line; one that waits already keeps its place."""
    number, wish = case.answers["number"], case.answers["wish"]
    window = hours.window_of(case.rules, wish, case.now)
    index = desk.runtime.vault.index("mobile", number)
    if tallies.locked(desk.tx, A_DAY, index, case.now):
        return Refused(words.TOO_OFTEN)
    row, ahead = call_backs.ask_for_number(
        desk.tx, desk.runtime, case.id, index, KIND, window.begins_at, window.ends_at
    )
    facts = {**_facts(case.rules, row, case.now), "number": number, "ahead": str(ahead)}
    if row.transaction_id != case.id:
        return AlreadyDone(facts, stage=words.NOTED)
    tallies.count(desk.tx, A_DAY, index, case.now)
    promises.make(desk.tx, desk.runtime, case.id, PROMISE, _hours(window, case.now), "hour", case.now)
    soon = wish == SOON and hours.staffed(case.rules, case.now)
    matter = case.answers["matter"]
    return Done({**facts, "matter": matter, **({"soon": "yes"} if soon else {})}, stage=words.WAITING)


def _hours(window: Window, now: datetime) -> int:
    """How long the promise is: until the window's end."""
    return max(1, math.ceil((window.ends_at - now) / timedelta(hours=1)))


def _facts(rules: Rules, row: Row[Any], now: datetime) -> dict[str, str]:
    """When it is to be: as promised, or for one tried before, or too late, as soon as its turn comes."""
    begin, end, soonest = row.call_from, row.call_by, max(row.call_from, now)
    if end is None or end <= soonest:
        window = hours.window_of(rules, SOON, soonest)
        begin, end = window.begins_at, window.ends_at
    return {"from": begin.isoformat(), "until": end.isoformat()}


def _end(rules: Rules, begin: datetime) -> datetime:
    return hours.window_of(rules, SOON, begin).ends_at


def withdraw(desk: Desk, case: Case) -> Changed | Words:
    """Call it off; not while somebody is calling."""
    if not call_backs.withdraw_of(desk.tx, desk.runtime, case.id, KIND):
        return words.NOT_NOW
    promises.drop(desk.tx, desk.runtime, case.id, PROMISE)
    return Changed(words.WITHDRAWN, {"number": case.answers["number"]}, words.WITHDRAWN)


def taken(view: View) -> Changed:
    """Somebody calls now, for as long as nobody else can."""
    until = view.now + call_backs.TAKEN_FOR
    return Changed(words.CALLING, {**view.facts, words.CALLED_UNTIL: until.isoformat()})


def tried(view: View, result: Result, then: Again | Over, tries: int) -> Changed:
    """What came of a call, and what the citizen is told: nothing more where they were spoken to."""
    facts: Mapping[str, str] = {**view.facts, "last": result, "tries": str(tries)}
    if isinstance(then, Again):
        until = _end(view.rules, then.at)
        kept = {name: value for name, value in facts.items() if name != "soon"}
        return Changed(words.WAITING, {**kept, "from": then.at.isoformat(), "until": until.isoformat()})
    if then.reached:
        return Changed(words.TALKED, facts)
    wrong = result is Result.WRONG_NUMBER
    return Changed(words.NOT_REACHED, facts, words.WRONG if wrong else words.NOT_REACHED)

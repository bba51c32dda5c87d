"""The three legs of a transfer: where it stands, by when the leg is due, whether it stands still. Pure.

The new place reviews and sends a letter (联系函); the old place answers with the records (信息表)
and moves the money; the new place joins both and tells. Each leg has its working days, counted
from the day after it began.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

from gateway.calendars import Day
from gateway.rules.model import Rules
from gateway.transactions.model import Case, Stage, Words

APPLIED, ACCEPTED, LETTER_SENT = "applied", "accepted", "letter_sent"
OLD_PLACE, INFO_FORM, FUNDS = "old_place_processing", "info_form_received", "funds_received"
REFUSED, COMPLETED = "refused", "completed"
SENT_BACK = "sent_back"  # the platform's ``returned``; that stage's name is the engine's own
NOTHING = "none"
LEG_OF: Mapping[str, int] = {APPLIED: 1, ACCEPTED: 1, LETTER_SENT: 2, OLD_PLACE: 2, INFO_FORM: 2, FUNDS: 3}
LEGS = 3
ORDER = "order_"  # of the facts with the references of work orders: order_leg2, order_refused
SHOWN = 3  # other transfers of the same person
LONGEST_NOTE = 100  # characters of a reviewer's words
UNLISTED = timedelta(days=30)  # so long one the platform has lost is looked for
_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}[Xx]?")  # of an ID card or a telephone, however it is written
LOOK_AT = time(0, 30)  # of the city's day: by then a leg that was due yesterday is late

_OPEN = tuple(LEG_OF)
_AFTER = (SENT_BACK, REFUSED, COMPLETED)


def _stage(zh: str, en: str, name: str) -> Stage:
    """People may take a transfer back to an earlier desk; nothing leads back from its end."""
    return Stage(Words(zh, en), (*(one for one in _OPEN if one != name), *_AFTER))


STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有查", "not looked at yet"), (*_OPEN, *_AFTER, NOTHING)),
    APPLIED: _stage("已申请，等待新参保地受理", "applied for", APPLIED),
    ACCEPTED: _stage("新参保地正在审核", "under review", ACCEPTED),
    LETTER_SENT: _stage("联系函已发给原参保地", "letter sent", LETTER_SENT),
    OLD_PLACE: _stage("原参保地正在办理", "at the old place", OLD_PLACE),
    INFO_FORM: _stage("信息表已到，等资金到账", "records received", INFO_FORM),
    FUNDS: _stage("资金已到，新参保地正在合并", "money received", FUNDS),
    SENT_BACK: Stage(Words("已退回，请补正后重新提交", "sent back"), (*_OPEN, REFUSED, COMPLETED)),
    REFUSED: Stage(Words("没有通过", "refused")),
    COMPLETED: Stage(Words("已办结", "completed")),
    NOTHING: Stage(Words("没有查到转移", "no transfer found")),
}


class Transfer(Protocol):
    """A transfer as the platform describes it."""

    @property
    def number(self) -> str: ...
    @property
    def from_place(self) -> str: ...
    @property
    def to_place(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def applied_on(self) -> date: ...
    @property
    def letter_on(self) -> date | None: ...
    @property
    def funds_on(self) -> date | None: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def note(self) -> str: ...


T = TypeVar("T", bound=Transfer)


@dataclass(frozen=True, slots=True)
class Leg:
    """The leg a transfer is in: 1 to 3, from when, by when, and whether it is over that."""

    number: int
    begun: date
    due: Day
    late: bool


# --- which, and where it stands ------------------------------------------------------------------


def stage(it: Transfer) -> str:
    """The stage of a platform's state."""
    return SENT_BACK if it.state == "returned" else it.state


def followed(found: Sequence[T]) -> T | None:
    """The newest that is under way, or else the newest there is."""
    return max(found, key=_first, default=None)


def _first(it: Transfer) -> tuple[bool, date, str]:
    """Its place among a person's transfers."""
    return stage(it) not in (REFUSED, COMPLETED), it.applied_on, it.number


def numbered(found: Sequence[T], number: str) -> T | None:
    """The one of the platform's number."""
    return next((one for one in found if one.number == number), None)


def leg(it: Transfer, rules: Rules, today: date) -> Leg | None:
    """The leg it is in; None once it is over, or waits for the citizen."""
    number = LEG_OF.get(stage(it))
    if number is None:
        return None
    since = it.since.astimezone(rules.zone).date()
    begun = {1: it.applied_on, 2: it.letter_on, 3: it.funds_on}[number] or since
    due = rules.calendar.add_working_days(begun, rules.relation_transfer.leg_working_days)
    return Leg(number, begun, due, today > due.date)


def facts_of(it: Transfer, others: Sequence[Transfer], case: Case) -> dict[str, str]:
    """What is kept of a transfer to be told: no account, no amount."""
    today = case.now.astimezone(case.rules.zone).date()
    now = leg(it, case.rules, today)
    return {
        "number": it.number,
        "from": it.from_place,
        "to": it.to_place,
        "applied": it.applied_on.isoformat(),
        "leg": str(now.number) if now else "",
        "begun": now.begun.isoformat() if now else "",
        "due": now.due.date.isoformat() if now else "",
        "provisional": "1" if now and now.due.provisional else "",
        "late": str(now.number) if now and now.late else "",
        "cause": it.cause or "" if stage(it) in (SENT_BACK, REFUSED) else "",
        "note": _NUMBER.sub("******", " ".join(it.note.split()))[:LONGEST_NOTE],
        "others": _others(it, others),
        "seen": today.isoformat(),
    }


def _others(it: Transfer, found: Sequence[Transfer]) -> str:
    """The person's other transfers, those under way and the newest first, as JSON: stage, places, day."""
    rest = sorted((one for one in found if one.number != it.number), key=_first, reverse=True)
    kept = rest[:SHOWN]
    return json.dumps(
        [[stage(one), one.from_place, one.to_place, one.applied_on.isoformat()] for one in kept]
    )


def others(facts: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """What ``facts_of`` kept of the other transfers."""
    return [(what, old, new, day) for what, old, new, day in json.loads(facts.get("others") or "[]")]


# --- when it is looked at again --------------------------------------------------------------------


def look_again(facts: Mapping[str, str], where: str, case: Case) -> datetime | None:
    """Every day; every hour while the leg is due; first when it may have become late. Null: never.

    Of what was sent back nobody knows when it comes in again: it is looked at like any other.
    """
    rule, now = case.rules.relation_transfer, case.now
    if where not in LEG_OF and where != SENT_BACK:
        return None
    usual = now + timedelta(hours=rule.follow_hours)
    if not facts.get("due"):
        return usual
    due, today = date.fromisoformat(facts["due"]), now.astimezone(case.rules.zone).date()
    if due <= today <= due + timedelta(days=rule.late_days):
        return now + timedelta(hours=min(rule.look_hours, rule.follow_hours))
    becomes_due = datetime.combine(due, LOOK_AT, case.rules.zone)
    return min(usual, becomes_due) if becomes_due > now else usual


def look_for(facts: Mapping[str, str], case: Case) -> datetime | None:
    """When one the platform lists no more is looked for again; null: no more."""
    seen = facts.get("seen")
    today = case.now.astimezone(case.rules.zone).date()
    if not seen or today - date.fromisoformat(seen) > UNLISTED:
        return None
    return case.now + timedelta(hours=case.rules.relation_transfer.follow_hours)

"""What a register's filings mean for one of ours: which it is, what follows, what is kept of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

from gateway.back_offices import AlreadyDone, Done, Pending, Refused, Returned, StepOutcome
from gateway.rules.model import Rules
from gateway.transactions.model import RETURNED, Case, Plan, Stage, Words

SUBMITTED, ACCEPTED, REVIEWING = "submitted", "accepted", "reviewing"
ACTIVE, CHANGED, CANCELLED, EXPIRED = "active", "changed", "cancelled", "expired"
OPEN = (SUBMITTED, ACCEPTED, REVIEWING)
OVER = (CHANGED, CANCELLED, EXPIRED)
ENDING = "ending"  # the reminder before its end
SOONEST = timedelta(seconds=2)  # before the register is asked again
SHARE = 4  # it is asked again after a quarter of the time it has stood so: soon at first, then seldom
LOOK_AT = time(0, 30)  # of the city's day: a filing has run out by then
REMIND_AT = time(9)
LONGEST_NOTE = 100  # characters of a reviewer's words
_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}[Xx]?")  # of an ID card or a telephone, however it is written

# Which answers are given anew, by why a filing came back.
CORRECTED: Mapping[str, tuple[str, ...]] = {
    "address_unclear": ("address",),
    "contact_unreachable": ("contact",),
    "dates_wrong": ("start", "lasting", "end"),
    "destination_wrong": ("destination", "address"),
    "reason_unclear": ("reason",),
    "other": ("address", "contact"),
}
_AFTER_REVIEW = (ACTIVE, RETURNED, *OVER)
# People may take a filing back to an earlier desk while they review it; nothing leads back from its end.
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有报送", "not filed yet"), (*OPEN, *_AFTER_REVIEW)),
    SUBMITTED: Stage(Words("已提交，等待受理", "submitted"), (ACCEPTED, REVIEWING, *_AFTER_REVIEW)),
    ACCEPTED: Stage(Words("已受理", "accepted"), (SUBMITTED, REVIEWING, *_AFTER_REVIEW)),
    REVIEWING: Stage(Words("正在审核", "under review"), (SUBMITTED, ACCEPTED, *_AFTER_REVIEW)),
    RETURNED: Stage(Words("已退回，请补正", "returned to be corrected"), (*OPEN, ACTIVE, *OVER)),
    ACTIVE: Stage(Words("已生效", "in force"), OVER),
    CHANGED: Stage(Words("已由新的备案代替", "replaced by a new filing")),
    CANCELLED: Stage(Words("已取消", "cancelled")),
    EXPIRED: Stage(Words("已到期", "expired")),
}


class Filed(Protocol):
    """A filing as the register describes it."""

    @property
    def number(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def serial(self) -> str | None: ...
    @property
    def ended_by(self) -> str | None: ...
    @property
    def details(self) -> Mapping[str, str]: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def note(self) -> str: ...


F = TypeVar("F", bound=Filed)


# --- which it is -----------------------------------------------------------------------------


def details(answers: Mapping[str, str]) -> dict[str, str]:
    """What is filed of the answers."""
    names = ("destination", "address", "contact", "start", "end", "reason", "commitment")
    return {name: answers.get(name, "") for name in names}


def mine(filed: Sequence[F], reference: str) -> F | None:
    """The one filed under our reference."""
    return next((one for one in filed if one.serial == reference), None)


def numbered(filed: Sequence[F], number: str) -> F | None:
    """The one of the register's number."""
    return next((one for one in filed if one.number == number), None)


def active(filed: Sequence[F], kind: str) -> F | None:
    """The one of this kind that is in force."""
    return next((one for one in filed if one.kind == kind and one.state == ACTIVE), None)


def waits_for_us(it: Filed, case: Case) -> bool:
    """Whether what came back has been corrected since: other answers, or the same ones given again."""
    again = case.submitted_at is not None and it.since < case.submitted_at
    return it.state == RETURNED and (again or dict(it.details) != details(case.answers))


# --- what follows ----------------------------------------------------------------------------


def outcome(it: Filed, case: Case) -> StepOutcome:
    """What the register's state of our filing means."""
    facts, rules = facts_of(it, case), case.rules
    match it.state:
        case "submitted" | "accepted" | "reviewing":
            return Pending(it.state, look_again(it.since, case.now, rules), facts)
        case "returned":
            cause = it.cause if it.cause in CORRECTED else "other"
            return Returned(cause or "other", CORRECTED[cause or "other"], facts)
        case "rejected":
            return Refused(it.cause or "other", facts=facts)
        case "active":
            return Done(facts, ACTIVE, look_later(it.details.get("end", ""), case.now, rules))
        case _:
            return Done(facts, it.state)


def as_before(it: Filed, case: Case) -> AlreadyDone:
    """The very same is in force."""
    again_at = look_later(it.details.get("end", ""), case.now, case.rules)
    return AlreadyDone(facts_of(it, case), ACTIVE, again_at)


def look_again(since: datetime, now: datetime, rules: Rules) -> datetime:
    """When a review is asked about again, of a filing that has stood so since then."""
    pause = max(SOONEST, (now - since) / SHARE)
    return now + min(pause, timedelta(hours=rules.filing.look_hours))


def look_later(end: str, now: datetime, rules: Rules) -> datetime:
    """When one in force is asked about again: after its end, or every so many days."""
    usual = now + timedelta(days=rules.filing.follow_days)
    if not end:
        return usual
    over = _at(date.fromisoformat(end) + timedelta(days=1), LOOK_AT, rules)
    return min(usual, max(over, now + timedelta(hours=rules.filing.look_hours)))


def promised(case: Case) -> str:
    """The day by which people will have looked at it; ISO 8601."""
    began = (case.submitted_at or case.now).astimezone(case.rules.zone).date()
    days = case.rules.filing.review_working_days
    return case.rules.calendar.add_working_days(began, days).date.isoformat()


def facts_of(it: Filed, case: Case) -> dict[str, str]:
    """What is kept of a filing to be told: neither the address nor the telephone."""
    return {
        "kind": it.kind,
        "number": it.number,
        "destination": it.details.get("destination", ""),
        "start": it.details.get("start", ""),
        "end": it.details.get("end", ""),
        "commitment": it.details.get("commitment", ""),
        "by": promised(case),
        "note": noted(it.note),
    }


def noted(text: str) -> str:
    """A reviewer's words, as they are shown to the citizen: one line, and no numbers of anybody's."""
    return _NUMBER.sub("******", " ".join(text.split()))[:LONGEST_NOTE]


def facts_filed(case: Case) -> dict[str, str]:
    """The same of what was handed in just now, before the register has told of it."""
    given = {
        name: case.answers.get(name, "") for name in ("kind", "destination", "start", "end", "commitment")
    }
    return {**given, "number": "", "by": promised(case), "note": ""}


# --- reminders -------------------------------------------------------------------------------


def reminders(facts: Mapping[str, str], now: datetime, rules: Rules) -> Sequence[Plan]:
    """Those before the end that are still to come."""
    if not facts.get("end") or not facts.get("number"):
        return ()
    due = [reminder_at(facts["end"], days, rules) for days in rules.filing.remind_days]
    occasions = [f"{facts['number'][:24]} {facts['end']} {days}" for days in rules.filing.remind_days]
    planned = zip(due, occasions, strict=True)
    return [Plan(ENDING, "sms", at, occasion) for at, occasion in planned if at > now]


def reminder_at(end: str, days: int, rules: Rules) -> datetime:
    """When somebody is reminded so many days before a filing ends."""
    return _at(date.fromisoformat(end) - timedelta(days=days), REMIND_AT, rules)


def reminded_of(occasion: str) -> tuple[str, str]:
    """The register's number and the end a reminder was planned for."""
    number, end, _ = occasion.rsplit(" ", 2)
    return number, end


def over_at(end: str, rules: Rules) -> datetime:
    """The moment after the last day of a filing."""
    return _at(date.fromisoformat(end) + timedelta(days=1), time(), rules)


def is_over(end: str, case: Case) -> bool:
    """Whether its last day has passed; never for one without an end."""
    return bool(end) and over_at(end, case.rules) <= case.now


def _at(day: date, clock: time, rules: Rules) -> datetime:
    return datetime.combine(day, clock, rules.zone)

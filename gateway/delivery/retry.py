"""What follows from an outcome. Pure: values and a given now, no rows, no clock.

The whole retry policy of the gateway stands in ``after``, ``after_inquiry``, ``without_inquiry`` and
``after_receipt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.notifications.reasons import Reason
from gateway.notifications.request import TREATMENT, Class, OnUnknown
from gateway.notifications.status import Status
from gateway.providers import (
    Absent,
    Accepted,
    Cause,
    Finding,
    Found,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)

LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_INQUIRY = timedelta(minutes=30)  # between two inquiries about the same message
WAITED_FOR = frozenset({Class.CODE, Class.RESULT})  # too many here and now: another provider may have room
ACCOUNT_PAUSE = timedelta(minutes=5)  # an account is unblocked by people, not by asking faster


class Standing(NamedTuple):
    """What a decision looks at: the message's class and age limit, tries so far, who else could carry it."""

    klass: Class
    tries: int
    expires_at: datetime
    others: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """What the receipts say of a message none of whose tries arrived.

    ``code`` and ``cause`` are those of the newest try, so that it does not matter in which
    order the receipts came; ``away`` counts the tries that found nobody there.
    """

    code: str
    cause: Cause | None
    away: int


@dataclass(frozen=True, slots=True)
class Next:
    """The status to move to, when to look again (null: never), and the reason to keep."""

    status: Status
    due_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long this deployment waits: for a receipt, and before asking about a lost answer."""

    receipt: timedelta
    inquiry: timedelta


def pause(tries: int) -> timedelta:
    """1, 2, 4 … seconds after the first, second, third try; five minutes at most."""
    return min(timedelta(seconds=2 ** min(max(tries - 1, 0), 16)), LONGEST_PAUSE)


def after(outcome: Outcome, standing: Standing, now: datetime, waits: Waits) -> Next:
    """What to do with a notification after one hand-over's outcome."""
    match outcome:
        case Accepted():
            return accepted(now, waits.receipt)
        case Throttled(code, until):
            if standing.others and standing.klass in WAITED_FOR:
                return _again(standing, _soon(standing, now), code)
            return _again(standing, max(until or now, now + pause(standing.tries)), code)
        case Unreachable(code):
            return _again(
                standing, _soon(standing, now) if standing.others else now + pause(standing.tries), code
            )
        case Unknown(code):
            if TREATMENT[standing.klass].on_unknown is OnUnknown.RESEND:
                return _again(standing, _soon(standing, now), code)
            return Next(Status.UNKNOWN, now + waits.inquiry, code)
        case Rejected(code, cause):
            return _rejected(code, cause, standing, now)


def accepted(at: datetime, window: timedelta) -> Next:
    """What to do with one that its provider took then: its receipt is waited for, that long."""
    return Next(Status.ACCEPTED, at + window)


def _soon(standing: Standing, now: datetime) -> datetime:
    """At once after the first try; a second failure is no longer hurried."""
    return now if standing.tries <= 1 else now + pause(standing.tries)


def _rejected(code: str, cause: Cause, standing: Standing, now: datetime) -> Next:
    if cause is Cause.RECIPIENT:
        return Next(Status.FAILED, reason=code)
    if cause is Cause.OPTED_OUT and standing.klass is Class.NOTICE:
        return Next(Status.SUPPRESSED, reason=cause.value)
    if standing.others:
        return _again(standing, _soon(standing, now), code)
    if cause is Cause.ACCOUNT:
        return _again(standing, now + ACCOUNT_PAUSE, code)
    return Next(Status.FAILED, reason=code)


def _again(standing: Standing, due_at: datetime, code: str) -> Next:
    """Wait for the next try; one that would come after the message's time is not waited for."""
    if due_at >= standing.expires_at:
        return Next(Status.EXPIRED, reason=code)
    return Next(Status.WAITING, due_at, code)


def after_inquiry(finding: Finding, standing: Standing, since: datetime, now: datetime, waits: Waits) -> Next:
    """What to do with one unknown ``since`` its hand-over when the provider was asked.

    Found: it was taken. Absent: it never was, so it goes out again. No answer: asked again later,
    also when its own time is over, for whoever waits for it wants to know. Where its receipt
    window has ended nothing is learnt any more: it is left unknown (counted, shown).
    """
    match finding:
        case Found():
            return accepted(now, waits.receipt)
        case Absent():
            return _again(standing, now, Reason.NEVER_TAKEN)
        case _:
            later, end = look_again(since, now, waits.inquiry), since + waits.receipt
            return Next(Status.UNKNOWN, min(later, end) if now < end else None, finding.code)


def look_again(since: datetime, now: datetime, grace: timedelta) -> datetime:
    """When to ask about one unknown ``since`` then: half its age later, within ``grace`` and half an hour.

    So it depends on the age alone: however often a worker died over it, the pauses grow.
    """
    return now + min(max((now - since) / 2, grace), max(grace, LONGEST_INQUIRY))


def without_inquiry(since: datetime, now: datetime, waits: Waits) -> Next:
    """What to do with one whose provider cannot be asked: wait for its report, to the window's end."""
    end = since + waits.receipt
    return Next(Status.UNKNOWN, end if now < end else None, Reason.CANNOT_ASK)


def after_receipt(missed: Missed, expires_at: datetime, now: datetime, retries: Sequence[timedelta]) -> Next:
    """What to do with one that did not arrive: it is over, or tried again where nobody was there.

    ``retries`` are the channel's. A retry that would come after the message's time is not waited
    for. Its reason is the cause: the code stands in the attempt.
    """
    if missed.cause is Cause.AWAY and missed.away <= len(retries):
        due_at = now + retries[missed.away - 1]
        if due_at < expires_at:
            return Next(Status.WAITING, due_at, Cause.AWAY.value)
    return Next(Status.UNDELIVERED, reason=missed.code)

"""What follows from one try to reach somebody by telephone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.call_backs.hours import window_of
from gateway.hotline_rules import HotlineHours
from gateway.rules.model import Rules


class Result(StrEnum):
    """What came of a try; each with its one line of meaning."""

    TALKED = "talked"  # they were told, or told us
    NO_ANSWER = "no_answer"  # it rang, and nobody took it
    BUSY = "busy"  # the line was taken
    WRONG_NUMBER = "wrong_number"  # somebody else's, or nobody's
    REFUSED = "refused"  # they want no call any more


ENDING = frozenset({Result.TALKED, Result.WRONG_NUMBER, Result.REFUSED})
REACHED = frozenset({Result.TALKED, Result.REFUSED})  # somebody whose matter it is spoke to us


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried once more, not before then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """It is not tried any more; ``reached``: they were spoken to."""

    reached: bool


def after(result: Result, tries: int, rules: Rules, now: datetime) -> Again | Over:
    """What follows from the ``tries``-th one: another while people are there, or the end."""
    if result in ENDING:
        return Over(result in REACHED)
    if tries >= rules.hotline_hours.tries:
        return Over(reached=False)
    at = now + timedelta(minutes=_pause(rules.hotline_hours, result))
    return Again(window_of(rules, "", at).begins_at if rules.hotline_hours.hours else at)


def _pause(hours: HotlineHours, result: Result) -> int:
    return hours.busy_minutes if result is Result.BUSY else hours.no_answer_minutes

"""What follows from a service's answer. Pure: values, a given now and a given chance.

The whole policy stands in ``after``, for an event, and ``rest``, for its subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.services.webhooks import State

GIVE_UP = timedelta(hours=24)  # then a person must look, and may have it told anew
FIRST_PAUSE = 5  # seconds
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_REST = timedelta(minutes=5)
LATER = (408, 425, 429)  # and all from 500: the same may be taken another time
GONE = 410  # nobody wants it any more: the subscription is paused


class Answered(NamedTuple):
    """The service answered; ``wait`` is how many seconds it wants to be left alone, where it said so."""

    status: int
    wait: float | None = None


class Silent(NamedTuple):
    """No answer, so perhaps it has it: not found, not connected, too slow, cut off."""

    code: str


class Barred(NamedTuple):
    """We did not call: its name leads to an address that may not be called."""

    code: str = "address_not_allowed"


class Lacking(NamedTuple):
    """There is nothing to tell: what it was about is no longer kept."""

    code: str = "no_longer_kept"


Outcome = Answered | Silent | Barred | Lacking


@dataclass(frozen=True, slots=True)
class Next:
    """Where the event stands then, when it is told again (null: never), and what was said."""

    state: State
    due_at: datetime | None = None
    status: int | None = None
    cause: str | None = None


def after(outcome: Outcome, tries: int, since: datetime, now: datetime, chance: float) -> Next:
    """What to do with an event after one try; ``tries`` counts it, ``chance`` is between 0 and 1.

    The last try is made a day after the first chance it had.
    """
    status, cause = _said(outcome)
    if cause is None:
        return Next(State.DELIVERED, None, status)
    if not ails(outcome) or now >= since + GIVE_UP:
        return Next(State.FAILED, None, status, cause)
    due_at = max(now + pause(tries, chance), now + _wanted(outcome))
    return Next(State.WAITING, min(due_at, since + GIVE_UP), status, cause)


def _said(outcome: Outcome) -> tuple[int | None, str | None]:
    if not isinstance(outcome, Answered):
        return None, outcome.code
    return outcome.status, None if 200 <= outcome.status < 300 else f"http_{outcome.status}"


def is_taken(outcome: Outcome) -> bool:
    """Whether the service has it."""
    return _said(outcome)[1] is None


def ails(outcome: Outcome) -> bool:
    """Whether the service is to be left alone for a while, and the same may be taken later."""
    if isinstance(outcome, Answered):
        return outcome.status >= 500 or outcome.status in LATER
    return not isinstance(outcome, Lacking)


def pause(tries: int, chance: float) -> timedelta:
    """5, 10, 20 … seconds after the first, second, third try, an hour at most; up to half of it less."""
    seconds = FIRST_PAUSE * 2 ** min(max(tries - 1, 0), 16)
    return min(timedelta(seconds=seconds), LONGEST_PAUSE) * (1 - chance / 2)


def _wanted(outcome: Outcome) -> timedelta:
    wait = outcome.wait if isinstance(outcome, Answered) and outcome.wait else 0.0
    return min(timedelta(seconds=max(wait, 0.0)), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Rest:
    """How many batches in a row fared badly, and until when the service is left alone."""

    failures: int
    until: datetime


def rest(outcomes: Sequence[Outcome], failures: int, now: datetime, chance: float) -> Rest:
    """How a subscription goes on after a batch: one good answer, and nothing holds it up.

    Where all that was tried ailed it rests 1, 2, 4 … seconds, five minutes at most; then one event
    alone is tried. A service that says when to come again is heeded.
    """
    wanted = max(map(_wanted, outcomes), default=timedelta(0))
    if not outcomes or not all(map(ails, outcomes)):
        return Rest(failures if not outcomes else 0, now + wanted)
    pause = min(timedelta(seconds=2 ** min(failures, 16)), LONGEST_REST) * (1 - chance / 2)
    return Rest(failures + 1, now + max(pause, wanted))

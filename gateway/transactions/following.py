"""What follows from one answer, or silence, of a back office. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.back_offices import (
    AlreadyDone,
    Done,
    Pending,
    Refused,
    Returned,
    Silent,
    StepOutcome,
    Unavailable,
)
from gateway.transactions.model import State

GIVE_UP = timedelta(hours=24)  # after a day of trying, a person takes over
LONGEST_PAUSE = timedelta(minutes=1)
CORRECT_WITHIN = timedelta(days=30)  # what was sent back waits so long for its citizen
SAY_SO_AFTER = timedelta(seconds=60)  # a citizen who has waited this long is told why


@dataclass(frozen=True, slots=True)
class Next:
    """The state to move to, when to look again (null: never), and the reason or trouble to keep."""

    state: State
    due_at: datetime | None = None
    reason: str | None = None


def pause(tries: int) -> timedelta:
    """2, 4, 8 … seconds after the first, second, third try; a minute at most."""
    return min(timedelta(seconds=2 ** min(tries, 16)), LONGEST_PAUSE)


def after_step(outcome: StepOutcome, tries: int, submitted_at: datetime, now: datetime) -> Next:
    """What to do with a transaction after one answer, or silence, of its back office."""
    match outcome:
        case Done():
            return Next(State.SUCCEEDED)
        case AlreadyDone():
            return Next(State.ALREADY_DONE)
        case Refused(reason):
            return Next(State.REJECTED, reason=reason)
        case Pending():
            return Next(State.SUBMITTED, outcome.again_at)
        case Returned(reason):
            return Next(State.DRAFT, now + CORRECT_WITHIN, reason)
        case Silent(code) | Unavailable(code):
            if now - submitted_at >= GIVE_UP:
                return Next(State.FAILED, reason=code)
            state = State.UPSTREAM_UNKNOWN if isinstance(outcome, Silent) else State.SUBMITTED
            return Next(state, now + pause(tries), code)

"""What follows from one answer, or silence, of a back office, and where a type's machine may go. Pure."""

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
from gateway.errors import UndeclaredMoveError
from gateway.transactions.model import RETURNED, State, TransactionType

GIVE_UP = timedelta(hours=24)  # after a day of trying, a person takes over
LONGEST_PAUSE = timedelta(minutes=1)
LONGEST_LOOK_PAUSE = timedelta(minutes=10)  # of a later look: nobody sits and waits for it
CORRECT_WITHIN = timedelta(days=30)  # what was sent back waits so long for its citizen
SAY_SO_AFTER = timedelta(seconds=60)  # a citizen who has waited this long is told why


@dataclass(frozen=True, slots=True)
class Next:
    """The state to move to, when to look again (null: never), and the reason or trouble to keep."""

    state: State
    due_at: datetime | None = None
    reason: str | None = None


def pause(tries: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """2, 4, 8 … seconds after the first, second, third try; so long at most."""
    return min(timedelta(seconds=2 ** min(tries, 16)), longest)


def after_step(outcome: StepOutcome, tries: int, since: datetime, now: datetime) -> Next:
    """What to do with a transaction after one answer, or silence, of its back office.

    ``since``: from when on it has been asked without an answer.
    """
    match outcome:
        case Done():
            return Next(State.SUCCEEDED, outcome.again_at)
        case AlreadyDone():
            return Next(State.ALREADY_DONE, outcome.again_at)
        case Refused(reason):
            return Next(State.REJECTED, reason=reason)
        case Pending():
            return Next(State.SUBMITTED, outcome.again_at)
        case Returned(reason):
            return Next(State.DRAFT, now + CORRECT_WITHIN, reason)
        case Silent(code) | Unavailable(code):
            if now - since >= GIVE_UP:
                return Next(State.FAILED, reason=code)
            state = State.UPSTREAM_UNKNOWN if isinstance(outcome, Silent) else State.SUBMITTED
            return Next(state, now + pause(tries), code)


def stage_after(outcome: StepOutcome, stage: str) -> str:
    """The stage an answer leads to; a refusal or silence leaves it as it was."""
    match outcome:
        case Done() | AlreadyDone() | Pending():
            return outcome.stage
        case Returned():
            return RETURNED
        case Refused() | Silent() | Unavailable():
            return stage


def check_move(kind: TransactionType, before: str, after: str) -> None:
    """``UndeclaredMoveError`` where the type's machine does not go from one stage to the other."""
    if not kind.stages or (before == after and after in kind.stages):
        return
    known = kind.stages.get(before)
    if known is None or after not in known.then or after not in kind.stages:
        raise UndeclaredMoveError(
            f"{kind.name} goes from stage {before!r} to {after!r}, which its stages do not declare; "
            "add it there, or mend what moved it."
        )

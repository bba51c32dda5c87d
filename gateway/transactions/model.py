"""What a transaction is: its states, a type's definition, and what follows from each step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from marshmallow import Schema
from stdnum import damm

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.cities import Rules

REFERENCE_DIGITS = 14


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence for citizens, in Chinese with English beside it."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"


class State(StrEnum):
    """Where a transaction stands; each with its one line of meaning."""

    DRAFT = "draft"  # the citizen is still answering
    IDENTITY_PENDING = "identity_pending"  # all is answered; the proof of identity is awaited
    SUBMITTED = "submitted"  # confirmed and kept; the back office is being asked
    UPSTREAM_UNKNOWN = "upstream_unknown"  # the back office went silent: asked before anything is repeated
    SUCCEEDED = "succeeded"  # done
    ALREADY_DONE = "already_done"  # it had been done before: a success with another message
    REJECTED = "rejected"  # the back office said no, with a reason
    FAILED = "failed"  # given up after a day: a person takes over
    CANCELLED = "cancelled"  # withdrawn, or never confirmed


ENDS = frozenset({State.SUCCEEDED, State.ALREADY_DONE, State.REJECTED, State.FAILED, State.CANCELLED})
OPEN = frozenset({State.DRAFT, State.IDENTITY_PENDING})
WITH_BACK_OFFICE = frozenset({State.SUBMITTED, State.UPSTREAM_UNKNOWN})


# --- the reference: 14 digits, random, with a check digit ---------------------------------
# Damm's check digit catches every single wrong digit and every swap of neighbours,
# which is what goes wrong when a number is keyed or read aloud.


def reference(draw: int) -> str:
    """The reference made of a random number below 10¹³."""
    digits = f"{draw:0{REFERENCE_DIGITS - 1}d}"
    return digits + damm.calc_check_digit(digits)


def is_reference(text: str) -> bool:
    return len(text) == REFERENCE_DIGITS and text.isascii() and text.isdigit() and bool(damm.is_valid(text))


# --- a type's definition -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """What a type works on when it asks its back office; ``answers`` are the form's values."""

    reference: str
    answers: Mapping[str, str]
    rules: Rules
    now: datetime


@dataclass(frozen=True, slots=True)
class View:
    """What a citizen or a service may be told of a transaction.

    ``trouble`` is what the back office's last fault was; ``slow`` says that it
    takes longer than usual, though nothing is known to be wrong.
    """

    reference: str
    type: str
    state: State
    rules: Rules
    facts: Mapping[str, str]
    reason: str | None
    trouble: str | None
    slow: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TransactionType:
    """One transaction type, declared once for web, phone and API.

    ``form`` holds marshmallow fields whose metadata has ``label``, ``prompt``,
    ``hint`` (Words) and ``keypad`` (``Keypad``, or why it cannot be keyed).
    ``perform`` takes the back office and a ``Case``; it must look before it acts,
    so that repeating it is harmless. ``personalise`` gives the values of every
    message template of the type. ``explain`` says to the citizen, sentence by
    sentence, what is now true and what comes next.
    """

    name: str
    title: Words
    summary: Words
    effect: Callable[[Rules], Sequence[Words]]
    form: type[Schema]
    back_office: str
    perform: Callable[[Any, Case], StepOutcome]
    personalise: Callable[[View], Mapping[str, str]]
    explain: Callable[[View], Sequence[Words]]


@dataclass(frozen=True, slots=True)
class Keypad:
    """How a field is keyed on a telephone: lengths, and what a key stands for."""

    min_digits: int
    max_digits: int
    star_is: str = ""


# --- what follows from a step ----------------------------------------------------------------

GIVE_UP = timedelta(hours=24)  # after a day of trying, a person takes over
LONGEST_PAUSE = timedelta(minutes=1)
USUAL = timedelta(seconds=8)  # a back office that works has answered by then
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
        case Silent(code) | Unavailable(code):
            if now - submitted_at >= GIVE_UP:
                return Next(State.FAILED, reason=code)
            state = State.UPSTREAM_UNKNOWN if isinstance(outcome, Silent) else State.SUBMITTED
            return Next(state, now + pause(tries), code)

"""What a transaction is: its states, and a type's definition. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from marshmallow import Schema

from gateway.back_offices import Opening, Silent, StepOutcome, Unavailable
from gateway.notifications.asks import Asks
from gateway.rules.model import Rules
from gateway.transactions.entry import Entry
from gateway.transactions.judging import Drop as Drop
from gateway.transactions.judging import Judgement as Judgement
from gateway.transactions.judging import Later as Later
from gateway.transactions.judging import Plan as Plan
from gateway.transactions.judging import Reminded as Reminded
from gateway.transactions.judging import Reminding as Reminding
from gateway.transactions.judging import Tell as Tell
from gateway.transactions.promise import Promised as Promised
from gateway.transactions.words import Step as Step
from gateway.transactions.words import Words as Words


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
DONE = frozenset({State.SUCCEEDED, State.ALREADY_DONE})
USUAL = timedelta(seconds=8)  # a back office that works has answered by then
WITH_BACK_OFFICE = frozenset({State.SUBMITTED, State.UPSTREAM_UNKNOWN})
RETURNED = "returned"  # the stage, and the event, of what was sent back to be corrected
RAN_OUT = "ran_out"  # the event of what was sent back and not corrected in time


class Level(StrEnum):
    """How surely somebody must have proven who they are; each with its one line of meaning."""

    ANONYMOUS = "anonymous"  # nobody need be known; where a new number is named, a code to it is the proof
    KNOWN = "known"  # ID number and name, and a code to the registered mobile, or what the type takes instead
    STRONG = "strong"  # known, and the query password or a code to the registered e-mail address besides


# --- a type's definition -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """What a type works on when it asks its back office; ``answers`` are the form's values.

    ``face`` is where it was begun (web, phone, api; system: by a result); ``replaces`` the transaction
    whose place it takes, where a citizen changes what was done before.
    ``citizen_id`` is null until they have proven who they are, ``submitted_at`` until
    they have confirmed; what was sent back and confirmed again has the later moment.
    """

    id: UUID
    reference: str
    answers: Mapping[str, str]
    rules: Rules
    now: datetime
    face: str = "web"
    citizen_id: UUID | None = None
    replaces: UUID | None = None
    submitted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values a field may take now, in words; ``note`` says more beside it (3 places left).

    ``waits``: it is not to be had now, only to be waited for.
    """

    value: str
    words: Words
    note: Words | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What a citizen or a service may be told of a transaction.

    ``stage`` is the type's own word beside the state ("" for none). ``trouble`` is
    what the back office's last fault was; ``slow`` says that it takes longer than
    usual, though nothing is known to be wrong. ``now`` is the moment it is told at.
    """

    reference: str
    type: str
    state: State
    stage: str
    rules: Rules
    facts: Mapping[str, str]
    reason: str | None
    trouble: str | None
    slow: bool
    created_at: datetime
    updated_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """What an action or a later look led to: stage and facts now, the event to tell the citizen (null: none).

    ``again_at``: when to look again (``follow``); null: never. ``opens``: what follows from
    it for the same person under another type.
    """

    stage: str
    facts: Mapping[str, str]
    event: str | None = None
    again_at: datetime | None = None
    opens: Opening | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something a citizen may do with a transaction that has ended, like cancelling what was booked.

    ``refusal`` says why not now (null: it may be done). ``done`` tells that it was
    done before: whoever asks for it again is shown how it stands. ``act`` works in
    our own database, in the caller's commit (Words: why not). With ``asks_again`` nothing is done yet:
    a new transaction is opened with the same answers but these, and the same proof;
    when it ends well its ``perform`` finds the old one in ``Case.replaces``. ``opens``
    names another type whose transaction is opened instead, with those answers its form
    has too; ``sets`` are answers given for the citizen (cancelling a filing, the matter
    of an appointment) and open a new transaction as well. ``called`` gives other words
    for it as things stand. ``grade`` is that of an evaluation
    (0: none), shown in a row of its own and done at one press. On the telephone it is offered
    where it is ``keyed``, and called ``aloud`` there if that is given.
    """

    words: Words
    refusal: Callable[[View, datetime], Words | None]
    act: Callable[[Any, Case], Changed | Words] | None = None
    asks_again: tuple[str, ...] = ()
    opens: str = ""
    sets: Mapping[str, str] = field(default_factory=dict)
    done: Callable[[View], bool] = lambda _view: False
    called: Callable[[View], Words | None] = lambda _view: None

    def name_of(self, view: View) -> Words:
        """What it is called to the citizen, as things stand."""
        return self.called(view) or self.words

    grade: int = 0
    keyed: bool = True
    aloud: Words | None = None

    @property
    def begins(self) -> bool:
        """Whether it opens a transaction instead of doing something at once."""
        return bool(self.asks_again or self.opens or self.sets)


def state_name(view: View) -> str:
    """The event of a result where a type says nothing else: its state."""
    return view.state.value


@dataclass(frozen=True, slots=True)
class Stage:
    """One of a type's own stages beside the state, in words, and those that may follow; none: an end."""

    words: Words
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionType:
    """One transaction type, declared once for web, phone and API.

    ``form`` holds marshmallow fields whose metadata has ``label``, ``prompt``,
    ``hint`` (Words) and ``keypad`` (``Keypad``, or why it cannot be keyed).
    ``perform`` takes the back office and a ``Case``; it must look before it acts,
    so that repeating it is harmless. ``personalise`` gives the values of every
    message template of the type. ``explain`` says to the citizen, sentence by
    sentence, what is now true and what comes next.

    A type without a ``back_office`` works in our own database: its functions are
    given a ``Desk`` and their work is part of the caller's commit. ``choices`` are the
    values a field may take now; ``gone`` says why one given is not among them. ``check``
    maps a field to what is wrong with its answer beside the others, at once and without
    looking anywhere; ``glance`` by one quick look, empty where all
    that is chosen can be had, None where it cannot tell; ``hold`` does while it reserves what is
    scarce, once all is answered; ``held_until`` tells how long. ``lost`` tells the same of one
    that was submitted and refused. ``replaced`` says what
    confirming does to the one replaced, given that one. ``event`` names the message of a
    result, ``events`` all such names beside the states'. ``effect_of`` says of these answers
    what ``effect`` says of any. ``follow_up`` plans reminders when it has ended or its stage
    changed; ``remind`` judges one just before it goes out, ``reminding`` tells why.
    ``calendar`` is what a citizen may put into their own.
    ``stages`` are its machine, where it has one: no other move is made. ``follow``
    looks again at one that has ended, when its ``again_at`` comes. ``level``
    is how surely who asks must be known; a city may ask for more. With ``also_password``
    the query password takes the code's place: only where what is done protects. A
    ``risky`` one is refused while a hold stands (``on_hold``). ``confirms`` names a new
    mobile (E.164) or e-mail address that must give back a code first. With ``newest_alone`` one
    that ends well is looked at in the place of the same person's earlier ones: news is told once.
    It ``touches`` types whose ended transactions of the same person are then looked at at once.
    Of an anonymous one ``keeps`` is what its citizen has besides the reference: a number
    (E.164), which a mobile's messages go to, or another one of digits. Its last four
    open it again.
    ``asks`` are the questions its text messages end with, by event. ``promised`` are the
    promises that stand for it, written down with every answer and look; ``halfway`` is the
    event to tell the citizen at half time (null: it has moved). Of a ``discreet`` one the
    office's lists name nobody.
    """

    name: str
    title: Words
    summary: Words
    effect: Callable[[Rules], Sequence[Words]]
    form: type[Schema]
    perform: Callable[[Any, Case], StepOutcome]
    personalise: Callable[[View], Mapping[str, str]]
    explain: Callable[[View], Sequence[Words]]
    back_office: str | None = None
    choices: Mapping[str, Callable[[Any, Case], Sequence[Option]]] = field(default_factory=dict)
    gone: Callable[[Any, Case, str], Words | None] = lambda _desk, _case, _field: None
    check: Callable[[Case], Mapping[str, Words]] = lambda _case: {}
    glance: Callable[[Any, Case], Mapping[str, Words] | None] | None = None
    hold: Callable[[Any, Case], Mapping[str, Words]] | None = None
    held_until: Callable[[Any, Case], datetime | None] | None = None
    lost: Callable[[View], Mapping[str, Words]] = lambda _view: {}
    replaced: Callable[[View], Words | None] = lambda _view: None
    actions: Mapping[str, Action] = field(default_factory=dict)
    event: Callable[[View], str] = state_name
    events: tuple[str, ...] = ()
    headline: Callable[[View], Words | None] = lambda _view: None
    tone: Callable[[View], str | None] = lambda _view: None  # of the headline: good, wait, bad
    follow_up: Callable[[View], Sequence[Plan]] = lambda _view: ()
    remind: Callable[[Any, Reminded], Judgement] | None = None
    reminding: Reminding | None = None
    calendar: Callable[[View], Entry | None] = lambda _view: None
    stages: Mapping[str, Stage] = field(default_factory=dict)
    follow: Callable[[Any, Case, View], Changed | Unavailable | Silent] | None = None
    effect_of: Callable[[Case], Sequence[Words]] | None = None
    level: Level = Level.KNOWN
    risky: bool = False
    also_password: bool = False
    confirms: Callable[[Case], str | None] = lambda _case: None
    keeps: Callable[[Case], str | None] = lambda _case: None
    touches: tuple[str, ...] = ()
    asks: Mapping[str, Asks] = field(default_factory=dict)
    discreet: bool = False
    promised: Callable[[View], Sequence[Promised]] = lambda _view: ()
    halfway: Callable[[View], str | None] = lambda _view: None
    newest_alone: bool = False


@dataclass(frozen=True, slots=True)
class Keypad:
    """How a field is keyed on a telephone: lengths, and what a key stands for.

    A field with choices is keyed by the number its option has in the list that is
    read out; its lengths are not looked at.
    """

    min_digits: int
    max_digits: int
    star_is: str = ""


CHOSEN = Keypad(1, 1)  # of a field with choices

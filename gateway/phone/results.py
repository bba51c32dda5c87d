"""What the driver answers: where a matter now is and what the caller must be asked or told next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.transactions.model import Words


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to choose by number, or an answer to read back: its value and its words."""

    value: str
    words: Words


@dataclass(frozen=True, slots=True)
class AskKeys:
    """A field to be keyed; ``star_is`` is what * stands for. ``failed``: what was keyed is not right.

    ``own`` is the number the call comes from, masked, where that may be the answer.
    """

    field: str
    label: Words
    least: int
    most: int
    star_is: str = ""
    failed: bool = False
    own: Words | None = None


@dataclass(frozen=True, slots=True)
class AskChoice:
    """A field with choices, which ``Perform("options")`` brings.

    ``problem`` is what was wrong with the answer ``given`` before.
    """

    field: str
    prompt: Words
    problem: Words | None = None
    given: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the field may be answered with now; ``none_left`` says why there is nothing."""

    options: tuple[Offer, ...]
    none_left: Words | None = None


class Code(StrEnum):
    """What is to be said of the code."""

    SENT = "sent"
    SOON = "soon"  # one was sent less than a minute ago, and counts
    WAIT = "wait"  # none counts, and the next may only be sent in a while
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class AskCode:
    """The code is awaited; ``left`` tries remain, and the next may be sent in so many ``seconds``.

    It went to the registered mobile (``code``), the helper's (``helper``), the e-mail address
    (``email``), or to what is new (``new``). ``password``: the query password is taken instead;
    ``help``: somebody may act for the citizen.
    """

    said: Code
    left: int = 0
    seconds: int = 0
    to: str = "code"
    password: bool = False
    help: bool = False


@dataclass(frozen=True, slots=True)
class AskPassword:
    """The query password is awaited, ``second`` where one proof is not enough; ``left`` after a wrong one.

    ``instead`` is the code that may be had in its place: ``code``, ``email``, or "" for none.
    """

    second: bool
    instead: str = ""
    left: int = 0


@dataclass(frozen=True, slots=True)
class NoProof:
    """One proof is not enough here, and this citizen has no other."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """All is answered and proven: what confirming does, and the answers, masked, by field."""

    effect: tuple[Words, ...]
    answers: tuple[tuple[Offer, Words], ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """How a confirmed transaction stands; ``moving``: its back office is being asked.

    ``actions`` may be done with it now; ``problem`` is why the one asked for was not,
    ``news`` what is true since it was, and ``writes`` whether a text message says so.
    ``reaches``: there is where its messages go.
    """

    reference: str
    title: Words
    headline: Words
    sentences: tuple[Words, ...]
    moving: bool
    actions: tuple[Offer, ...] = ()
    problem: Words | None = None
    news: tuple[Words, ...] = ()
    writes: bool = False
    reaches: bool = True


@dataclass(frozen=True, slots=True)
class Parked:
    """The next field cannot be keyed: it goes on by web or with a person."""

    reference: str
    label: Words


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The transaction looked up is not finished; it can be gone on with. ``why`` it came back, if it did."""

    title: Words
    why: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Reference and mobile do not belong together; ``left`` tries remain."""

    left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many tries."""


@dataclass(frozen=True, slots=True)
class Offices:
    """The other offices there are, by id."""

    options: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """One of them: its number and hours, in sentences."""

    sentences: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing lies before the first question, or the matter has ended elsewhere (``gone``)."""

    gone: bool = False


Result = (
    AskKeys
    | AskChoice
    | Offered
    | AskCode
    | AskPassword
    | NoProof
    | Confirm
    | Stands
    | Parked
    | Unfinished
    | NoMatch
    | Locked
    | Offices
    | Office
    | Nothing
)

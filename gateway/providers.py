"""The contract with whoever carries our messages.

A provider is one file in ``integrations/``. It is found by its name and built from the
settings it lists. It speaks up to five small protocols, each optional but the first:

* ``Sender`` hands messages over,
* ``Inquirer`` is asked what became of a hand-over whose answer was lost,
* ``Reporter`` reads what the provider pushes to us: receipts, and messages people sent,
* ``Collector`` fetches such reports from where they gather,
* ``TemplateRegistrar`` registers texts where the provider reviews them first.

The result of a hand-over is a value. An exception out of a provider is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from gateway.messages import Limits, Message

# --- outcomes of one hand-over ------------------------------------------------


class Cause(StrEnum):
    """Why a message was refused or did not arrive, as far as it decides what may help."""

    RECIPIENT = "recipient"  # this address cannot be reached: no provider will help
    OPTED_OUT = "opted_out"  # the recipient told this provider to stop
    AWAY = "away"  # the person cannot be reached just now: busy, off, out of reach
    CONTENT = "content"  # the provider does not take this text or template: another may
    ACCOUNT = "account"  # our account there is blocked or empty: use another, tell people
    OURS = "ours"  # we asked wrongly: a bug, worth an alarm
    UNSPECIFIED = "unspecified"  # a code we do not know: counted, treated as final


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken by the provider, under its own reference. Not yet delivered."""

    reference: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Surely not taken: too many, too fast. ``until`` is when it makes sense to ask again."""

    code: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Surely not taken and asking again here will not help."""

    code: str
    cause: Cause = Cause.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Surely not taken: the request never got through, or the provider was down."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps taken: the answer was lost. Never assume either way."""

    code: str


Outcome = Accepted | Throttled | Rejected | Unreachable | Unknown


# --- what comes back --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Which message to ask for: to whom, in which hand-over, when handed over, and its words.

    ``text`` is without the signature, ``signature`` what it went out under.
    """

    address: str
    handover: str
    at: datetime
    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has it, under this reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider never had it."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The provider did not answer, or what it said proves nothing yet."""

    code: str


Finding = Found | Absent | CannotTell


class Delivery(StrEnum):
    """What a receipt says of one message."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    PENDING = "pending"  # a progress report: nothing final


class Receipt(NamedTuple):
    """A provider's report on one message. ``code`` is the provider's own word, kept as it came.

    ``handover`` is our hand-over id as the provider echoed it, "" where it does not:
    with the address it matches a message whose reference was lost (``Found("")``).
    ``cause`` judges the code of what was not delivered, by the provider's own table ``CAUSES``.
    They come by millions: a tuple is made in half the time.
    """

    reference: str
    address: str
    delivery: Delivery
    code: str
    at: datetime | None = None
    handover: str = ""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """What somebody said to us. ``id`` is the provider's, so that a repeated push counts once.

    ``address`` is the sender's in E.164, ``to`` the number or code it was sent to.
    ``wish`` is ``stop`` or ``start`` where the provider itself knows it for one, ``handover``
    our hand-over id where it answers that very message: keys pressed in a call.
    """

    id: str
    address: str
    to: str
    text: str
    at: datetime | None = None
    wish: str = ""
    handover: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Our message to that address, in the hand-over it must name, was called unwanted (RFC 5965)."""

    address: str
    at: datetime | None = None
    handover: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One item of a push that cannot be read; ``code`` names the field and repeats nothing of it."""

    code: str


Report = Receipt | Inbound | Complaint | Unreadable


@dataclass(frozen=True, slots=True)
class Callback:
    """A request a provider sent to our door, as it arrived. ``url`` is the public one, with its query."""

    kind: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    remote: str


class ReviewState(StrEnum):
    """Where a registered template stands with the provider."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    MISMATCH = "mismatch"  # approved, but with other variables than ours: never sent there


@dataclass(frozen=True, slots=True)
class Review:
    """The provider's judgement of a template; ``reason`` says why it was refused, or its variables there."""

    state: ReviewState
    reason: str = ""


# --- the protocols ------------------------------------------------------------------


@runtime_checkable
class Sender(Protocol):
    """Hands messages over; every provider does."""

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> str: ...

    @property
    def batch(self) -> int:
        """How many messages one call takes; they then share one template and no address repeats."""

    @property
    def needs_template(self) -> bool:
        """Whether only registered templates go out."""

    @property
    def limits(self) -> Limits:
        """What it carries at most."""

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Make one call with up to ``batch`` messages; one outcome for each, in order."""


@runtime_checkable
class Inquirer(Sender, Protocol):
    """Can be asked what became of a message."""

    def find(self, inquiry: Inquiry) -> Finding: ...


@runtime_checkable
class Reporter(Sender, Protocol):
    """Pushes receipts, and what people sent, to us."""

    @property
    def reports(self) -> frozenset[str]:
        """The kinds of callback it understands: the last part of our door's path."""

    def verify(self, callback: Callback) -> bool:
        """Whether the request really comes from this provider."""

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read kind, url and body, item by item. ``ValueError`` for a body that is none of its own."""

    def acknowledgement(self, kind: str) -> tuple[str, str]:
        """The body and content type the provider wants to hear after a callback of that kind."""


@runtime_checkable
class Collector(Reporter, Protocol):
    """Fetches reports from where they gather, such as a mailbox folder."""

    def collect(self) -> Iterator[tuple[Callback, Callable[[], None]]]:
        """What waits there now, each with what to call once it is kept: only then it is put away.
        One that is met again does no harm. An ``OSError`` means that the place cannot be read now.
        """


@runtime_checkable
class TemplateRegistrar(Sender, Protocol):
    """Reviews texts before they may be sent."""

    def register(self, name: str, body: str, kind: str) -> str:
        """Hand in a text with ``${variables}``; kind is ``code`` or ``notice``. Returns its code there.

        Raises ``RegistrationRefused`` with its reason, ``RegistrationUnanswered`` if nothing was learnt.
        """

    def review(self, code: str, body: str = "") -> Review:
        """What was decided on the template; with our ``body`` also whether its variables are the same."""

    @property
    def sign_name(self) -> str:
        """The name our messages are signed with there."""

    def review_signature(self) -> Review:
        """What was decided on that name."""


class RegistrationRefused(Exception):
    """The provider did not take the template: its code and reason."""


class RegistrationUnanswered(Exception):
    """The provider could not be asked, or its answer was lost: ask again later."""

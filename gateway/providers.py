"""The contract with whoever carries our messages.

A provider is one file in ``integrations/``. It is found by its name and built
from the settings it lists. It speaks up to four small protocols, each optional
but the first:

* ``Sender`` hands messages over,
* ``Inquirer`` is asked what became of a hand-over whose answer was lost,
* ``Reporter`` reads what the provider pushes to us: receipts, and messages people sent,
* ``TemplateRegistrar`` registers texts where the provider reviews them first.

The result of a hand-over is a value. An exception out of a provider is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

# --- outcomes of one hand-over ------------------------------------------------


class Cause(StrEnum):
    """Why a provider refused, as far as it decides what may help."""

    RECIPIENT = "recipient"  # this address cannot be reached: no provider will help
    OPTED_OUT = "opted_out"  # the recipient told this provider to stop
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


# --- what goes out --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One message ready to go.

    ``address`` is E.164 for telephones (+8613800138000), else an e-mail address.
    ``text`` is the whole text without the signature; on the voice channel it is
    spoken. ``template`` is the provider's own code of the registered template,
    with ``params`` for its variables; a provider that carries free text ignores
    both. ``language`` is the text's (zh-CN, en). ``subject`` and ``html`` are an
    e-mail's; ``plays`` is how often a call says its text.
    """

    address: str
    text: str
    signature: str
    template: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    language: str = "zh-CN"
    subject: str = ""
    html: str = ""
    plays: int = 2


# --- what comes back --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Which message to ask for: to whom, in which hand-over, when handed over."""

    address: str
    handover: str
    at: datetime


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


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's report on one message. ``code`` is the provider's own word, kept as it came.

    ``handover`` is our hand-over id as the provider echoed it, "" where it does not:
    with the address it matches a message whose reference was lost (``Found("")``).
    """

    reference: str
    address: str
    delivery: Delivery
    code: str
    at: datetime | None = None
    handover: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message somebody sent to us. ``id`` is the provider's, so that a repeated push counts once.

    ``address`` is the sender's in E.164, ``to`` the number or code it was sent to.
    """

    id: str
    address: str
    to: str
    text: str
    at: datetime | None = None


Report = Receipt | Inbound


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


@dataclass(frozen=True, slots=True)
class Review:
    """The provider's judgement of a template; ``reason`` says why it was refused."""

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
        """Read what is in it, by its kind. Raises ``ValueError`` for a body that is none of the provider's.

        Called later than ``verify``, with kind, url and body only.
        """

    def acknowledgement(self) -> tuple[str, str]:
        """The body and content type the provider wants to hear."""


@runtime_checkable
class TemplateRegistrar(Sender, Protocol):
    """Reviews texts before they may be sent."""

    def register(self, name: str, body: str, kind: str) -> str:
        """Hand in a text with ``${variables}``; kind is ``code`` or ``notice``. Returns its code there.

        Raises ``RegistrationRefused`` with the provider's reason, or
        ``RegistrationUnanswered`` when nothing was learnt.
        """

    def review(self, code: str) -> Review: ...


class RegistrationRefused(Exception):
    """The provider did not take the template: its code and reason."""


class RegistrationUnanswered(Exception):
    """The provider could not be asked, or its answer was lost: ask again later."""

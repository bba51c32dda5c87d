"""Asking for a notification: its class, its lane, what it says, to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from gateway.notifications.asks import Asks


class Class(StrEnum):
    """What kind of message it is: the one thing that decides how it is treated."""

    CODE = "code"
    RESULT = "result"
    REMINDER = "reminder"
    NOTICE = "notice"


CLASSES: Mapping[str, Class] = {one.value: one for one in Class}


class OnUnknown(StrEnum):
    """What to do when a hand-over may or may not have been taken."""

    RESEND = "resend"  # twice is better than late
    RECONCILE = "reconcile"  # ask; resend when the provider never had it


TITLE = (
    23  # characters of a notice's title: with words like "and 19 more" it fits a registered text's variable
)
URGENT = "urgent"  # the lane that waits behind nobody


@dataclass(frozen=True, slots=True)
class Treatment:
    """One row of the class table (design: "Class of a notification").

    ``life`` is how long after being taken it is still worth sending; ``windowed``
    says that it goes out in the city's send windows only.
    """

    urgency: str
    life: timedelta
    on_unknown: OnUnknown
    windowed: bool


TREATMENT: Mapping[Class, Treatment] = {
    Class.CODE: Treatment(URGENT, timedelta(minutes=5), OnUnknown.RESEND, False),
    Class.RESULT: Treatment("normal", timedelta(hours=72), OnUnknown.RECONCILE, False),
    Class.REMINDER: Treatment("normal", timedelta(hours=72), OnUnknown.RECONCILE, True),
    Class.NOTICE: Treatment("bulk", timedelta(hours=72), OnUnknown.RECONCILE, True),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The service that asked through the API, the type of its key, and how it wants the message to go.

    ``reference`` is its own word for it, ``supplied`` the address as it wrote it, ``sender_id`` whose
    name it goes out under, ``unsubscribe`` the https address that stops such e-mails, ``plays`` how often
    a call says its text. None is the house's own way.
    """

    service_id: UUID | None
    key_type: str | None
    reference: str | None = None
    supplied: str | None = None
    sender_id: UUID | None = None
    unsubscribe: str | None = None
    plays: int | None = None


OURSELVES = Origin(None, None)
TEST = "test"  # the type of key that sends nothing, and the lane its messages take


class Request(NamedTuple):
    """One notification asked for. Without a citizen or an address it ends as suppressed.

    ``address`` is for people the register does not know: in the channel's written
    form, stored sealed with the row. ``broadcast_id`` names the broadcast it is part
    of, ``first_id`` the first message to the same person there, ``replay_of`` the dead letter
    whose place it takes. ``template`` is the name of
    a house template (``<type>/<event>``). ``waited_for`` says that the citizen is
    waiting now, so a result travels in the urgent lane. It goes out from ``not_before`` on, and its
    class's life counts from then; after ``expires`` it would be wrong, even within that life.
    ``asks`` is the question it ends with, to be answered by a text message or a key. ``origin`` is
    who asked for it through the API. A notice with ``digest`` may go out together with others of the
    same citizen, ``title`` is what it is called there: one without is never among the titles of a text
    message or a call.
    """

    citizen_id: UUID | None
    channel: str
    klass: Class
    template: str
    language: str
    personalisation: Mapping[str, Any]
    transaction_id: UUID | None = None
    waited_for: bool = False
    address: str | None = None
    broadcast_id: UUID | None = None
    first_id: UUID | None = None
    replay_of: UUID | None = None
    not_before: datetime | None = None
    expires: datetime | None = None
    asks: Asks | None = None
    origin: Origin = OURSELVES
    title: str | None = None
    digest: bool = False

    @property
    def lane(self) -> str:
        """Channel × urgency, each a queue of its own; what a test key asked for goes nowhere near them."""
        if self.origin.key_type == TEST:
            return f"{self.channel}.{TEST}"
        urgency = URGENT if self.waited_for else TREATMENT[self.klass].urgency
        return f"{self.channel}.{urgency}"

    def due_at(self, now: datetime) -> datetime:
        return max(now, self.not_before) if self.not_before else now

    def expires_at(self, now: datetime) -> datetime:
        life = self.due_at(now) + TREATMENT[self.klass].life
        return min(life, self.expires) if self.expires else life

"""Twilio's short messages (Programmable Messaging, API 2010-04-01), spoken by the vendor's own SDK.

Sources: the vendor's Message resource, error dictionary, status-callback and opt-out pages, and the
source of twilio-python 9.13.0. The vendor echoes no id of ours in a message; our hand-over id travels
in the query of the status callback's URL instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from gateway.messages import Limits, Message
from gateway.provider_books import Record
from gateway.providers import (
    Absent,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Finding,
    Found,
    Inbound,
    Inquiry,
    Outcome,
    Receipt,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from integrations import twilio_callbacks, twilio_rest
from integrations.twilio_callbacks import clean_code, form_of, handover_of, is_e164, reference, telephone

SETTINGS: dict[str, str] = {
    **twilio_callbacks.SETTINGS,
    "TWILIO_FROM": "the account's number that sends, e.g. +15005550006",
}

OUTCOMES: dict[str, Outcome] = twilio_rest.OUTCOMES | {
    outcome.code: outcome
    for outcome in (
        Rejected("21614", Cause.RECIPIENT),  # a landline
        Rejected("21610", Cause.OPTED_OUT),  # opted out with STOP, until the person sends START
        Rejected("21408", Cause.CONTENT),  # region not enabled for this account: another may reach it
        Rejected("21612", Cause.CONTENT),  # no route from our number to that one: the same
        Rejected("21617", Cause.CONTENT),  # body too long
        Rejected("21658", Cause.CONTENT),  # the same, in the newer words
        Rejected("21602", Cause.OURS),  # no body
        Rejected("21603", Cause.OURS),  # no From
        Rejected("21604", Cause.OURS),  # no To
        Rejected("21606", Cause.OURS),  # From is not ours or sends no texts: the configuration
        Rejected("21608", Cause.OURS),  # a trial account, for verified numbers only: the configuration
        Rejected("21609", Cause.OURS),  # bad StatusCallback
        Rejected("21266", Cause.OURS),  # To is From
        Throttled("21611"),  # our number's queue is full
        # Carriers' codes: they come with receipts as a rule, at once only by exception.
        Throttled("30001"),  # queue overflow
        Rejected("30002", Cause.ACCOUNT),  # account suspended
        Rejected("30003", Cause.AWAY),  # handset unreachable
        Rejected("30004", Cause.RECIPIENT),  # blocked
        Rejected("30005", Cause.RECIPIENT),  # unknown or inactive number
        Rejected("30006", Cause.RECIPIENT),  # landline or unreachable carrier
        Rejected("30007", Cause.CONTENT),  # filtered by the carrier
        Unknown("30008"),  # the vendor does not know either
        Rejected("30034", Cause.ACCOUNT),  # our number is not registered for such messages
        Rejected("30450", Cause.CONTENT),  # blocked on its way
    )
}

# ErrorCode of what was not delivered, or the status where there is none.
CAUSES: dict[str, Cause] = {
    "21610": Cause.OPTED_OUT,  # said STOP while it was on its way
    "30001": Cause.AWAY,  # our queue ran over: nothing is wrong with the number, later may do
    "30002": Cause.ACCOUNT,  # account suspended on its way
    "30003": Cause.AWAY,  # handset off, out of reach or roaming
    # Blocked by the handset or its carrier. That the person wanted it so cannot be told, and a wish
    # nobody uttered would stand for ever; as a number that takes nothing it is counted, and lapses.
    "30004": Cause.RECIPIENT,
    "30005": Cause.RECIPIENT,  # nobody has the number, or not any more
    "30006": Cause.RECIPIENT,  # a landline, or a carrier that cannot be reached: a call may do
    "30007": Cause.CONTENT,  # filtered by the carrier
    # "Unknown error": it says nothing of the person, so nothing is concluded about them.
    "30008": Cause.UNSPECIFIED,
    "30034": Cause.ACCOUNT,  # our number is not registered for such messages
    "30036": Cause.AWAY,  # its validity period ended while it waited
    "30450": Cause.CONTENT,  # blocked on its way
    "canceled": Cause.OURS,  # only who sent it can withdraw it
}

LONGEST = 1600  # characters of a body
INTO_MAINLAND = Limits(text=500, signed=True, links=False)  # its carriers drop the others (30007)
VALIDITY = timedelta(hours=1)  # how long one without an end of its own may wait in the vendor's queue
SHORTEST_VALIDITY, LONGEST_VALIDITY = 1, 36_000  # seconds
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "canceled": Delivery.UNDELIVERED,
}
WISHES = {"STOP": "stop", "START": "start"}  # OptOutType; HELP is answered by the vendor and is none

PAGE_SIZE = 500  # of a day's list; the vendor gives 1,000 at most
LISTED = 50  # the newest messages to a number that are looked through
ROUNDING = timedelta(seconds=1)  # the vendor's times are whole seconds
LATEST = timedelta(seconds=60)  # a call starts within its lease, some seconds after its attempt was written
CLOCKS_APART = timedelta(minutes=5)  # how far the vendor's clock and ours might differ

Clock = Callable[[], datetime]


class TwilioSms(twilio_callbacks.Callbacks):
    """``Sender``, ``Inquirer``, ``Reporter`` and ``DayLister``; safe in up to 16 threads."""

    name: str = "twilio_sms"
    channel: str = "sms"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits(text=LONGEST, signed=True, into={"86": INTO_MAINLAND})
    reports: frozenset[str] = frozenset({"sms-status", "sms-inbound"})
    day_zone = UTC

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        super().__init__(settings)
        self._account = twilio_rest.Account(settings, OUTCOMES)
        self._messages = self._account.client.messages
        self._from = twilio_callbacks.own_number(settings, "TWILIO_FROM")
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send the message: one call each."""
        return [self._send(handover, message) for message in messages]

    def _send(self, handover: str, message: Message) -> Outcome:
        answer = self._account.ask(
            lambda: self._messages.create(
                to=message.address,
                from_=self._from,
                body=_body(message.text, message.signature),
                validity_period=_validity(message.expires_at, self._clock()),
                status_callback=self.callback_url("sms-status", handover),
            )
        )
        return twilio_rest.accepted(answer)

    # --- Inquirer ---

    def find(self, inquiry: Inquiry) -> Finding:
        """Look through the newest messages to that number for one of these words made at that time.

        The vendor's list has nothing of ours to know a message by but number, words and time: the
        one message of these words and that time is ours, and with another like it nearby nothing
        can be told. A message whose words the vendor does not show (it can be told to forget them)
        may be any; where the inquiry has no words, every message may be ours.

        The list is not narrowed to a day: ``DateSent`` would leave out what is still queued, and
        "absent" then sends a message twice. Absent is said when the answer was whole and held
        nothing like it near that time, with room for clocks that differ.
        """
        answer = self._account.ask(
            lambda: self._messages.list(to=inquiry.address, from_=self._from, limit=LISTED, page_size=LISTED)
        )
        if not isinstance(answer, list):
            return CannotTell(getattr(answer, "code", "unreadable_answer"))
        return _finding(answer, inquiry)

    # --- DayLister ---

    def recorded(self, day: date) -> Iterator[Sequence[Record]]:
        """What our number sent that day: what is still queued has no day yet, and is not listed."""
        first = partial(self._messages.page, from_=self._from, date_sent=str(day), page_size=PAGE_SIZE)
        for page in self._account.pages(first):
            yield [_record(message) for message in page]

    # --- Reporter ---

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read a status callback or a message sent to us; both are one form."""
        if callback.kind == "sms-inbound":
            return _inbound(callback)
        return [_receipt(callback)]


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> TwilioSms:
    """Optional settings: TWILIO_API_URL (https://api.twilio.com), TWILIO_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for a SID, address or number that is none. The clock tells how long a
    message may still wait.
    """
    return TwilioSms(settings, clock)


# --- what is sent ------------------------------------------------------------------------


def _body(text: str, signature: str) -> str:
    return f"【{signature}】{text}" if signature else text


def _validity(expires_at: datetime | None, now: datetime) -> int:
    """Seconds the vendor may hold it, within what the vendor takes."""
    left = (expires_at - now if expires_at else VALIDITY).total_seconds()
    return min(max(int(left), SHORTEST_VALIDITY), LONGEST_VALIDITY)


# --- reading answers -------------------------------------------------------------------


def _finding(listed: Sequence[Any], inquiry: Inquiry) -> Finding:
    times = [message.date_created for message in listed]
    if not all(isinstance(time, datetime) for time in times):
        return CannotTell("unreadable_answer")
    earliest = inquiry.at - CLOCKS_APART
    if len(times) == LISTED and min(times) > earliest:
        return CannotTell("incomplete_list")
    like = [one for one in listed if one.date_created >= earliest and _may_say(one.body, inquiry)]
    if not like:
        return Absent()
    made = like[0].date_created
    if len(like) > 1 or not inquiry.at - ROUNDING <= made <= inquiry.at + LATEST or not like[0].sid:
        return CannotTell("ambiguous")
    return Found(str(like[0].sid))


def _may_say(body: Any, inquiry: Inquiry) -> bool:
    """Blanks do not count: the vendor may drop those at the ends."""
    words = str(body or "").split()
    return not inquiry.text or not words or words == _body(inquiry.text, inquiry.signature).split()


def _record(message: Any) -> Record:
    status = str(message.status)
    return Record(str(message.sid), str(message.to), DELIVERIES.get(status, Delivery.PENDING))


def _receipt(callback: Callback) -> Receipt:
    form = form_of(callback, "MessageSid", "MessageStatus", "To")
    status = form["MessageStatus"]
    code = clean_code(form.get("ErrorCode") or status)
    delivery = DELIVERIES.get(status, Delivery.PENDING)
    return Receipt(
        reference=reference(form["MessageSid"]),
        address=telephone(form["To"]),
        delivery=delivery,
        code=code,
        handover=handover_of(callback),
        cause=CAUSES.get(code, Cause.UNSPECIFIED) if delivery is Delivery.UNDELIVERED else None,
    )


def _inbound(callback: Callback) -> Sequence[Inbound]:
    """Short codes and senders with a name are nobody's telephone: there is no one to answer.

    A picture without words is kept with an empty text: people look at it.
    """
    form = form_of(callback, "MessageSid", "From", "To")
    if not is_e164(form["From"]):
        return []
    inbound = Inbound(
        id=reference(form["MessageSid"]),
        address=form["From"],
        to=form["To"],
        text=form.get("Body", ""),
        wish=WISHES.get(form.get("OptOutType", ""), ""),
    )
    return [inbound]

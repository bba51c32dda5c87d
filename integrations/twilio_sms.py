"""Twilio's short messages (Programmable Messaging, API 2010-04-01), spoken by the vendor's own SDK.

Sources: the vendor's Message resource, error dictionary and status-callback pages, and the source
of twilio-python 9.13.0. The vendor echoes no id of ours in a message; our hand-over id travels in
the query of the status callback's URL instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.messages import Limits, Message
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
from integrations import twilio_rest

SETTINGS: dict[str, str] = {
    **twilio_rest.SETTINGS,
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
        Throttled("21611"),  # our number's queue is full
        # Carriers' codes: they come with receipts as a rule, at once only by exception.
        Throttled("30001"),  # queue overflow
        Rejected("30002", Cause.ACCOUNT),  # account suspended
        Rejected("30003", Cause.RECIPIENT),  # handset unreachable
        Rejected("30004", Cause.RECIPIENT),  # blocked
        Rejected("30005", Cause.RECIPIENT),  # unknown or inactive number
        Rejected("30006", Cause.RECIPIENT),  # landline or unreachable carrier
        Rejected("30007", Cause.CONTENT),  # filtered by the carrier
        Unknown("30008"),  # the vendor does not know either
        Rejected("30034", Cause.ACCOUNT),  # our number is not registered for such messages
        Rejected("30450", Cause.CONTENT),  # blocked on its way
    )
}

LONGEST = 1600  # characters of a body
VALIDITY = timedelta(hours=1)  # what has waited longer in the vendor's queue is of no use any more
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "canceled": Delivery.UNDELIVERED,
}

LISTED = 50  # the newest messages to a number that are looked through
ROUNDING = timedelta(seconds=1)  # the vendor's times are whole seconds
LATEST = timedelta(seconds=60)  # a call starts within its lease, some seconds after its attempt was written
CLOCKS_APART = timedelta(minutes=5)  # how far the vendor's clock and ours might differ

Clock = Callable[[], datetime]


class TwilioSms:
    """``Sender``, ``Inquirer`` and ``Reporter``; safe in up to 16 threads."""

    name: str = "twilio_sms"
    channel: str = "sms"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits(text=LONGEST, signed=True)
    reports: frozenset[str] = frozenset({"sms-status", "sms-inbound"})

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._account = twilio_rest.Account(self.name, settings, OUTCOMES)
        self._messages = self._account.client.messages
        self._from = settings["TWILIO_FROM"]

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send the message: one call each."""
        return [self._send(handover, message) for message in messages]

    def _send(self, handover: str, message: Message) -> Outcome:
        body = f"【{message.signature}】{message.text}" if message.signature else message.text
        if len(body) > LONGEST:
            return Rejected("21617", Cause.CONTENT)
        answer = self._account.ask(
            lambda: self._messages.create(
                to=message.address,
                from_=self._from,
                body=body,
                validity_period=int(VALIDITY.total_seconds()),
                status_callback=self._account.callback_url("sms-status", handover),
            )
        )
        return twilio_rest.accepted(answer)

    # --- Inquirer ---

    def find(self, inquiry: Inquiry) -> Finding:
        """Look through the newest messages to that number for one made when ours was handed over.

        The vendor's list has nothing of ours to know a message by but numbers and time, so only
        the one message of that time is ours; with others near it nothing can be told. The list is
        not narrowed to a day: ``DateSent`` would leave out what is still queued, and "absent"
        then sends a message twice. Absent is said when the answer was whole and held nothing
        near that time, with room for clocks that differ.
        """
        answer = self._account.ask(
            lambda: self._messages.list(to=inquiry.address, from_=self._from, limit=LISTED, page_size=LISTED)
        )
        if not isinstance(answer, list):
            return CannotTell(getattr(answer, "code", "unreadable_answer"))
        return _finding(answer, inquiry.at)

    # --- Reporter ---

    def verify(self, callback: Callback) -> bool:
        """Whether the vendor signed it for this URL."""
        return self._account.verify(callback)

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read a status callback or a message sent to us; both are one form."""
        if callback.kind == "sms-inbound":
            return _inbound(callback)
        return [_receipt(callback)]

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """Nothing to do or to answer."""
        return twilio_rest.ACKNOWLEDGEMENT


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> TwilioSms:
    """Optional settings: TWILIO_API_URL (https://api.twilio.com), TWILIO_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for a SID, address or number that is none. The vendor's limits name no
    times, so the clock is not asked.
    """
    if not twilio_rest.is_e164(settings["TWILIO_FROM"]):
        raise ValueError("TWILIO_FROM is a telephone number like +15005550006")
    return TwilioSms(settings)


# --- reading answers -------------------------------------------------------------------


def _finding(listed: Sequence[Any], at: datetime) -> Finding:
    times = [message.date_created for message in listed]
    if not all(isinstance(time, datetime) for time in times):
        return CannotTell("unreadable_answer")
    if len(times) == LISTED and min(times) > at - CLOCKS_APART:
        return CannotTell("incomplete_list")
    near = [message for message in listed if message.date_created >= at - CLOCKS_APART]
    if not near:
        return Absent()
    if len(near) > 1 or not at - ROUNDING <= near[0].date_created <= at + LATEST or not near[0].sid:
        return CannotTell("ambiguous")
    return Found(str(near[0].sid))


def _receipt(callback: Callback) -> Receipt:
    form = twilio_rest.form_of(callback, "MessageSid", "MessageStatus", "To")
    status = form["MessageStatus"]
    return Receipt(
        reference=form["MessageSid"],
        address=twilio_rest.telephone(form["To"]),
        delivery=DELIVERIES.get(status, Delivery.PENDING),
        code=twilio_rest.clean_code(form.get("ErrorCode") or status),
        handover=twilio_rest.handover_of(callback),
    )


def _inbound(callback: Callback) -> Sequence[Inbound]:
    """Short codes and senders with a name are nobody's telephone: there is no one to answer."""
    form = twilio_rest.form_of(callback, "MessageSid", "From", "To")
    if not twilio_rest.is_e164(form["From"]):
        return []
    return [Inbound(id=form["MessageSid"], address=form["From"], to=form["To"], text=form.get("Body", ""))]

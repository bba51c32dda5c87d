"""Calls that speak a text, made by Twilio (Programmable Voice, API 2010-04-01) through its own SDK.

Sources: the vendor's Call resource, TwiML Say, error dictionary and call-status pages, and the
source of twilio-python 9.13.0.

What counts as delivered: a call that was answered and lasted a second at least, as with other
vendors also one hung up before the end; nobody tells what was heard, and calling again whoever
hung up only annoys. An answering machine counts, too: the vendor's machine detection is not used,
as it keeps every person waiting before the first word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from twilio.twiml.voice_response import VoiceResponse

from gateway.messages import Limits, Message
from gateway.providers import Callback, Cause, Delivery, Outcome, Receipt, Rejected, Throttled
from integrations import twilio_rest

SETTINGS: dict[str, str] = {
    **twilio_rest.SETTINGS,
    "TWILIO_VOICE_FROM": "the account's number that calls, e.g. +15005550006",
}

OUTCOMES: dict[str, Outcome] = twilio_rest.OUTCOMES | {
    outcome.code: outcome
    for outcome in (
        Throttled("10004"),  # too many calls at a time
        Rejected("10005", Cause.ACCOUNT),  # voice is disabled for this account
        Rejected("21214", Cause.RECIPIENT),  # this number cannot be reached
        Rejected("21215", Cause.CONTENT),  # region not enabled for this account: another may reach it
        Rejected("21216", Cause.CONTENT),  # this number is blocked for this account: the same
        Rejected("32018", Cause.CONTENT),  # TwiML too long
        Rejected("21201", Cause.OURS),  # no To
        Rejected("21205", Cause.OURS),  # bad URL
        Rejected("21210", Cause.OURS),  # From is not ours nor verified: the configuration
        Rejected("21213", Cause.OURS),  # no From
        Rejected("21219", Cause.OURS),  # a trial account, for verified numbers only: the configuration
    )
}

LONGEST = 4000  # characters of TwiML in a call
RINGING = 30  # seconds it rings before it counts as not answered
BREATH = 1  # seconds of silence before each saying: people need time to put the receiver to their ear
LANGUAGES = {"zh-CN": "zh-CN", "en": "en-US"}
UNREACHED = frozenset({"busy", "no-answer", "failed", "canceled"})

Clock = Callable[[], datetime]


class TwilioVoice:
    """``Sender`` and ``Reporter``; safe in up to 16 threads. It cannot be asked.

    The vendor's list of calls holds no id of ours, and calls made twice annoy more than one that
    waits for its report.
    """

    name: str = "twilio_voice"
    channel: str = "voice"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits()
    reports: frozenset[str] = frozenset({"voice-status"})

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._account = twilio_rest.Account(self.name, settings, OUTCOMES)
        self._calls = self._account.client.calls
        self._from = settings["TWILIO_VOICE_FROM"]

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Have the person called: one call each."""
        return [self._call(handover, message) for message in messages]

    def _call(self, handover: str, message: Message) -> Outcome:
        twiml = spoken(message)
        if len(twiml) > LONGEST:
            return Rejected("32018", Cause.CONTENT)
        answer = self._account.ask(
            lambda: self._calls.create(
                to=message.address,
                from_=self._from,
                twiml=twiml,
                timeout=RINGING,
                status_callback=self._account.callback_url("voice-status", handover),
                status_callback_event=["completed"],  # however it ends; nothing follows from the rest
            )
        )
        return twilio_rest.accepted(answer)

    # --- Reporter ---

    def verify(self, callback: Callback) -> bool:
        """Whether the vendor signed it for this URL."""
        return self._account.verify(callback)

    def parse(self, callback: Callback) -> Sequence[Receipt]:
        """Read a status callback."""
        form = twilio_rest.form_of(callback, "CallSid", "CallStatus", "To")
        receipt = Receipt(
            reference=form["CallSid"],
            address=twilio_rest.telephone(form["To"]),
            delivery=_delivery(form),
            code=twilio_rest.clean_code(form["CallStatus"]),
            at=_moment(form.get("Timestamp", "")),
            handover=twilio_rest.handover_of(callback),
        )
        return [receipt]

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """Nothing to do or to answer."""
        return twilio_rest.ACKNOWLEDGEMENT


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> TwilioVoice:
    """Optional settings: TWILIO_API_URL (https://api.twilio.com), TWILIO_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for a SID, address or number that is none. The vendor's limits name no
    times, so the clock is not asked.
    """
    if not twilio_rest.is_e164(settings["TWILIO_VOICE_FROM"]):
        raise ValueError("TWILIO_VOICE_FROM is a telephone number like +15005550006")
    return TwilioVoice(settings)


# --- what is said --------------------------------------------------------------------------


def spoken(message: Message) -> str:
    """The TwiML that says the text ``plays`` times."""
    response, language = VoiceResponse(), LANGUAGES.get(message.language, LANGUAGES["zh-CN"])
    for _ in range(message.plays):
        response.pause(length=BREATH)
        response.say(message.text, language=language)
    return str(response)


# --- reading callbacks -----------------------------------------------------------------------


def _delivery(form: Mapping[str, str]) -> Delivery:
    if form["CallStatus"] in UNREACHED:
        return Delivery.UNDELIVERED
    if form["CallStatus"] != "completed":
        return Delivery.PENDING
    lasted = re.fullmatch(r"0*[1-9]\d*", form.get("CallDuration", ""), re.ASCII)
    return Delivery.DELIVERED if lasted else Delivery.UNDELIVERED


def _moment(text: str) -> datetime | None:
    """RFC 2822; a time that is none is no reason to lose the report."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # -0000 is read as "no zone"

"""Calls that speak a text, made by Twilio (Programmable Voice, API 2010-04-01) through its own SDK.

Sources: the vendor's Call resource, TwiML Say and Gather, answering-machine, error-dictionary and
call-status pages, Amazon's of the Polly voices (their rate is 20 to 200 %), and the source of
twilio-python 9.13.0.

What counts as delivered: a call a person answered that lasted a second at least, as with other
vendors also one hung up before the end; nobody tells what was heard, and calling again whoever hung
up only annoys. A machine is not the person: the vendor listens for up to ``DETECTION`` seconds who
answers, and a call a machine or a fax took is not delivered, so that the person is called again.

A limit: the document is handed over with the call and has no branch for machines, so what was to be
said is said to the machine, too, and may stay on it. Only a document fetched when the call is answered
could differ, and it would have to know the text then; our texts hold no more than a card's last four
digits. Whoever is mistaken for a machine hears all of it, and is believed when a key is pressed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from twilio.twiml.voice_response import Gather, VoiceResponse

from gateway.messages import Limits, Message
from gateway.provider_books import Record
from gateway.providers import (
    Callback,
    Cause,
    Delivery,
    Inbound,
    Outcome,
    Receipt,
    Rejected,
    Report,
    Throttled,
)
from integrations import twilio_callbacks, twilio_rest
from integrations.twilio_callbacks import clean_code, form_of, handover_of, reference, telephone

SETTINGS: dict[str, str] = {
    **twilio_callbacks.SETTINGS,
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
        Rejected("12100", Cause.CONTENT),  # TwiML that is no XML: this text cannot be said there
        Rejected("21201", Cause.OURS),  # no To
        Rejected("21205", Cause.OURS),  # bad URL
        Rejected("21210", Cause.OURS),  # From is not ours nor verified: the configuration
        Rejected("21213", Cause.OURS),  # no From
        Rejected("21219", Cause.OURS),  # a trial account, for verified numbers only: the configuration
        Rejected("21626", Cause.OURS),  # bad StatusCallbackEvent
    )
}

# What is known of a call nobody heard: our word for machines, SIP's code of a failure, or CallStatus.
CAUSES: dict[str, Cause] = {
    "busy": Cause.AWAY,
    "no-answer": Cause.AWAY,
    "machine": Cause.AWAY,
    "completed": Cause.AWAY,  # answered and gone within the second
    "failed": Cause.AWAY,  # no carrier got through, without saying why
    "canceled": Cause.OURS,  # only who called can withdraw it
    "404": Cause.RECIPIENT,  # SIP: nobody has this number
    "410": Cause.RECIPIENT,  # not any more
    "484": Cause.RECIPIENT,  # it is incomplete
    "604": Cause.RECIPIENT,  # it exists nowhere
    "408": Cause.AWAY,  # SIP: the handset did not answer the network
    "480": Cause.AWAY,  # off or out of reach
    "486": Cause.AWAY,  # busy
    "487": Cause.AWAY,  # rang in vain
    "503": Cause.AWAY,  # a carrier on the way was overloaded
    "600": Cause.AWAY,  # busy everywhere
    "603": Cause.AWAY,  # declined
}

PAGE_SIZE = 500  # of a day's list; the vendor gives 1,000 at most
LONGEST = 4000  # characters of TwiML in a call
LONGEST_TEXT = 1000  # of a text, which then fits three times with what stands around it
RINGING = 30  # seconds it rings before it counts as not answered
DETECTION = 5  # seconds the vendor listens for a machine (3 to 59); the person waits as long, at worst
BREATH = 1  # seconds of silence between two sayings
PATIENCE = 5  # seconds a key is waited for
SLOW = "80%"  # of the voice's usual rate, as elders need
# Standard voices: they take SSML, which the vendor's own ("man", "woman") do not.
VOICES = {"zh-CN": ("Polly.Zhiyu", "cmn-CN"), "en": ("Polly.Joanna", "en-US")}
UNREACHED = frozenset({"busy", "no-answer", "failed", "canceled"})
MACHINES = ("machine", "fax")  # how AnsweredBy begins when nobody was there
# XML 1.0 has no place for these, escaped or not.
UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Clock = Callable[[], datetime]


class TwilioVoice(twilio_callbacks.Callbacks):
    """``Sender``, ``Reporter`` and ``DayLister``; safe in up to 16 threads. It cannot be asked.

    The vendor's list of calls holds no id of ours, and calls made twice annoy more than one that
    waits for its report.
    """

    name: str = "twilio_voice"
    channel: str = "voice"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits(text=LONGEST_TEXT)
    reports: frozenset[str] = frozenset({"voice-status", "voice-keys"})
    day_zone = UTC

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__(settings)
        self._account = twilio_rest.Account(settings, OUTCOMES)
        self._calls = self._account.client.calls
        self._from = twilio_callbacks.own_number(settings, "TWILIO_VOICE_FROM")

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Have the person called: one call each."""
        return [self._call(handover, message) for message in messages]

    def _call(self, handover: str, message: Message) -> Outcome:
        twiml = spoken(message, self.callback_url("voice-keys", handover))
        if len(twiml) > LONGEST:
            return Rejected("32018", Cause.CONTENT)
        answer = self._account.ask(
            lambda: self._calls.create(
                to=message.address,
                from_=self._from,
                twiml=twiml,
                timeout=RINGING,
                machine_detection="Enable",
                machine_detection_timeout=DETECTION,
                status_callback=self.callback_url("voice-status", handover),
                status_callback_event=["completed"],  # however it ends; nothing follows from the rest
            )
        )
        return twilio_rest.accepted(answer)

    # --- DayLister ---

    def recorded(self, day: date) -> Iterator[Sequence[Record]]:
        """The calls our number began that day."""
        first = partial(self._calls.page, from_=self._from, start_time=str(day), page_size=PAGE_SIZE)
        for page in self._account.pages(first):
            yield [_record(call) for call in page]

    # --- Reporter ---

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read a status callback, or the keys pressed in a call that asked for them."""
        return _keys(callback) if callback.kind == "voice-keys" else [_receipt(callback)]

    def acknowledgement(self, kind: str) -> tuple[str, str]:
        """Whoever pressed a key is still on the line and is told that it came; a status needs no answer."""
        return _KEY_CAME if kind == "voice-keys" else super().acknowledgement(kind)


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> TwilioVoice:
    """Optional settings: TWILIO_API_URL (https://api.twilio.com), TWILIO_TIMEOUT_SECONDS (3).

    Raises ``ValueError`` for a SID, address or number that is none. The vendor's limits name no
    times and a call is made at once, so the clock is not asked.
    """
    return TwilioVoice(settings)


# --- what is said --------------------------------------------------------------------------


def spoken(message: Message, keys_url: str = "") -> str:
    """The TwiML that says the text ``plays`` times; ``keys_url`` hears of a key when it asks for one.

    The sayings stand in the Gather, so that a key counts as soon as it is pressed. It has no
    ``actionOnEmptyResult``: when nothing is pressed there is nothing to report, the call falls
    through to the end and is told by its status. The address is absolute, as it has to be in
    a document that has none of its own (error 15004).
    """
    response = VoiceResponse()
    place = _gather(response, keys_url) if message.asks else response
    for play in range(max(message.plays, 1)):
        if play:
            place.pause(length=BREATH)
        _say(place, message.text, message.language, message.slow)
    return str(response)


def _gather(response: VoiceResponse, url: str) -> Gather:
    return response.gather(input="dtmf", num_digits=1, timeout=PATIENCE, action=url, method="POST")


def _say(place: VoiceResponse | Gather, text: str, language: str, slow: bool) -> None:
    voice, tongue = VOICES.get(language, VOICES["zh-CN"])
    words = UNSAYABLE.sub(" ", text)
    say = place.say(None if slow else words, voice=voice, language=tongue)
    if slow:
        say.prosody(words, rate=SLOW)


def _key_came() -> tuple[str, str]:
    """The same for all: which keys were offered, to whom and in which language, is not known here.

    So it does not thank for a choice: the key may be none, and who is mistaken is told whom to call.
    """
    response = VoiceResponse()
    _say(response, "您按的键已收到。如果按错了，请拨打12333。", "zh-CN", slow=False)
    english = "Your key has been received. If you pressed the wrong one, please call 12333."
    _say(response, english, "en", slow=False)
    response.hangup()
    return str(response), "text/xml; charset=utf-8"


_KEY_CAME = _key_came()


# --- reading callbacks -----------------------------------------------------------------------


def _record(call: Any) -> Record:
    """As its status callback would be read."""
    form = {"CallStatus": str(call.status), "CallDuration": str(call.duration or "")}
    form["AnsweredBy"] = str(call.answered_by or "")
    return Record(str(call.sid), str(call.to), _delivery(form, _code(form)))


def _receipt(callback: Callback) -> Receipt:
    form = form_of(callback, "CallSid", "CallStatus", "To")
    code = _code(form)
    delivery = _delivery(form, code)
    return Receipt(
        reference=reference(form["CallSid"]),
        address=telephone(form["To"]),
        delivery=delivery,
        code=code,
        at=_moment(form.get("Timestamp", "")),
        handover=handover_of(callback),
        cause=CAUSES.get(code, Cause.UNSPECIFIED) if delivery is Delivery.UNDELIVERED else None,
    )


def _code(form: Mapping[str, str]) -> str:
    """Of how it ended, the word that says most."""
    status = form["CallStatus"]
    if status == "completed" and form.get("AnsweredBy", "").startswith(MACHINES):
        return "machine"
    if status == "failed":
        return clean_code(form.get("SipResponseCode") or status)
    return clean_code(status)


def _delivery(form: Mapping[str, str], code: str) -> Delivery:
    if code == "machine" or form["CallStatus"] in UNREACHED:
        return Delivery.UNDELIVERED
    if form["CallStatus"] != "completed":
        return Delivery.PENDING
    lasted = re.fullmatch(r"0*[1-9]\d*", form.get("CallDuration", ""), re.ASCII)
    return Delivery.DELIVERED if lasted else Delivery.UNDELIVERED


def _keys(callback: Callback) -> Sequence[Report]:
    """Who presses a key has heard what it is for: delivered, whatever the detection makes of it."""
    form = form_of(callback, "CallSid", "From", "To")
    keys = form.get("Digits", "")
    if not re.fullmatch(r"[0-9*#]{0,32}", keys, re.ASCII):
        raise ValueError("The keys of a telephone are digits, * and #.")
    call, person, handover = reference(form["CallSid"]), telephone(form["To"]), handover_of(callback)
    if not keys:
        return []
    heard = Receipt(call, person, Delivery.DELIVERED, "keys", handover=handover)
    return [heard, Inbound(f"{call}#keys", person, form["From"], keys, handover=handover)]


def _moment(text: str) -> datetime | None:
    """RFC 2822; a time that is none, or lies where no calendar reaches, is no reason to lose the report."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)  # -0000: no zone
    except (ValueError, OverflowError):
        return None

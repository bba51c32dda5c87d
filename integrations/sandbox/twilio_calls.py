"""Twilio's Calls: they ring in the same telephones as all others, reported by status callbacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox import twiml
from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.phones import (
    ANSWERED,
    BUSY,
    COMPLETED,
    EARLY,
    NO_ANSWER,
    OFF,
    RINGING,
    Call,
    Phones,
)
from integrations.sandbox.twilio_params import (
    Params,
    Refusal,
    callback_url,
    is_landline,
    is_mobile,
    needed,
    new_sid,
    one,
    rfc2822,
    within,
)
from integrations.sandbox.webhooks import Webhooks

PROVIDER = "twilio_voice"
LONGEST_TWIML = 4000
LONGEST_RINGING = 600  # seconds
SPEED = 4  # characters spoken in a second: how long a call was that was heard to its end
# What becomes of a call, as CallStatus and as StatusCallbackEvent.
WORDS = {
    RINGING: ("ringing", "ringing"),
    ANSWERED: ("in-progress", "answered"),
    COMPLETED: ("completed", "completed"),
    EARLY: ("completed", "completed"),
    BUSY: ("busy", "completed"),
    NO_ANSWER: ("no-answer", "completed"),
    OFF: ("failed", "completed"),
}
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})

News = tuple[str, Mapping[str, str]]  # StatusCallbackEvent and the form


@dataclass(slots=True, eq=False)
class TwilioCall(Call):
    """A call made here; ``news`` is what the customer is still to be told of it."""

    to: str = ""
    sender: str = ""
    callback: str = ""
    events: frozenset[str] = frozenset({"completed"})
    told: int = 0
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)


class Calls:
    """The resource."""

    key = "calls"
    target = PROVIDER
    action = "Calls"

    def __init__(self, credentials: Credentials, faults: Faults, phones: Phones, webhooks: Webhooks) -> None:
        self.options = Options()
        self._account = credentials.twilio_sid
        self._numbers = credentials.twilio_numbers
        self._faults = faults
        self._phones = phones
        self._webhooks = webhooks

    # --- the resource ---

    def create(self, params: Params) -> dict[str, Any]:
        """Make a call."""
        to = needed(params, "To", "21201")
        if not (is_mobile(to) or is_landline(to)):
            raise Refusal("21211", f"The phone number you are attempting to call, {to}, is not valid.")
        sender = needed(params, "From", "21213")
        if sender not in self._numbers:
            raise Refusal(
                "21210", f"Source phone number provided, {sender}, is not verified for your account."
            )
        within(params, "Timeout", 1, LONGEST_RINGING)
        text, plays = _said(params)
        call = TwilioCall(to, text, time.time(), new_sid("CA"), PROVIDER, plays, to=to, sender=sender)
        call.callback, call.events = callback_url(params), _events(params)
        call.changed = self._changed
        call.news.put_nowait(("initiated", self._status(call, "initiated")))
        self._webhooks.start(self._tell(call))
        self._phones.ring(call)
        return self._as_json(call, "queued")

    def newest_first(self, params: Params) -> list[dict[str, Any]]:
        """To and From, if given."""
        to, sender = one(params, "To"), one(params, "From")
        calls = self._phones.of(to) if to else self._phones.since(0.0)
        visible = time.time() - self.options.query_visible_after
        return [
            self._as_json(call, WORDS[call.status][0])
            for call in reversed(calls)
            if isinstance(call, TwilioCall) and call.at <= visible and sender in ("", call.sender)
        ]

    def find(self, sid: str) -> dict[str, Any] | None:
        """The call of that SID."""
        call = self._phones.find(sid)
        return self._as_json(call, WORDS[call.status][0]) if isinstance(call, TwilioCall) else None

    def _as_json(self, call: TwilioCall, word: str) -> dict[str, Any]:
        return {
            "sid": call.id,
            "account_sid": self._account,
            "api_version": "2010-04-01",
            "to": call.to,
            "from": call.sender,
            "status": word,
            "direction": "outbound-api",
            "answered_by": None,
            "date_created": rfc2822(call.at),
            "date_updated": rfc2822(call.ended_at or call.answered_at or call.at),
            "start_time": rfc2822(call.answered_at),
            "end_time": rfc2822(call.ended_at),
            "duration": str(_lasted(call)) if call.ended_at else None,
            "price": None,
            "price_unit": "USD",
            "uri": f"/2010-04-01/Accounts/{self._account}/Calls/{call.id}.json",
            "subresource_uris": {},
        }

    # --- the way of a call ---

    def _changed(self, call: Call) -> None:
        if isinstance(call, TwilioCall):
            word, event = WORDS[call.status]
            call.news.put_nowait((event, self._status(call, word)))

    async def _tell(self, call: TwilioCall) -> None:
        """Tell the customer what it wants to hear, one after the other, until the call is over."""
        fault = self._faults.match("receipts", "voice_status", (call.number, call.number.removeprefix("+86")))
        event = ""
        while event != "completed":
            event, fields = await call.news.get()
            if event == "completed":
                await asyncio.sleep(self.options.receipt_delay + (fault.latency_ms / 1000 if fault else 0.0))
                if fault and fault.mode == "error":
                    fields = {**fields, "CallStatus": fault.code or "failed", "CallDuration": "0"}
            if call.callback and event in call.events and not (fault and fault.mode == "silent"):
                await self._webhooks.report(call.callback, fields)

    def _status(self, call: TwilioCall, word: str) -> Mapping[str, str]:
        fields = {
            "AccountSid": self._account,
            "ApiVersion": "2010-04-01",
            "CallSid": call.id,
            "CallStatus": word,
            "CallbackSource": "call-progress-events",
            "Called": call.to,
            "Caller": call.sender,
            "Direction": "outbound-api",
            "From": call.sender,
            "SequenceNumber": str(call.told),
            "Timestamp": rfc2822(time.time()) or "",
            "To": call.to,
        }
        call.told += 1
        if call.ended_at:
            lasted = _lasted(call)
            fields |= {"CallDuration": str(lasted), "Duration": str(-(-lasted // 60))}
        return fields


def _lasted(call: TwilioCall) -> int:
    """Seconds of a call as they would have been: in the sandbox nobody waits for the end of a text."""
    if not call.answered_at:
        return 0
    if call.status == COMPLETED:
        return 1 + call.plays * (1 + len(call.text) // SPEED)
    return max(1, round(call.ended_at - call.answered_at))


def _events(params: Params) -> frozenset[str]:
    """StatusCallbackEvent may come repeatedly or as words in one."""
    events = frozenset(word for value in params.get("StatusCallbackEvent", ()) for word in value.split())
    if events - EVENTS:
        raise Refusal("21626", "Invalid StatusCallbackEvent.")
    return events or frozenset({"completed"})


def _said(params: Params) -> tuple[str, int]:
    """What the call says and how often."""
    document = one(params, "Twiml")
    if not document:
        raise Refusal("21205", "Url or Twiml is required; the sandbox's telephones take Twiml only.")
    if len(document) > LONGEST_TWIML:
        raise Refusal("32018", f"Twiml size exceeded the maximum of {LONGEST_TWIML} characters.")
    try:
        says = [text for verb in twiml.parse(document.encode()) for text in _heard(verb)]
    except twiml.TwimlError as error:
        raise Refusal("12100", str(error)) from None
    alike = len(set(says)) == 1
    return (says[0], len(says)) if alike else (" ".join(says), 1)


def _heard(verb: Any) -> list[str]:
    return twiml.uttered(verb) if verb.tag in twiml.PROMPTS else []

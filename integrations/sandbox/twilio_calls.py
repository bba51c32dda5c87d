"""Twilio's Calls: they ring in the same telephones as all others, reported by status callbacks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox import twiml
from integrations.sandbox.faults import Fault, Faults
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
    chosen,
    is_landline,
    is_mobile,
    is_number,
    needed,
    new_sid,
    one,
    rfc2822,
    within,
)
from integrations.sandbox.twilio_script import heard_in, script_of
from integrations.sandbox.webhooks import UnansweredError, Webhooks

PROVIDER = "twilio_voice"
LONGEST_RINGING = 600  # seconds
DETECTIONS = ("Enable", "DetectMessageEnd")
SHORTEST_DETECTION, LONGEST_DETECTION = 3, 59  # seconds
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
    """A call made here; ``news`` is what the customer is still to be told of it.

    ``detection`` is the MachineDetection asked for, ``replies`` what was said after keys were pressed.
    """

    to: str = ""
    sender: str = ""
    callback: str = ""
    events: frozenset[str] = frozenset({"completed"})
    gather: twiml.Gather | None = None
    detection: str = ""
    answered_by: str = ""
    replies: list[str] = field(default_factory=list)
    told: int = 0
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/calls shows it."""
        return {**Call.as_json(self), "answered_by": self.answered_by, "replies": self.replies}


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
        to, sender = _recipient(params), self._sender(params)
        within(params, "Timeout", 1, LONGEST_RINGING)
        within(params, "MachineDetectionTimeout", SHORTEST_DETECTION, LONGEST_DETECTION)
        script, now = script_of(params), time.time()
        call = TwilioCall(to, script.text, now, new_sid("CA"), PROVIDER, script.plays, to=to, sender=sender)
        call.detection = chosen(params, "MachineDetection", *DETECTIONS)
        call.callback, call.events = callback_url(params), _events(params)
        call.gather, call.slow, call.changed = script.gather, script.slow, self._changed
        call.news.put_nowait(("initiated", self._status(call, "initiated")))
        fault = self._faults.match("receipts", "voice_status", (call.number, call.number.removeprefix("+86")))
        self._webhooks.start(self._tell(call, fault), fault)
        self._phones.ring(call)
        return self._as_json(call, "queued")

    def _sender(self, params: Params) -> str:
        sender = needed(params, "From", "21213")
        if not is_number(sender):
            raise Refusal("21212", f"The source phone number provided, {sender}, is not valid.")
        if sender not in self._numbers:
            raise Refusal(
                "21210", f"Source phone number provided, {sender}, is not verified for your account."
            )
        return sender

    def newest_first(self, params: Params) -> list[dict[str, Any]]:
        """To and From, if given, and StartTime (a UTC day)."""
        to, sender, day = one(params, "To"), one(params, "From"), one(params, "StartTime")
        calls = self._phones.of(to) if to else self._phones.since(0.0)
        visible = time.time() - self.options.query_visible_after
        return [
            self._as_json(call, WORDS[call.status][0])
            for call in reversed(calls)
            if isinstance(call, TwilioCall)
            and call.at <= visible
            and sender in ("", call.sender)
            and day in ("", time.strftime("%Y-%m-%d", time.gmtime(call.at)))
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
            "answered_by": call.answered_by or None,
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
            if call.status == ANSWERED and call.detection:
                call.answered_by = self._answered_by(call)
            word, event = WORDS[call.status]
            call.news.put_nowait((event, self._status(call, word)))

    def _answered_by(self, call: TwilioCall) -> str:
        if self._phones.answers(call.number) != "machine":
            return "human"
        return "machine_start" if call.detection == "Enable" else "machine_end_beep"

    async def _tell(self, call: TwilioCall, fault: Fault | None) -> None:
        """Tell the customer what it wants to hear, one after the other, until the call is over."""
        mode, kept = fault.mode if fault else "ok", deque[News]()
        event = ""
        while event != "completed":
            event, fields = await call.news.get()
            if event == "completed":
                await self._submit(call)
                await asyncio.sleep(self._webhooks.delay("voice_status", fault))
                fields = {**fields, **_said_to_have_ended(fault)} if fault and mode == "error" else fields
            kept.append((event, fields))
            while kept and (mode != "reversed" or event == "completed"):
                await self._report(call, kept.pop() if mode == "reversed" else kept.popleft(), mode)

    async def _report(self, call: TwilioCall, news: News, mode: str) -> None:
        event, fields = news
        if call.callback and event in call.events and mode != "silent":
            for _ in range(2 if mode == "twice" else 1):
                await self._webhooks.report(call.callback, fields)

    async def _submit(self, call: TwilioCall) -> None:
        """The keys pressed go to the action of the Gather, whose answer is heard before the call ends."""
        if call.gather is None or not call.answered_at:
            return
        keys, _, finished = call.gather.collect(call.keys)
        if not keys and not call.gather.on_empty:
            return
        asked = {
            "Digits": keys,
            "FinishedOnKey": call.gather.finish_on if finished else "",
            "msg": "Gather End",
        }
        fields = {**self._about(call), "CallStatus": "in-progress", **asked}
        try:
            answer = await self._webhooks.ask(call.gather.method, call.gather.action, fields)
            call.replies += heard_in(answer)
        except (UnansweredError, twiml.TwimlError):
            call.replies.append(twiml.SORRY)

    def _about(self, call: TwilioCall) -> dict[str, str]:
        """What every webhook of this call says."""
        by = {"AnsweredBy": call.answered_by} if call.answered_by else {}
        return {
            "AccountSid": self._account,
            "ApiVersion": "2010-04-01",
            "CallSid": call.id,
            "Called": call.to,
            "Caller": call.sender,
            "Direction": "outbound-api",
            "From": call.sender,
            "To": call.to,
            **by,
        }

    def _status(self, call: TwilioCall, word: str) -> Mapping[str, str]:
        fields = {
            **self._about(call),
            "CallStatus": word,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.told),
            "Timestamp": rfc2822(time.time()) or "",
        }
        call.told += 1
        if call.ended_at:
            lasted = _lasted(call)
            fields |= {"CallDuration": str(lasted), "Duration": str(-(-lasted // 60))}
        return fields


def _recipient(params: Params) -> str:
    to = needed(params, "To", "21201")
    if not (is_mobile(to) or is_landline(to)):
        raise Refusal("21211", f"The phone number you are attempting to call, {to}, is not valid.")
    return to


def _said_to_have_ended(fault: Fault) -> Mapping[str, str]:
    """What a fault's code is told as: a SIP code, a machine (also by its word), or a status."""
    code = fault.code or "failed"
    if code.isdecimal():
        return {"CallStatus": "failed", "CallDuration": "0", "SipResponseCode": code}
    if code.startswith(("machine", "fax")):
        return {"CallStatus": "completed", "AnsweredBy": code}
    return {"CallStatus": code, "CallDuration": "0"}


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

"""Twilio's Messages: taken into the same handsets as all others, reported by status callbacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.due import Due
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, Handsets, Text, handset
from integrations.sandbox.inbound import Reply
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.receipts import parts
from integrations.sandbox.texts import LINK
from integrations.sandbox.twilio_params import (
    Params,
    Refusal,
    callback_url,
    e164,
    is_landline,
    is_mobile,
    is_number,
    needed,
    new_sid,
    one,
    rfc2822,
    within,
)
from integrations.sandbox.webhooks import Webhooks

PROVIDER = "twilio_sms"
LONGEST = 1600
LONGEST_IN_CHINA = 500  # characters to a mainland mobile
LONGEST_VALIDITY = 36_000  # seconds, also where none is given
FILTERED = "30007"  # what becomes of links and long texts on their way into the mainland
UNREACHABLE = "30003"  # what a report switched to error says unless told otherwise
TOO_LATE = "30036"  # what waited beyond its ValidityPeriod
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS = frozenset({"START", "UNSTOP"})
YES = "YES"  # a START only from who said STOP
HELP_WORDS = frozenset({"HELP", "INFO"})


@dataclass(slots=True, eq=False)
class Sms(Text):
    """A message taken here; ``word`` is the vendor's status of it."""

    provider: str = PROVIDER
    to: str = ""
    sender: str = ""
    callback: str = ""
    word: str = "queued"
    validity: float = LONGEST_VALIDITY


class Messages:
    """The resource, and what people send to our number."""

    key = "messages"
    target = PROVIDER
    action = "Messages"

    def __init__(
        self, credentials: Credentials, faults: Faults, handsets: Handsets, webhooks: Webhooks
    ) -> None:
        self.options = Options()
        self.pushed = 0  # final reports that were heard
        self.given_up = 0
        self._account = credentials.twilio_sid
        self._numbers = credentials.twilio_numbers
        self._faults = faults
        self._handsets = handsets
        self._webhooks = webhooks
        self._due: Due[tuple[Sms, float]] = Due(self._arrive)
        self._untold: Due[Sms] = Due(_sent)  # nobody will hear of them
        self._opted_out: set[tuple[str, str]] = set()  # a person and one of our numbers

    def clear(self) -> None:
        """Count anew; nobody has opted out."""
        self.pushed = self.given_up = 0
        self._due.clear()
        self._untold.clear()
        self._opted_out.clear()

    # --- the resource ---

    def create(self, params: Params) -> dict[str, Any]:
        """Take a message."""
        to = _recipient(params)
        sender, body = self._sender(params, to), needed(params, "Body", "21602")
        if len(body) > LONGEST:
            raise Refusal("21617", f"The concatenated message body exceeds the {LONGEST} character limit.")
        within(params, "ValidityPeriod", 1, LONGEST_VALIDITY)
        sms = Sms(handset(to), body, time.time(), "", new_sid("SM"), "", to=to, sender=sender)
        sms.callback = callback_url(params)
        sms.validity = float(one(params, "ValidityPeriod") or LONGEST_VALIDITY)
        self._handsets.take(sms)
        fault = self._faults.match("receipts", "sms_status", (sms.number, sms.to))
        if fault and fault.mode == "silent":
            self._untold.put(min(self._webhooks.delay("sms_status", fault), sms.validity), sms)
        elif fault:
            self._webhooks.start(self._carry(sms, fault), fault)
        else:
            delay = self._webhooks.delay("sms_status", None)
            self._due.put(min(delay, sms.validity), (sms, delay))
        return self._as_json(sms)

    def newest_first(self, params: Params) -> list[dict[str, Any]]:
        """To and From, if given, and DateSent (a UTC day), which leaves out what is not sent yet."""
        to, sender, day = one(params, "To"), one(params, "From"), one(params, "DateSent")
        texts = self._handsets.of(to) if to else self._handsets.since(0.0)
        visible = time.time() - self.options.query_visible_after
        return [
            self._as_json(sms)
            for sms in reversed(texts)
            if isinstance(sms, Sms)
            and sms.at <= visible
            and to in ("", sms.to)
            and sender in ("", sms.sender)
            and (not day or (sms.word != "queued" and time.strftime("%Y-%m-%d", time.gmtime(sms.at)) == day))
        ]

    def find(self, sid: str) -> dict[str, Any] | None:
        """The message of that SID."""
        texts = reversed(self._handsets.since(0.0))
        return next((self._as_json(sms) for sms in texts if isinstance(sms, Sms) and sms.biz_id == sid), None)

    def _sender(self, params: Params, to: str) -> str:
        sender = needed(params, "From", "21603")
        if sender == to:
            raise Refusal("21266", "'To' and 'From' number cannot be the same.")
        if not is_number(sender):
            raise Refusal("21212", f"The 'From' number {sender} is not a valid phone number.")
        if sender not in self._numbers:
            raise Refusal("21606", f"The 'From' number {sender} is not a valid sender of this account.")
        if (to, sender) in self._opted_out:
            raise Refusal("21610", f"The recipient {to} has opted out of messages from this number.")
        return sender

    def _as_json(self, sms: Sms) -> dict[str, Any]:
        sent = sms.at if sms.word != "queued" else 0.0
        return {
            "sid": sms.biz_id,
            "account_sid": self._account,
            "api_version": "2010-04-01",
            "to": sms.to,
            "from": sms.sender,
            "body": sms.text,
            "status": sms.word,
            "error_code": int(sms.err_code) if sms.err_code else None,
            "error_message": None,
            "direction": "outbound-api",
            "num_segments": str(parts(sms.text)),
            "num_media": "0",
            "date_created": rfc2822(sms.at),
            "date_updated": rfc2822(sent or sms.at),
            "date_sent": rfc2822(sent),
            "messaging_service_sid": None,
            "price": None,
            "price_unit": "USD",
            "uri": f"/2010-04-01/Accounts/{self._account}/Messages/{sms.biz_id}.json",
            "subresource_uris": {},
        }

    # --- the way of a message ---

    def _arrive(self, sent: tuple[Sms, float]) -> None:
        """Sent, then delivered or not; the customer hears of each, in this order."""
        sms, delay = sent
        news = self._news(sms, TOO_LATE if delay > sms.validity else "")
        if sms.callback:
            self._webhooks.start(self._tell(sms, news, 1))

    async def _carry(self, sms: Sms, fault: Fault) -> None:
        """The same as a fault wants it."""
        delay = self._webhooks.delay("sms_status", fault)
        await asyncio.sleep(min(delay, sms.validity))
        wanted = (fault.code or UNREACHABLE) if fault.mode == "error" else ""
        news = self._news(sms, wanted or (TOO_LATE if delay > sms.validity else ""))
        if sms.callback:
            reversed_, times = fault.mode == "reversed", 2 if fault.mode == "twice" else 1
            await self._tell(sms, news[::-1] if reversed_ else news, times)

    def _news(self, sms: Sms, err_code: str) -> Sequence[Mapping[str, str]]:
        """What becomes of it, and what the customer is told of that."""
        sms.word = "sent"
        sent = self._status(sms) if sms.callback else {}
        sms.err_code = err_code or _filtered(sms)
        sms.status = FAILED if sms.err_code else DELIVERED
        sms.word = "undelivered" if sms.err_code else "delivered"
        return sent, self._status(sms)

    async def _tell(self, sms: Sms, news: Sequence[Mapping[str, str]], times: int) -> None:
        for fields in news:
            heard = [await self._webhooks.report(sms.callback, fields) for _ in range(times)][-1]
            if fields["MessageStatus"] != sms.word:
                continue
            self.pushed += heard
            self.given_up += not heard
            sms.report_pushed_at = time.time() if heard else 0.0

    def _status(self, sms: Sms) -> Mapping[str, str]:
        fields = {
            "AccountSid": self._account,
            "ApiVersion": "2010-04-01",
            "MessageSid": sms.biz_id,
            "MessageStatus": sms.word,
            "SmsSid": sms.biz_id,
            "SmsStatus": sms.word,
            "To": sms.to,
            "From": sms.sender,
        }
        return {**fields, "ErrorCode": sms.err_code} if sms.err_code else fields

    # --- what people send ---

    def receive(self, reply: Reply) -> None:
        """Hand a reply on to the customer; STOP and START are also obeyed here."""
        number, ours = e164(reply.number), min(self._numbers)
        wish = self._wish(reply.text.strip().upper(), (number, ours))
        if wish == "STOP":
            self._opted_out.add((number, ours))
        if wish == "START":
            self._opted_out.discard((number, ours))
        told = {"OptOutType": wish} if wish else {}
        self._webhooks.start(self._deliver({**self._inbound(reply, number), **told}))

    def _wish(self, word: str, pair: tuple[str, str]) -> str:
        """OptOutType; "" for words that are no keyword."""
        if word in STOP_WORDS:
            return "STOP"
        if word in START_WORDS or (word == YES and pair in self._opted_out):
            return "START"
        return "HELP" if word in HELP_WORDS else ""

    async def _deliver(self, fields: Mapping[str, str]) -> None:
        await asyncio.sleep(self.options.receipt_delay)
        if self.options.twilio_inbound_url:
            await self._webhooks.report(self.options.twilio_inbound_url, fields)

    def _inbound(self, reply: Reply, number: str) -> dict[str, str]:
        sid = f"SM{int(reply.id):032x}"
        return {
            "AccountSid": self._account,
            "ApiVersion": "2010-04-01",
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "From": number,
            "To": min(self._numbers),
            "Body": reply.text,
            "NumMedia": "0",
            "NumSegments": str(parts(reply.text)),
            "FromCountry": "CN" if number.startswith("+86") else "",
        }


def _recipient(params: Params) -> str:
    to = needed(params, "To", "21604")
    if is_landline(to):
        raise Refusal("21614", f"'To' number {to} is not a valid mobile number.")
    if not is_mobile(to):
        raise Refusal("21211", f"The 'To' number {to} is not a valid phone number.")
    return to


def _filtered(sms: Sms) -> str:
    """Links are forbidden into the mainland, and so are long texts."""
    mainland = sms.to.startswith("+86")
    return FILTERED if mainland and (LINK.search(sms.text) or len(sms.text) > LONGEST_IN_CHINA) else ""


def _sent(sms: Sms) -> None:
    sms.word = "sent"

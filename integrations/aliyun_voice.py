"""Aliyun (阿里云) calls that speak a text: API dyvmsapi of 2017-05-25, spoken by the vendor's own SDK.

Sources: the vendor's API reference and error-code list of dyvmsapi (SingleCallByTts, VoiceReport). A
call is not idempotent, and what became of it can only be asked by the CallId that a lost answer takes
with it: such a call is ``Unknown`` and waits for its report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aliyunsdkdyvmsapi.request.v20170525.SingleCallByTtsRequest import SingleCallByTtsRequest

from gateway.messages import Limits, Message
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Delivery,
    Outcome,
    Receipt,
    Rejected,
    Throttled,
    Unknown,
)
from integrations.aliyun_pushes import Pushes, address, moment, reports_in, word
from integrations.aliyun_rpc import SHARED_OUTCOMES, connect, json_of, number_of, outcome_of

SETTINGS: dict[str, str] = {
    "ALIYUN_ACCESS_KEY_ID": "the access key id of the account",
    "ALIYUN_ACCESS_KEY_SECRET": "its secret",
    "ALIYUN_TTS_CODE": "the code of an approved TTS template whose one variable is ${text}",
    "ALIYUN_CALLBACK_NETWORKS": "comma-separated addresses or networks reports come from",
}

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        *SHARED_OUTCOMES,
        Throttled("isv.VOICE_CALL_PERIOD_ERROR"),  # outside the hours in which calls may be made
        Rejected("isv.TTS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.DISPLAY_NUMBER_ILLEGAL", Cause.OURS),
    )
}

HEARD = frozenset({"200000", "200001"})  # to the end; answered and hung up early
LONGEST_PARAM = 249  # characters of TtsParam, its JSON included
MOST_PLAYS = 3
SPEED = "-200"  # of -500 to 500: slower than usual, as elders need
LINK = re.compile(r"https?://|www\.|[a-z0-9-]\.(?:com|cn|net|org|gov)\b", re.IGNORECASE | re.ASCII)

Clock = Callable[[], datetime]


class AliyunVoice(Pushes):
    """``Sender`` and ``Reporter``; safe in up to 16 threads."""

    name: str = "aliyun_voice"
    channel: str = "voice"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits(json=LONGEST_PARAM, links=False)
    reports: frozenset[str] = frozenset({"voice-report"})

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        super().__init__(settings["ALIYUN_CALLBACK_NETWORKS"])
        self._rpc = connect(settings, "ALIYUN_VOICE_ENDPOINT", "dyvmsapi.aliyuncs.com")
        self._template = settings["ALIYUN_TTS_CODE"]
        self._show_number = settings.get("ALIYUN_VOICE_SHOW_NUMBER") or ""
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Make one call; the vendor's OutId has room for a hand-over id of 15 bytes."""
        return [self._call(handover, message) for message in messages]

    def _call(self, handover: str, message: Message) -> Outcome:
        param = json_of({"text": message.text})
        if len(param) > LONGEST_PARAM:
            return Rejected("text_too_long", Cause.CONTENT)
        if LINK.search(message.text):
            return Rejected("text_with_link", Cause.CONTENT)
        answer = self._rpc.ask(self._request(handover, message, param))
        if isinstance(answer, dict):
            reference = answer.get("CallId")
            return Accepted(str(reference)) if reference else Unknown("no_reference")
        return outcome_of(answer, OUTCOMES, self._clock())

    def _request(self, handover: str, message: Message, param: str) -> Any:
        shown = {"CalledShowNumber": self._show_number} if self._show_number else {}
        request = self._rpc.request(
            SingleCallByTtsRequest, CalledNumber=number_of(message.address), TtsParam=param, **shown
        )
        request.add_query_param("TtsCode", self._template)
        request.add_query_param("PlayTimes", str(min(max(message.plays, 1), MOST_PLAYS)))
        request.add_query_param("Speed", SPEED)
        request.add_query_param("OutId", handover)
        return request

    # --- Reporter ---

    def parse(self, callback: Callback) -> Sequence[Receipt]:
        """Read a VoiceReport."""
        return [_receipt(report) for report in reports_in(callback.body)]


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> AliyunVoice:
    """Optional settings: ALIYUN_VOICE_ENDPOINT (dyvmsapi.aliyuncs.com), ALIYUN_TIMEOUT_SECONDS (3) and
    ALIYUN_VOICE_SHOW_NUMBER, the number people see calling (the account's pool of numbers).

    Raises ``ValueError`` for an endpoint, network or number that is none.
    """
    return AliyunVoice(settings, clock)


def _receipt(report: Mapping[str, Any]) -> Receipt:
    code = word(report, "status_code")
    return Receipt(
        reference=word(report, "call_id"),
        address=address(report, "callee"),
        delivery=Delivery.DELIVERED if code in HEARD else Delivery.UNDELIVERED,
        code=code,
        at=moment(report, "end_time"),
        handover=str(report.get("out_id") or ""),
    )

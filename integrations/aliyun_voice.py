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

from gateway.messages import Limits, Message, excess
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
    Unreachable,
)
from integrations.aliyun_pushes import (
    Pushes,
    address,
    beside,
    cause_of,
    moment,
    optional_word,
    read_each,
    word,
    words,
)
from integrations.aliyun_rpc import ACCOUNT, SHARED_OUTCOMES, connect, json_of, number_of, outcome_of

SETTINGS: dict[str, str] = {
    **ACCOUNT,
    "ALIYUN_TTS_CODE": "the code of an approved TTS template whose one variable is ${text}",
}

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        *SHARED_OUTCOMES,
        Throttled("isv.VOICE_CALL_PERIOD_ERROR"),  # outside the hours in which calls may be made
        Unreachable("isv.VOICE_CALL_FAIL"),  # the call could not be begun
        Rejected("isv.TTS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.TEMPLATE_ILLEGAL", Cause.CONTENT),
        Rejected("isv.COMPLAINT_REJECT", Cause.CONTENT),  # the number calling was complained about
        Rejected("isv.BILLID_NOT_EXIST", Cause.ACCOUNT),  # the number calling is not the account's
        Rejected("isv.DISPLAY_NUMBER_ILLEGAL", Cause.OURS),
    )
}

# 200000 heard to the end, 200001 answered and hung up early, 200008 answered and no key pressed.
HEARD = frozenset({"200000", "200001", "200008"})

# Why a call was not heard: the codes of VoiceReport ("运营商回执错误码").
CAUSES: dict[str, Cause] = {
    "200002": Cause.AWAY,  # busy
    "200003": Cause.AWAY,  # rang, was not answered
    "200005": Cause.AWAY,  # not reached: the carrier, or the telephone refuses strangers
    "200007": Cause.AWAY,  # out of the area
    "200010": Cause.AWAY,  # switched off
    "200118": Cause.AWAY,  # not at this hour of the day
    "200119": Cause.AWAY,  # called too often
    "200121": Cause.AWAY,  # too many calls at once
    "400": Cause.AWAY,  # the network is full
    "500": Cause.AWAY,  # the carrier failed
    "482": Cause.AWAY,  # the number cannot be used just now
    "200004": Cause.RECIPIENT,  # no number
    "200011": Cause.RECIPIENT,  # suspended
    "200116": Cause.RECIPIENT,  # no number
    "200006": Cause.CONTENT,  # the sound could not be played
    "200117": Cause.OURS,  # the number calling may not be shown
    "200104": Cause.ACCOUNT,  # the number calling is restricted
    "476": Cause.ACCOUNT,  # the number calling was taken away
}

MOST_PLAYS = 3
KEYS = re.compile(r"[0-9*#]{1,32}", re.ASCII)
SLOW, USUAL = "-200", "0"  # of -500 to 500

Clock = Callable[[], datetime]


class AliyunVoice(Pushes):
    """``Sender`` and ``Reporter``; safe in up to 16 threads."""

    name: str = "aliyun_voice"
    channel: str = "voice"
    batch: int = 1
    needs_template: bool = False
    limits: Limits = Limits(json=249, links=False)  # characters of TtsParam
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
        if beyond := excess(self.limits, message):
            return Rejected(f"beyond_{beyond.limit}", Cause.CONTENT)
        answer = self._rpc.ask(self._request(handover, message))
        return outcome_of(answer, "CallId", OUTCOMES, self._clock())

    def _request(self, handover: str, message: Message) -> Any:
        shown = {"CalledShowNumber": self._show_number} if self._show_number else {}
        request = self._rpc.request(
            SingleCallByTtsRequest,
            CalledNumber=number_of(message.address),
            TtsParam=json_of({"text": message.text}),
            **shown,
        )
        request.add_query_param("TtsCode", self._template)
        request.add_query_param("PlayTimes", str(min(max(message.plays, 1), MOST_PLAYS)))
        request.add_query_param("Speed", SLOW if message.slow else USUAL)
        request.add_query_param("OutId", handover)
        return request

    # --- Reporter ---

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read a VoiceReport: how each call went, and the keys pressed in it."""
        return read_each(callback.body, _reports)


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> AliyunVoice:
    """Optional settings: ALIYUN_VOICE_ENDPOINT (dyvmsapi.aliyuncs.com), ALIYUN_TIMEOUT_SECONDS (3) and
    ALIYUN_VOICE_SHOW_NUMBER, the number people see calling (the account's pool of numbers).

    Raises ``ValueError`` for an endpoint, network or number that is none.
    """
    return AliyunVoice(settings, clock)


def _reports(report: Mapping[str, Any]) -> list[Report]:
    receipt = _receipt(report)
    keys = words(report, "dtmf")
    if not KEYS.fullmatch(keys):
        return [receipt]
    pressed = Inbound(
        id=f"{receipt.reference}#keys",
        address=receipt.address,
        to=beside(report, "caller"),
        text=keys,
        at=receipt.at,
        handover=receipt.handover,
    )
    return [receipt, pressed]


def _receipt(report: Mapping[str, Any]) -> Receipt:
    code = word(report, "status_code")
    delivery = Delivery.DELIVERED if code in HEARD else Delivery.UNDELIVERED
    return Receipt(
        reference=word(report, "call_id"),
        address=address(report, "callee"),
        delivery=delivery,
        code=code,
        at=moment(report, "end_time"),
        handover=optional_word(report, "out_id"),
        cause=cause_of(delivery, code, CAUSES),
    )

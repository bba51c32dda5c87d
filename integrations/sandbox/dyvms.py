"""Aliyun's voice interface (dyvmsapi 2017-05-25), as strict as the vendor; the calls ring in phones."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.limits import Limits, call_accounts
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.params import Params, loaded, mobile, needed, reference
from integrations.sandbox.phones import BUSY, COMPLETED, EARLY, ENDED, NO_ANSWER, OFF, Call, Phones
from integrations.sandbox.receipts import Pushes, china_time
from integrations.sandbox.signature import Refused
from integrations.sandbox.texts import LINK

PROVIDER = "aliyun_voice"
SHOWN = "05344757036"  # the number people see calling, as in the vendor's examples
TTS_PRODUCT = "11010000138001"  # ProdId of calls by TTS
LONGEST_PARAM = 249  # characters of TtsParam
LONGEST_OUT_ID = 15  # bytes
RESULTS = {
    COMPLETED: ("200000", "用户听完"),
    EARLY: ("200001", "用户接听后提前挂机"),
    BUSY: ("200002", "用户占线"),
    NO_ANSWER: ("200003", "用户无应答"),
    OFF: ("200010", "用户关机"),
}
UNREACHABLE = "200005"  # what a report switched to error says unless told otherwise


@dataclass(slots=True, eq=False)
class VoiceCall(Call):
    """A call made here; ``err_code`` is the result a fault puts in place of the true one."""

    out_id: str = ""
    err_code: str = ""


class VoiceReports(Pushes[VoiceCall]):
    """VoiceReport: how each call went, some time after it ended."""

    action = "voice_report"

    def url(self) -> str:
        """Option voice_report_url."""
        return self.options.voice_report_url

    def changed(self, call: Call) -> None:
        """Report it once it is over."""
        if call.status not in ENDED or not isinstance(call, VoiceCall):
            return
        fault = self.wait(call, call.ended_at)
        if fault and fault.mode == "error":
            call.err_code = fault.code or UNREACHABLE

    def report(self, call: VoiceCall, _now: float) -> dict[str, Any]:
        """As the vendor documents it."""
        code, words = RESULTS[call.status]
        return {
            "call_id": call.id,
            "out_id": call.out_id,
            "caller": SHOWN,
            "callee": call.number,
            "status_code": call.err_code or code,
            "status_msg": "呼叫失败" if call.err_code else words,
            "start_time": china_time(call.answered_at) if call.answered_at else "",
            "end_time": china_time(call.ended_at),
            "duration": str(_duration(call)),
            "hangup_direction": "用户" if call.status == EARLY else "机器",
            "originate_time": china_time(call.at),
            "voice_type": "voice",
            "dtmf": "",
        }


class Voice:
    """The voice product's actions."""

    def __init__(
        self, credentials: Credentials, limits: Limits, phones: Phones, reports: VoiceReports
    ) -> None:
        self.options = Options()
        self._tts_code = credentials.tts_code
        self._limits = limits
        self._phones = phones
        self._reports = reports
        self.actions: Mapping[str, Callable[[Params], dict[str, Any]]] = {
            "SingleCallByTts": self._single_call_by_tts,
            "SingleCallByVoice": self._single_call_by_voice,
            "QueryCallDetailByCallId": self._query_call_detail,
        }

    def _single_call_by_tts(self, params: Params) -> dict[str, Any]:
        number = mobile(needed(params, "CalledNumber"))
        if needed(params, "TtsCode") != self._tts_code:
            raise Refused("isv.TTS_TEMPLATE_ILLEGAL", "TTS模板不合法")
        text = _spoken(params.get("TtsParam", ""))
        plays = _within(params, "PlayTimes", 1, 3, default=3)
        _within(params, "Volume", 0, 100, default=100)
        speed = _within(params, "Speed", -500, 500, default=0)
        _check_out_id(params)
        if not re.fullmatch(r"\d{5,12}", params.get("CalledShowNumber") or SHOWN, re.ASCII):
            raise Refused("isv.DISPLAY_NUMBER_ILLEGAL", "号显不合法")
        now = time.time()
        if self.options.limits:
            self._limits.charge([call_accounts(number)], now)
        call = VoiceCall(number, text, now, reference(now), PROVIDER, plays, out_id=params.get("OutId", ""))
        call.changed, call.slow = self._reports.changed, speed < 0
        self._phones.ring(call)
        return {"CallId": call.id}

    def _single_call_by_voice(self, params: Params) -> dict[str, Any]:
        """The account has no recordings: none was ever handed in here."""
        mobile(needed(params, "CalledNumber"))
        needed(params, "VoiceCode")
        raise Refused("isv.VOICE_FILE_ILLEGAL", "语音文件不合法")

    def _query_call_detail(self, params: Params) -> dict[str, Any]:
        at = needed(params, "QueryDate")
        if needed(params, "ProdId") != TTS_PRODUCT or not re.fullmatch(r"\d{13}", at, re.ASCII):
            raise Refused("isv.INVALID_PARAMETERS", "参数异常")
        call = self._phones.find(needed(params, "CallId"))
        day = china_time(int(at) / 1000)[:10]
        if not isinstance(call, VoiceCall) or call.status not in ENDED or china_time(call.at)[:10] != day:
            return {"Data": "{}"}
        code, words = RESULTS[call.status]
        detail = {
            "callId": call.id,
            "caller": SHOWN,
            "callee": call.number,
            "state": code,
            "stateDesc": words,
            "startDate": china_time(call.at),
            "endDate": china_time(call.ended_at),
            "duration": _duration(call),
        }
        return {"Data": json.dumps(detail, ensure_ascii=False)}


def _spoken(param: str) -> str:
    """The template's one variable is the whole text."""
    if len(param) > LONGEST_PARAM:
        raise Refused("isv.PARAM_LENGTH_LIMIT", "参数超过长度限制")
    text = loaded(param or "{}", dict).get("text")
    if not isinstance(text, str) or not text:
        raise Refused("isv.TEMPLATE_MISSING_PARAMETERS", "模板缺少变量")
    if LINK.search(text):
        raise Refused("isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL")
    return text


def _within(params: Params, name: str, least: int, most: int, default: int) -> int:
    text = params.get(name) or str(default)
    if not re.fullmatch(r"-?\d{1,3}", text, re.ASCII) or not least <= int(text) <= most:
        raise Refused("isv.INVALID_PARAMETERS", f"{name} {least}~{most}")
    return int(text)


def _check_out_id(params: Params) -> None:
    if "OutId" in params and not 1 <= len(params["OutId"].encode()) <= LONGEST_OUT_ID:
        raise Refused("isv.INVALID_PARAMETERS", f"OutId 1~{LONGEST_OUT_ID}字节")


def _duration(call: Call) -> int:
    """Whole seconds spoken, as they are charged."""
    return -int(-(call.ended_at - call.answered_at) // 1) if call.answered_at else 0

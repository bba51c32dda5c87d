"""Fault switches: what goes wrong, for whom and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

# What each target does besides answering questions: a fault of error or silent is about these.
WORK = {
    "aliyun_sms": frozenset({"SendSms", "SendBatchSms"}),
    "aliyun_voice": frozenset({"SingleCallByTts"}),
    "twilio_sms": frozenset({"Messages"}),
    "twilio_voice": frozenset({"Calls"}),
    "smtp": frozenset({"mail"}),
    "card_core": frozenset({"card/report-loss"}),
    "pension_registry": frozenset({"pension/standing"}),
    "receipts": frozenset({"report", "voice_report", "sms_up", "sms_status", "voice_status", "email_report"}),
}
MODES = ("ok", "slow", "error", "silent", "refuse", "down")
LONGEST_SILENCE = 600.0


@dataclass(slots=True)
class Fault:
    """One switch.

    ``slow``: ``latency_ms`` first, then as usual. ``error``: the vendor's error body with ``code``
    (card_core: ``code`` "" is an empty body) and HTTP ``status`` (0 = the usual one). ``silent``:
    the work is done, then no answer. ``refuse``: the connection is closed. ``down``: 503.
    For receipts (SmsReport, VoiceReport, SmsUp as actions report, voice_report, sms_up; Twilio's
    status callbacks as sms_status, voice_status): ``error``
    reports not delivered with ``code``, ``silent`` never reports, ``refuse`` and ``down`` hold the
    reports back while they last.
    ``number`` limits it to one handset, ID or card number; ``times`` 0 is for ever; ``action``
    names the call it is about, else error and silent are about work and the others about all.
    """

    target: str
    mode: str
    latency_ms: int = 0
    code: str | None = None
    message: str = ""
    status: int = 0
    number: str = ""
    action: str = ""
    times: int = 0

    def concerns(self, action: str, numbers: Collection[str]) -> bool:
        """Whether this call is one it is about."""
        if self.number and self.number not in numbers:
            return False
        if self.action:
            return self.action == action
        return self.mode not in ("error", "silent") or action in WORK[self.target]


class Faults:
    """The switches that are on; the newest one that concerns a call is applied to it."""

    def __init__(self) -> None:
        self._on: list[Fault] = []

    def put(self, values: Mapping[str, Any]) -> None:
        """Switch one on; it replaces the one for the same target, action and number; ok only removes that.

        Raises ``ValueError`` for a target, mode or field that is none.
        """
        fault = _fault(values)
        place = (fault.target, fault.action, fault.number)
        self._on = [other for other in self._on if (other.target, other.action, other.number) != place]
        if fault.mode != "ok":
            self._on.append(fault)

    def clear(self) -> None:
        """Switch all off."""
        self._on.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All that are on, oldest first."""
        return [asdict(fault) for fault in self._on]

    def match(self, target: str, action: str, numbers: Collection[str] = ()) -> Fault | None:
        """The fault for this call, if any; counts it against its ``times``."""
        for fault in reversed(self._on):
            if fault.target == target and fault.concerns(action, numbers):
                self._spend(fault)
                return fault
        return None

    def holds_reports(self) -> bool:
        """Whether no report may leave at present."""
        return any(fault.target == "receipts" and fault.mode in ("refuse", "down") for fault in self._on)

    def _spend(self, fault: Fault) -> None:
        if fault.times == 1:
            self._on.remove(fault)
        elif fault.times:
            fault.times -= 1


def _fault(values: Mapping[str, Any]) -> Fault:
    kinds: dict[str, Any] = {"latency_ms": int, "status": int, "times": int}
    given = {name: kinds.get(name, str)(value) for name, value in values.items() if value is not None}
    try:
        fault = Fault(**given)
    except TypeError:
        raise ValueError("a fault has target, mode and the fields of the documentation") from None
    if fault.target not in WORK or fault.mode not in MODES:
        raise ValueError(f"target is one of {', '.join(WORK)}; mode is one of {', '.join(MODES)}")
    return fault


async def answer_under(
    fault: Fault | None,
    request: web.Request,
    work: Callable[[], web.Response],
    error: Callable[[Fault], web.Response],
) -> web.Response:
    """Answer a call as the fault wants it. Slow work is done even when the client has left."""
    if fault is None:
        return work()
    if fault.mode == "error":
        return error(fault)
    if fault.mode == "down":
        return web.Response(status=503, text="Service Unavailable")
    if fault.mode == "refuse":
        return _hang_up(request)
    if fault.latency_ms:
        await asyncio.sleep(fault.latency_ms / 1000)
    response = work()
    if fault.mode == "silent":
        await _client_gone(request)
        return _hang_up(request)
    return response


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _client_gone(request: web.Request) -> None:
    deadline = asyncio.get_running_loop().time() + LONGEST_SILENCE
    while asyncio.get_running_loop().time() < deadline:
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(0.05)

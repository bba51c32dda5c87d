"""Fault switches: what goes wrong, for whom, how often, when, and with what share of luck."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from integrations.sandbox.dice import DICE
from integrations.sandbox.early import reports_first
from integrations.sandbox.handsets import moment

# What each target does besides answering questions: a fault of error or silent is about these.
WORK = {
    "aliyun_sms": frozenset({"SendSms", "SendBatchSms"}),
    "aliyun_voice": frozenset({"SingleCallByTts"}),
    "twilio_sms": frozenset({"Messages"}),
    "twilio_voice": frozenset({"Calls"}),
    "smtp": frozenset({"mail"}),
    "card_core": frozenset({"card/report-loss", "card/release"}),
    "card_bank": frozenset({"bank/account/report-loss", "bank/account/release"}),
    "pension_registry": frozenset({"pension/standing", "pension/payments"}),
    "receipts": frozenset({"report", "voice_report", "sms_up", "sms_status", "voice_status", "email_report"}),
}
RECEIPTS, LATE = "receipts", 60.0  # seconds a late receipt waits unless latency_ms says otherwise
RECEIPT_MODES = ("early", "late", "twice", "reversed")
MODES = ("ok", "slow", "error", "silent", "refuse", "down", *RECEIPT_MODES)
LONGEST_SILENCE = 600.0
LONGEST = 10**9  # of latency_ms, times and the lengths of time, in their units


@dataclass(slots=True)
class Fault:
    """One switch.

    ``slow``: ``latency_ms`` first, then as usual. ``error``: the vendor's error body with ``code``
    (a city's system: ``code`` "" is an empty body) and HTTP ``status`` (0 = the usual one). ``silent``:
    the work is done, then no answer. ``refuse``: the connection is closed. ``down``: 503.

    For receipts (SmsReport, VoiceReport, SmsUp as actions report, voice_report, sms_up; Twilio's
    status callbacks as sms_status, voice_status; mail's as email_report): ``error`` reports not
    delivered with ``code``, ``silent`` never reports, ``refuse`` and ``down`` hold all reports back
    while they last, whatever and whose they are. ``early`` reports before the send is answered, ``late``
    after ``latency_ms`` (60 s), ``twice`` once more what was acknowledged, ``reversed`` the newest first,
    and an earlier status after the final one where the vendor has such.

    ``number`` limits it to one handset, ID or card number; ``action`` names the call it is about, else
    error and silent are about work and the others about all; ``times`` 0 is for ever; ``share`` of the
    calls it concerns, chosen by the seed, meet it. It lasts from ``begins`` until before ``ends``, epoch
    seconds; 0 is always, and for ever.
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
    share: float = 1.0
    begins: float = 0.0
    ends: float = 0.0

    def concerns(self, action: str, numbers: Collection[str]) -> bool:
        """Whether this call is one it is about."""
        if self.number and self.number not in numbers:
            return False
        if self.action:
            return self.action == action
        return self.mode not in ("error", "silent") or action in WORK[self.target]

    def lasts(self, now: float) -> bool:
        """Whether this is its time."""
        return self.begins <= now and not self.over(now)

    def over(self, now: float) -> bool:
        """Whether its time has passed."""
        return bool(self.ends) and self.ends <= now

    @property
    def holds(self) -> bool:
        """Whether it keeps all reports back."""
        return self.target == RECEIPTS and self.mode in ("refuse", "down")

    @property
    def delay(self) -> float:
        """Seconds it keeps a receipt waiting."""
        return self.latency_ms / 1000 or (LATE if self.mode == "late" else 0.0)

    def as_json(self, now: float) -> dict[str, Any]:
        """As GET /_sandbox/faults shows it; ``active`` tells whether this is its time."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        begins, ends = values.pop("begins"), values.pop("ends")
        times = {"from": moment(begins) if begins else None, "until": moment(ends) if ends else None}
        return {**values, **times, "active": self.lasts(now)}


class Faults:
    """The switches that are on; the newest one that concerns a call is applied to it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._on: list[Fault] = []

    def know(self, target: str, work: Collection[str], reports: Collection[str]) -> None:
        """One more target, its actions that do something, and the names of what it reports."""
        WORK[target] = frozenset(work)
        WORK[RECEIPTS] |= frozenset(reports)

    def put(self, values: Mapping[str, Any]) -> None:
        """Switch one on; it replaces the one for the same target, action and number.

        One that begins later stands beside the others, each beginning for itself; ok removes them all.
        Raises ``ValueError`` for a target, mode, time or field that is none.
        """
        fault = read(values, self._clock())
        place = (fault.target, fault.action, fault.number)
        every = fault.mode == "ok"
        self._on = [
            other
            for other in self._on
            if (other.target, other.action, other.number) != place
            or not (every or other.begins == fault.begins)
        ]
        if not every:
            self._on.append(fault)

    @property
    def on(self) -> bool:
        """Whether any is on or waits for its time: most calls need not say whom they are about."""
        return bool(self._on)

    def clear(self) -> None:
        """Switch all off."""
        self._on.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All that are on or wait for their time, oldest first."""
        now = self._clock()
        self._on = [fault for fault in self._on if not fault.over(now)]
        return [fault.as_json(now) for fault in self._on]

    def match(self, target: str, action: str, numbers: Collection[str] = ()) -> Fault | None:
        """The fault for this call, if any; counts it against its ``times``."""
        if not self._on:
            return None
        now = self._clock()
        for fault in reversed(self._on):
            if fault.target == target and fault.lasts(now) and fault.concerns(action, numbers):
                if fault.share < 1.0 and DICE.of(f"faults.{target}").random() >= fault.share:
                    continue
                self._spend(fault)
                return fault
        return None

    def holds_reports(self) -> bool:
        """Whether no report may leave at present."""
        return any(fault.holds and fault.lasts(self._clock()) for fault in self._on)

    def _spend(self, fault: Fault) -> None:
        if fault.times == 1:
            self._on.remove(fault)
        elif fault.times:
            fault.times -= 1


# --- reading one ----------------------------------------------------------------------------

NUMBERS = ("latency_ms", "status", "times")
TEXTS = ("target", "mode", "code", "message", "number", "action")
TIMES = ("from", "until", "after_seconds", "for_seconds")


def read(values: Mapping[str, Any], now: float) -> Fault:
    """A switch as it was posted. Raises ``ValueError``."""
    given = {name: value for name, value in values.items() if value is not None}
    if unknown := given.keys() - {*NUMBERS, *TEXTS, *TIMES, "share"}:
        raise ValueError(f"a fault has no field {', '.join(sorted(map(repr, unknown)))}")
    texts: dict[str, Any] = {name: _text(name, given[name]) for name in TEXTS if name in given}
    _check_place(texts.get("target", ""), texts.get("mode", ""))
    numbers: dict[str, Any] = {name: int(_number(name, given[name])) for name in NUMBERS if name in given}
    if numbers.get("status") and not 200 <= numbers["status"] <= 599:
        raise ValueError("status is an HTTP status from 200 to 599; 0 is the usual one")
    fault = Fault(**texts, **numbers)
    fault.share = _share(given.get("share", 1.0))
    if fault.holds and (fault.number or fault.action or fault.times or fault.share < 1):
        raise ValueError(f"a fault {fault.mode} of {RECEIPTS} has no number, action, times or share")
    fault.begins, fault.ends = _window({name: given[name] for name in TIMES if name in given}, now)
    return fault


def _check_place(target: str, mode: str) -> None:
    if target not in WORK or mode not in MODES:
        raise ValueError(f"target is one of {', '.join(WORK)}; mode is one of {', '.join(MODES)}")
    if mode in RECEIPT_MODES and target != RECEIPTS:
        raise ValueError(f"{', '.join(RECEIPT_MODES)} are modes of a fault of target {RECEIPTS}")


def _text(name: str, value: Any) -> str:
    """Numbers are texts, too: nobody has to quote a code."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name} is a text")
    return str(value)


def _number(name: str, value: Any) -> float:
    """A number, or a form's digits."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= LONGEST:
        raise ValueError(f"{name} is a number from 0 to {LONGEST}")
    return number


def _share(value: Any) -> float:
    """0.3, or 30% as people write it."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return _share(_number("share", value.strip()[:-1]) / 100)
    share = _number("share", value)
    if not 0 < share <= 1:
        raise ValueError("share is more than 0 and at most 1")
    return share


def _window(given: Mapping[str, Any], now: float) -> tuple[float, float]:
    """From when until when, by the clock or counted from now."""
    if {"from", "after_seconds"} <= given.keys() or {"until", "for_seconds"} <= given.keys():
        raise ValueError("a fault has from or after_seconds, until or for_seconds, not both")
    begins = ends = 0.0
    if "from" in given:
        begins = _moment("from", given["from"])
    if "after_seconds" in given:
        begins = now + _number("after_seconds", given["after_seconds"])
    if "until" in given:
        ends = _moment("until", given["until"])
    if "for_seconds" in given:
        ends = max(begins, now) + _number("for_seconds", given["for_seconds"])
    if ends and ends <= max(begins, now):
        raise ValueError("a fault ends after it begins, and not before now")
    return begins, ends


def _moment(name: str, value: Any) -> float:
    """ISO 8601; UTC unless it says otherwise."""
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is a moment in ISO 8601, like 2026-11-22T09:00:00+08:00") from None


# --- applying one ---------------------------------------------------------------------------


async def answer_under(
    fault: Fault | None,
    request: web.Request,
    work: Callable[[], web.Response],
    error: Callable[[Fault], web.Response],
) -> web.Response:
    """Answer a call as the fault wants it. Slow work is done even when the client has left."""
    if fault is None:
        return await reports_first(work)
    if fault.mode == "error":
        return error(fault)
    if fault.mode == "down":
        return web.Response(status=503, text="Service Unavailable")
    if fault.mode == "refuse":
        return _hang_up(request)
    if fault.latency_ms:
        await asyncio.sleep(fault.latency_ms / 1000)
    response = await reports_first(work)
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

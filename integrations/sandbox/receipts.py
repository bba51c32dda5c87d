"""What the vendor pushes to the customer as JSON arrays, above all what the carrier says of a message."""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, Generic

import aiohttp

from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, T, Text
from integrations.sandbox.options import Options

CHINA = timezone(timedelta(hours=8))
TICK = 0.05  # how often reports are gathered, seconds
BATCH = 300  # reports in one push
IN_FLIGHT = 4  # pushes of one kind at a time
SLOWEST = 10.0  # how long an answer is waited for, seconds


class Pushes(ABC, Generic[T]):
    """Reports of one kind; a push answered otherwise than with code 0 is repeated."""

    action = "report"
    """The reports' name among the faults of target receipts."""

    batch = BATCH
    in_flight = IN_FLIGHT

    def __init__(self, faults: Faults) -> None:
        self.options = Options()
        self.pushed = 0
        self.given_up = 0
        self._faults = faults
        self._order = count()
        self._due: list[tuple[float, int, T]] = []
        self._again: list[tuple[float, int, Sequence[T], int]] = []
        self._pushes: set[asyncio.Task[None]] = set()

    # --- what each kind says for itself ---

    @abstractmethod
    def url(self) -> str:
        """Where to; "" is nowhere."""

    @abstractmethod
    def report(self, item: T, now: float) -> dict[str, Any]:
        """One element of the array."""

    def came_due(self, _item: T) -> None:
        """Its time has come, whether or not anybody listens."""
        return

    def heard(self, _item: T, _now: float) -> None:
        """The customer acknowledged it."""
        return

    # --- what they have in common ---

    def wait(self, item: T, at: float) -> Fault | None:
        """Push it some time after ``at``, unless a fault keeps it silent; the fault that concerns it."""
        fault = self._faults.match("receipts", self.action, (item.number,))
        if fault and fault.mode == "silent":
            return fault
        due = at + self.options.receipt_delay + (fault.latency_ms / 1000 if fault else 0.0)
        heapq.heappush(self._due, (due, next(self._order), item))
        if len(self._due) > self.options.newest:  # nobody has listened for long: bounded like the inbox
            heapq.heappop(self._due)
            self.given_up += 1
        return fault

    def clear(self) -> None:
        """Forget what is waiting or under way, and the counts."""
        for push in self._pushes:
            push.cancel()
        self._due.clear()
        self._again.clear()
        self.pushed = self.given_up = 0

    def start_due(self, session: aiohttp.ClientSession, now: float) -> None:
        """Push what is due."""
        while len(self._pushes) < self.in_flight:
            items, tries = self._next(now)
            if not items:
                return
            if self.url():
                push = asyncio.create_task(self._push(session, items, tries))
                self._pushes.add(push)
                push.add_done_callback(self._pushes.discard)

    def _next(self, now: float) -> tuple[Sequence[T], int]:
        if self._again and self._again[0][0] <= now:
            _, _, items, tries = heapq.heappop(self._again)
            return items, tries
        batch: list[T] = []
        while self._due and self._due[0][0] <= now and len(batch) < self.batch:
            item = heapq.heappop(self._due)[2]
            self.came_due(item)
            batch.append(item)
        return batch, 0

    async def _push(self, session: aiohttp.ClientSession, items: Sequence[T], tries: int) -> None:
        now = time.time()
        if await self._acknowledged(session, [self.report(item, now) for item in items]):
            self.pushed += len(items)
            for item in items:
                self.heard(item, now)
        elif tries < len(self.options.receipt_retries):
            due = now + self.options.receipt_retries[tries]
            heapq.heappush(self._again, (due, next(self._order), items, tries + 1))
        else:
            self.given_up += len(items)

    async def _acknowledged(self, session: aiohttp.ClientSession, reports: list[dict[str, Any]]) -> bool:
        try:
            async with session.post(self.url(), json=reports) as response:
                answer = await response.json(content_type=None)
                return response.status == 200 and isinstance(answer, dict) and answer.get("code") == 0
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False


async def push_all(kinds: Sequence[Pushes[Any]], faults: Faults) -> None:
    """Push until cancelled; nothing leaves while a fault holds the reports back."""
    timeout = aiohttp.ClientTimeout(total=SLOWEST)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            await asyncio.sleep(TICK)
            if not faults.holds_reports():
                for kind in kinds:
                    kind.start_due(session, time.time())


class Receipts(Pushes[Text]):
    """SmsReport: each message after a delay."""

    def url(self) -> str:
        """Option report_url."""
        return self.options.report_url

    def expect(self, text: Text) -> None:
        """Decide what becomes of the message and when it is reported."""
        fault = self.wait(text, text.at)
        if fault and fault.mode == "error":
            text.err_code = fault.code or "MOBILE_NOT_ON_SERVICE"

    def came_due(self, text: Text) -> None:
        """The carrier knows."""
        text.status = FAILED if text.err_code else DELIVERED
        text.err_code = text.err_code or "DELIVERED"

    def heard(self, text: Text, now: float) -> None:
        """Remember when."""
        text.report_pushed_at = now

    def report(self, text: Text, now: float) -> dict[str, Any]:
        """As the vendor documents it."""
        return {
            "phone_number": text.number,
            "send_time": china_time(text.at),
            "report_time": china_time(now),
            "success": text.status == DELIVERED,
            "err_code": text.err_code,
            "err_msg": "用户接收成功" if text.status == DELIVERED else "短信未送达",
            "sms_size": str(parts(text.text)),
            "biz_id": text.biz_id,
            "out_id": text.out_id,
        }


def parts(text: str) -> int:
    """How many short messages it is: one up to 70 characters, else 67 in each."""
    return 1 if len(text) <= 70 else -(-len(text) // 67)


def china_time(at: float) -> str:
    """Epoch seconds as the vendor writes them: UTC+8, YYYY-MM-DD HH:MM:SS."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")

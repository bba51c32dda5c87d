"""What the carrier says of each message, pushed to the customer as SmsReport (JSON arrays)."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import aiohttp

from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, Text
from integrations.sandbox.options import Options

CHINA = timezone(timedelta(hours=8))
TICK = 0.05  # how often reports are gathered, seconds
BATCH = 300  # reports in one push
IN_FLIGHT = 4  # pushes at a time
SLOWEST = 10.0  # how long an answer is waited for, seconds


class Receipts:
    """Reports each message after a delay; a push answered otherwise than with code 0 is repeated."""

    def __init__(self, faults: Faults) -> None:
        self.options = Options()
        self.pushed = 0
        self.given_up = 0
        self._faults = faults
        self._order = count()
        self._due: list[tuple[float, int, Text]] = []
        self._again: list[tuple[float, int, Sequence[Text], int]] = []
        self._pushes: set[asyncio.Task[None]] = set()

    def expect(self, text: Text) -> None:
        """Decide what becomes of the message and when it is reported."""
        fault = self._faults.match("receipts", "report", (text.number,))
        mode = fault.mode if fault else "ok"
        if mode == "silent":
            return
        due = text.at + self.options.receipt_delay + (fault.latency_ms / 1000 if fault else 0.0)
        text.err_code = (fault.code if fault else None) or "MOBILE_NOT_ON_SERVICE" if mode == "error" else ""
        heapq.heappush(self._due, (due, next(self._order), text))
        if len(self._due) > self.options.newest:  # nobody has listened for long: bounded like the inbox
            heapq.heappop(self._due)
            self.given_up += 1

    def clear(self) -> None:
        """Forget what is waiting or under way, and the counts."""
        for push in self._pushes:
            push.cancel()
        self._due.clear()
        self._again.clear()
        self.pushed = self.given_up = 0

    async def run(self) -> None:
        """Push until cancelled."""
        timeout = aiohttp.ClientTimeout(total=SLOWEST)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await asyncio.sleep(TICK)
                self._start_due(session, time.time())

    def _start_due(self, session: aiohttp.ClientSession, now: float) -> None:
        if self._faults.holds_reports():
            return
        while len(self._pushes) < IN_FLIGHT:
            texts, tries = self._next(now)
            if not texts:
                return
            if self.options.report_url:
                push = asyncio.create_task(self._push(session, texts, tries))
                self._pushes.add(push)
                push.add_done_callback(self._pushes.discard)

    def _next(self, now: float) -> tuple[Sequence[Text], int]:
        if self._again and self._again[0][0] <= now:
            _, _, texts, tries = heapq.heappop(self._again)
            return texts, tries
        batch: list[Text] = []
        while self._due and self._due[0][0] <= now and len(batch) < BATCH:
            text = heapq.heappop(self._due)[2]
            text.status = FAILED if text.err_code else DELIVERED
            text.err_code = text.err_code or "DELIVERED"
            batch.append(text)
        return batch, 0

    async def _push(self, session: aiohttp.ClientSession, texts: Sequence[Text], tries: int) -> None:
        now = time.time()
        if await self._heard(session, [_report(text, now) for text in texts]):
            self.pushed += len(texts)
            for text in texts:
                text.report_pushed_at = now
        elif tries < len(self.options.receipt_retries):
            due = now + self.options.receipt_retries[tries]
            heapq.heappush(self._again, (due, next(self._order), texts, tries + 1))
        else:
            self.given_up += len(texts)

    async def _heard(self, session: aiohttp.ClientSession, reports: list[dict[str, Any]]) -> bool:
        try:
            async with session.post(self.options.report_url, json=reports) as response:
                answer = await response.json(content_type=None)
                return response.status == 200 and isinstance(answer, dict) and answer.get("code") == 0
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False


def _report(text: Text, now: float) -> dict[str, Any]:
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

"""What the vendor pushes to the customer as JSON arrays, above all what the carrier says of a message."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import count
from typing import Any, Generic

import aiohttp

from integrations.sandbox.dice import DICE
from integrations.sandbox.early import send_first
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, T, Text
from integrations.sandbox.options import Options

CHINA = timezone(timedelta(hours=8))
TICK = 0.05  # how often reports are gathered, seconds
BATCH = 300  # reports in one push
IN_FLIGHT = 4  # pushes of one kind at a time
REVERSED_WITHIN = 0.5  # reports of so many seconds are turned round by the fault reversed
SLOWEST = 10.0  # how long an answer is waited for, seconds


@dataclass(slots=True)
class Parcel(Generic[T]):
    """Reports of one push, the same each time it is repeated; ``after`` follow once it was acknowledged."""

    items: list[T]
    reports: list[dict[str, Any]]
    after: list[dict[str, Any]]
    tries: int = 0


class Pushes(ABC, Generic[T]):
    """Reports of one kind; a push that is not acknowledged is repeated, then given up."""

    action = "report"
    """The reports' name among the faults of target receipts."""

    batch = BATCH
    in_flight = IN_FLIGHT

    def __init__(self, faults: Faults) -> None:
        self.options = Options()
        self.pushed = 0
        self.given_up = 0
        self.session: aiohttp.ClientSession | None = None
        self._faults = faults
        self._order = count()
        self._due: list[tuple[float, int, Sequence[T], str]] = []
        self._waiting = 0  # how many they are
        self._again: list[tuple[float, int, Parcel[T]]] = []
        self._pushes: set[asyncio.Task[None]] = set()

    # --- what each kind says for itself ---

    @abstractmethod
    def url(self) -> str:
        """Where to; "" is nowhere."""

    @abstractmethod
    def report(self, item: T, now: float) -> dict[str, Any]:
        """One element of the array."""

    def earlier(self, _item: T, _now: float) -> dict[str, Any] | None:
        """What was true before the report: it comes after it when a fault wants them reversed."""
        return None

    def came_due(self, _item: T) -> None:
        """Its time has come, whether or not anybody listens."""
        return

    def heard(self, _item: T, _now: float) -> None:
        """The customer acknowledged it."""
        return

    def body(self, reports: list[dict[str, Any]]) -> Any:
        """What is posted: the array of them."""
        return reports

    def takes(self, answer: Mapping[str, Any]) -> bool:
        """Whether the customer's answer acknowledges them."""
        return answer.get("code") == 0

    @property
    def pauses(self) -> Sequence[float]:
        """Seconds before a push that was not acknowledged is repeated, each time; then never."""
        return self.options.retry_pauses

    # --- what they have in common ---

    def wait(self, item: T, at: float) -> Fault | None:
        """Push it some time after ``at``, unless a fault keeps it silent; the fault that concerns it."""
        fault = self._faults.match("receipts", self.action, (item.number,))
        mode = fault.mode if fault else ""
        if mode == "silent":
            return fault
        if mode == "early" and self.session is not None:
            send_first(self._under_way(self._send_first(self.session, item)))
            return fault
        due, order = at + self._delay(fault), next(self._order)
        if mode == "reversed":  # the newest of a moment first
            due, order = math.ceil(due / REVERSED_WITHIN) * REVERSED_WITHIN, -order
        self._wait(due, order, [item], mode)
        return fault

    def wait_together(self, items: Sequence[T], at: float) -> None:
        """Push them some time after ``at``, all at once: where no fault and no luck tells them apart."""
        for first in range(0, len(items), self.batch):
            due, order = at + self.options.receipt_delay, next(self._order)
            self._wait(due, order, items[first : first + self.batch], "")

    def _wait(self, due: float, order: int, items: Sequence[T], mode: str) -> None:
        heapq.heappush(self._due, (due, order, items, mode))
        self._waiting += len(items)
        while self._waiting > self.options.newest:  # nobody has listened for long: bounded like the inbox
            given_up = len(heapq.heappop(self._due)[2])
            self._waiting -= given_up
            self.given_up += given_up

    def _delay(self, fault: Fault | None) -> float:
        jitter = self.options.receipt_jitter
        luck = DICE.of(f"receipts.{self.action}").random() * jitter if jitter else 0.0
        return self.options.receipt_delay + luck + (fault.delay if fault else 0.0)

    def clear(self) -> None:
        """Forget what is waiting or under way, and the counts."""
        for push in self._pushes:
            push.cancel()
        self._due.clear()
        self._waiting = 0
        self._again.clear()
        self.pushed = self.given_up = 0

    def start_due(self, session: aiohttp.ClientSession, now: float) -> None:
        """Push what is due."""
        while len(self._pushes) < self.in_flight:
            parcel = self._next(now)
            if parcel is None:
                return
            if self.url():
                self._under_way(self._push_on(session, parcel))

    async def _push_on(self, session: aiohttp.ClientSession, parcel: Parcel[T]) -> None:
        """Push it; after a full one the next at once, else what is due gathers until the next tick."""
        following: Parcel[T] | None = parcel
        while following and self.url():
            await self._push(session, following)
            full = len(following.items) > self.batch // 2
            following = self._next(time.time()) if full and not self._faults.holds_reports() else None

    def _next(self, now: float) -> Parcel[T] | None:
        if self._again and self._again[0][0] <= now:
            return heapq.heappop(self._again)[2]
        parcel = Parcel[T]([], [], [])
        told = bool(self.url())
        while self._due and self._due[0][0] <= now:
            if len(parcel.items) + len(self._due[0][2]) > self.batch:
                break
            _, _, items, mode = heapq.heappop(self._due)
            self._waiting -= len(items)
            for item in items:
                self._pack(parcel, item, mode, now, told=told)
        return parcel if parcel.items else None

    def _pack(self, parcel: Parcel[T], item: T, mode: str, now: float, *, told: bool) -> None:
        """Put in the item's report, and after all what a fault adds to it."""
        self.came_due(item)
        parcel.items.append(item)
        if not told:
            return
        parcel.reports.append(self.report(item, now))
        if mode == "twice":
            parcel.after.append(parcel.reports[-1])
        if mode == "reversed" and (earlier := self.earlier(item, now)):
            parcel.after.append(earlier)

    def _under_way(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        push = asyncio.create_task(work)
        self._pushes.add(push)
        push.add_done_callback(self._pushes.discard)
        return push

    async def _send_first(self, session: aiohttp.ClientSession, item: T) -> None:
        parcel = Parcel[T]([], [], [])
        self._pack(parcel, item, "", time.time(), told=bool(self.url()))
        if self.url():
            await self._push(session, parcel)

    async def _push(self, session: aiohttp.ClientSession, parcel: Parcel[T]) -> None:
        now = time.time()
        if await self._acknowledged(session, parcel.reports):
            self.pushed += len(parcel.items)
            for item in parcel.items:
                self.heard(item, now)
            for first in range(0, len(parcel.after), self.batch):
                self._repeat(Parcel([], parcel.after[first : first + self.batch], []), now)
        elif parcel.tries < len(self.pauses):
            due = now + self.pauses[parcel.tries]
            parcel.tries += 1
            self._repeat(parcel, due)
        else:
            self.given_up += len(parcel.items)

    def _repeat(self, parcel: Parcel[T], due: float) -> None:
        heapq.heappush(self._again, (due, next(self._order), parcel))

    async def _acknowledged(self, session: aiohttp.ClientSession, reports: list[dict[str, Any]]) -> bool:
        try:
            async with session.post(self.url(), json=self.body(reports)) as response:
                answer = await response.json(content_type=None)
                return response.status == 200 and isinstance(answer, dict) and self.takes(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False


async def push_all(kinds: Sequence[Pushes[Any]], faults: Faults) -> None:
    """Push until cancelled; nothing leaves while a fault holds the reports back."""
    timeout = aiohttp.ClientTimeout(total=SLOWEST)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for kind in kinds:
            kind.session = session
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

    def expect(self, texts: Sequence[Text]) -> None:
        """Decide what becomes of the messages of one call and when they are reported."""
        if not self._faults.on and not self.options.receipt_jitter:
            self.wait_together(texts, texts[0].at)
            return
        for text in texts:
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

    def earlier(self, text: Text, now: float) -> dict[str, Any]:
        """The vendor's "no receipt yet"."""
        pending = {"success": False, "err_code": "REQUEST_SUCCESS", "err_msg": "请求成功"}
        return {**self.report(text, now), **pending}


def parts(text: str) -> int:
    """How many short messages it is: one up to 70 characters, else 67 in each."""
    return 1 if len(text) <= 70 else -(-len(text) // 67)


def china_time(at: float) -> str:
    """Epoch seconds as the vendor writes them: UTC+8, YYYY-MM-DD HH:MM:SS."""
    return _china_second(int(at))


@lru_cache(4096)
def _china_second(at: int) -> str:
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")

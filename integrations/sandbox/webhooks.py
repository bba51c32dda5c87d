"""Twilio's requests to the customer: forms, signed with the account's token.

Rule of the signature (vendor's webhook-security page): base64 of HMAC-SHA1 over the URL, query
included, followed by each field's name and value, sorted by name. Rule of what is sent again: its
page on connection overrides.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlencode

import aiohttp
from yarl import URL

from integrations.sandbox.dice import DICE
from integrations.sandbox.early import send_first
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.options import Credentials, Options

SLOWEST = 15.0  # how long Twilio waits for an answer, seconds
AT_ONCE = 16  # reports under way; a call's webhooks do not wait for them
TICK = 0.05  # how often held reports are looked at, seconds
FAILURES = frozenset({"4xx", "5xx", "ct", "rt"})
LARGEST_ANSWER = 64 * 1024  # bytes of TwiML


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer's server said; ``body`` is cut one byte after the largest allowed."""

    status: int
    content_type: str
    body: bytes


class UnansweredError(Exception):
    """No answer; its text says why. ``kind`` is the vendor's word: ct not connected, rt connected in vain."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Webhooks:
    """Sends them, in the background where nobody waits for the answer.

    What fails is sent again as the address's fragment asks (``#rc=5&rp=all``): ``rc`` more tries, 1
    unless it says otherwise, after failures of the kinds in ``rp``: 4xx, 5xx, ct, rt or all, ct alone
    by default. So a customer that answers 500 is told once only, unless it asked for more.
    """

    def __init__(self, credentials: Credentials, faults: Faults) -> None:
        self.options = Options()
        self._token = credentials.twilio_token
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def ask(self, method: str, url: str, fields: Mapping[str, str]) -> Answer:
        """Send one and hear the answer. Raises ``UnansweredError``."""
        return await self._insist(url, lambda address: self._once(method, address, fields))

    async def report(self, url: str, fields: Mapping[str, str]) -> bool:
        """Tell of something; whether it was answered with 2xx at last."""
        try:
            answer = await self._insist(url, lambda address: self._in_turn(address, fields))
        except UnansweredError:
            return False
        return 200 <= answer.status < 300

    async def _insist(self, url: str, send: Callable[[str], Awaitable[Answer]]) -> Answer:
        address, fragment = urldefrag(url)
        count, kinds = overrides(fragment)
        for pause in self.options.webhook_retries[:count]:
            try:
                answer = await send(address)
                if f"{answer.status // 100}xx" not in kinds:
                    return answer
            except UnansweredError as error:
                if error.kind not in kinds:
                    raise
            await asyncio.sleep(pause)
        return await send(address)

    async def _in_turn(self, url: str, fields: Mapping[str, str]) -> Answer:
        while self._faults.holds_reports():  # noqa: ASYNC110 - a switch tells nobody that it was thrown
            await asyncio.sleep(TICK)
        async with self._free:
            return await self._once("POST", url, fields)

    async def _once(self, method: str, url: str, fields: Mapping[str, str]) -> Answer:
        if method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(fields)
            fields = {}
        headers = {"X-Twilio-Signature": signature(self._token, url, fields), "User-Agent": "TwilioProxy/1.1"}
        self._session = self._session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLOWEST))
        try:
            target = URL(url, encoded=True)  # exactly as it was signed
            # As urlencode has it, in a tenth of the time.
            data = URL.build(query=fields).raw_query_string if method == "POST" else None
            if data is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            async with self._session.request(
                method, target, data=data, headers=headers, allow_redirects=False
            ) as response:
                return Answer(response.status, response.content_type, await _body(response))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            kind = "ct" if isinstance(error, aiohttp.ClientConnectorError) else "rt"
            raise UnansweredError(str(error) or type(error).__name__, kind) from None

    def delay(self, action: str, fault: Fault | None) -> float:
        """Seconds a report waits, by the settings, the seed's luck and the fault that concerns it."""
        if fault and fault.mode == "early":
            return 0.0
        jitter = self.options.receipt_jitter
        luck = DICE.of(f"receipts.{action}").random() * jitter if jitter else 0.0
        return self.options.receipt_delay + luck + (fault.delay if fault else 0.0)

    def start(self, work: Coroutine[Any, Any, None], fault: Fault | None = None) -> None:
        """Do it in the background, or before the customer is answered if the fault wants it early."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if fault and fault.mode == "early":
            send_first(task)

    def clear(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and let the connections go."""
        self.clear()
        if self._session:
            await self._session.close()


@lru_cache(64)
def overrides(fragment: str) -> tuple[int, frozenset[str]]:
    """How many more tries an address's fragment asks for, and after which failures; nonsense is ignored."""
    given = parse_qs(fragment)
    count, wanted = given.get("rc", ["1"])[-1], given.get("rp", ["ct"])[-1].split(",")
    kinds = FAILURES if "all" in wanted else FAILURES & frozenset(wanted)
    return (int(count) if re.fullmatch("[0-5]", count, re.ASCII) else 1), kinds


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature."""
    text = url + "".join(name + value for name, value in sorted(fields.items()))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of it, or a little more than is allowed: a single read gives what has arrived so far."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER:
            break
    return bytes(body)

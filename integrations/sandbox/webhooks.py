"""Twilio's requests to the customer: forms, signed with the account's token.

Rule of the signature (vendor's webhook-security page): base64 of HMAC-SHA1 over the URL, query
included, followed by each field's name and value, sorted by name.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials, Options

SLOWEST = 15.0  # how long Twilio waits for an answer, seconds
AT_ONCE = 16  # reports under way; a call's webhooks do not wait for them
TICK = 0.05  # how often held reports are looked at, seconds
LARGEST_ANSWER = 64 * 1024  # bytes of TwiML


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer's server said; ``body`` is cut one byte after the largest allowed."""

    status: int
    content_type: str
    body: bytes


class UnansweredError(Exception):
    """No answer: refused, broken off or too late. Its text says which."""


class Webhooks:
    """Sends them, in the background where nobody waits for the answer."""

    def __init__(self, credentials: Credentials, faults: Faults) -> None:
        self.options = Options()
        self._token = credentials.twilio_token
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def ask(self, method: str, url: str, fields: Mapping[str, str]) -> Answer:
        """Send one and hear the answer. Raises ``UnansweredError``."""
        if method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(fields)
            fields = {}
        headers = {"X-Twilio-Signature": signature(self._token, url, fields), "User-Agent": "TwilioProxy/1.1"}
        self._session = self._session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLOWEST))
        try:
            target = URL(url, encoded=True)  # exactly as it was signed
            data = urlencode(fields) if method == "POST" else None
            if data is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            async with self._session.request(
                method, target, data=data, headers=headers, allow_redirects=False
            ) as response:
                body = await response.content.read(LARGEST_ANSWER + 1)
                return Answer(response.status, response.content_type, body)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnansweredError(str(error) or type(error).__name__) from None

    async def report(self, url: str, fields: Mapping[str, str]) -> bool:
        """Tell of something; what is not answered with 2xx is told again after the usual pauses."""
        for pause in (*self.options.receipt_retries, None):
            if await self._heard(url, fields):
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        return False

    async def _heard(self, url: str, fields: Mapping[str, str]) -> bool:
        while self._faults.holds_reports():  # noqa: ASYNC110 - a switch tells nobody that it was thrown
            await asyncio.sleep(TICK)
        async with self._free:
            try:
                answer = await self.ask("POST", url, fields)
            except UnansweredError:
                return False
        return 200 <= answer.status < 300

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in the background."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def clear(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and let the connections go."""
        self.clear()
        if self._session:
            await self._session.close()


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature."""
    text = url + "".join(name + value for name, value in sorted(fields.items()))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()

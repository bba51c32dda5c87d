"""The door of a city's system: JSON under a signature in, ``code`` and ``message`` out, faults applied."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from integrations.sandbox.faults import Fault, Faults, answer_under
from integrations.sandbox.receipts import CHINA

TOLERANCE = 300  # seconds a request's timestamp may be off

Form = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """Who may ask."""

    app_id: str
    secret: str = field(repr=False)


class SignedDoor:
    """``target`` is its name among the faults; ``actions`` are its paths; ``messages`` its codes' words.

    ``needs`` are the fields every call has.
    """

    def __init__(
        self,
        target: str,
        account: Account,
        actions: Mapping[str, Callable[[Form], Answer]],
        messages: Mapping[str, str],
        faults: Faults,
        calls: Counter[str],
        needs: Sequence[str] = ("AAC002", "AAB301"),
    ) -> None:
        self._target = target
        self._account = account
        self._actions = actions
        self._messages = messages
        self._faults = faults
        self._calls = calls
        self._needs = needs

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        action = request.path.strip("/")
        body = await request.read()
        self._calls[action] += 1
        form = _form(body)
        fault = self._faults.match(self._target, action, (str(form.get("AAC002")), str(form.get("AAZ500"))))

        def work() -> web.Response:
            if not self._signed(request.headers, body):
                return web.json_response({"code": "401", "message": "签名有误"}, status=401)
            if not all(isinstance(form.get(name), str) for name in self._needs):
                return _json({"code": "90", "message": "请求内容有误"})
            return _json(self._actions[action]({"AAC003": "", **form}))

        return await answer_under(fault, request, work, self._fault_answer)

    def _signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp = headers.get("X-Timestamp", "")
        if headers.get("X-App-Id") != self._account.app_id or not timestamp.isdecimal():
            return False
        words = timestamp.encode() + b"\n" + body
        signature = hmac.new(self._account.secret.encode(), words, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(signature.encode(), headers.get("X-Signature", "").encode())
        return genuine and abs(time.time() - int(timestamp)) <= TOLERANCE

    def _fault_answer(self, fault: Fault) -> web.Response:
        code = "99" if fault.code is None else fault.code
        if not code:
            return web.Response(status=fault.status or 200)
        message = fault.message or self._messages.get(code, "系统繁忙")
        return _json({"code": code, "message": message}, fault.status or 200)


def _form(body: bytes) -> dict[str, Any]:
    try:
        form = json.loads(body)
    except ValueError:
        return {}
    return form if isinstance(form, dict) else {}


def _json(answer: Answer, status: int = 200) -> web.Response:
    return web.json_response(answer, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def iso(at: float | None) -> str | None:
    """Epoch seconds as the city's own time in ISO 8601."""
    return None if at is None else datetime.fromtimestamp(at, CHINA).isoformat()


def moment(text: Any) -> float | None:
    """Epoch seconds of an ISO 8601 time, the city's own where it has no offset; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=CHINA)).timestamp()

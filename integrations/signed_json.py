"""JSON over HTTP under our signature, as the city's systems take it; what went wrong is a value.

No back office of its own. Requests carry ``X-App-Id``, ``X-Timestamp`` (epoch seconds) and
``X-Signature``, the HMAC-SHA256 of timestamp, newline and body. An answer is an object with
``code`` and ``message``; ``00`` is done, an empty body an upstream fault.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from gateway.back_offices import Refused, Silent, Unavailable
from gateway.plugins import seconds

CONNECT_SECONDS = 3.0
POOL_SIZE = 16

Answer = dict[str, Any]
Clock = Callable[[], float]


class Wire(Protocol):
    """How such a system is reached."""

    def operate(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable | Silent: ...
    def ask(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable: ...


class SignedJson:
    """One system's address and our account there; safe in threads, keeps its connections.

    ``timeout`` is the longest wait for an answer, in seconds.
    """

    def __init__(self, url: str, app_id: str, secret: str, timeout: float, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret.encode()
        limits = urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout)
        self._pool = urllib3.PoolManager(maxsize=POOL_SIZE, retries=False, timeout=limits)
        self._clock = clock

    @classmethod
    def of(cls, settings: Mapping[str, str], name: str, timeout: float, clock: Clock) -> SignedJson:
        """The system of the settings that begin with ``name``; its own ``…_TIMEOUT_SECONDS`` goes first."""
        longest = seconds(settings, f"{name}_TIMEOUT_SECONDS", timeout)
        url, app_id, secret = (settings[f"{name}_{part}"] for part in ("URL", "APP_ID", "SECRET"))
        return cls(url, app_id, secret, longest, clock)

    def operate(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable | Silent:
        """Ask for something to be done. ``Silent`` means that it may have been."""
        body = json.dumps(form, ensure_ascii=False).encode()
        try:
            response = self._pool.request(
                "POST", self._url + path, body=body, headers=self._headers(body), redirect=False
            )
        except HTTPError as error:
            return _transport_failure(error)
        return _answer(response.status, response.data)

    def ask(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable:
        """Read something. That is harmless, so a lost answer is ``Unavailable``."""
        answer = self.operate(path, form)
        return Unavailable(answer.code) if isinstance(answer, Silent) else answer

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        signature = hmac.new(self._secret, timestamp.encode() + b"\n" + body, hashlib.sha256)
        return {
            "Content-Type": "application/json",
            "X-App-Id": self._app_id,
            "X-Timestamp": timestamp,
            "X-Signature": signature.hexdigest(),
        }


def refused(answer: Answer, reasons: Mapping[str, str]) -> Refused:
    """The refusal in our word for its code, ``other`` for one we do not know."""
    return Refused(reasons.get(answer["code"], "other"), _masked(str(answer.get("message") or "")))


def _transport_failure(error: HTTPError) -> Unavailable | Silent:
    """Codes only: the error's text carries the address and may carry more."""
    if isinstance(error, NewConnectionError | ConnectTimeoutError):  # refused, unresolved, no answer
        return Unavailable("connect_failed")
    if isinstance(error, SSLError) and isinstance(error.args[0], ssl.SSLCertVerificationError):
        return Unavailable("tls_certificate")
    return Silent("read_timeout" if isinstance(error, ReadTimeoutError) else "connection_lost")


def _answer(status: int, body: bytes) -> Answer | Unavailable | Silent:
    if status == 503 or 300 <= status < 500:  # turned away before anything was done
        return Unavailable(f"http_{status}")
    if status >= 500:
        return Silent(f"http_{status}")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), str):
        return Silent("unreadable_answer" if body else "empty_answer")
    return answer


def _masked(text: str) -> str:
    """Upstream words are kept for the operator; numbers in them may be somebody's."""
    return re.sub(r"\d{6,}[\dXx]?", "******", text)[:200]

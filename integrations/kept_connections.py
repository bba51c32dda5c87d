"""Connections to a vendor, kept for many threads, and what it proves when one fails.

No provider of its own: for those whose SDK lets its HTTP client be replaced. On ``http.client``, as
that spends less than half of the time on a call that urllib3 does. Sources: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import base64
import re
import select
import ssl
import time
import urllib.request
import weakref
from collections import deque
from collections.abc import Mapping
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPMessage,
    HTTPResponse,
    HTTPSConnection,
)
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.providers import Unknown, Unreachable

POOL_SIZE = 16  # connections kept; more threads than this would open short-lived ones
LONGEST_CONNECTING = 1.0  # seconds
LONGEST_LINE, MOST_LINES = 65_536, 100  # of an answer's head: more is no vendor's
IDLE_SECONDS = 60.0  # then something in between may have forgotten a connection, and tells nobody


class Answer(NamedTuple):
    """What the vendor said, whatever it means."""

    status: int
    headers: HTTPMessage
    body: bytes


class Lost(Exception):
    """The call ended without an answer: whether it may have arrived is its outcome."""

    def __init__(self, outcome: Unreachable | Unknown) -> None:
        super().__init__()
        self.outcome = outcome


class Connections:
    """Those to one vendor; safe in threads.

    ``url`` begins with its address: https, through the environment's proxy but where NO_PROXY says
    otherwise; or http, for a server on this machine. An answer is waited for ``timeout`` seconds.
    ``authorities`` is a file of certificates to trust beside the system's. Raises ``ValueError`` for
    a proxy that is spoken to in TLS.
    """

    def __init__(self, url: str, timeout: float, authorities: str | None = None) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname or "", parts.port
        self._timeout = timeout
        self._tls = _context(authorities) if parts.scheme == "https" else None
        self._proxy = _proxy(self._host) if self._tls else None
        self._idle: deque[tuple[float, HTTPConnection]] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None = None
    ) -> Answer:
        """One call, made once and not redirected. Raises ``Lost``."""
        connection = self._kept() or self._new()
        try:
            connection.request(method, url.removeprefix(self._origin), body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, HTTPException) as error:
            code = "read_timeout" if isinstance(error, TimeoutError) else "connection_lost"
        else:
            self._keep(connection)
            return answer
        connection.close()
        raise Lost(Unknown(code))  # out of the handler, so that nothing of the original error hangs on

    def close(self) -> None:
        """Those that nobody uses just now."""
        _close_all(self._idle)

    def _kept(self) -> HTTPConnection | None:
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if time.monotonic() - since < IDLE_SECONDS and not _gone(connection):
                return connection
            connection.close()
        return None

    def _keep(self, connection: HTTPConnection) -> None:
        if connection.sock is not None and len(self._idle) < POOL_SIZE:  # none: the vendor wants it closed
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def _new(self) -> HTTPConnection:
        connection = self._unconnected()
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            code = "tls_certificate"
        except (OSError, HTTPException):
            code = "connect_failed"
        else:
            connection.sock.settimeout(self._timeout)
            return connection
        connection.close()
        raise Lost(Unreachable(code))

    def _unconnected(self) -> HTTPConnection:
        limit = min(self._timeout, LONGEST_CONNECTING)
        if self._tls is None:
            return _Plain(self._host, self._port, timeout=limit)
        if self._proxy is None:
            return _Tls(self._host, self._port, timeout=limit, context=self._tls)
        connection = _Tls(
            self._proxy.hostname or "", self._proxy.port or 80, timeout=limit, context=self._tls
        )
        connection.set_tunnel(self._host, self._port or 443, _for_proxy(self._proxy))
        return connection


class _Head(HTTPResponse):
    """Reads the head of an answer line by line: the standard library calls its parser of mail for each."""

    headers: HTTPMessage | None  # type: ignore[assignment]  # none before it began

    def begin(self) -> None:
        if self.headers is not None:
            return
        fields, self.status = HTTPMessage(), 100
        while self.status // 100 == 1:  # "go on": the answer itself follows
            self.version, self.status, self.reason = _status(self._line())
            fields = self._fields()
        self.headers, self.msg, self.code = fields, fields, self.status
        wish = (fields.get("connection") or "").lower()
        self.chunked, self.chunk_left = (fields.get("transfer-encoding") or "").lower() == "chunked", None
        self.length = 0 if self.status in (204, 304) else None if self.chunked else _length(fields)
        lasts = "close" not in wish if self.version > 10 else "keep-alive" in wish
        self.will_close = not lasts or (self.length is None and not self.chunked)

    def _line(self) -> str:
        line = self.fp.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE or not line.endswith(b"\n"):
            raise BadStatusLine("cut off" if line else "nothing")
        return str(line.rstrip(b"\r\n"), "iso-8859-1")

    def _fields(self) -> HTTPMessage:
        fields = HTTPMessage()
        for _ in range(MOST_LINES):
            line = self._line()
            if not line:
                return fields
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():  # nor folded lines, which RFC 9112 took away
                raise HTTPException("a line of the head is no field")
            fields[name] = value.strip(" \t")
        raise HTTPException("the head has no end")


def _status(line: str) -> tuple[int, int, str]:
    """Version (10, 11), status and reason of an answer's first line."""
    found = re.fullmatch(r"HTTP/1\.(\d) (\d{3})(?: (.*))?", line)
    if found is None:
        raise BadStatusLine(line)
    return 11 if found[1] != "0" else 10, int(found[2]), found[3] or ""


def _length(fields: HTTPMessage) -> int | None:
    """How many bytes the body has, where that is told."""
    told = fields.get("content-length") or ""
    return int(told) if told.isascii() and told.isdigit() else None


class _Plain(HTTPConnection):
    """Head and body leave together: in two packets they cost the sender twice the time."""

    response_class = _Head
    _said: bytearray | None = None

    def request(self, *given: Any, **more: Any) -> None:
        self._said = bytearray()
        super().request(*given, **more)
        said, self._said = self._said, None
        self.send(said)

    def send(self, data: Any) -> None:
        if self._said is None:
            super().send(data)
        else:
            self._said += data


class _Tls(_Plain, HTTPSConnection):
    """The same under TLS."""


def basic(user: str, password: str) -> str:
    """What signs in as them, for an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def is_loopback(host: str) -> bool:
    """Whether it is this machine, where plain http is good enough."""
    return bool(re.fullmatch(r"127(\.\d+){3}|localhost|::1", host))


def _context(authorities: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(authorities)
    return context


def _gone(connection: HTTPConnection) -> bool:
    """Whether the vendor has closed it, or speaks unasked: then nothing may be sent on it."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _close_all(idle: deque[tuple[float, HTTPConnection]]) -> None:
    while idle:
        _, connection = idle.pop()
        connection.close()


def _proxy(host: str) -> SplitResult | None:
    given = urllib.request.getproxies().get("https")
    if not given or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxy = urlsplit(given if "://" in given else f"http://{given}")
    if proxy.scheme != "http":
        raise ValueError("HTTPS_PROXY must be like http://proxy.example.cn:3128")
    return proxy


def _for_proxy(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    return {"Proxy-Authorization": basic(unquote(proxy.username), unquote(proxy.password or ""))}

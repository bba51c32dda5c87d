"""An HTTP server on loopback that gives canned answers in order and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HANG_SECONDS = 5.0


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    url: str

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class CannedServer:
    """An answer has ``status``, ``content_type``, ``json`` or ``body``; or, the request read, ``then``:
    hang, close or reset.

    ``always`` is the answer when the list has run out; without one that is an error of the test.
    """

    def __init__(
        self, answers: Sequence[Mapping[str, Any]] = (), always: Mapping[str, Any] | None = None
    ) -> None:
        self.answers = deque(answers)
        self.always = always
        self.requests: list[Request] = []
        self.unexpected = 0
        self.connections = 0
        self._closing = threading.Event()
        self._server = _Crowded(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> CannedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def next_answer(self) -> Mapping[str, Any]:
        """The answer whose turn it is."""
        if self.answers:
            return self.answers.popleft()
        if self.always is None:
            self.unexpected += 1
            return {"status": 599}
        return self.always

    def hang(self) -> None:
        """Wait until the server goes, or for a while."""
        self._closing.wait(HANG_SECONDS)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave together

            def setup(self) -> None:
                canned.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                canned.requests.append(Request(parts.path, query, dict(self.headers), body, self.path))
                answer = canned.next_answer()
                if "then" in answer:
                    self.break_off(answer["then"])
                else:
                    self.answer(answer)

            def do_GET(self) -> None:
                self.do_POST()

            def answer(self, answer: Mapping[str, Any]) -> None:
                text = json.dumps(answer["json"]) if "json" in answer else answer.get("body", "")
                self.send_response(answer.get("status", 200))
                self.send_header("Content-Type", answer.get("content_type", "application/json"))
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def break_off(self, how: str) -> None:
                if how == "hang":
                    canned.hang()
                if how == "reset":
                    linger = struct.pack("ii", 1, 0)  # closing then sends RST
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR) if how == "close" else self.connection.close()

            def log_message(self, *_: object) -> None:
                """Not into the output that the tests search for personal data."""

        return Handler


class _Crowded(ThreadingHTTPServer):
    """Lets many connect at the same moment: else the sixth may wait for a second, longer than we wait."""

    request_queue_size = 64


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

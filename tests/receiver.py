"""A service as it is told of its events: a small web server that does what the test's script says."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """One call: its headers in small letters, its body as it came."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> str:
        return self.headers["webhook-id"]


Script = Callable[[Heard], int]


class Receiver:
    """Keeps what it hears; ``script`` gives the status, and may take its time."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.script: Script = lambda _heard: 200
        self.headers: dict[str, str] = {}
        self.connections = 0
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - its handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with receiver._lock:
                    receiver.connections += 1

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                named = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(named, self.rfile.read(length), self.path)
                with receiver._lock:
                    receiver.heard.append(heard)
                status = receiver.script(heard)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **receiver.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler

"""An application on a port of its own, for browsers and other strangers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLL = 0.02  # seconds until the server sees that it is to stop


class _Handler(WSGIRequestHandler):
    """Keeps connections, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """``http://127.0.0.1:PORT`` of the application, until the block ends."""
    server = make_server("127.0.0.1", 0, _whole(app), threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _whole(app: WSGIApplication) -> WSGIApplication:
    """The application, whose answers are read to the end and closed before they are sent.

    Werkzeug's server does not close an answer whose reader has gone; a browser that leaves
    a page goes in the middle of its pictures, and the open file of one fails whatever test
    runs when it is collected.
    """

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = app(environ, start_response)
        try:
            return list(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    return answered

"""A gunicorn worker whose threads stay with a connection while requests follow each other on it.

gunicorn's own gives a kept connection back to its poller after each answer and takes a thread
for the next request: two hand-overs between threads, which cost a busy client's request more
than its checks do.
"""

from __future__ import annotations

import select
from concurrent.futures import Future
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

MOMENT = 10  # milliseconds; so long a thread that has nothing else to do waits for the next request


class Whole(wsgi.Response):  # type: ignore[misc]  # gunicorn ships no types
    """An answer that has its whole body at once goes out in one piece, head and all: one call to the
    system, one packet, and the thread does not wait for its turn again in between.
    """

    headers_sent: bool

    def write(self, arg: bytes) -> None:
        whole = self.response_length == len(arg) and not (self.headers_sent or self._omits_body)
        if not whole:
            super().write(arg)
            return
        head = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        util.write(self.sock, "".join(head).encode("latin-1") + arg)
        self.headers_sent, self.sent = True, len(arg)


wsgi.Response = Whole  # what ``wsgi.create`` makes of each request


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """``gthread``, but for that moment. Nobody waits for a thread that is only waiting for longer than it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_hand = 0  # connections given to the threads; counted by the main thread alone

    def enqueue_req(self, conn: TConn) -> None:
        self._in_hand += 1
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        self._in_hand -= 1
        super().finish_request(conn, fs)

    def handle(self, conn: TConn) -> Any:
        kept = super().handle(conn)
        while kept is True and self._may_stay(conn) and _asks_again(conn):
            kept = super().handle(conn)
        return kept

    def _may_stay(self, conn: TConn) -> bool:
        """Not while another connection waits for a thread, nor with a request that is here already."""
        return self.alive and self._in_hand <= self.cfg.threads and not conn.parser.unreader.buf.getvalue()


def _asks_again(conn: TConn) -> bool:
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(MOMENT))

"""A gunicorn worker whose threads stay with a connection while requests follow each other on it.

gunicorn's own gives a kept connection back to its poller after each answer and takes a thread
for the next request: two hand-overs between threads, which cost a busy client's request more
than its checks do.
"""

from __future__ import annotations

import select
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

MOMENT = 10  # milliseconds; so long a thread that has nothing else to do waits for the next request


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

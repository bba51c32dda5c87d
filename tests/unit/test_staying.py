"""The worker of the doors: how long a thread stays with a connection."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn

from gateway.instance.programs import gunicorn
from gateway.staying import Worker

THREADS = 2
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def _asking(meanwhile: Callable[[Worker], None] = lambda _: None) -> Iterator[tuple[Worker, Any, list[int]]]:
    """A client that asks again, once, while its first request is answered; how often it was answered."""
    config = Config()
    config.set("threads", THREADS)
    worker = Worker(0, os.getppid(), [], None, 30, config, Logger(config))
    client, server = socket.socketpair()
    answered: list[int] = []

    def application(_environ: Any, start: Any) -> list[bytes]:
        if not answered:
            client.sendall(REQUEST)
            meanwhile(worker)
        answered.append(1)
        start("204 No Content", [])
        return []

    worker.wsgi = application
    with client, server:
        client.sendall(REQUEST)
        yield worker, TConn(config, server, ("127.0.0.1", 1), ("127.0.0.1", 2)), answered
    worker.tmp.close()


def test_thread_stays_with_a_connection_while_requests_follow() -> None:
    """A request that comes at once is answered by the same thread; then the connection is kept."""
    with _asking() as (worker, connection, answered):
        assert worker.handle(connection) is True
        assert len(answered) == 2


def test_thread_goes_on_where_others_wait() -> None:
    """With more connections in hand than threads, each gives its own back after one answer."""

    def others_come(worker: Worker) -> None:
        worker._in_hand = THREADS + 1

    with _asking(others_come) as (worker, connection, answered):
        assert worker.handle(connection) is True
        assert len(answered) == 1


def test_thread_stays_with_nobody_when_the_worker_stops() -> None:
    """Once told to stop, it begins no further request by itself."""

    def told_to_stop(worker: Worker) -> None:
        worker.alive = False

    with _asking(told_to_stop) as (worker, connection, answered):
        worker.handle(connection)
        assert len(answered) == 1


def test_connection_that_was_closed_is_not_kept() -> None:
    """A client that goes while a thread stays with it leaves nothing behind."""
    with _asking() as (worker, connection, _):
        connection.sock.settimeout(5)

        def leave(_environ: Any, start: Any) -> list[bytes]:
            connection.sock.shutdown(socket.SHUT_RD)
            start("204 No Content", [])
            return []

        worker.wsgi = leave
        assert worker.handle(connection) is False


@pytest.mark.parametrize(
    ("pieces", "length", "sends"),
    [([b"hello"], 5, 1), ([b"he", b"llo"], 5, 3), ([b"hello"], None, 3), ([b"hello, too long"], 5, 2)],
)
def test_an_answer_that_is_whole_goes_out_in_one_piece(
    pieces: list[bytes], length: int | None, sends: int
) -> None:
    """Head and body; whatever comes in parts goes as gunicorn sends it, and nobody reads a difference."""
    with _asking() as (worker, connection, answered):
        sent: list[bytes] = []

        class Wire:
            def sendall(self, data: bytes) -> None:
                sent.append(data)
                wire.sendall(data)

            def __getattr__(self, name: str) -> Any:
                return getattr(wire, name)

        def say(_environ: Any, start: Any) -> list[bytes]:
            start("200 OK", [] if length is None else [("Content-Length", str(length))])
            worker.alive = False
            return pieces

        wire, worker.wsgi = connection.sock, say
        connection.sock = Wire()
        worker.handle(connection)
        assert len(sent) == sends
        head, _, body = b"".join(sent).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == (b"hello" if length else b"5\r\nhello\r\n0\r\n\r\n")
        assert not answered


def test_it_is_the_client_who_closes_an_idle_connection() -> None:
    """Where it is we, a push may meet the closing door, and its vendor comes again a minute later."""
    options, theirs = gunicorn(3), 60  # seconds: the longest usual, nginx's
    assert float(options[options.index("--keep-alive") + 1]) > theirs

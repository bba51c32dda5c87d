"""Prepared requests over kept connections, one at a time on each: asking then costs next to nothing."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MUCH = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class _Line:
    """One connection: what came back so far of the request sent at ``asked``."""

    socket: socket.socket
    asked: float = 0.0
    got: bytes = b""


@dataclass(frozen=True, slots=True)
class Posted:
    """Every answer whole, the seconds each took, and the seconds of all."""

    answers: Sequence[bytes] = field(repr=False)
    latencies: Sequence[float] = field(repr=False)
    seconds: float


def post(url: str, requests: Sequence[bytes], connections: int) -> Posted:
    """Send each request once an earlier one on its connection is answered; answers as they come."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    lines = [_Line(socket.create_connection(address)) for _ in range(min(connections, len(requests)))]
    try:
        began = time.perf_counter()
        answered = list(_answered(lines, iter(requests), len(requests)))
        seconds = time.perf_counter() - began
    finally:
        for line in lines:
            line.socket.close()
    return Posted([answer for answer, _ in answered], [took for _, took in answered], seconds)


def _answered(lines: Sequence[_Line], waiting: Iterator[bytes], left: int) -> Iterator[tuple[bytes, float]]:
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            _ask(line, next(waiting))
        while left:
            for key, _ in selector.select():
                line = key.data
                more = line.socket.recv(MUCH)
                line.got += more
                if more and not is_whole(line.got):
                    continue
                yield line.got, time.perf_counter() - line.asked
                left -= 1
                if not more:
                    raise ConnectionError("The other side closed a connection that was to be kept.")
                if request := next(waiting, None):
                    _ask(line, request)


def _ask(line: _Line, request: bytes) -> None:
    line.got, line.asked = b"", time.perf_counter()
    line.socket.sendall(request)


def is_whole(answer: bytes) -> bool:
    """Whether an HTTP/1.1 answer has come to its end; one without a length ends with its head."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)

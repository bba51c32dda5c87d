"""Connections to one service: to the address that was checked, kept for a batch, bounded in time.

On ``http.client``, as the vendors' connections are: nothing follows a redirect, no proxy of the
environment is asked, and TLS checks the name while the socket goes to the address.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPMessage
from threading import Event, Timer

from gateway.webhooks.addresses import LookUp, Network, Target, UnusableUrlError, resolve
from gateway.webhooks.retry import Answered, Barred, Outcome, Silent

TIMEOUT = 5.0  # seconds for all of a call
LARGEST_ANSWER = 16 * 1024  # bytes read so that a connection may be kept; what they say is not looked at
MOST_ADDRESSES = 2  # tried of those a name has
LOST = Silent("connection_lost")


class Line:
    """Calls to one address; safe in threads. Close it when its batch is done."""

    def __init__(
        self,
        target: Target,
        private: Sequence[Network],
        authorities: str | None = None,
        look_up: LookUp = socket.getaddrinfo,
        timeout: float = TIMEOUT,
    ) -> None:
        self._target = target
        self._private = private
        self._look_up = look_up
        self._timeout = timeout
        self._tls = _context(authorities) if target.scheme == "https" else None
        self._idle: deque[HTTPConnection] = deque()

    def post(self, headers: Mapping[str, str], body: bytes) -> Outcome:
        """One call: what the service answered, or why it did not.

        Where a kept connection turns out to be closed a new one is tried, once.
        """
        kept = self._kept()
        outcome = self._watched(kept, headers, body) if kept else LOST
        return self._watched(_unconnected(self._target), headers, body) if outcome == LOST else outcome

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> HTTPConnection | None:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return None

    def _watched(self, connection: HTTPConnection, headers: Mapping[str, str], body: bytes) -> Outcome:
        over = Event()  # against an answer that comes drop by drop
        watch = Timer(self._timeout, _cut, [connection, over])
        watch.daemon = True
        watch.start()
        outcome, keep = self._call(connection, headers, body, over)
        watch.cancel()
        if keep and not over.is_set():
            self._idle.append(connection)
        else:
            connection.close()
        return (
            Silent("timeout") if over.is_set() else outcome
        )  # even where half a head was read as a whole one

    def _call(
        self, connection: HTTPConnection, headers: Mapping[str, str], body: bytes, over: Event
    ) -> tuple[Outcome, bool]:
        try:
            if connection.sock is None:
                self._connect(connection, over)
            every = {"Host": self._target.authority, "Accept-Encoding": "identity", **headers}
            connection.request("POST", self._target.path, body, every)
            answer = connection.getresponse()
            read = len(answer.read(LARGEST_ANSWER + 1))
            return Answered(answer.status, _wait(answer.headers)), read <= LARGEST_ANSWER
        except UnusableUrlError:
            return Barred(), False
        except ssl.SSLCertVerificationError:
            return Silent("tls_certificate"), False
        except TimeoutError:
            return Silent("timeout"), False
        except socket.gaierror:
            return Silent("name_not_found"), False
        except ConnectionRefusedError:
            return Silent("connection_refused"), False
        except (OSError, HTTPException, ValueError):  # also what a cut socket leaves behind
            return LOST, False

    def _connect(self, connection: HTTPConnection, over: Event) -> None:
        """Connect to an address that may be called, as checked now."""
        addresses = resolve(self._target, self._private, self._look_up)[:MOST_ADDRESSES]
        plain = _first(addresses, self._target.port, self._timeout / len(addresses))
        plain.settimeout(self._timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body leave in two parts
        connection.sock = plain
        _in_time(over)
        if self._tls is not None:
            name = self._target.host.rstrip(".")
            line = self._tls.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
            connection.sock = line  # before the handshake, so that it can be cut
            _in_time(over)
            line.do_handshake()


def _in_time(over: Event) -> None:
    """Raise where the time ended before there was anything to cut: looking a name up may take long."""
    if over.is_set():
        raise TimeoutError


def _unconnected(target: Target) -> HTTPConnection:
    connection = HTTPConnection(target.host, target.port)
    connection.auto_open = 0  # it never connects by itself, to whatever the name leads to then
    return connection


def _first(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def _cut(connection: HTTPConnection, over: Event) -> None:
    over.set()
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # TLS's own would take time


def _context(authorities: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities:
        context.load_verify_locations(authorities)
    return context


def _wait(headers: HTTPMessage) -> float | None:
    """Retry-After in seconds; one that names a date is left to our own pauses."""
    given = headers.get("Retry-After", "").strip()
    return float(given) if given.isascii() and given.isdigit() and len(given) < 7 else None

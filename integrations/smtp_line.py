"""Kept connections to one SMTP server: opened when needed, closed when idle, all within a given time.

No provider of its own. What the server says comes back as ``Reply``; its text stays here, as it
repeats addresses. Source: RFC 5321, RFC 2034 (enhanced status codes) and the source of smtplib.
"""

from __future__ import annotations

import io
import re
import smtplib
import ssl
import time
import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

IDLE_SECONDS = 60.0  # servers close after some minutes; RFC 5321 asks them to wait five
MOST_IDLE = 16
CHUNK = 64 * 1024  # bytes written at a time: under TLS the time allowed is that of each write
CLOSING = 421


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how. ``security`` is starttls, tls or none; ``timeout`` in seconds, for one message."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    timeout: float
    hello: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The three digits, and the enhanced code if there is one (550 and 5.1.1)."""

    number: int
    enhanced: str = ""
    queue_id: str = ""

    @property
    def code(self) -> str:
        return self.enhanced or str(self.number)

    @classmethod
    def read(cls, number: int, text: bytes | str) -> Self:
        words = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        enhanced = re.match(r"([245])\.\d{1,3}\.\d{1,3}(?=\s|$)", words)
        known = enhanced is not None and enhanced[1] == str(number)[:1]
        queued = re.search(r"(?:queued as |id=)([\w.-]{6,40})(?=[\s>)]|$)", words, re.ASCII)
        return cls(number, enhanced[0] if enhanced and known else "", queued[1] if queued else "")


class Lost(Exception):
    """The connection is gone; ``code`` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoLine(Exception):
    """No connection came about: the server's refusal, or our ``code`` for what failed."""

    def __init__(self, stage: str, code: str = "", reply: Reply | None = None) -> None:
        super().__init__(code or (reply.code if reply else ""))
        self.stage = stage
        self.code = code
        self.reply = reply

    @property
    def closing(self) -> bool:
        """Whether the server only said that it was closing this connection."""
        return self.reply is not None and self.reply.number == CLOSING


class _Timed(smtplib.SMTP):
    """All that is said and heard ends at one moment (``time.monotonic``), however slowly it drips in.

    The library only bounds each single read; a reply has any number of them.
    """

    def __init__(self, until: float, **given: Any) -> None:
        self.until = until
        super().__init__(timeout=self.left, **given)

    @property
    def left(self) -> float:
        """Seconds; never 0, which would mean not to wait at all."""
        return max(0.05, self.until - time.monotonic())

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Incoming(self))
        return super().getreply()

    def send(self, s: Any) -> None:
        words = s.encode("ascii") if isinstance(s, str) else bytes(s)
        for start in range(0, len(words), CHUNK):
            if self.sock is not None:
                self.sock.settimeout(self.left)
            super().send(words[start : start + CHUNK])


class _TimedTls(_Timed, smtplib.SMTP_SSL):
    """The same under TLS from the first byte on."""


class _Incoming(io.RawIOBase):
    """What the server says."""

    def __init__(self, smtp: _Timed) -> None:
        self._smtp = smtp

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if time.monotonic() > self._smtp.until or self._smtp.sock is None:
            raise TimeoutError
        self._smtp.sock.settimeout(self._smtp.left)
        return self._smtp.sock.recv_into(buffer)


class Line:
    """One connection, greeted and signed in. ``kept`` is true from its second message on."""

    def __init__(self, smtp: _Timed) -> None:
        self._smtp = smtp
        self.kept = False
        self.idle_since = 0.0

    def begin(self, until: float) -> None:
        """What follows must be over by then."""
        self._smtp.until = until

    def has(self, extension: str) -> bool:
        """Whether the server offers it."""
        return bool(self._smtp.has_extn(extension))

    @property
    def room(self) -> int:
        """How many bytes a mail may have (RFC 1870); 0 where the server does not say."""
        given = self._smtp.esmtp_features.get("size", "") if self.has("size") else ""
        return int(given) if re.fullmatch(r"[0-9]{1,15}", given, re.ASCII) else 0

    def say(self, command: str) -> Reply:
        """One command, one reply. Raises ``Lost``, after which the line is closed."""
        return self._exchange(f"{command}\r\n".encode("ascii"))

    def hand(self, mail: bytes, answered: float) -> Reply:
        """The mail, in lines that end in CRLF, once DATA was allowed; to be answered until ``answered``."""
        return self._exchange(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n", answered)

    def close(self) -> None:
        """Without a word: nothing is under way, and a word may take its time."""
        self._smtp.close()

    def _exchange(self, words: bytes, answered: float = 0.0) -> Reply:
        lost = "connection_lost"
        try:
            self._smtp.send(words)
            self._smtp.until = max(self._smtp.until, answered)
            number, text = self._smtp.getreply()
            if number >= 0:
                return Reply.read(number, text)
            lost = "unreadable_answer"
        except smtplib.SMTPException as error:
            lost = _lost(error)
        self.close()
        raise Lost(lost)  # out of the handler: the error's own text may repeat an address


class Lines:
    """The kept connections of one process; safe in threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: deque[Line] = deque()
        self._tls = ssl.create_default_context() if server.security != "none" else None
        weakref.finalize(self, _close_all, self._idle)

    def take(self, until: float) -> Line:
        """A kept connection, else a new one. Raises ``NoLine``."""
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if time.monotonic() - line.idle_since < IDLE_SECONDS:
                line.kept = True
                return line
            line.close()
        return self.new(until)

    def new(self, until: float) -> Line:
        """A new connection, greeted and signed in by then. Raises ``NoLine``."""
        code, reply = "", None
        stage = "connect"
        try:
            smtp = self._connected(until)
        except smtplib.SMTPConnectError as error:
            reply = Reply.read(error.smtp_code, error.smtp_error)
        except OSError as error:  # smtplib's own errors are some of these
            code = _failure(error, stage)
        else:
            stage, code, reply = self._sign_in(smtp)
            if not code and reply is None:
                return Line(smtp)
            smtp.close()
        raise NoLine(stage, code, reply)

    def give(self, line: Line) -> None:
        """Keep it for the next message."""
        line.idle_since = time.monotonic()
        if len(self._idle) < MOST_IDLE:
            self._idle.append(line)
        else:
            line.close()

    def _connected(self, until: float) -> _Timed:
        server = self._server
        place = {"host": server.host, "port": server.port, "local_hostname": server.hello}
        if server.security == "tls":
            return _TimedTls(until, context=self._tls, **place)
        return _Timed(until, **place)

    def _sign_in(self, smtp: smtplib.SMTP) -> tuple[str, str, Reply | None]:
        """EHLO, TLS, AUTH; the step that failed, our code for it, or the server's refusal."""
        server, stage = self._server, "connect"
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                smtp.starttls(context=self._tls)
                smtp.ehlo_or_helo_if_needed()
            stage = "auth"
            if server.user:
                smtp.login(server.user, server.password)
        except smtplib.SMTPResponseException as error:
            return stage, "", Reply.read(error.smtp_code, error.smtp_error)
        except OSError as error:
            return stage, _failure(error, stage), None
        return stage, "", None


def _close_all(idle: deque[Line]) -> None:
    while idle:
        idle.pop().close()


def _lost(error: smtplib.SMTPException) -> str:
    timed_out = isinstance(error.__context__, TimeoutError)
    return "read_timeout" if timed_out else "connection_lost"


def _failure(error: OSError, stage: str) -> str:
    if isinstance(error, ssl.SSLError):
        return "tls_certificate" if isinstance(error, ssl.SSLCertVerificationError) else "tls_failed"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return _lost(error)
    if isinstance(error, smtplib.SMTPException):  # the server lacks what we insist on
        return "auth_not_offered" if stage == "auth" else "tls_not_offered"
    return "connect_failed"

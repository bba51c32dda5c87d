"""An SMTP server on loopback that takes every mail, but for what a script says of the next steps."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socket
import socketserver
import ssl
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

HANG_SECONDS = 5.0
FINE = {
    "CONNECT": "220 canned",
    "EHLO": "250-canned\r\n250 AUTH PLAIN",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 fine",
    "RCPT": "250 2.1.5 fine",
    "DATA": "354 go on",
    "END": "250 2.0.0 Ok: queued as 4XyZab12",
    "RSET": "250 2.0.0 fine",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Taken:
    """A mail as it came; ``query`` is empty, as there is no URL."""

    commands: list[str]
    data: bytes
    query: dict[str, str] = field(default_factory=dict)

    @property
    def message(self) -> EmailMessage:
        """Read by the standard library."""
        read = email.message_from_bytes(self.data, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    @property
    def mail(self) -> dict[str, Any]:
        """Headers by name; ``text`` and ``html``; ``files``: name, type, size; ``envelope``: its commands."""
        message = self.message
        bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        words = {
            kind: body.get_content().replace("\r\n", "\n")
            for kind, body in bodies.items()
            if body is not None
        }
        more = {
            "text": words.get("plain", ""),
            "html": words.get("html", ""),
            "envelope": "; ".join(self.commands),
            "files": [
                [part.get_filename(), part.get_content_type(), len(part.get_payload(decode=True))]
                for part in message.iter_attachments()
            ],
        }
        return {name: str(value) for name, value in message.items()} | more


class CannedSmtp:
    """``answers`` are for the next steps, in order: ``at`` one of FINE or STARTTLS, then ``reply`` or
    ``then`` (hang, drip, close, reset), ``after`` so many seconds. ``requests`` are the mails that were
    written, taken or not.
    """

    def __init__(self, answers: Sequence[Mapping[str, Any]] = (), tls: ssl.SSLContext | None = None) -> None:
        self.answers = deque(answers)
        self.requests: list[Taken] = []
        self.said: list[str] = []  # all commands of all connections
        self.unexpected = 0
        self.connections = 0
        self.tls = tls
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Dialogue)
        self._server.canned = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> CannedSmtp:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, stage: str) -> Mapping[str, Any]:
        """The script's word on this step, else the usual one."""
        with self.lock:
            if self.answers and self.answers[0]["at"] == stage:
                return self.answers.popleft()
        return {"reply": FINE.get(stage, "502 5.5.1 not here")}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    canned: CannedSmtp


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection."""

    server: _Server

    def handle(self) -> None:
        self.canned = self.server.canned
        with self.canned.lock:
            self.canned.connections += 1
        self.commands: list[str] = []
        with contextlib.suppress(OSError):
            going = self.at("CONNECT")
            while going and (line := self.rfile.readline()):
                going = self.command(line.decode().strip())

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def command(self, line: str) -> bool:
        stage = line.split(" ")[0].upper()
        self.canned.said.append(line)
        if stage == "MAIL":
            self.commands = []
        self.commands.append(line)
        if stage == "STARTTLS":
            return self.start_tls()
        going = self.at(stage)
        if going and stage == "DATA" and self.reply.startswith("354"):
            return self.take()
        return going and stage != "QUIT"

    def take(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        with self.canned.lock:
            self.canned.requests.append(Taken([c for c in self.commands if c != "DATA"], b"".join(lines)))
        return self.at("END")

    def at(self, stage: str) -> bool:
        """Answer, or break off; whether the connection lives on."""
        answer = self.canned.answer(stage)
        self.canned.closing.wait(answer.get("after", 0))
        if "then" in answer:
            self.break_off(answer["then"])
            return False
        self.reply: str = answer["reply"]
        if stage == "EHLO" and self.canned.tls and not isinstance(self.connection, ssl.SSLSocket):
            self.reply = "250-canned\r\n250 STARTTLS"
        self.wfile.write(self.reply.encode() + b"\r\n")
        return not self.reply.startswith("421")

    def start_tls(self) -> bool:
        assert self.canned.tls is not None
        self.wfile.write(b"220 2.0.0 go on\r\n")
        self.connection = self.canned.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def break_off(self, how: str) -> None:
        if how == "hang":
            self.canned.closing.wait(HANG_SECONDS)
        if how == "drip":
            for piece in ["250", "-", "fine\r\n"] * 20:
                self.wfile.write(piece.encode())
                self.canned.closing.wait(HANG_SECONDS / 60)
        if how == "reset":
            linger = struct.pack("ii", 1, 0)  # closing then sends RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

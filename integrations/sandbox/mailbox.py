"""The mailboxes: an SMTP server that takes every mail, and what it has taken to look at."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from itertools import count
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from integrations.sandbox.faults import LONGEST_SILENCE, Fault, Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, STATUS_WORDS, WAITING, Pairs, Shelf, moment
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.steering import as_json

LISTED = 1_000  # mails in one answer, the newest
LARGEST = 2 * 2**20  # bytes of one mail
TARGET = "smtp"
# A mail's own page: its styles, and nothing else of it, work; it is shown in a frame of ours only.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


@dataclass(slots=True, eq=False)
class Mail:
    """One mail to one address, which is its ``number`` on the shelf. ``at`` is in epoch seconds.

    ``envelope`` is the envelope sender, where its report goes; ``head`` are its headers as they came.
    ``code`` is the enhanced status code that is or will be reported.
    """

    id: int
    number: str
    at: float
    envelope: str
    head: bytes
    sender: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    message_id: str = ""
    status: int = WAITING
    code: str = ""
    report_pushed_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/mails shows it."""
        return {
            "id": self.id,
            "address": self.number,
            "sender": self.sender,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "at": moment(self.at),
            "status": STATUS_WORDS[self.status],
            "code": self.code,
            "message_id": self.message_id,
            "report_pushed_at": moment(self.report_pushed_at) if self.report_pushed_at else None,
        }


class Mailboxes(Shelf[Mail]):
    """Every mail taken; ``pairs.repeated`` tells of those that said the same to the same address again."""

    def __init__(self, scratch: sqlite3.Connection, newest: int) -> None:
        super().__init__(newest)
        self.pairs = Pairs(scratch, "mailed")

    def take(self, mail: Mail) -> None:
        """Put it into its mailbox."""
        self.pairs.count(mail.number, f"{mail.subject}\0{mail.text}")
        self.put(mail)

    def clear(self) -> None:
        """Empty all mailboxes and the counts."""
        super().clear()
        self.pairs.clear()


class Dialogue(SMTP):
    """One connection; ``fault`` is what goes wrong with the mail under way."""

    fault: Fault | None = None


class MailDoor:
    """The SMTP server and the addresses that show what it took. ``expect`` is told of each mail."""

    def __init__(self, mailboxes: Mailboxes, faults: Faults, expect: Callable[[Mail], None]) -> None:
        self._mailboxes = mailboxes
        self._faults = faults
        self._expect = expect
        self._ids = count(1)
        self._server: asyncio.Server | None = None
        self.port = 0

    # --- SMTP ---

    async def listen(self, host: str, port: int) -> None:
        """Take mails until ``close``; port 0 lets the system choose."""
        loop = asyncio.get_running_loop()

        def dialogue() -> Dialogue:
            return Dialogue(self, hostname="localhost", ident="sandbox", data_size_limit=LARGEST, loop=loop)

        self._server = await loop.create_server(dialogue, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no longer."""
        if self._server:
            self._server.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Dialogue, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse it as a fault wants."""
        server.fault = fault = self._faults.match(TARGET, "mail", (address,))
        if fault and fault.mode == "error":
            return _refusal(fault, "550 5.1.1")
        if fault and fault.mode in ("refuse", "down"):
            return self._hang_up(server, fault.mode)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Dialogue, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, for each of its recipients."""
        fault = server.fault or self._faults.match(TARGET, "data", envelope.rcpt_tos)
        server.fault = None
        if fault and fault.mode == "error":
            return _refusal(fault, "554 5.6.0")
        if fault and fault.mode in ("refuse", "down"):
            return self._hang_up(server, fault.mode)
        if fault and fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        taken = [self._take(address, envelope) for address in envelope.rcpt_tos]
        if fault and fault.mode == "silent":
            await asyncio.sleep(LONGEST_SILENCE)  # ends with the connection
        return f"250 2.0.0 OK: queued as {taken[0].id:08X}"

    def _take(self, address: str, envelope: Envelope) -> Mail:
        mail = read(next(self._ids), address, envelope.mail_from or "", envelope.original_content or b"")
        self._mailboxes.take(mail)
        self._expect(mail)
        return mail

    def _hang_up(self, server: Dialogue, mode: str) -> str:
        transport = server.transport
        if mode == "refuse" and isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        elif transport is not None:
            asyncio.get_running_loop().call_later(0.05, transport.close)  # the answer goes first
        return "421 4.3.2 Service not available"

    # --- HTTP ---

    def routes(self) -> list[web.RouteDef]:
        """Under /_sandbox/."""
        return [
            web.get("/_sandbox/mails", self.get_mails),
            web.get("/_sandbox/mails/{id:[0-9]+}", self.get_page),
        ]

    async def get_mails(self, request: web.Request) -> web.Response:
        """?address= only that mailbox, ?limit= the newest so many; newest last."""
        address = request.query.get("address")
        limit = request.query.get("limit", str(LISTED))
        if not limit.isdecimal():
            raise web.HTTPBadRequest(text="limit is a number")
        mails = self._mailboxes.since(0) if address is None else self._mailboxes.of(address)
        return as_json([mail.as_json() for mail in mails[-int(limit) :]] if int(limit) else [])

    async def get_page(self, request: web.Request) -> web.Response:
        """One mail's HTML, in which nothing works but its looks."""
        wanted = int(request.match_info["id"])
        mail = next((mail for mail in self._mailboxes.since(0) if mail.id == wanted), None)
        if mail is None or not mail.html:
            raise web.HTTPNotFound(text="no such mail")
        return web.Response(
            text=mail.html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
        )


def read(number: int, address: str, envelope: str, content: bytes) -> Mail:
    """A mail as it came, read as far as it can be."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(
        number,
        address,
        time.time(),
        envelope,
        head=re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0],
        sender=_header(message, "From"),
        subject=_header(message, "Subject"),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        message_id=_header(message, "Message-ID"),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError, AttributeError):  # what the library's parser stumbles over
        return ""


def _body(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body((kind,))
        words = part.get_content() if part is not None else ""
    except (ValueError, LookupError, AttributeError):
        return ""
    return str(words).replace("\r\n", "\n")


def _refusal(fault: Fault, usual: str) -> str:
    """``code`` is like 550 5.1.1, or one half of that."""
    found = re.fullmatch(r"([45][0-9]{2})?[ ]?([45]\.[0-9]{1,3}\.[0-9]{1,3})?", fault.code or "", re.ASCII)
    number, enhanced = (found[1], found[2]) if found else (None, None)
    if number is None and enhanced is None:
        return f"{usual} {_ascii(fault.message)}"
    number = number or ("450" if str(enhanced).startswith("4") else usual[:3])
    return " ".join(filter(None, (number, enhanced, _ascii(fault.message))))


def _ascii(message: str) -> str:
    return " ".join(message.encode("ascii", "replace").decode().split()) or "refused"


# --- on the page ---------------------------------------------------------------------------

BOXES, SHOWN = 6, 3
WORDS = {
    DELIVERED: ("delivered", "✓ 已送达", "delivered"),
    WAITING: ("waiting", "… 投递中", "on its way"),
    FAILED: ("failed", "✕ 已退回", "bounced"),
}


def boxes(mailboxes: Mailboxes) -> list[dict[str, Any]]:
    """The mailboxes written to last, and in each the newest mails, newest first."""
    addresses = mailboxes.newest_numbers("", BOXES)
    return [_box(address, mailboxes.of(address)) for address in addresses]


def _box(address: str, mails: list[Mail]) -> dict[str, Any]:
    newest = [_entry(mail) for mail in reversed(mails[-SHOWN:])]
    return {"address": address, "earlier": max(0, len(mails) - SHOWN), "mails": newest}


def _entry(mail: Mail) -> dict[str, Any]:
    at = datetime.fromtimestamp(mail.at, CHINA)
    style, status, english = WORDS[mail.status]
    return {
        "mail": mail,
        "at": at.isoformat(timespec="seconds"),
        "time": f"{at.month}月{at.day}日 {at:%H:%M:%S}",
        "style": style,
        "status": status,
        "status_english": english,
    }

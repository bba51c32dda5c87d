"""The mailboxes and the SMTP server that fills them, as strict as real ones."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from integrations.sandbox.early import reports_first
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.handsets import Shelf
from integrations.sandbox.mails import Mail, flaw, read, words_of
from integrations.sandbox.repeated import MAIL, Repeated
from integrations.sandbox.scratch import key_of

LARGEST = 10_240_000  # bytes of one mail: what a Postfix takes unless told otherwise
LONGEST_LINE = 999  # bytes: 998 and a dot before them (RFC 5321, 4.5.3.1.6)
LINE_END, END = b"\r\n", b"\r\n.\r\n"
PIECE = 256 * 1024  # bytes read at once
LARGE = 64 * 1024  # bytes of a mail that is read at once, so that its files do not lie in memory
TARGET = "smtp"
CLOSING = "421"
SILENCE = 600.0  # seconds a client is left without an answer at most
TAKES, FULL, GONE, COMPLAINS = "takes", "full", "gone", "complains"
# What a mailbox does with mails where nobody has said; by the beginning of its address.
BORN = {"nobody@": GONE, "full@": FULL, "complains@": COMPLAINS}


class Mailboxes(Shelf[Mail]):
    """Every mail taken. It is kept as it came until somebody looks: see ``opened``."""

    def __init__(self, scratch: sqlite3.Connection, repeated: Repeated, newest: int) -> None:
        super().__init__(newest)
        self._repeated = repeated
        self._behaviours: dict[str, str] = {}
        self._scratch = scratch
        scratch.execute("CREATE TABLE attached (key INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        scratch.execute(
            "CREATE TABLE came_with (mail INTEGER, place INTEGER, key INTEGER, PRIMARY KEY (mail, place))"
        )

    def take(self, mail: Mail) -> None:
        """Put it into its mailbox."""
        words = words_of(mail.content)
        self._repeated.count(MAIL, TARGET, mail.number, words, readable=lambda: _words(self.opened(mail)))
        if len(mail.content) > LARGE:
            self.opened(mail)
        self.put(mail)

    def opened(self, mail: Mail) -> Mail:
        """The mail, read; a file many have got is kept once."""
        for place, body in enumerate(read(mail)):
            key = key_of(body)
            self._scratch.execute("INSERT OR IGNORE INTO attached VALUES (?, ?)", (key, body))
            self._scratch.execute("INSERT INTO came_with VALUES (?, ?, ?)", (mail.id, place, key))
        return mail

    def file(self, mail: Mail, place: int) -> bytes:
        """The bytes of one of its files."""
        query = "SELECT body FROM attached JOIN came_with USING (key) WHERE mail = ? AND place = ?"
        body: bytes = self._scratch.execute(query, (mail.id, place)).fetchone()[0]
        return body

    def behaves(self, address: str) -> str:
        """What that mailbox does with a mail: takes it, is full, is gone, or its owner complains."""
        small = address.lower()
        born = next((how for beginning, how in BORN.items() if small.startswith(beginning)), TAKES)
        return self._behaviours.get(small, born)

    def set_behaviour(self, address: Any, behaves: Any) -> None:
        """From now on. Raises ``ValueError`` for what is no address or no behaviour."""
        if not isinstance(address, str) or not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", address):
            raise ValueError("address is an e-mail address")
        if behaves not in (TAKES, FULL, GONE, COMPLAINS):
            raise ValueError(f"behaves is one of {TAKES}, {FULL}, {GONE}, {COMPLAINS}")
        self._behaviours[address.lower()] = behaves

    def listed(self) -> dict[str, str]:
        """Every mailbox that was told how to behave."""
        return dict(self._behaviours)

    def clear(self) -> None:
        """Empty all mailboxes and the counts; they behave as at the beginning."""
        super().clear()
        self._behaviours.clear()
        self._scratch.execute("DELETE FROM attached")
        self._scratch.execute("DELETE FROM came_with")


class Dialogue(SMTP):
    """One connection; ``fault`` is what goes wrong with the mail under way."""

    fault: Fault | None = None
    line_length_limit = 64 * 1024  # bytes read ahead; how long a line may be is looked at below

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a mail as a whole: line by line, as the library does it, it costs four times as much."""
        assert self.envelope is not None
        assert self.session is not None
        if arg or not self.envelope.rcpt_tos or not self.session.host_name:
            await super().smtp_DATA(arg)  # says what is wrong
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        if len(content) > LARGEST:
            answer = "552 Error: Too much mail data"
        elif max(map(len, content.split(LINE_END))) > LONGEST_LINE:
            answer = "500 Line too long (see RFC5321 4.5.3.1.6)"
        else:
            self.envelope.content = self.envelope.original_content = content
            answer = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(answer)

    async def _content(self) -> bytes:
        """What comes before a line with only a dot; of what is too large as much as shows that it is."""
        data, begin = bytearray(LINE_END), 0
        while (end := data.find(END, begin)) < 0:
            if len(data) > 2 * LARGEST:
                del data[LARGEST + 1 : 1 - len(END)]
            begin = max(0, len(data) - len(END) + 1)
            piece = await self._reader.read(PIECE)
            if not piece:
                raise ConnectionResetError
            data += piece
        self._reader.feed_data(bytes(data[end + len(END) :]))  # what the client has said since
        return bytes(data[: end + 2]).replace(LINE_END + b".", LINE_END)[2:]


class MailDoor:
    """The SMTP server. ``expect`` is told of each mail it has taken."""

    def __init__(self, mailboxes: Mailboxes, faults: Faults, expect: Callable[[Mail], None]) -> None:
        self._mailboxes = mailboxes
        self._faults = faults
        self._expect = expect
        self._ids = count(1)
        self._server: asyncio.Server | None = None
        self.port = 0

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
        if fault and fault.mode in ("error", "refuse", "down"):
            return self._refused(server, fault, "550 5.1.1")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Dialogue, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, for each of its recipients, unless a strict server would not."""
        fault = server.fault or self._faults.match(TARGET, "data", envelope.rcpt_tos)
        server.fault = None
        if fault and fault.mode in ("error", "refuse", "down"):
            return self._refused(server, fault, "554 5.6.0")
        eight_bit = "BODY=8BITMIME" in envelope.mail_options
        if refusal := flaw(envelope.original_content or b"", eight_bit=eight_bit):
            return refusal
        if fault and fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        taken = await reports_first(lambda: [self._take(address, envelope) for address in envelope.rcpt_tos])
        if fault and fault.mode == "silent":
            await asyncio.sleep(SILENCE)  # ends with the connection
        return f"250 2.0.0 OK: queued as {taken[0].id:08X}"

    def _take(self, address: str, envelope: Envelope) -> Mail:
        content = envelope.original_content or b""
        mail = Mail(next(self._ids), address, time.time(), envelope.mail_from or "", content)
        self._mailboxes.take(mail)
        self._expect(mail)
        return mail

    def _refused(self, server: Dialogue, fault: Fault, usual: str) -> str:
        """The answer to this step; after 421, as after ``refuse``, the connection is closed."""
        transport = server.transport
        if fault.mode == "refuse" and isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        answer = _refusal(fault, usual) if fault.mode == "error" else "421 4.3.2 Service not available"
        if answer.startswith(CLOSING) and transport is not None:
            asyncio.get_running_loop().call_later(0.05, transport.close)  # the answer goes first
        return answer


def _words(mail: Mail) -> str:
    return f"{mail.subject}\n{mail.text}"


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

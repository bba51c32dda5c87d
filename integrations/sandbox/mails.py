"""A mail as its recipient's program sees it: headers, text, page, files, the button to unsubscribe."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from functools import lru_cache
from typing import Any

from integrations.sandbox.handsets import STATUS_WORDS, WAITING, moment

# Each look at a header reads it anew, two dozen times for one mail: what was read is kept for a while.
READING = email.policy.default.clone(header_factory=lru_cache(1024)(HeaderRegistry()))
SUBJECT = re.compile(rb"(?im)^subject:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*")
PLAIN = re.compile(rb"(?im)^content-type:[ \t]*text/plain")
ONCE = re.compile(rb"(?im)^(from|date|message-id):")
STUMBLES = (ValueError, LookupError, AttributeError, TypeError)  # of the library's parser, over odd mails


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail, without its bytes; ``size`` is in bytes, ``url`` where to get it."""

    name: str
    type: str
    size: int
    url: str


@dataclass(slots=True, eq=False)
class Mail:
    """One mail to one address, which is its ``number`` on the shelf. ``at`` is in epoch seconds.

    ``envelope`` is the envelope sender, where its report goes; ``content`` is all of it as it came, until
    it is read: then all that follows is filled in, and of ``content`` only the headers are kept.
    ``code`` is the enhanced status code that is or will be reported. ``unsubscribe`` is the address a
    mail program posts to with one click (RFC 8058), "" where the mail offers none; ``unsubscribed``
    what that was answered with, 0 before.
    """

    id: int
    number: str
    at: float
    envelope: str
    content: bytes
    read: bool = False
    headers: list[tuple[str, str]] = field(default_factory=list)
    sender: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    message_id: str = ""
    attachments: list[Attached] = field(default_factory=list)
    unsubscribe: str = ""
    unsubscribed: int = 0
    status: int = WAITING
    code: str = ""
    report_pushed_at: float = 0.0
    complained_at: float = 0.0

    @property
    def head(self) -> bytes:
        """Its headers as they came."""
        return _head(self.content)

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/mails shows it."""
        return {
            "id": self.id,
            "at": moment(self.at),
            "to": self.number,
            "from": self.sender,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "attachments": [asdict(one) for one in self.attachments],
            "unsubscribe": self.unsubscribe,
            "unsubscribed": self.unsubscribed or None,
            "headers": self.headers,
            "envelope": self.envelope,
            "message_id": self.message_id,
            "status": STATUS_WORDS[self.status],
            "code": self.code,
            "report_pushed_at": moment(self.report_pushed_at) if self.report_pushed_at else None,
            "complained_at": moment(self.complained_at) if self.complained_at else None,
        }


def flaw(content: bytes, *, eight_bit: bool) -> str:
    """What a strict server answers to a mail that is none; "" when it takes it (RFC 5321, 5322, 6152)."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        return "550 5.5.2 bare CR or LF"
    if not eight_bit and not content.isascii():
        return "554 5.6.1 eight-bit content without BODY=8BITMIME"
    once = sorted(name.lower() for name in ONCE.findall(_head(content)))
    if once != [b"date", b"from", b"message-id"]:
        return "550 5.7.1 From, Date and Message-ID, each once"
    return ""


def words_of(content: bytes) -> bytes:
    """What it says as it came, undecoded: its subject and its plain text, or all where it has none.

    Two mails of one author say the same if these are the same: reading both would cost a hundred times more.
    """
    head = _head(content)
    subject = SUBJECT.search(head)
    body = content[len(head) + 2 :]
    return (subject[0] if subject else b"") + b"\0" + (body if PLAIN.search(head) else _plain(body))


def _plain(body: bytes) -> bytes:
    """The first plain text among the parts; all where there is none."""
    found = PLAIN.search(body)
    before = body.rfind(b"\r\n--", 0, found.start()) if found else -1
    first = body.find(b"\r\n\r\n", before)
    if before < 0 or first < 0:
        return body
    boundary = body[before : body.find(b"\r\n", before + 2)]
    return body[first : body.find(boundary, first)]


def read(mail: Mail) -> list[bytes]:
    """Read it as far as it can be; its files' bytes, the first time."""
    if mail.read:
        return []
    message = email.message_from_bytes(mail.content, policy=READING)
    assert isinstance(message, EmailMessage)
    files = list(_files(message))
    mail.read, mail.content = True, mail.head
    mail.headers = _headers(message)
    mail.sender, mail.subject = _header(message, "From"), _header(message, "Subject")
    mail.text, mail.html = _body(message, "plain"), _body(message, "html")
    mail.message_id, mail.unsubscribe = _header(message, "Message-ID"), _one_click(message)
    mail.attachments = [
        Attached(name, kind, len(body), f"/_sandbox/mails/{mail.id}/files/{place}")
        for place, (name, kind, body) in enumerate(files)
    ]
    return [body for _, _, body in files]


def _head(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[0]


def _headers(message: EmailMessage) -> list[tuple[str, str]]:
    return [(name, _header(message, name)) for name in dict.fromkeys(message.keys())]


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except STUMBLES:
        return ""


def _body(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body((kind,))
        words = part.get_content() if part is not None else ""
    except STUMBLES:
        return ""
    return str(words).replace("\r\n", "\n")


def _files(message: EmailMessage) -> Iterator[tuple[str, str, bytes]]:
    try:
        for part in message.iter_attachments():
            body = part.get_payload(decode=True)
            yield part.get_filename() or "", part.get_content_type(), body if isinstance(body, bytes) else b""
    except STUMBLES:
        return


def _one_click(message: EmailMessage) -> str:
    """RFC 8058, 3.1: both headers, and an address that can be posted to."""
    if _header(message, "List-Unsubscribe-Post").strip() != "List-Unsubscribe=One-Click":
        return ""
    offered = re.findall(r"<\s*(https?://[^>\s]+)\s*>", _header(message, "List-Unsubscribe"))
    return offered[0] if offered else ""

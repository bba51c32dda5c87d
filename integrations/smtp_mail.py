"""A mail as it travels: headers, text beside HTML, files beside both, every line in ASCII.

No provider of its own. Written out here rather than by ``email.message``: that wraps a long
List-Unsubscribe into encoded words, which breaks one-click unsubscribing, and costs more than
handing the mail over. Sources: RFC 5322, 2045 to 2047, 2231 (file names), 3834, 8058.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, urlsplit

from gateway.messages import Attachment, Message

WORD = 75  # characters of an encoded word (RFC 2047, 2)
LINE = 76  # characters of a line that has one
LONGEST_LINE = 998  # of any line (RFC 5322, 2.1.1)
LONGEST_NAME = 80  # characters of a file's name: percent-encoded it still is one line
FORBIDDEN = '<>:"|?*'  # in a file's name where people save it
MEDIA_TYPE = re.compile(
    r"(application|audio|font|image|text|video)/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}", re.ASCII
)
ANY_FILE = "application/octet-stream"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Headers = list[tuple[str, str]]


def unsubscribes(address: str) -> bool:
    """Whether mail programs can be given it: https, or http to this machine, in one plain line.

    A mail with another goes without the button; what is written in it can still be followed.
    """
    if not re.fullmatch(r"[!-;=?-~]+", address, re.ASCII) or len(address) > LONGEST_LINE - 20:
        return False
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        return False


class Writer:
    """Writes the mails of one hand-over; a file that goes with several is encoded once."""

    def __init__(self, sender: str, sender_name: str, at: datetime) -> None:
        self._sender = sender
        self._sender_name = sender_name
        self._date = format_datetime(at)
        self._files: dict[Attachment, bytes] = {}

    def write(self, own_id: str, address: str, message: Message) -> bytes:
        """The whole mail to that address, its lines ending in CRLF; ``own_id`` is its Message-ID's inside."""
        name = phrase(message.signature) or self._sender_name
        headers: Headers = [
            ("From", _mailbox(name, self._sender)),
            ("To", address),
            ("Subject", _encoded("Subject", line(message.subject) or line(message.text)[:60])),
            ("Date", self._date),
            ("Message-ID", f"<{own_id}>"),
            ("Auto-Submitted", "auto-generated"),
            ("Content-Language", _encoded("Content-Language", line(message.language)[:40])),
        ]
        if message.reply_to.isascii() and (answers_to := line(message.reply_to)):
            headers.append(("Reply-To", answers_to))
        if unsubscribes(message.unsubscribe):
            headers.append(("List-Unsubscribe", f"<{message.unsubscribe}>"))
            headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        return _head([*headers, ("MIME-Version", "1.0")]) + self._content(own_id, message)

    def _content(self, own_id: str, message: Message) -> bytes:
        """From the content's own headers on."""
        content, sign = _text("plain", message.text), own_id.partition("@")[0]
        if message.html:
            content = _multipart("alternative", f"{sign}/a", [content, _text("html", message.html)])
        if not message.attachments:
            return content
        return _multipart("mixed", f"{sign}/m", [content, *map(self._file, message.attachments)])

    def _file(self, attachment: Attachment) -> bytes:
        if attachment not in self._files:
            self._files[attachment] = _file(attachment)
        return self._files[attachment]


# --- content -------------------------------------------------------------------------------


def _head(headers: Headers) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")


def _part(headers: Headers, content: bytes) -> bytes:
    """In base64, so that no line of it needs care."""
    body = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return _head([*headers, ("Content-Transfer-Encoding", "base64")]) + b"\r\n" + body


def _text(kind: str, text: str) -> bytes:
    lines = valid(text).encode().splitlines()
    return _part([("Content-Type", f"text/{kind}; charset=utf-8")], b"".join(one + b"\r\n" for one in lines))


def _multipart(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """``boundary`` cannot stand in a part: all of them are base64."""
    head = _head([("Content-Type", f'multipart/{kind};\r\n boundary="={boundary}"')])
    between = f"--={boundary}".encode()
    return head + b"\r\n" + b"".join(between + b"\r\n" + part for part in parts) + between + b"--\r\n"


def _file(attachment: Attachment) -> bytes:
    """Its name is said twice: encoded words in Content-Type, against the letter of RFC 2047 but
    all that QQ mail, Foxmail and older Outlooks read; RFC 2231 in Content-Disposition for the others.
    """
    media_type, name = attachment.media_type.lower(), file_name(attachment.name)
    kind = media_type if MEDIA_TYPE.fullmatch(media_type) else ANY_FILE
    words = "\r\n ".join(_words(name, WORD - 10, WORD)) if _needs_words(name, LONGEST_LINE) else name
    said = f'filename="{name}"' if name.isascii() else f"filename*=UTF-8''{quote(name, safe='')}"
    disposition = f"attachment;\r\n {said}"
    headers = [("Content-Type", f'{kind};\r\n name="{words}"'), ("Content-Disposition", disposition)]
    return _part(headers, attachment.body)


def file_name(text: str) -> str:
    """A name to save a file under: no folder, nothing invisible or turning the direction of writing."""
    name = unicodedata.normalize("NFC", valid(text)).replace("\\", "/").rpartition("/")[2]
    seen = (c for c in name if c not in FORBIDDEN and (c == " " or unicodedata.category(c)[0] not in "CZ"))
    plain = "".join(seen).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) > LONGEST_NAME and stem and len(ending) <= 10:
        return stem[: LONGEST_NAME - 1 - len(ending)].rstrip(" .") + dot + ending
    return plain[:LONGEST_NAME].strip(" .") or "附件"


# --- words in headers ------------------------------------------------------------------------


def valid(text: str) -> str:
    """Without lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def line(text: str) -> str:
    """Words for a header: one line, whatever was in them."""
    return "".join(c for c in " ".join(valid(text).split()) if c.isprintable())


def phrase(text: str) -> str:
    """Words for who it is from, without the signs that mean something there (RFC 5322, 3.2.3)."""
    return re.sub(r'[()<>\[\]:;@\\,."]', "", line(text)).strip()


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    words = _encoded("From", name)
    last = len(f"From: {words}".rpartition("\r\n")[2])
    between = " " if last + len(address) + 3 <= LINE else "\r\n "
    return f"{words}{between}<{address}>"


def _encoded(header: str, text: str) -> str:
    """The text as it is where it can stand so, else in encoded words."""
    first = LINE - len(header) - 2
    return "\r\n ".join(_words(text, first, WORD)) if _needs_words(text, first) else text


def _needs_words(text: str, room: int) -> bool:
    return not text.isascii() or "=?" in text or len(text) > room


def _words(text: str, first: int, others: int) -> Iterator[str]:
    """Encoded words, the first at most that long; none ends inside a character (RFC 2047, 5)."""
    room, chunk = first, b""
    for character in text:
        encoded = character.encode()
        if len("=?utf-8?B??=") + -(-len(chunk + encoded) // 3) * 4 > room:
            yield _word(chunk)
            room, chunk = others, b""
        chunk += encoded
    yield _word(chunk)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(chunk).decode()}?="

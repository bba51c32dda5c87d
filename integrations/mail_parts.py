"""A received mail taken apart: its parts, however they are nested, decoded.

No provider of its own. What comes in is a stranger's, so the work is bounded: only the beginning of
a mail is read – what a report tells stands before the mail it returns –, and only so many parts, so
deep. ``email.parser`` knows no such bounds: it takes minutes over some mails of a few hundred
kilobytes, and deep nesting ends it. Sources: RFC 2045, 2046, 5322.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice

LARGEST = 256 * 1024  # bytes of a mail that are read
MOST = 50  # parts
DEEPEST = 6  # levels
FIELDS = 500  # in one part
LONGEST_FIELD = 4_000  # characters that are looked at
REPORT = "multipart/report"
MAILS = frozenset({"message/rfc822", "message/global"})
HEADERS = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """``fields`` by name in small letters; ``kind`` is the media type; ``within`` that of the part around.

    ``returned`` is true for what lies in the mail that a report gives back.
    """

    fields: Fields
    kind: str
    content: bytes
    within: str = ""
    returned: bool = False

    def first(self, name: str) -> str:
        """A field's first value, "" where there is none."""
        return next(iter(self.fields.get(name, ())), "")


def parts(mail: bytes) -> Sequence[Part]:
    """The mail itself and all that is in it, from its beginning to its end."""
    found: list[Part] = []
    waiting = [(_part(mail[:LARGEST]), 0)]
    while waiting and len(found) < MOST:
        part, depth = waiting.pop()
        found.append(part)
        if depth < DEEPEST:
            inner = list(islice(_inner(part), MOST))
            waiting += [(one, depth + 1) for one in reversed(inner)]
    return found


def fields_of(block: bytes) -> Fields:
    """Header fields, unfolded; what is no field is left out."""
    fields: dict[str, list[str]] = {}
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", block)
    for line in islice(unfolded.splitlines(), FIELDS):
        name, colon, value = line[:LONGEST_FIELD].decode("utf-8", "replace").partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), []).append(value.strip())
    return fields


def blocks(content: bytes) -> Iterator[Fields]:
    """Groups of fields with empty lines between them."""
    return map(fields_of, islice(re.split(rb"\n\r?\n", content.strip()), FIELDS))


def moment(text: str) -> datetime | None:
    """A Date field's; None without one, or without its time zone."""
    try:
        found = parsedate_to_datetime(text[:100])
    except (TypeError, ValueError, IndexError, OverflowError):  # as that function fails
        return None
    return found if found.tzinfo else None


def _part(raw: bytes, within: str = "", *, returned: bool = False) -> Part:
    head, _, content = re.sub(rb"\A\r?\n", b"\n\n", raw).replace(b"\r\n", b"\n").partition(b"\n\n")
    fields = fields_of(head)
    kind = _value(fields, "content-type").partition(";")[0].strip().lower() or "text/plain"
    encoding = _value(fields, "content-transfer-encoding").lower()
    return Part(fields, kind, _decoded(content, encoding), within, returned)


def _value(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _decoded(content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        plain = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
        try:
            return base64.b64decode(plain[: len(plain) // 4 * 4] + _rest(plain)).replace(b"\r\n", b"\n")
        except binascii.Error:
            return b""
    if encoding == "quoted-printable":
        return quopri.decodestring(content).replace(b"\r\n", b"\n")
    return content


def _rest(plain: bytes) -> bytes:
    """The last characters made whole again: a mail may have been cut off anywhere."""
    rest = plain[len(plain) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _inner(part: Part) -> Iterator[Part]:
    returned = part.returned or part.within == REPORT
    if part.kind in MAILS:
        yield _part(part.content, part.kind, returned=returned)
    elif part.kind in HEADERS:
        yield Part(fields_of(part.content.partition(b"\n\n")[0]), "", b"", part.kind, returned)
    elif part.kind.startswith("multipart/") and (sign := _boundary(part.first("content-type"))):
        for raw in _between(part.content, sign):
            yield _part(raw, part.kind, returned=part.returned)


def _boundary(content_type: str) -> bytes:
    found = re.search(r';\s?boundary\s?=\s?(?:"([^"]{1,100})"|([^\s";]{1,100}))', content_type, re.I | re.A)
    return (found[1] or found[2]).rstrip().encode() if found else b""


def _between(content: bytes, sign: bytes) -> Iterator[bytes]:
    """What stands between the boundary's lines; the last one may be missing."""
    line = re.compile(rb"(?:\A|\n)--" + re.escape(sign) + rb"(--)?[ \t]*(?=\n|\Z)")
    begin = 0
    for found in line.finditer(content):
        if begin:
            yield content[begin : found.start()]
        if found[1]:
            return
        begin = found.end() + 1
    if begin:
        yield content[begin:]

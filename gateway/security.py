"""Encryption at rest, blind indexes, masks and one-time codes.

The cipher stands behind one small seam (``Vault``) so that SM4 can take AES's
place where a deployment needs the commercial-cipher assessment (密评).
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import unicodedata
from collections import deque
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import TamperedError

NONCE_BYTES = 12
PIECE, PIECES = 16, 512  # bytes, and how many of them are drawn at once
INDEX_BYTES = 16
CASELESS = frozenset({"email"})  # kinds of value that are the same one in capitals and small letters
FORMAT = b"\x01"  # first byte of every sealed value: which key and cipher made it


_drawn: deque[bytes] = deque()
os.register_at_fork(after_in_child=_drawn.clear)  # parent and child never share a nonce


def chance() -> bytes:
    """16 bytes nobody can foresee, for a nonce or an id; each is given once.

    Each question to the system lets all other threads go first, so many are asked for together.
    """
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            drawn = os.urandom(PIECE * PIECES)
            _drawn.extend(drawn[start : start + PIECE] for start in range(0, len(drawn), PIECE))


class Vault:
    """Seals values to their place in the database and indexes them blindly.

    A sealed value opens only for the table, column and row it was sealed for,
    so a value copied to another row is worthless. A blind index finds equal
    values without decrypting; it is keyed, and separate per kind of value.
    """

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(_derived(master_key, b"huiyin seal v1"))
        self._index = hmac.new(_derived(master_key, b"huiyin index v1"), digestmod=sha256)
        self._digest_key = _derived(master_key, b"huiyin digest v1")

    def seal(self, column: str, row: UUID | str, text: str) -> bytes:
        """Encrypt ``text`` for one cell; ``column`` is ``table.column``."""
        return self.seal_bytes(column, row, text.encode())

    def seal_bytes(self, column: str, row: UUID | str, plain: bytes) -> bytes:
        """The same for what need not be text."""
        nonce = chance()[:NONCE_BYTES]
        return FORMAT + nonce + self._cipher.encrypt(nonce, plain, _place(column, row))

    def open(self, column: str, row: UUID | str, sealed: bytes) -> str:
        """Decrypt a cell; raises ``TamperedError`` when it was sealed for another."""
        try:
            return self.open_bytes(column, row, sealed).decode()
        except UnicodeDecodeError:
            raise TamperedError from None

    def open_bytes(self, column: str, row: UUID | str, sealed: bytes) -> bytes:
        """The same for what ``seal_bytes`` sealed."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, _place(column, row))
        except (InvalidTag, ValueError):
            raise TamperedError from None

    def index(self, kind: str, value: str) -> bytes:
        """The blind index of a normalised value: 16 bytes, equal for equal values of one kind.

        An e-mail address is written as it was given, but indexed in small letters: hardly a server
        tells capitals in it apart (RFC 5321, 2.4), and reports come back in either.
        """
        value = value.lower() if kind in CASELESS else value
        keyed = self._index.copy()  # half the cost of keying anew
        keyed.update(f"{kind}:{value}".encode())
        return keyed.digest()[:INDEX_BYTES]

    def digest(self, purpose: str, value: bytes) -> bytes:
        """A keyed digest of 32 bytes, for what is compared but never read: codes, bodies, chains."""
        return hmac.digest(self._digest_key, purpose.encode() + b"\0" + value, sha256)


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(master_key)


def _place(column: str, row: UUID | str) -> bytes:
    return b"%s:%s" % (column.encode(), row.int.to_bytes(16) if isinstance(row, UUID) else row.encode())


def same(one: bytes, other: bytes) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one, other)


def one_time_code() -> str:
    """Six random digits, as Aliyun's code templates take (4–6)."""
    return f"{secrets.randbelow(1_000_000):06d}"


# --- masks (domain.md, "Masks") -------------------------------------------------------


def mask_name(name: str) -> str:
    """张*芳, 王*: the first character, and the last where there are more than two."""
    if len(name) <= 1:
        return "*"
    return name[0] + "*" * max(1, len(name) - 2) + (name[-1] if len(name) > 2 else "")


def mask_id_number(number: str) -> str:
    """430726********1266."""
    return number[:6] + "*" * (len(number) - 10) + number[-4:] if len(number) > 10 else "*" * len(number)


def mask_mobile(number: str) -> str:
    """138****5678, with or without +86."""
    digits = number.removeprefix("+86")
    return digits[:3] + "****" + digits[-4:] if len(digits) >= 10 else "*" * len(digits)


def mask_email(address: str) -> str:
    """w***@example.com."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***@{domain}" if at else "*" * len(address)


# With a birth date in its place, so that vendors' long reference numbers stay readable.
_ID_NUMBER = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])"
)
_MOBILE = re.compile(r"(?<!\d)(?:\+?86)?1[3-9]\d{9}(?!\d)")

# Eleven digits and more in groups, as people write a telephone or an ID number down.
_REFERENCE = re.compile(r"\d{14}")
_LONG = re.compile(r"\+?\d(?:[\s.·/_-]{0,3}\d){10,}(?:[\s.·/_-]{0,3}[Xx])?")


def redact(text: str) -> str:
    """Mask whatever looks like an ID number or a mobile: the last net under logs and errors."""
    text = _ID_NUMBER.sub(lambda found: mask_id_number(found[0]), text)
    return _MOBILE.sub(lambda found: mask_mobile(found[0].removeprefix("+")), text)


def redact_written(text: str) -> str:
    """``redact`` for what people type: full-width digits too, and long numbers in groups or mistyped.

    Fourteen digits in one piece stay: a reference.
    """
    text = redact(unicodedata.normalize("NFKC", text))
    return _LONG.sub(lambda found: found[0] if _REFERENCE.fullmatch(found[0]) else "******", text)

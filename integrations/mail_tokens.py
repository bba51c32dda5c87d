"""The token that finds one of our mails again: ``<hand-over>.<number>.<proof>``, in two places.

No provider of its own. It stands in the envelope sender, ``bounce+<token>@<domain>`` – servers send
reports to that address and echo it in Return-Path (RFC 5321, 4.4 and 6.1) –, and in the Message-ID.
Every recipient sees its own: the proof is keyed and made from the address as well, so that nobody
can report on the mail of another whose address is known. It is in small letters, as some servers
write the whole address so; with ``bounce+`` it has at most 42 of the 64 characters a local part may.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence

from integrations.mail_parts import Part

PREFIX = "bounce+"
PROOF = 16  # hexadecimal characters
# Where our envelope sender and our Message-ID are found, in the report and in what it returns.
_ENVELOPE = ("to", "delivered-to", "x-original-to", "envelope-to", "return-path")
_IDS = ("message-id", "in-reply-to", "references")
_TOKEN = rf"([a-z0-9]{{1,15}}\.[0-9]{{1,3}}\.[0-9a-f]{{{PROOF}}})@"


def handover_of(token: str) -> str:
    """Our hand-over that a token names, "" for none."""
    return token.partition(".")[0]


class Tokens:
    """Writes and reads them for one domain; ``key`` is a secret all processes have."""

    def __init__(self, domain: str, key: str) -> None:
        self._domain = domain
        self._key = key.encode()
        end = rf"{_TOKEN}{re.escape(domain)}(?![\w.-])"
        self._places = (
            (_ENVELOPE, re.compile(re.escape(PREFIX) + end, re.I | re.A)),
            (_IDS, re.compile("<" + end, re.I | re.A)),
        )

    def write(self, handover: str, number: int, address: str) -> str:
        """The token of one mail to that address."""
        place = f"{handover}.{number}"
        return f"{place}.{self._proof(place, address)}"

    def envelope_sender(self, token: str) -> str:
        """The address reports on this mail go to."""
        return f"{PREFIX}{token}@{self._domain}"

    def message_id(self, token: str) -> str:
        """Its Message-ID, without the brackets."""
        return f"{token}@{self._domain}"

    def read(self, parts: Sequence[Part]) -> str:
        """The first token these parts name, "" where they name none; whether we wrote it tells ``fits``."""
        for names, shape in self._places:
            for value in _values(parts, names):
                if found := shape.search(value):
                    return found[1].lower()
        return ""

    def fits(self, token: str, address: str) -> bool:
        """Whether we wrote it, for a mail to that address, in whatever case."""
        place, _, proof = token.rpartition(".")
        return hmac.compare_digest(self._proof(place, address), proof)

    def _proof(self, place: str, address: str) -> str:
        words = f"mail report\0{place}\0{address.lower()}".encode()
        return hmac.digest(self._key, words, "sha256").hex()[:PROOF]


def _values(parts: Sequence[Part], names: Sequence[str]) -> Iterator[str]:
    for part in parts:
        for name in names:
            yield from part.fields.get(name, ())

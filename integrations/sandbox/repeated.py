"""Who was told the same words more than once, by whatever vendor: pairs of an address and words."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.scratch import key_of

CODE = "code"
TEXT, CALL, MAIL = MEDIA = ("text", "call", "mail")
LISTED = 10_000  # repeated pairs kept to look at, the first ones; all are counted
LONGEST = 500  # characters shown of the words
AGAIN = ""  # stands in the place of the vendor's name once a pair has come again
# The word and then its digits, or the digits said to be one; a warning about codes beside a number is none.
CODE_WORDS = re.compile(
    r"(?:验证码|校验码|动态码|code)[^\d。.]{0,12}\d{4,6}(?!\d)"
    r"|(?<!\d)\d{4,6}(?:[\s是为]{0,3}(?:您|你)?的?(?:验证码|校验码|动态码)|\s+is\s+your\s[\w\s-]{0,24}code)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(slots=True)
class Pair:
    """One address and words that came to it more than once: how often through each vendor, when last."""

    address: str
    kind: str
    words: str
    vendors: Counter[str]
    last_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/repeated shows it."""
        return {
            "address": masked(self.address),
            "kind": self.kind,
            "times": self.vendors.total(),
            "vendors": dict(self.vendors),
            "words": self.words[:LONGEST],
            "last_at": datetime.fromtimestamp(self.last_at, UTC).isoformat(timespec="milliseconds"),
        }


class Repeated:
    """Counts exactly how many pairs came more than once: by medium, and by kind, where codes are their own.

    Of a pair that came once only a key and its vendor's name are kept, so a million take some 80 MB.
    """

    def __init__(self) -> None:
        self.by_medium: Counter[str] = Counter()
        self.by_kind: Counter[str] = Counter()
        self._came: dict[int, str] = {}  # by pair: the vendor it came through first, or AGAIN
        self._pairs: dict[int, Pair] = {}
        self.clear()

    def count(
        self,
        medium: str,
        vendor: str,
        address: str,
        words: str | bytes,
        *,
        is_code: bool = False,
        readable: Callable[[], str] | None = None,
    ) -> None:
        """One more was taken. ``words`` are all of them, with the values that are this person's.

        ``is_code`` where the vendor was told so; ``readable`` gives the words as a person reads them where
        these are not, and is only asked when they are repeated.
        """
        key = key_of(address, words)
        first = self._came.get(key)
        if first is None:
            self._came[key] = vendor
            return
        if first != AGAIN:
            self._came[key] = AGAIN
            text = readable() if readable else str(words)
            self._note(key, medium, Pair(address, _kind(medium, text, is_code), text, Counter([first])))
        if pair := self._pairs.get(key):
            pair.vendors[vendor] += 1
            pair.last_at = time.time()

    def _note(self, key: int, medium: str, pair: Pair) -> None:
        self.by_medium[medium] += 1
        self.by_kind[pair.kind] += 1
        if len(self._pairs) < LISTED:
            self._pairs[key] = pair

    def listed(self) -> list[dict[str, Any]]:
        """The pairs that are kept, the one that was repeated first before all others."""
        return [pair.as_json() for pair in self._pairs.values()]

    def clear(self) -> None:
        """Count anew."""
        self.by_medium = Counter(dict.fromkeys(MEDIA, 0))
        self.by_kind = Counter(dict.fromkeys((CODE, *MEDIA), 0))
        self._came.clear()
        self._pairs.clear()


def masked(address: str) -> str:
    """Enough of a number or a mail address to find it again in a test, and no more."""
    name, at, host = address.partition("@")
    return f"{name[:2]}***@{host}" if at else f"{address[:3]}****{address[-4:]}"


def _kind(medium: str, text: str, is_code: bool) -> str:
    return CODE if is_code or CODE_WORDS.search(text) else medium

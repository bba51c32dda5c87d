"""The telephones: every message taken, the newest of them kept to look at."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from integrations.sandbox.scratch import key_of

WAITING, FAILED, DELIVERED = 1, 2, 3  # the vendor's SendStatus
STATUS_WORDS = {WAITING: "waiting", FAILED: "failed", DELIVERED: "delivered"}


@dataclass(slots=True, eq=False)
class Text:
    """One message to one number. Times are epoch seconds; ``text`` includes the signature."""

    number: str
    text: str
    at: float
    out_id: str
    biz_id: str
    template: str
    status: int = WAITING
    err_code: str = ""
    report_pushed_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/messages shows it."""
        return {
            "number": self.number,
            "text": self.text,
            "at": moment(self.at),
            "out_id": self.out_id,
            "biz_id": self.biz_id,
            "template": self.template,
            "status": STATUS_WORDS[self.status],
            "receipt_pushed_at": moment(self.report_pushed_at) if self.report_pushed_at else None,
        }


class Handsets:
    """Keeps the newest ``newest`` messages; ``taken`` and ``repeated`` count all there ever were."""

    def __init__(self, scratch: sqlite3.Connection, newest: int) -> None:
        self._scratch = scratch
        scratch.execute("CREATE TABLE pair (key INTEGER PRIMARY KEY, times INTEGER NOT NULL)")
        self.newest = newest
        self.taken = 0
        self.repeated = 0
        self._all: deque[Text] = deque()
        self._by_number: dict[str, list[Text]] = {}  # an empty deque alone takes 600 bytes

    def take(self, text: Text) -> None:
        """Put it into its handset."""
        self.taken += 1
        self._count_pair(text)
        self._all.append(text)
        texts = self._by_number.pop(text.number, None) or []
        texts.append(text)
        self._by_number[text.number] = texts  # at the end: the newest handset
        while len(self._all) > self.newest:
            self._forget_oldest()

    def of(self, number: str) -> list[Text]:
        """That number's messages, newest last."""
        return list(self._by_number.get(number, ()))

    def since(self, at: float) -> list[Text]:
        """All from that moment on, newest last."""
        found = deque[Text]()
        for text in reversed(self._all):
            if text.at < at:
                break
            found.appendleft(text)
        return list(found)

    def newest_numbers(self, part: str, limit: int) -> Iterator[str]:
        """Numbers containing ``part``, the one written to last first."""
        matching = (number for number in reversed(self._by_number) if part in number)
        return islice(matching, limit)

    def clear(self) -> None:
        """Empty all handsets and the counts."""
        self._all.clear()
        self._by_number.clear()
        self._scratch.execute("DELETE FROM pair")
        self.taken = self.repeated = 0

    def _count_pair(self, text: Text) -> None:
        times = self._scratch.execute(
            "INSERT INTO pair VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (key_of(text.number, text.text),),
        ).fetchone()[0]
        if times == 2:
            self.repeated += 1

    def _forget_oldest(self) -> None:
        number = self._all.popleft().number
        texts = self._by_number[number]
        del texts[0]
        if not texts:
            del self._by_number[number]


def moment(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

"""The handsets: what came to each number and what it sent, the newest of it kept to look at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from integrations.sandbox.repeated import TEXT, Repeated

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
    provider: str = "aliyun_sms"

    def as_json(self) -> dict[str, Any]:
        """As GET /_sandbox/messages shows it."""
        return {
            "number": self.number,
            "provider": self.provider,
            "text": self.text,
            "at": moment(self.at),
            "out_id": self.out_id,
            "biz_id": self.biz_id,
            "template": self.template,
            "status": STATUS_WORDS[self.status],
            "receipt_pushed_at": moment(self.report_pushed_at) if self.report_pushed_at else None,
        }


class Item(Protocol):
    """Something that happened at one number: a text, a call, a reply."""

    @property
    def number(self) -> str: ...

    @property
    def at(self) -> float: ...


T = TypeVar("T", bound=Item)


class Shelf(Generic[T]):
    """Keeps the newest ``newest`` things, by number; ``taken`` counts all there ever were."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.taken = 0
        self._all: deque[T] = deque()
        self._by_number: dict[str, list[T]] = {}  # an empty deque alone takes 600 bytes

    def put(self, item: T) -> None:
        """Put it with its number."""
        self.taken += 1
        self._all.append(item)
        number = handset(item.number)
        items = self._by_number.pop(number, None)
        if items is None:
            items = [item]  # a list grown by ``append`` takes twice as much
        else:
            items.append(item)
        self._by_number[number] = items  # at the end: the newest handset
        while len(self._all) > self.newest:
            self._forget_oldest()

    def of(self, number: str) -> list[T]:
        """What is that number's, newest last."""
        return list(self._by_number.get(handset(number), ()))

    def since(self, at: float) -> list[T]:
        """All from that moment on, newest last."""
        found = deque[T]()
        for item in reversed(self._all):
            if item.at < at:
                break
            found.appendleft(item)
        return list(found)

    def newest_numbers(self, part: str, limit: int) -> Iterator[str]:
        """Numbers containing ``part``, the one with the newest thing first."""
        matching = (number for number in reversed(self._by_number) if part in number)
        return islice(matching, limit)

    def clear(self) -> None:
        """Empty it and count anew."""
        self._all.clear()
        self._by_number.clear()
        self.taken = 0

    def _forget_oldest(self) -> None:
        number = handset(self._all.popleft().number)
        items = self._by_number[number]
        del items[0]
        if not items:
            del self._by_number[number]


class Handsets(Shelf[Text]):
    """Every message taken."""

    def __init__(self, repeated: Repeated, newest: int) -> None:
        super().__init__(newest)
        self._repeated = repeated

    def take(self, text: Text, *, is_code: bool = False) -> None:
        """Put it into its handset; ``is_code`` where the vendor knows it for a verification code."""
        self._repeated.count(TEXT, text.provider, handset(text.number), text.text, is_code=is_code)
        self.put(text)


def handset(number: str) -> str:
    """The number a handset goes by: a mainland one bare, another with its country code."""
    return number.removeprefix("+86").removeprefix("+") if number[:1] == "+" else number


def moment(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

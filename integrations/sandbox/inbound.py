"""What people send to us: replies typed on the page or posted, and how they reach the customer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from integrations.sandbox.handsets import Shelf, handset, moment
from integrations.sandbox.receipts import Pushes, china_time

DEST_CODE = "1069012333"  # what people in the sandbox reply to
LONGEST_REPLY = 500


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """A message one person sent through one provider; ``at`` in epoch seconds."""

    number: str
    text: str
    at: float
    id: str
    through: str

    def as_json(self) -> dict[str, Any]:
        """As POST /_sandbox/inbound answers."""
        return {
            "id": self.id,
            "number": self.number,
            "text": self.text,
            "at": moment(self.at),
            "through": self.through,
        }


class Replies(Shelf[Reply]):
    """All replies. ``doors`` tells for each provider how one reaches the customer; others add theirs."""

    def __init__(self, newest: int) -> None:
        super().__init__(newest)
        self.doors: dict[str, Callable[[Reply], None]] = {}
        self._ids = count(int(time.time() * 1000))  # unlike those before a restart

    def send(self, number: object, text: object, through: object) -> Reply:
        """Send it on. Raises ``ValueError`` for a number, text or provider that is none."""
        if not isinstance(number, str) or not handset(number).isdecimal():
            raise ValueError("number is the sender's number")
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_REPLY:
            raise ValueError(f"text has 1 to {LONGEST_REPLY} characters")
        if not isinstance(through, str) or through not in self.doors:
            raise ValueError(f"through is one of {', '.join(self.doors)}")
        reply = Reply(handset(number), text, time.time(), str(next(self._ids)), through)
        self.put(reply)
        self.doors[through](reply)
        return reply


class SmsUps(Pushes[Reply]):
    """SmsUp: Aliyun's push of what people wrote."""

    action = "sms_up"

    def url(self) -> str:
        """Option sms_up_url."""
        return self.options.sms_up_url

    def expect(self, reply: Reply) -> None:
        """Push it after the usual delay."""
        self.wait(reply, reply.at)

    def report(self, reply: Reply, _now: float) -> dict[str, Any]:
        """As the vendor documents it."""
        return {
            "phone_number": reply.number,
            "content": reply.text,
            "send_time": china_time(reply.at),
            "dest_code": DEST_CODE,
            "sequence_id": int(reply.id),
        }

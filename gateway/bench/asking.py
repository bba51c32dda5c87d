"""The API as a service asks it: its key, its texts, its requests made beforehand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import jwt
from sqlalchemy import select

from gateway.bench.stage import Stage
from gateway.content.store import FALLBACK_LANGUAGE, templates
from gateway.services import store as services
from gateway.services import webhooks
from gateway.services.store import Limits
from gateway.services.webhooks import Kind

PATH = "/v2/notifications/sms"
NOBODY = "https://webhooks.invalid/"  # nothing ends while the bench takes
TAKEN = b"HTTP/1.1 201"
UNBOUND = 1_000_000_000  # its requests are counted as everybody's are, and never too many
A_SECOND = 1_000  # requests that carry the same token: clients sign one with the second it is


@dataclass(frozen=True)
class Service:
    """A service of the bench's own; its key may send."""

    stage: Stage
    key: str

    @cached_property
    def _texts(self) -> Mapping[str, UUID]:
        columns = templates.c
        query = select(columns.name, columns.id).where(columns.channel == "sms")
        with self.stage.runtime.db.read() as tx:
            rows = tx.execute(query.where(columns.language == FALLBACK_LANGUAGE))
            return {row.name: row.id for row in rows}

    def requests(
        self, text: str, values: Mapping[str, str], numbers: Iterable[int], *, keyed: bool = False
    ) -> list[bytes]:
        """A whole request for each number, which makes its telephone; to be sent within half a minute.

        ``keyed`` gives each an Idempotency-Key that was never used before.
        """
        return [
            self.request(
                PATH,
                {
                    "phone_number": f"13{number:09d}",
                    "template_id": str(self._texts[text]),
                    "personalisation": values,
                    "reference": f"case {number}",
                },
                place,
                f"Idempotency-Key: {uuid4()}\r\n" if keyed else "",
            )
            for place, number in enumerate(numbers)
        ]

    def _token(self, later: int) -> str:
        claims = {"iss": self.key[-73:-37], "iat": int(time.time()) + later}
        return jwt.encode(claims, self.key[-36:], "HS256")

    def request(self, path: str, body: Mapping[str, Any], place: int, more: str = "") -> bytes:
        """A whole request, the ``place``-th of many; ``more`` are lines of its head."""
        text, token = json.dumps(body, ensure_ascii=False).encode(), self._token(place // A_SECOND)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"{more}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        return head.encode() + text


def service(stage: Stage) -> Service:
    """Make the service and its key."""
    runtime = stage.runtime
    with runtime.db.write() as tx:
        owner = services.ensure_service(tx, "bench", runtime.clock())
        services.set_limits(tx, owner, Limits(UNBOUND, {"sms": UNBOUND}))
        return Service(stage, services.create_key(tx, runtime.vault, owner, "bench", runtime.clock()))


def told(stage: Stage, service: Service) -> None:
    """The service wants to be told of every end: what it asks for is then written with that in mind."""
    runtime, owner = stage.runtime, UUID(service.key[-73:-37])
    with runtime.db.write() as tx:
        webhooks.subscribe(
            tx, runtime.vault, owner, Kind.RECEIPT, NOBODY, "t" * 16, "s" * 32, runtime.clock()
        )

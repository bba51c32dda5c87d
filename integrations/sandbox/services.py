"""A service that is told of its events: the web server of a counter, say, which keeps what it hears.

It answers as it is told to, so that one can see what becomes of a service that is down.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from integrations.sandbox.steering import as_json, done, read

NEWEST = 200  # events kept
ANSWERS = ("200", "404", "410", "503")


@dataclass(frozen=True, slots=True)
class Heard:
    """One call as it came; ``body`` is None where it was no JSON."""

    at: float
    kind: str
    event: str
    token: bool
    signature: str
    timestamp: str
    answered: int
    body: Any


class Services:
    """The door of that service, and the addresses under /_sandbox/ for it."""

    def __init__(self) -> None:
        self.heard: deque[Heard] = deque(maxlen=NEWEST)
        self.told = 0
        self.answers = ANSWERS[0]

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post("/service/{kind}", self.hear),
            web.get("/_sandbox/service", self.get_service),
            web.post("/_sandbox/service", self.post_service),
        ]

    def clear(self) -> None:
        """Nothing was heard, and all is well."""
        self.heard.clear()
        self.told = 0
        self.answers = ANSWERS[0]

    async def hear(self, request: web.Request) -> web.Response:
        """An event: kept, whatever it is answered."""
        try:
            body = json.loads(await request.text())
        except (ValueError, RecursionError):
            body = None
        given, status = request.headers, int(self.answers)
        self.told += 1
        self.heard.append(
            Heard(
                at=time.time(),
                kind=request.match_info["kind"],
                event=given.get("webhook-id", ""),
                token=given.get("Authorization", "").startswith("Bearer "),
                signature=given.get("webhook-signature", ""),
                timestamp=given.get("webhook-timestamp", ""),
                answered=status,
                body=body,
            )
        )
        return web.Response(status=status)

    async def get_service(self, _request: web.Request) -> web.Response:
        """How it answers, how often it was told, and what lately, newest last."""
        heard = [asdict(one) for one in self.heard]
        return as_json({"answers": self.answers, "told": self.told, "heard": heard})

    async def post_service(self, request: web.Request) -> web.Response:
        """{"answers"}: the status it answers with from now on."""
        answers = str((await read(request)).get("answers"))
        if answers not in ANSWERS:
            raise web.HTTPBadRequest(text=f"answers is one of {', '.join(ANSWERS)}")
        self.answers = answers
        return done(request, {"answers": answers})

"""The world outside as the tour sees it: a citizen's mobile, and the sandbox's switches."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import urllib3

from gateway.demo.patience import PATIENCE, TourError, until

_CODE = re.compile(r"验证码(\d{6})")  # others too may speak of codes: not to tell one to anybody


class World:
    """The sandbox's doors for steering it."""

    def __init__(self, url: str) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        self._url = f"{url}/_sandbox/"

    def get(self, what: str, **query: str) -> Any:
        return json.loads(self._http.request("GET", f"{self._url}{what}?{urlencode(query)}").data)

    def post(self, what: str, **values: Any) -> Any:
        answer = self._http.request("POST", self._url + what, json=values)
        if answer.status >= 400:
            raise TourError(f"The sandbox refused {what}: {answer.data.decode()[:200]}")
        return json.loads(answer.data)


class Handset:
    """A citizen's mobile in the sandbox; what was on it before the tour does not count."""

    def __init__(self, sandbox: str, mobile: str) -> None:
        self._world = World(sandbox)
        self._number = mobile
        self._seen = len(self._messages())

    def _messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._world.get("messages", number=self._number)
        return found

    def _fresh(self) -> list[dict[str, Any]]:
        return self._messages()[self._seen :]

    def code_message(self) -> dict[str, Any]:
        """The message with the one-time code, once it has come."""
        return until(
            lambda: next((m for m in self._fresh() if _CODE.search(m["text"])), None), "The code's message"
        )

    def code(self) -> str:
        """The one-time code, once it has come."""
        found = _CODE.search(self.code_message()["text"])
        return found[1] if found else ""

    def result(self) -> dict[str, Any]:
        """The newest message that is no code, once it has come and its receipt was reported."""

        def delivered() -> dict[str, Any] | None:
            results = [m for m in self._fresh() if not _CODE.search(m["text"])]
            return results[-1] if results and results[-1]["status"] != "waiting" else None

        return until(delivered, "The result's message")

"""A sandbox in a process of its own, for tests that drive it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from tests.leashed import leashed

TREE = Path(__file__).parents[2]
ACCOUNT = {
    "SANDBOX_ACCESS_KEY_ID": "LTAIkeyofthesandbox",
    "SANDBOX_ACCESS_KEY_SECRET": "secretofthesandbox",
    "SANDBOX_SIGN_NAME": "常德人社,津市人社",
    "SANDBOX_CARD_APP_ID": "huiyin",
    "SANDBOX_CARD_SECRET": "cardsecretofthesandbox",
}


class Sandbox:
    """A running sandbox and its steering wheel."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(retries=False)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask it something under /_sandbox/; raw bytes are sent as they are."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._http.request(method, f"{self.url}/_sandbox/{path}", body=data, headers=headers)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def fault(self, target: str, mode: str, **more: Any) -> None:
        """Switch a fault on."""
        self.call("POST", "faults", {"target": target, "mode": mode, **more})

    def page(self, path: str = "/") -> str:
        """What a browser gets."""
        answer = self._http.request("GET", self.url + path, headers={"Accept": "text/html"})
        return answer.data.decode()


@contextmanager
def running_sandbox(state: Path) -> Iterator[Sandbox]:
    """A sandbox of its own on that state folder."""
    ready = state / "ready.json"
    ready.unlink(missing_ok=True)
    command = leashed("-m", "integrations.sandbox", "--state", str(state), "--ready-file", str(ready))
    process = subprocess.Popen(command, cwd=TREE, env=os.environ | ACCOUNT, stdout=subprocess.DEVNULL)
    try:
        until(ready.exists, 20)
        yield Sandbox(json.loads(ready.read_text())["url"])
    finally:
        process.terminate()
        assert process.wait(10) == 0


def until(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """What the condition gives as soon as it gives something true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return value

"""An operator at the console without JavaScript."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.services import operators
from tests.world import World

NAME, PASSWORD = "lin", "correct horse battery"
_cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a digest says itself what it costs


def employ(world: World, name: str = NAME, password: str = PASSWORD) -> None:
    """Make an operator whose password is checked at once; who is nobody still waits as long as ever."""
    digest = _cheap.hash(password)
    with world.runtime.db.write() as tx:
        operators.set_password(tx, name, digest, world.clock())


@dataclass(slots=True)
class Operator:
    """Fills in the console's forms and follows redirects; remembers every page it was shown."""

    app: Flask
    client: FlaskClient = field(init=False)
    page: TestResponse = field(init=False)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str) -> str:
        return self._arrive(self.client.get(path))

    def post(self, path: str, **fields: str) -> str:
        """Send a form with the token of the page that is open."""
        return self._arrive(self.client.post(path, data={"token": self.token(), **fields}))

    def _arrive(self, response: TestResponse) -> str:
        while response.status_code == 303:
            self.seen.append(response.headers["Location"])
            response = self.client.get(response.headers["Location"])
        self.page = response
        self.seen.append(response.request.full_path + response.text)
        return self.text

    def sign_in(self, name: str = NAME, password: str = PASSWORD) -> str:
        self.get("/ops/login")
        return self.post("/ops/login", name=name, password=password)

    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.page.text)
        return found[1] if found else ""

    def cookie(self) -> str:
        found = self.client.get_cookie("huiyin_ops", path="/ops")
        return found.value if found else ""

    @property
    def status(self) -> int:
        return self.page.status_code

    @property
    def path(self) -> str:
        return self.page.request.path

    @property
    def text(self) -> str:
        """What the page says."""
        body = self.page.text.partition("<body>")[2] or self.page.text
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))

"""A citizen at the pages without JavaScript, and the card desk behind them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.back_offices import Done
from gateway.demo.city import Person
from gateway.notifications import store as notifications
from tests.world import World

NOBODY = ("110101199003074477", "陈安平")  # valid, and not in the register


@dataclass(slots=True)
class Card:
    number: str = "F12346266"
    state: str = "normal"
    lost_until: Any = None
    lost_serial: str | None = None
    lost_from: Any = None
    released_serial: str | None = None
    bank: str = ""


@dataclass(slots=True)
class Desk:
    """A card system in memory; ``find`` is what it answers when asked for a person's cards."""

    find: Callable[[], Any] = lambda: [Card()]
    reports: list[str] = field(default_factory=list)

    def find_cards(self, id_number: str, name: str, city: str) -> Any:
        return self.find()

    def report_loss(self, card: Card, id_number: str, until: Any, serial: str, begins: Any = None) -> Done:
        self.reports.append(serial)
        return Done()


@dataclass(slots=True)
class Browser:
    """Fills in forms and follows redirects; remembers every address and title it saw."""

    world: World
    app: Flask
    client: FlaskClient = field(init=False)
    page: TestResponse = field(init=False)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    # --- what a browser does ---

    def get(self, path: str) -> str:
        return self._arrive(self.client.get(path))

    def post(self, path: str, **fields: str) -> str:
        """Send a form with the token of this visit."""
        return self._arrive(self.client.post(path, data={"token": self.token(), **fields}))

    def _arrive(self, response: TestResponse) -> str:
        self.seen.append(response.request.full_path)
        while response.status_code == 303:
            self.seen.append(response.headers["Location"])
            response = self.client.get(response.headers["Location"])
        self.page = response
        self.seen += re.findall(r"<title>(.*?)</title>", response.text)
        return self.text

    def token(self) -> str:
        with self.client.session_transaction() as session:
            return str(session.get("visit", {}).get("token", ""))

    @property
    def path(self) -> str:
        return self.page.request.path

    @property
    def text(self) -> str:
        """What stands on the page, without markup."""
        main = self.page.text.partition("<main")[2].partition("</main>")[0]
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))

    @property
    def normal(self) -> str:
        """The page's bytes without the token."""
        return self.page.text.replace(self.token(), "")

    # --- what a citizen does ---

    def begin(self) -> str:
        self.get("/t/card_loss")
        return self.post("/t/card_loss")

    def answer(self, id_number: str, name: str) -> str:
        self.begin()
        self.post("/t/card_loss/id_number", id_number=id_number)
        return self.post("/t/card_loss/name", name=name)

    def prove(self, person: Person) -> str:
        self.answer(person.id_number, person.name)
        return self.post("/t/card_loss/code", code=self.code())

    def confirm(self, person: Person) -> str:
        self.prove(person)
        return self.post("/t/card_loss/check")

    def code(self) -> str:
        """The newest code that went out."""
        return self.codes()[-1]

    def codes(self) -> list[str]:
        runtime = self.world.runtime
        opened = [
            notifications.personalisation(runtime, row.id, row.personalisation)
            for row in self.world.rows()
            if row.citizen_id  # one to a stranger goes to nobody
        ]
        return [values["code"] for values in opened if "code" in values]

    def wrong_code(self) -> str:
        right = self.codes()[-1:]
        return "000000" if right != ["000000"] else "111111"

    def reference(self) -> str:
        found: Any = re.search(r'data-reference="(\d{14})"', self.page.text)
        return str(found[1])

"""The tour: play what citizens and systems do, through the real doors, and see that it held.

Nothing here looks into the database: pages are fetched and forms filled as a
browser would, the code is read from the sandbox's handset, and "delivered" is
what our own page or API says of the receipt.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin
from uuid import uuid4

import jwt
import urllib3

from gateway.demo.city import Person
from gateway.errors import HuiyinError

PATIENCE = 30.0  # seconds any step may take before the tour says that it did not hold
LOOK_EVERY = 0.05
DELIVERED = "delivered"


class TourError(HuiyinError):
    """A step of the tour did not hold."""


@dataclass(frozen=True, slots=True)
class Played:
    """One transaction as its citizen saw it; ``delivered_in_s`` is from confirming to the receipt."""

    type: str
    face: str
    reference: str
    state: str
    ok: bool
    message: str
    delivered_in_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tour plays."""

    url: str
    sandbox_url: str
    api_key: str


# --- the web -------------------------------------------------------------------------------


class _Page(HTMLParser):
    """The forms of a page with their fields, and its ``data-`` attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.data: dict[str, str] = {}
        self._in_form = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.data |= {name.removeprefix("data-"): given[name] for name in given if name.startswith("data-")}
        if tag == "form":
            self._in_form = True
            if given.get("method", "").lower() == "post":
                self.forms.append((given.get("action", ""), {}))
            else:
                self._in_form = False
        if tag == "input" and self._in_form and given.get("name"):
            self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._in_form = self._in_form and tag != "form"


class Browser:
    """A browser without JavaScript: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, base: str) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        self._cookies: dict[str, str] = {}
        self.url = base
        self.page = _Page("")

    def get(self, url: str) -> None:
        self._load("GET", url, None)

    def submit(self, field: str, value: str = "") -> None:
        """Send the page's form that has this field."""
        for action, fields in self.page.forms:
            if field in fields:
                self._load("POST", action or self.url, {**fields, field: value or fields[field]})
                return
        raise TourError(f"The page at {self.url} has no form with {field}.")

    def press(self, ending: str) -> None:
        """Send the page's form whose address ends so."""
        for action, fields in self.page.forms:
            if urljoin(self.url, action).endswith(ending):
                self._load("POST", action or self.url, fields)
                return
        raise TourError(f"The page at {self.url} has no button to {ending}.")

    def _load(self, method: str, url: str, form: Mapping[str, str] | None) -> None:
        self.url = urljoin(self.url, url)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form) if form is not None else None
        answer = self._http.request(method, self.url, body=body, headers=headers, redirect=False)
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if 300 <= answer.status < 400:
            self._load("GET", answer.headers["Location"], None)
        elif answer.status >= 400:
            raise TourError(f"{method} {self.url} answered {answer.status}.")
        else:
            self.page = _Page(answer.data.decode())


def play_web(place: Place, person: Person) -> Played:
    """A citizen reports the card lost on the pages, question by question."""
    handset = Handset(place.sandbox_url, person.mobile)
    browser = Browser(place.url)
    browser.get("/")
    browser.get("/t/card_loss")
    browser.press("/t/card_loss")
    browser.submit("id_number", person.id_number)
    browser.submit("name", person.name)
    browser.submit("code", handset.code())
    started = time.monotonic()
    browser.press("/t/card_loss/check")

    def shown() -> Mapping[str, str] | None:
        browser.get(browser.url)
        return browser.page.data if browser.page.data.get("message") == DELIVERED else None

    page = _until(shown)
    took = time.monotonic() - started
    return _played("web", page["reference"], page["state"], handset.result(), took)


# --- the API -------------------------------------------------------------------------------


class Service:
    """A system calling the API with its key."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        key = self._place.api_key
        token = jwt.encode({"iss": key[-73:-37], "iat": int(time.time())}, key[-36:], algorithm="HS256")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
        answer = self._http.request(
            method, self._place.url + path, body=json.dumps(body) if body else None, headers=headers
        )
        said: dict[str, Any] = json.loads(answer.data)
        if answer.status >= 400:
            raise TourError(f"{method} answered {answer.status}: {said['errors'][0]['message']}")
        return said


def play_api(place: Place, person: Person) -> Played:
    """A system begins the report; the citizen's code proves who they are."""
    handset, service = Handset(place.sandbox_url, person.mobile), Service(place)
    begun = service.call(
        "POST",
        "/v2/transactions",
        {
            "type": "card_loss",
            "answers": {"id_number": person.id_number, "name": person.name},
            "proof": {"method": "code"},
        },
    )
    path = f"/v2/transactions/{begun['reference']}"
    code = handset.code()
    started = time.monotonic()
    service.call("POST", f"{path}/proof", {"code": code})

    def shown() -> Mapping[str, Any] | None:
        now = service.call("GET", path)
        return now if [item["status"] for item in now["messages"]] == [DELIVERED] * 2 else None

    ended = _until(shown)
    took = time.monotonic() - started
    return _played("api", begun["reference"], ended["state"], handset.result(), took)


def _played(face: str, reference: str, state: str, message: Mapping[str, Any], took: float) -> Played:
    text = str(message["text"])
    ok = state == "succeeded" and text.startswith("【") and message["status"] == DELIVERED
    return Played("card_loss", face, reference, state, ok, text, round(took, 2))


# --- the handset ---------------------------------------------------------------------------


class Handset:
    """A citizen's mobile in the sandbox; what was on it before the tour does not count."""

    def __init__(self, sandbox: str, mobile: str) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        self._url = f"{sandbox}/_sandbox/messages?" + urlencode({"number": mobile})
        self._seen = len(self._messages())

    def _messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._http.request("GET", self._url).data)
        return found

    def _fresh(self) -> list[dict[str, Any]]:
        return self._messages()[self._seen :]

    def code(self) -> str:
        """The one-time code, once it has come."""
        text = str(_until(lambda: next((m for m in self._fresh() if "验证码" in m["text"]), None))["text"])
        return "".join(character for character in text.partition("，")[0] if character.isdigit())

    def result(self) -> dict[str, Any]:
        """The result's message, once it has come."""
        return _until(lambda: next((m for m in self._fresh() if "验证码" not in m["text"]), None))


T = TypeVar("T")


def _until(look: Callable[[], T | None]) -> T:
    """Look until there is something to see; the tour does not wait for ever."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(LOOK_EVERY)
    raise TourError(f"Nothing came within {PATIENCE:.0f} s.")

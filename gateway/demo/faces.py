"""One transaction of any type, played on each face as a citizen or a system would.

Nothing here looks into the database: pages are fetched and forms filled as a
browser would, keys are pressed on a telephone, the code is read from the
sandbox's handset, and "delivered" is what our own page or API says of the receipt.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import urllib3

from gateway.demo.browser import Browser
from gateway.demo.city import Person
from gateway.demo.identities import query_password
from gateway.demo.patience import PATIENCE, TourError, until
from gateway.demo.world import Handset, World
from gateway.phone import prompts
from gateway.transactions import registry

DELIVERED = "delivered"
MOST_STEPS = 40  # pages, or keys on the telephone, before something is surely wrong


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


def _played(
    kind: str, face: str, reference: str, state: str, message: Mapping[str, Any], took: float
) -> Played:
    text = str(message["text"])
    ok = state == "succeeded" and text.startswith("【") and message["status"] == DELIVERED
    return Played(kind, face, reference, state, ok, text, round(took, 2))


def _known(person: Person) -> dict[str, str]:
    return {"id_number": person.id_number, "name": person.name}


def _secrets(person: Person) -> dict[str, str]:
    """What somebody knows beside: asked for where one proof is not enough."""
    return {"password": query_password(person)}


# --- the web -------------------------------------------------------------------------------


def web(place: Place, person: Person, kind: str = "card_loss") -> Played:
    """A citizen answers the pages, question by question, and takes the first of each choice."""
    handset, browser, known = (
        Handset(place.sandbox_url, person.mobile),
        Browser(place.url),
        {**_known(person), **_secrets(person)},
    )
    browser.get("/")
    browser.get(f"/t/{kind}")
    browser.press(f"/t/{kind}")
    for _ in range(MOST_STEPS):
        if browser.place == "check":
            break
        given = handset.code() if browser.place == "code" else known.get(browser.place, "")
        browser.submit(browser.place, given)
    started = time.monotonic()
    browser.press(f"/t/{kind}/check")

    def shown() -> Mapping[str, str] | None:
        browser.get(browser.url)
        return browser.page.data if browser.page.data.get("message") == DELIVERED else None

    page = until(shown, "The page's word that the message was delivered")
    took = time.monotonic() - started
    return _played(kind, "web", page["reference"], page["state"], handset.result(), took)


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

    def answers(self, person: Person, kind: str) -> dict[str, str]:
        """What the form asks for: who the citizen is, and the first of each choice."""
        given = _known(person)
        for _ in range(MOST_STEPS):
            asked = self.call("POST", f"/v2/transaction-types/{kind}/options", {"answers": given})
            if asked["field"] is None:
                return given
            given[asked["field"]["name"]] = asked["options"][0]["value"]
        raise TourError(f"The form of {kind} has no end.")


def api(place: Place, person: Person, kind: str = "card_loss") -> Played:
    """A system begins the transaction; the citizen's code proves who they are."""
    handset, service = Handset(place.sandbox_url, person.mobile), Service(place)
    answers = service.answers(person, kind)
    body = {"type": kind, "answers": answers, "proof": {"method": "code"}}
    path = f"/v2/transactions/{service.call('POST', '/v2/transactions', body)['reference']}"
    code = handset.code()
    started = time.monotonic()
    proven = service.call("POST", f"{path}/proof", {"code": code})
    if "password" in proven["proof_missing"]:
        service.call("POST", f"{path}/proof", _secrets(person))

    def shown() -> Mapping[str, Any] | None:
        now = service.call("GET", path)
        texts = [item["status"] for item in now["messages"] if item["channel"] == "sms"]
        return now if texts == [DELIVERED] * 2 else None

    ended = until(shown, "The API's word that the message was delivered")
    took = time.monotonic() - started
    return _played(kind, "api", ended["reference"], ended["state"], handset.result(), took)


# --- the telephone ---------------------------------------------------------------------------


class Caller:
    """Somebody who dials the hotline; the sandbox's exchange plays the telephone network."""

    def __init__(self, place: Place, mobile: str) -> None:
        self._world = World(place.sandbox_url)
        self._hear(self._world.post("dial", **{"from": f"+86{mobile}", "to": "12333"}))

    def press(self, keys: str) -> None:
        self._hear(self._world.post(f"dial/{self._call}", press=keys))

    def wait(self) -> None:
        """Press nothing until the hotline goes on by itself."""
        self._hear(self._world.post(f"dial/{self._call}", wait=True))

    def hang_up(self) -> None:
        self._world.post(f"dial/{self._call}", hang_up=True)

    def _hear(self, answer: Mapping[str, Any]) -> None:
        self._call, self.heard = answer["call"], "".join(answer["says"])
        if answer["ended"]:
            raise TourError(f"The call ended ({answer['ended']}) after: {self.heard[-80:]}")


_REFERENCE = re.compile(r"(\d(?: \d){3})，(\d(?: \d){4})，(\d(?: \d){4})")


def _way(kind: str) -> list[str]:
    """The keys that lead from the main menu to a type."""
    offered = list(registry.types())
    for entry in prompts.top(offered):
        below = prompts.below(entry.menu, offered) if entry.menu else ()
        for item in (entry, *below):
            if item.type == kind:
                return [entry.key] if item is entry else [entry.key, item.key]
    raise TourError(f"The telephone's menu has no {kind}.")


def _keys(caller: Caller, person: Person, handset: Handset) -> str:
    """What somebody presses who follows what is said, and takes the first of each choice."""
    heard = caller.heard
    if "身份证号码" in heard and "请按您的" in heard:
        return person.id_number.replace("X", "*") + "#"
    if "请按6位查询密码" in heard:
        return query_password(person)
    return handset.code() if "验证码" in heard else "1"


def phone(place: Place, person: Person, kind: str = "card_loss") -> Played:
    """A caller keys what is asked for, hears the reference, and looks it up on the web."""
    handset, caller = Handset(place.sandbox_url, person.mobile), Caller(place, person.mobile)
    for key in _way(kind):
        caller.press(key)
    started = time.monotonic()
    for _ in range(MOST_STEPS):
        found = _REFERENCE.search(caller.heard)
        if found:
            break
        if "请稍候" in caller.heard:
            caller.wait()
            continue
        started = time.monotonic()
        caller.press(_keys(caller, person, handset))
    else:
        raise TourError(f"The call led nowhere; last heard: {caller.heard[-80:]}")
    caller.hang_up()
    reference = "".join(found.groups()).replace(" ", "")
    page = _looked_up(place, reference, person.mobile)
    took = time.monotonic() - started
    return _played(kind, "phone", reference, page["state"], handset.result(), took)


def _looked_up(place: Place, reference: str, mobile: str) -> Mapping[str, str]:
    browser = Browser(place.url)
    browser.get("/progress")
    browser.submit("reference", reference)
    browser.submit("mobile", mobile[-4:])

    def shown() -> Mapping[str, str] | None:
        browser.get(browser.url)
        return browser.page.data if browser.page.data.get("message") == DELIVERED else None

    return until(shown, "The page's word that the message was delivered")


FACES: Mapping[str, Callable[[Place, Person, str], Played]] = {"web": web, "phone": phone, "api": api}

"""One transaction of any type, played on the web and through the API as a citizen or a system would.

Nothing here looks into the database: pages are fetched and forms filled as a
browser would, the code is read from the sandbox's handset, and "delivered" is what
our own page or API says of the receipt. ``calling`` does the same by telephone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import jwt
import urllib3

from gateway.demo.browser import Browser
from gateway.demo.city import Person
from gateway.demo.identities import query_password
from gateway.demo.patience import PATIENCE, TourError, until
from gateway.demo.world import Handset
from gateway.transactions import registry
from gateway.transactions.form import example
from gateway.transactions.model import State

DELIVERED = "delivered"
CODE_AND_RESULT = 2  # messages at least
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


def played(
    kind: str, face: str, reference: str, state: str, message: Mapping[str, Any], took: float
) -> Played:
    text = str(message["text"])
    ok = state == "succeeded" and text.startswith("【") and message["status"] == DELIVERED
    return Played(kind, face, reference, state, ok, text, round(took, 2))


def known(person: Person, kind: str) -> dict[str, str]:
    """What the form asks of the person themselves: who they are, or a number of theirs."""
    form = registry.get(kind).form().fields
    who = {"id_number": person.id_number, "name": person.name}
    numbers = {name: person.mobile for name, one in form.items() if one.metadata.get("registered")}
    return {name: value for name, value in {**who, **numbers}.items() if name in form}


def examples(kind: str) -> dict[str, str]:
    """What the type's own form names as an answer, by field; its other choices are taken as they come."""
    today = datetime.now().astimezone().date()
    found = {name: example(field, today) for name, field in registry.get(kind).form().fields.items()}
    return {name: value for name, value in found.items() if value}


def secrets(person: Person) -> dict[str, str]:
    """What somebody knows beside: asked for where one proof is not enough."""
    return {"password": query_password(person)}


# --- the web -------------------------------------------------------------------------------


def web(place: Place, person: Person, kind: str = "card_loss") -> Played:
    """A citizen answers the pages, question by question, and takes the first of each choice."""
    handset, browser = Handset(place.sandbox_url, person.mobile), Browser(place.url)
    browser.get("/")
    browser.get(f"/t/{kind}")
    browser.press(f"/t/{kind}")
    answer_pages(browser, person, kind, handset)
    started = time.monotonic()
    browser.press(f"/t/{kind}/check")
    page = ended(browser)
    took = time.monotonic() - started
    return played(kind, "web", page["reference"], page["state"], handset.result(), took)


def answer_pages(browser: Browser, person: Person, kind: str, handset: Handset) -> None:
    """Every page up to the check; where a code was sent a moment ago, the next one is waited for."""
    answers = {**examples(kind), **known(person, kind), **secrets(person)}
    for _ in range(MOST_STEPS):
        if browser.place == "check":
            return
        if browser.place == "code" and not browser.has("code"):
            time.sleep(float(browser.page.data.get("wait", 0)) + 1)
            browser.press("/code/resend")
            continue
        given = handset.code() if browser.place == "code" else answers.get(browser.place, "")
        browser.submit(browser.place, given)
    raise TourError(f"The pages of {kind} have no end.")


def ended(browser: Browser) -> Mapping[str, str]:
    """What the page of a transaction holds once it has ended and its message was delivered."""

    def shown() -> Mapping[str, str] | None:
        browser.get(browser.url)
        data = browser.page.data
        moving = data.get("state") in (State.SUBMITTED, State.UPSTREAM_UNKNOWN)
        return data if data.get("message") == DELIVERED and not moving else None

    return until(shown, "The page's word that it ended and the message was delivered")


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
        """What the form asks for: who the citizen is, its own examples, else the first of each choice."""
        given = known(person, kind)
        types = self.call("GET", "/v2/transaction-types")["transaction_types"]
        form = {one["name"]: one for one in next(one for one in types if one["name"] == kind)["fields"]}
        for _ in range(MOST_STEPS):
            asked = self.call("POST", f"/v2/transaction-types/{kind}/options", {"answers": given})
            open_ones = [name for name in asked["asked"] if name not in given]
            named = [name for name in open_ones if form[name]["example"]]
            if not open_ones:
                return given
            if named:
                given[named[0]] = form[named[0]]["example"]
            elif asked["options"]:
                given[asked["field"]["name"]] = asked["options"][0]["value"]
        raise TourError(f"The form of {kind} has no end.")

    def words(self, kind: str, name: str, value: str) -> str:
        """What an option of the form's first choice is called."""
        asked = self.call("POST", f"/v2/transaction-types/{kind}/options", {"answers": {}})
        found = {one["value"]: one["label"]["zh"] for one in asked["options"]}
        if asked["field"]["name"] != name or value not in found:
            raise TourError(f"{kind} does not offer {name} {value} first.")
        return str(found[value])


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
        service.call("POST", f"{path}/proof", secrets(person))

    def shown() -> Mapping[str, Any] | None:
        now = service.call("GET", path)
        texts = [item["status"] for item in now["messages"] if item["channel"] == "sms"]
        moving = now["state"] in (State.SUBMITTED, State.UPSTREAM_UNKNOWN)
        return now if len(texts) >= CODE_AND_RESULT and set(texts) == {DELIVERED} and not moving else None

    done = until(shown, "The API's word that the message was delivered")
    took = time.monotonic() - started
    return played(kind, "api", done["reference"], done["state"], handset.result(), took)

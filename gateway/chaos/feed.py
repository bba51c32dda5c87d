"""Keeps every lane fed while faults come and go, and remembers what was taken.

Codes and results come through the API, notices by broadcasts, and all nine lanes beside that
straight through ``notifications.store.take``. Nobody gets the same words twice, so that
whatever the world outside got twice was sent twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import jwt
import urllib3
from sqlalchemy.exc import DBAPIError

from gateway.chaos.books import Address
from gateway.chaos.scene import Scene
from gateway.citizens import register
from gateway.demo import city
from gateway.demo.city import Person
from gateway.demo.world import Handset
from gateway.errors import HuiyinError
from gateway.notifications import store
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.notifications.request import Class, Request

EVERY = 0.5  # seconds between two commits of direct messages
PUSH_EVERY = 5.0  # at least: the groups of the city last the whole run
GROUPS = [(age, sex) for age in range(99, 17, -1) for sex in ("female", "male")]
PROVERS = 4  # people at the same time who wait for their codes
BREATH = 0.25  # seconds before what a fault refused is tried again
PATIENCE = 60.0  # seconds for one transaction
NOTICE, CODE = "policy/retirement_age", "card_loss/code"
WORDS = {PLACEHOLDER: SAMPLE}  # of every notice
TOGETHER, MARK = 3, "第{}件"  # notices in a digest; what each says, alone or among others
API = "api"  # a lane of its own: the door of the transactions
Begun = tuple[str, Handset]  # a transaction's reference, and where its code comes


@dataclass(frozen=True, slots=True)
class Line:
    """One of the nine lanes and what is sent there; a commit has ``many`` of it."""

    channel: str
    klass: Class
    many: int = 1
    waited_for: bool = False


LINES = (
    Line("sms", Class.CODE),
    Line("sms", Class.RESULT),
    Line("sms", Class.NOTICE, many=4),
    Line("voice", Class.RESULT, waited_for=True),
    Line("voice", Class.REMINDER),
    Line("voice", Class.NOTICE),
    Line("email", Class.RESULT, waited_for=True),
    Line("email", Class.REMINDER),
    Line("email", Class.NOTICE, many=2),
)
SHORT_LIFE = timedelta(seconds=15)  # of every other code, so that some expire while they cannot be sent


@dataclass(slots=True)
class Fed:
    """What was taken, by epoch seconds of the real time: direct messages with their lanes, what the API
    answered (asked at, answered at), and the references of its transactions."""

    messages: dict[Address, tuple[str, float]] = field(default_factory=dict)
    answered: list[tuple[float, float]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


def citizens_for(seconds: float) -> int:
    """How many it takes: nobody reports a card twice, and four in five can."""
    return 1_000 + round(seconds / EVERY / 0.8)


@contextmanager
def feeding(scene: Scene, seconds: float) -> Iterator[Fed]:
    """Feed while the block runs, which is for so many seconds."""
    fed, over, begun = Fed(), Event(), SimpleQueue[Begun]()
    works: list[Callable[[], None]] = [
        lambda: _direct(scene, fed, over),
        lambda: _digests(scene, over),
        lambda: _pushes(scene, over, max(PUSH_EVERY, seconds / len(GROUPS))),
        lambda: _begin(scene, fed, over, begun),
        *[lambda: _prove(scene, over, begun)] * PROVERS,
    ]
    threads = [Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield fed
    finally:
        over.set()
        for thread in threads:
            thread.join()


# --- straight into the lanes --------------------------------------------------------------------


def _direct(scene: Scene, fed: Fed, over: Event) -> None:
    numbers = count(1)
    while not over.wait(EVERY):
        requests = [_request(scene, line, next(numbers)) for line in LINES for _ in range(line.many)]
        try:
            with scene.runtime.db.write() as tx:
                store.take(tx, scene.runtime, requests)
        except DBAPIError:  # the database is away; whether it took them its rows will tell
            continue
        now = time.time()
        fed.messages |= {(one.channel, str(one.address)): (one.lane, now) for one in requests}


def _digests(scene: Scene, over: Event) -> None:
    """Some notices of one person after the other, to be told by one message."""
    people, vault = city.people(scene.citizens), scene.runtime.vault
    for number, person in enumerate(people):
        if over.wait(EVERY):
            return
        marks = [MARK.format(number * TOGETHER + place) for place in range(TOGETHER)]
        with suppress(DBAPIError), scene.runtime.db.write() as tx:
            if citizen := register.find(tx, vault, person.id_number):
                plain = Request(citizen.id, "sms", Class.NOTICE, NOTICE, "zh-CN", {})
                requests = [
                    plain._replace(personalisation={**WORDS, "name": mark}, title=mark, digest=True)
                    for mark in marks
                ]
                store.take(tx, scene.runtime, requests)


def _request(scene: Scene, line: Line, number: int) -> Request:
    address = f"p{number}@example.com" if line.channel == "email" else f"+86199{number:07}0"
    words, template = {**WORDS, "name": f"王{number}"}, NOTICE
    if line.klass is Class.CODE:
        words, template = {"code": f"{number:06}"[-6:]}, CODE
    request = Request(None, line.channel, line.klass, template, "zh-CN", words, address=address)
    short = line.klass is Class.CODE and number % 2
    ends = scene.runtime.clock() + SHORT_LIFE if short else None
    return request._replace(waited_for=line.waited_for, expires=ends)


# --- through the API ------------------------------------------------------------------------------


class _Api:
    """A system that asks again, under the same key, until it is answered."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._http = urllib3.PoolManager(retries=False, timeout=10)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer; ``HuiyinError`` when it is a refusal or none came in time."""
        once, ends = str(uuid4()), time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                url, headers = self._scene.place.url + path, self._headers(once)
                answer = self._http.request("POST", url, body=json.dumps(body or {}), headers=headers)
            except urllib3.exceptions.HTTPError:
                answer = None
            if answer and answer.status < 400:
                said: dict[str, Any] = answer.json()
                return said
            if answer and answer.status < 500 and answer.status not in (403, 409):
                raise HuiyinError(f"{path}: {answer.status}")
            time.sleep(BREATH)  # away, a clock that has just been put, or the first request is still at work
        raise HuiyinError(f"{path}: not answered")

    def _headers(self, once: str) -> dict[str, str]:
        key, now = self._scene.place.api_key, int(self._scene.runtime.clock().timestamp())
        token = jwt.encode({"iss": key[-73:-37], "iat": now}, key[-36:], algorithm="HS256")
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": once}


def _can_report(person: Person) -> bool:
    usual = person.card_state == "normal" and person.language == "zh-CN" and person.email is None
    return usual and person.birth_date.year <= city.AS_OF.year - 18  # for a child a guardian reports


def _begin(scene: Scene, fed: Fed, over: Event, begun: SimpleQueue[Begun]) -> None:
    """Report cards lost, one after the other; whoever proves it waits for the code elsewhere."""
    api = _Api(scene)
    for person in filter(_can_report, city.people(scene.citizens)):
        if over.wait(EVERY):
            return
        handset, asked = Handset(scene.place.sandbox_url, person.mobile), time.time()
        answers = {"id_number": person.id_number, "name": person.name}
        body = {"type": "card_loss", "answers": answers, "proof": {"method": "code"}}
        with suppress(HuiyinError):
            reference = str(api.post("/v2/transactions", body)["reference"])
            fed.answered.append((asked, time.time()))
            fed.references.append(reference)
            begun.put((reference, handset))


def _prove(scene: Scene, over: Event, begun: SimpleQueue[Begun]) -> None:
    """Hand in the codes that came by text message; one that never came or came too late, the books tell."""
    api = _Api(scene)
    while not over.wait(BREATH):
        with suppress(Empty, HuiyinError):
            reference, handset = begun.get_nowait()
            api.post(f"/v2/transactions/{reference}/proof", {"code": handset.code()})


# --- as broadcasts -----------------------------------------------------------------------------------


def _pushes(scene: Scene, over: Event, every: float) -> None:
    """One age and sex after the other, so that nobody is told twice."""
    api = _Api(scene)
    for age, sex in GROUPS:
        audience = {"age_from": age, "age_to": age, "sex": sex}
        with suppress(HuiyinError):  # not answered
            counted = api.post("/v2/broadcasts", {"template": NOTICE, "audience": audience, "channel": "sms"})
            if not counted["audience"]:
                continue  # nobody is of that age: its start would be refused as often as it is asked for
            api.post(f"/v2/broadcasts/{counted['id']}/start")
        if over.wait(every):
            return

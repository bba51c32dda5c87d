"""A push to ten thousand people on a whole running instance: codes pass it, and a kill loses nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice

import pytest

from gateway import config
from gateway.delivery import ledger
from gateway.demo import city, start
from gateway.demo.city import Person
from gateway.demo.faces import Place, Service
from gateway.demo.world import Handset
from gateway.instance import Instance, running
from tests.contract.sandbox_process import Sandbox, until

PEOPLE, PUSHES = 10_000, 5
pytestmark = pytest.mark.alone
PATIENCE = 120.0
CODES = 100
SECOND = 1.0
EVERYBODY = {"template": "policy/retirement_age", "audience": {}, "channel": "sms"}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Everything of one machine with its city of ten thousand, and short leases."""
    environment = {
        "PATH": os.environ["PATH"],
        "HUIYIN_LEASE_SECONDS": "3",
        "HUIYIN_RECONCILE_AFTER_SECONDS": "1.5",
    }
    settings = config.load(environment, tmp_path_factory.mktemp("push") / "state")
    with running(settings, hooks=start.hooks(play=False)) as instance:
        yield instance


def _push(service: Service) -> str:
    """Start a push to everybody; returns its path."""
    counted = service.call("POST", "/v2/broadcasts", EVERYBODY)
    assert counted["audience"] == PEOPLE
    path = f"/v2/broadcasts/{counted['id']}"
    service.call("POST", f"{path}/start")
    return path


def _taken(sandbox: Sandbox) -> int:
    return int(sandbox.call("GET", "counts")["taken"])


def _adults() -> Iterator[Person]:
    readers = (person for person in city.people(PEOPLE) if person.language == "zh-CN")
    return (person for person in readers if person.birth_date.year < 2000)


def _code_after(place: Place, person: Person) -> float:
    """Seconds from asking for a code to the vendor taking it."""
    handset = Handset(place.sandbox_url, person.mobile)
    body = {
        "type": "card_loss",
        "answers": {"id_number": person.id_number, "name": person.name},
        "proof": {"method": "code"},
    }
    asked = time.time()
    Service(place).call("POST", "/v2/transactions", body)
    at = datetime.fromisoformat(handset.code_message()["at"])
    return at.timestamp() - asked


def test_a_worker_and_the_broker_killed_amid_a_push_lose_and_repeat_nobody(instance: Instance) -> None:
    """kill -9, the broker wiped, both started again: everyone has the text once and the books balance."""
    service, sandbox = Service(start.place(instance.ready)), Sandbox(instance.sandbox_url)
    path = _push(service)
    until(lambda: _taken(sandbox) > PEOPLE // 5, PATIENCE)
    instance.kill("general")
    instance.kill("broker")
    assert _taken(sandbox) < PEOPLE, "the push was over before the kill: nothing was shown"
    instance.resume("broker")
    instance.resume("general")
    until(lambda: service.call("GET", path)["state"] == "finished", PATIENCE)
    until(lambda: service.call("GET", path)["delivered"] == PEOPLE, PATIENCE)
    counts = sandbox.call("GET", "counts")
    assert (counts["taken"], counts["repeated"]) == (PEOPLE, 0)
    here = start.asleep(instance.settings)
    with here.db.read() as tx:
        assert ledger.balanced(tx)
    here.db.close()


def test_a_code_passes_a_push_to_ten_thousand_within_a_second(instance: Instance) -> None:
    """The 99th of 100 codes asked for while pushes run, one begun after another, takes one second at most."""
    place, sandbox = start.place(instance.ready), Sandbox(instance.sandbox_url)
    adults, waits, before = _adults(), list[float](), _taken(sandbox)
    with ThreadPoolExecutor(4) as askers:
        for pushes in range(1, PUSHES + 1):
            _push(Service(place))
            people = islice(adults, CODES // PUSHES)
            waits += askers.map(lambda person: _code_after(place, person), people)
            assert _taken(sandbox) - before < pushes * PEOPLE + len(waits), (
                "the push was over: nothing was shown"
            )
    assert sorted(waits)[CODES - 2] <= SECOND, sorted(waits)[-10:]

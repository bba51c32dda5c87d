"""A whole running instance is hurt, and nothing is lost, nothing is sent twice, nothing personal leaks."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from itertools import count

import pytest
import redis

from gateway import config
from gateway.delivery import ledger
from gateway.demo import city, faces, start
from gateway.demo.city import Person
from gateway.demo.faces import Place, Service
from gateway.demo.world import Handset
from gateway.instance import Instance, running
from gateway.notifications import pauses
from gateway.notifications.pauses import Kind
from tests.contract.sandbox_process import Sandbox, until
from tests.world import BORN_BY

pytestmark = pytest.mark.whole
PATIENCE = 30.0
_turns = count(100)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Everything of one machine, with short leases so that a test need not wait long."""
    environment = {
        "PATH": os.environ["PATH"],
        "HUIYIN_LEASE_SECONDS": "3",
        "HUIYIN_RECONCILE_AFTER_SECONDS": "1.5",
        "CARD_CORE_TIMEOUT_SECONDS": "2",
    }
    settings = config.load(environment, tmp_path_factory.mktemp("faults") / "state")
    with running(settings, hooks=start.hooks(play=False)) as instance:
        _aliyun_alone(instance)
        yield instance


def _aliyun_alone(instance: Instance) -> None:
    """The faults are Aliyun's: nothing may go round them through the other provider."""
    here = start.asleep(instance.settings)
    with here.db.write() as tx:
        pauses.pause(tx, Kind.PROVIDER, "twilio_sms", "test", here.clock())
    here.db.close()


@pytest.fixture
def place(instance: Instance) -> Place:
    return start.place(instance.ready)


@pytest.fixture
def sandbox(instance: Instance) -> Iterator[Sandbox]:
    sandbox = Sandbox(instance.sandbox_url)
    sandbox.call("POST", "reset")
    yield sandbox
    sandbox.call("DELETE", "faults")


@pytest.fixture
def person() -> Person:
    """Another grown-up for each test, with a card in use."""
    people = city.people(1000, start=next(_turns) * 50)
    grown_up = (p for p in people if p.birth_date < BORN_BY)
    return next(p for p in grown_up if p.card_state == "normal" and p.language == "zh-CN")


def _report(place: Place, person: Person) -> str:
    """Report the card lost with an attested identity, so that the result is the only message."""
    body = {
        "type": "card_loss",
        "answers": {"id_number": person.id_number, "name": person.name},
        "proof": {"method": "attested", "by": "test counter"},
    }
    return str(Service(place).call("POST", "/v2/transactions", body)["reference"])


def _messages(place: Place, reference: str) -> list[str]:
    answer = Service(place).call("GET", f"/v2/transactions/{reference}")
    return [message["status"] for message in answer["messages"] if message["channel"] == "sms"]


def _delivered(place: Place, reference: str) -> bool:
    return _messages(place, reference) == ["delivered"]


def _texts(sandbox: Sandbox, person: Person) -> list[str]:
    return [message["text"] for message in sandbox.call("GET", f"messages?number={person.mobile}")]


def _balanced(instance: Instance) -> bool:
    here = start.asleep(instance.settings)
    with here.db.read() as tx:
        balanced = ledger.balanced(tx)
    here.db.close()
    return balanced


def test_a_worker_and_the_broker_killed_mid_sending_lose_and_repeat_nothing(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """Killed between attempt and answer, broker wiped, both back: asked about, counted once, balanced."""
    sandbox.fault("aliyun_sms", "silent", times=1)
    sandbox.fault("receipts", "down")  # so that only asking the vendor can tell what became of it
    reference = _report(place, person)
    until(lambda: _texts(sandbox, person), PATIENCE)
    assert _messages(place, reference) == ["sending"]
    instance.kill("urgent")
    instance.kill("broker")
    instance.resume("broker")
    instance.resume("urgent")
    until(lambda: _messages(place, reference) == ["accepted"], PATIENCE)
    sandbox.call("DELETE", "faults")
    until(lambda: _delivered(place, reference), PATIENCE)
    assert len(_texts(sandbox, person)) == 1
    assert sandbox.call("GET", "counts")["repeated"] == 0
    assert _balanced(instance)


def test_a_worker_killed_before_the_vendor_took_it_sends_it_once(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """Killed while the request was still on its way and never taken: sent after asking, once."""
    sandbox.fault("aliyun_sms", "error", code="isp.SYSTEM_ERROR", times=1)
    reference = _report(place, person)
    until(lambda: _messages(place, reference) == ["unknown"], PATIENCE)
    instance.kill("urgent")
    instance.resume("urgent")
    until(lambda: _delivered(place, reference), PATIENCE)
    assert len(_texts(sandbox, person)) == 1
    assert _balanced(instance)


def test_reports_are_taken_without_the_broker_and_done_when_it_is_back(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """The API does not fail with the broker; the sweep finds the row."""
    instance.kill("broker")
    reference = _report(place, person)
    assert _messages(place, reference) == []
    instance.resume("broker")
    until(lambda: _delivered(place, reference), PATIENCE)
    assert len(_texts(sandbox, person)) == 1


def test_an_api_killed_after_its_answer_has_lost_nothing(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """201 means committed: the transaction goes on while the API is down."""
    reference = _report(place, person)
    instance.kill("api")
    until(lambda: _texts(sandbox, person), PATIENCE)
    instance.resume("api")
    until(lambda: _delivered(place, reference), PATIENCE)


def test_a_worker_killed_during_the_card_call_blocks_the_card_once(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """The block was made, the worker died, the card system is asked: succeeded, and called once."""
    sandbox.fault("card_core", "silent", times=1)
    reference = _report(place, person)
    until(lambda: sandbox.call("GET", "counts")["calls"].get("card/report-loss"), PATIENCE)
    instance.kill("urgent")
    instance.resume("urgent")
    until(lambda: _delivered(place, reference), PATIENCE)
    assert Service(place).call("GET", f"/v2/transactions/{reference}")["state"] == "succeeded"
    assert sandbox.call("GET", "counts")["calls"]["card/report-loss"] == 1


def test_a_service_is_told_after_workers_broker_and_itself_were_down(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """What happened meanwhile waits in the database; nothing of it is lost."""
    here = start.asleep(instance.settings)
    start.listen(here, instance.ready)
    here.db.close()
    sandbox.call("POST", "service", {"answers": "503"})
    reference = _report(place, person)
    until(lambda: sandbox.call("GET", "service")["told"], PATIENCE)
    for name in ("general", "broker"):
        instance.kill(name)
    sandbox.call("POST", "service", {"answers": "200"})
    for name in ("broker", "general"):
        instance.resume(name)

    def told() -> bool:
        heard = sandbox.call("GET", "service")["heard"]
        well = [one["body"] for one in heard if one["answered"] == 200]
        return {("submitted", reference), ("succeeded", reference)} <= {
            (body["state"], body["reference"]) for body in well
        }

    until(told, PATIENCE)


def test_logs_and_queue_messages_of_a_tour_hold_nothing_personal(
    instance: Instance, place: Place, sandbox: Sandbox, person: Person
) -> None:
    """Neither ID number, name, mobile nor code stands in any log or queue message, faults included."""
    sandbox.fault("aliyun_sms", "error", code="Throttling.User", times=1, action="SendSms")
    sandbox.fault("card_core", "down", times=1)
    handset = Handset(place.sandbox_url, person.mobile)
    played = faces.web(place, person)
    assert played.ok
    instance.kill("urgent")
    instance.kill("general")
    _report(place, person)
    queued = _queued(instance)
    instance.resume("urgent")
    instance.resume("general")
    logs = {path: path.read_text() for path in (instance.settings.state / "logs").iterdir()}
    assert any("handed_over" in text for text in logs.values())
    assert "tasks." in queued
    for secret in (person.id_number, person.name, person.mobile, handset.code()):
        assert secret not in queued
        assert [path.name for path, text in logs.items() if secret in text] == []


def _queued(instance: Instance) -> str:
    """Every message waiting in the broker: its headers and its body, decoded."""
    path = instance.settings.broker_url.removeprefix("redis+socket://")
    texts = []
    with redis.Redis(unix_socket_path=path) as broker:
        for key in broker.keys("*"):
            if broker.type(key) == b"list":
                for raw in broker.lrange(key, 0, -1):
                    texts += [raw.decode(), base64.b64decode(json.loads(raw)["body"]).decode()]
    return "\n".join(texts)

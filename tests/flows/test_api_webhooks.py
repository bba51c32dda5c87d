"""Services say where they are told, read what people wrote, and see how it went; by API and by command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from gateway import config, runtime
from gateway.api import received
from gateway.audit import audit
from gateway.cli import main
from gateway.cli.command import actor
from gateway.notifications import inbound
from gateway.notifications.notify_words import stamp
from gateway.providers import Inbound
from gateway.runtime import Runtime
from gateway.services import store as services
from gateway.services import webhooks
from gateway.services.webhooks import Kind
from gateway.webhooks.telling import LANE, run_due
from tests.flows.test_api_notifications import Api
from tests.receiver import Receiver
from tests.world import START, World

RECEIVED = "/v2/received-text-messages"
TOKEN = "a-token-of-the-service"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


class Hooks(Api):
    """The API called with a key that may say where its service is told."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.key = self.new_key("counter", scopes=[services.WEBHOOKS, *services.USUAL])
        self.service = UUID(self.key[-73:-37])

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        data = None if body is None else json.dumps(body)
        return self.client.open(path, method=method, data=data, headers=self.headers(key))

    def hear(self, *said: Inbound, service: UUID | None = None) -> list[UUID]:
        """These texts are its own, or another service's."""
        runtime = self.world.runtime
        with runtime.db.write() as tx:
            owners = {("scripted", one.id): service or self.service for one in said}
            inbound.receive(tx, runtime, [("scripted", one) for one in said], owners=owners)
            query = select(inbound.inbound.c.id).order_by(inbound.inbound.c.received_at)
            return list(tx.execute(query).scalars())


@pytest.fixture
def api(sqlite_world: World) -> Hooks:
    return Hooks(sqlite_world)


# --- what people wrote ------------------------------------------------------------------------------


def test_what_people_wrote_is_shown_exactly_as_notify_does(api: Hooks) -> None:
    """These keys and no others; only one's own; with links that lead on while a page is not empty."""
    [key] = api.hear(Inbound("1", "+8613800138000", "1069012333", "请问几点开门", START))
    answer = api.get(RECEIVED)
    here = f"http://127.0.0.1:12333{RECEIVED}"
    assert answer.json == {
        "received_text_messages": [
            {
                "id": str(key),
                "user_number": "+8613800138000",
                "notify_number": "1069012333",
                "service_id": str(api.service),
                "content": "请问几点开门",
                "created_at": stamp(START),
            }
        ],
        "links": {"current": here, "next": f"{here}?older_than={key}"},
    }
    last = api.get(f"{RECEIVED}?older_than={key}")
    assert last.json == {
        "received_text_messages": [],
        "links": {"current": f"{here}?older_than={key}"},
    }
    other = api.new_key("other")
    earlier = Inbound("2", "+8613800138000", "106", "x", START - timedelta(hours=1))
    [theirs, _] = api.hear(earlier, service=UUID(other[-73:-37]))
    found = api.get(RECEIVED, other).json["received_text_messages"]
    assert [item["id"] for item in found] == [str(theirs)]
    assert api.get(f"{RECEIVED}?older_than={key}", other).json["received_text_messages"] == []
    assert api.get(f"{RECEIVED}?older_than={uuid4()}").json["received_text_messages"] == []
    wrong = api.get(f"{RECEIVED}?older_than=1")
    assert (wrong.status_code, wrong.json["errors"][0]["message"]) == (
        400,
        "older_than is not a valid UUID",
    )
    assert api.get(RECEIVED, api.new_key("counter", scopes=["send"])).status_code == 403
    with api.world.runtime.db.write() as tx:
        inbound.forget_old(tx, START + timedelta(days=91))
    assert api.get(RECEIVED).json["received_text_messages"] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(st.integers(0, 5), max_size=12), between=st.lists(st.integers(0, 5), max_size=3))
def test_pages_show_each_text_once_whatever_comes_in_meanwhile(
    api: Hooks, before: list[int], between: list[int]
) -> None:
    """Many of one second, and newer ones between two pages: none is skipped, none shown twice."""
    with api.world.runtime.db.write() as tx:
        tx.execute(delete(inbound.inbound))

    def some(seconds: list[int], later: int = 0) -> None:
        for at in seconds:
            said = START + timedelta(seconds=later + at)
            api.hear(Inbound(uuid4().hex, "+8613800138000", "106", str(at), said))

    some(before)
    there = {item["id"] for item in api.get(RECEIVED).json["received_text_messages"]}
    assert len(there) == len(before)
    shown: list[str] = []
    path, whole = RECEIVED, received.PAGE
    received.PAGE = 3
    try:
        while True:
            page = api.get(path).json
            shown += [item["id"] for item in page["received_text_messages"]]
            if "next" not in page["links"]:
                break
            path = page["links"]["next"].removeprefix("http://127.0.0.1:12333")
            some(between, later=10)
    finally:
        received.PAGE = whole
    assert len(shown) == len(set(shown))
    assert [key for key in shown if key in there] == shown
    assert set(shown) == there


# --- where a service is told --------------------------------------------------------------------------


def test_a_service_says_where_it_is_told_and_sees_how_it_goes(api: Hooks, receiver: Receiver) -> None:
    """Set, tried, told, logged, told anew, held, removed; each change is on record, secrets show once."""
    made = api.call("PUT", "/v2/webhooks/inbound", {"url": receiver.url, "token": TOKEN})
    assert (made.status_code, made.json["token"], made.json["kind"]) == (200, TOKEN, "inbound")
    assert made.json["signing_secret"].startswith("whsec_")
    assert api.call("POST", "/v2/webhooks/inbound/test").json == {"ok": True, "status": 200, "cause": None}
    assert receiver.heard[0].json["message"] == "test"
    [key] = api.hear(Inbound("1", "+8613800138000", "106", "你好", START))
    run_due(api.world.runtime)
    assert receiver.heard[1].event == str(key)
    [hook] = api.get("/v2/webhooks").json["webhooks"]
    assert (hook["state"], hook["events"]) == ("active", {"waiting": 0, "delivered": 1, "failed": 0})
    assert TOKEN not in api.get("/v2/webhooks").text
    [event] = api.get("/v2/webhooks/inbound/events").json["events"]
    assert (event["id"], event["state"], event["status"], event["tries"]) == (str(key), "delivered", 200, 1)
    assert api.get("/v2/webhooks/inbound/events?state=failed").json["events"] == []
    assert api.call("POST", "/v2/webhooks/inbound/replay", {}).json == {"events": 0}
    assert api.call("POST", "/v2/webhooks/inbound/replay", {"states": ["delivered"]}).json == {"events": 1}
    assert api.world.wakes.lanes[-1] == LANE
    run_due(api.world.runtime)
    assert receiver.heard[2].event == str(key)
    assert api.call("POST", "/v2/webhooks/inbound/pause").json["changed"] is True
    assert api.get("/v2/webhooks").json["webhooks"][0]["state"] == "paused"
    assert api.call("POST", "/v2/webhooks/inbound/resume").json["state"] == "active"
    assert api.call("DELETE", "/v2/webhooks/inbound").json["state"] == "removed"
    assert api.get("/v2/webhooks").json["webhooks"] == []
    with api.world.runtime.db.read() as tx:
        actions = list(tx.execute(select(audit.c.action).order_by(audit.c.number)).scalars())
    assert actions == [f"webhook.{what}" for what in ("set", "replay", "replay", "pause", "resume", "remove")]


def test_only_a_key_for_it_says_where_a_service_is_told(api: Hooks, receiver: Receiver) -> None:
    """A usual key could send receipts and people's words elsewhere; an operator's reaches every service."""
    usual = api.new_key("counter")
    assert api.call("PUT", "/v2/webhooks/receipt", {"url": receiver.url}, usual).status_code == 403
    operator = api.new_key("desk", scopes=[services.OPERATE])
    path = f"/v2/ops/services/{api.service}/webhooks"
    assert api.call("PUT", f"{path}/receipt", {"url": receiver.url}, operator).status_code == 200
    assert api.call("PUT", f"{path}/receipt", {"url": receiver.url}).status_code == 403
    assert [hook["kind"] for hook in api.get("/v2/webhooks").json["webhooks"]] == ["receipt"]
    for gone in (f"/v2/ops/services/{uuid4()}/webhooks", f"{path}/letters/events"):
        assert api.get(gone, operator).status_code == 404
    assert api.get("/v2/ops/services/counter/webhooks", operator).json == api.get("/v2/webhooks").json
    assert api.call("POST", f"{path}/inbound/pause", key=operator).status_code == 404


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "url is a required property"),
    ({"url": "ftp://example.com"}, "url must begin with https://."),
    ({"url": "https://10.0.0.1/"}, "url leads to an address that is not public"),
    ({"url": "http://10.0.0.1/"}, "url must begin with https://; http is for networks"),
    ({"url": "https://user:secret@127.0.0.1/"}, "url holds a user or password"),
    ({"url": "http://127.0.0.1/", "token": "short"}, "token must be 10 to 200 plain characters"),
    ({"url": "http://127.0.0.1/", "token": "one two three"}, "token must be 10 to 200 plain characters"),
    ({"url": "http://127.0.0.1/", "more": 1}, "Additional properties are not allowed"),
]


def test_an_address_we_would_not_call_is_refused(api: Hooks) -> None:
    """With its reason, and nothing is kept."""
    for body, said in REFUSED:
        answer = api.call("PUT", "/v2/webhooks/receipt", body)
        assert answer.status_code == 400
        assert answer.json["errors"][0]["message"].startswith(said)
    assert api.get("/v2/webhooks").json["webhooks"] == []


# --- by command ---------------------------------------------------------------------------------------


Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "BROKER_URL", "HUIYIN_STATE", "WEBHOOKS_PRIVATE"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Any:
        given = ["--state", str(tmp_path / "state"), "--json", *words]
        result = CliRunner().invoke(main, given)
        return json.loads(result.stdout) if result.exit_code == 0 else result

    run("migrate")
    run("api-key", "--service", "counter")
    return run


@pytest.fixture
def here(run: Run, tmp_path: Path) -> Iterator[Runtime]:
    here = runtime.build(config.load({}, tmp_path / "state"), wake=lambda _lane: None, sending=False)
    yield here
    here.db.close()


def test_the_verbs_do_the_same(run: Run, here: Runtime, receiver: Receiver) -> None:
    """By the service's name; every verb answers one JSON object."""
    receiver.script = lambda _heard: 404
    made = run("webhooks", "set", "counter", "receipt", receiver.url)
    assert made["token"]
    assert made["signing_secret"].startswith("whsec_")
    assert run("webhooks", "test", "counter", "receipt") == {"ok": False, "status": 404, "cause": None}
    with here.db.write() as tx:
        service = services.ensure_service(tx, "counter", here.clock())
        webhooks.tell(tx, Kind.RECEIPT, webhooks.ended([(service, uuid4())]), here.clock())
    run_due(here)
    [event] = run("webhooks", "log", "counter")["events"]
    assert (event["state"], event["cause"]) == ("failed", "no_longer_kept")
    assert run("webhooks", "list")["webhooks"][0]["failed"] == 1
    assert run("webhooks", "replay", "counter", "--since", "2000-01-01T00:00+0800")["events"] == 1
    assert run("webhooks", "replay", "counter", "--kind", "inbound")["events"] == 0
    assert run("webhooks", "pause", "counter", "receipt")["changed"] is True
    assert run("webhooks", "pause", "counter", "receipt")["changed"] is False
    assert run("webhooks", "resume", "counter", "receipt")["state"] == "active"
    assert run("webhooks", "remove", "counter", "receipt")["state"] == "removed"
    assert run("webhooks", "list", "counter")["webhooks"] == []
    for words in (
        ("set", "nobody", "receipt", receiver.url),
        ("set", "counter", "receipt", "http://10.0.0.1/"),
    ):
        assert run("webhooks", *words).exit_code == 2
    with here.db.read() as tx:
        assert {row.actor for row in tx.execute(select(audit).where(audit.c.action == "webhook.set"))} == {
            actor()
        }

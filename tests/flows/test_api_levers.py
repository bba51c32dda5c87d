"""The levers through the API: their own scope, on record with the service, once for each Idempotency-Key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from gateway.app import create_app
from gateway.audit import audit
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import store as broadcasts
from gateway.cities import shipped
from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.levers import dead_letters
from gateway.notifications.pauses import Kind, paused
from gateway.notifications.request import Class
from gateway.providers import Cause, Rejected, Unknown
from gateway.services import store as services
from gateway.transactions import store
from tests.world import World

LANE = "sms.normal"
CAUSE = "failed/result/sms/bad"


@dataclass(slots=True, repr=False)
class Operator:
    """A service whose key may pull the levers."""

    world: World
    client: FlaskClient
    key: str

    @property
    def service(self) -> str:
        return self.key[-73:-37]

    def headers(self) -> dict[str, str]:
        claims = {"iss": self.service, "iat": int(self.world.clock.now.timestamp())}
        return {"Authorization": f"Bearer {jwt.encode(claims, self.key[-36:], 'HS256')}"}

    def post(self, path: str, once: str = "", **body: Any) -> Any:
        headers = self.headers() | ({"Idempotency-Key": once} if once else {})
        return self.client.post(f"/v2/ops{path}", data=json.dumps(body).encode(), headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/v2/ops{path}", headers=self.headers())

    def actions(self) -> list[tuple[str, str]]:
        with self.world.runtime.db.read() as tx:
            rows = tx.execute(select(audit).order_by(audit.c.number)).all()
        assert {row.actor for row in rows} <= {f"service {self.service}", "test"}
        return [(row.action, row.subject) for row in rows if row.actor != "test"]


def _operator(world: World, *scopes: str) -> Operator:
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, "control room", world.clock.now)
        key = services.create_key(tx, world.runtime.vault, service, "key", world.clock.now, scopes=scopes)
    return Operator(world, create_app(world.runtime).test_client(), key)


@pytest.fixture
def operator(world: World) -> Operator:
    return _operator(world, services.OPERATE)


def _dead(world: World, count: int) -> list[UUID]:
    world.settle(count)
    keys = world.take(count)
    world.provider.script = lambda _handover, _message: Rejected("bad", Cause.RECIPIENT)
    run_lane(world.runtime, LANE)
    return keys


def test_a_usual_key_pulls_no_lever(sqlite_world: World) -> None:
    """They reach every service's messages, so they need a scope that must be asked for."""
    usual = _operator(sqlite_world, *services.USUAL)
    for answer in (usual.get("/levers"), usual.post("/pause", kind="lane", name=LANE)):
        assert answer.status_code == 403
        assert answer.json["errors"][0]["message"] == "This API key has no scope operate"


def test_a_lane_is_held_still_and_let_go_on_record(operator: Operator) -> None:
    """The second pull changes nothing and is not written down twice."""
    assert operator.post("/pause", kind="lane", name=LANE).json["changed"]
    assert not operator.post("/pause", kind="lane", name=LANE).json["changed"]
    held = {one["name"]: one for one in operator.get("/levers").json["levers"] if one["paused_since"]}
    assert held[LANE]["paused_by"] == f"service {operator.service}"
    assert operator.post("/resume", kind="lane", name=LANE).json["state"] == "running"
    assert operator.actions() == [("lane.pause", LANE), ("lane.resume", LANE)]
    assert LANE in operator.world.wakes.lanes
    with operator.world.runtime.db.read() as tx:
        assert not paused(tx, Kind.LANE)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/pause", {"kind": "lane", "name": "sms.fast"}, 404, "There is no lane called 'sms.fast'"),
        ("/pause", {"kind": "city", "name": "x"}, 400, "kind must be one of lane, provider, broadcast"),
        ("/pause", {"kind": "lane"}, 400, "name is a required property"),
        ("/cancel", {"kind": "notification", "name": "x"}, 404, "There is no message of the notification"),
        ("/replays", {"cause": "failed", "dry_run": True}, 400, "cause 'failed' is no cause"),
        ("/replays", {"cause": CAUSE}, 400, "dry_run is a required property"),
    ],
)
def test_what_is_wrong_is_named(
    path: str, body: dict[str, Any], status: int, said: str, operator: Operator
) -> None:
    answer = operator.post(path, **body)
    assert answer.status_code == status
    assert answer.json["errors"][0]["message"].startswith(said)


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cancel", {"kind": "reference", "name": "1"}),
        ("/replays", {"cause": CAUSE, "dry_run": True}),
        ("/routes/clear", {"channel": "sms"}),
        ("/routes", {"channel": "sms", "weights": {"scripted": 1}, "seconds": 60, "why": "x"}),
    ],
)
def test_what_no_database_takes_is_refused(
    operator: Operator, path: str, body: dict[str, Any], odd: str
) -> None:
    """It is the caller's mistake and said so; nothing falls over it."""
    name = list(body)[1 if path == "/cancel" else -1 if path == "/routes" else 0]
    found = operator.post(path, **{**body, name: str(body[name]) + odd})
    assert found.status_code == 400
    assert "control characters" in found.json["errors"][0]["message"]


def test_a_message_is_withdrawn_and_goes_out_no_more(operator: Operator) -> None:
    """By its id; the ledger adds up."""
    world = operator.world
    world.settle(2)
    first, _ = world.take(2)
    found = operator.post("/cancel", kind="notification", name=str(first)).json
    assert (found["withdrawn"], found["stopped"], found["too_late"]) == (1, 0, 0)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"cancelled": 1, "accepted": 1}
    assert operator.actions() == [("notification.cancel", str(first))]
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)


def test_whatever_waits_of_a_transaction_is_withdrawn(operator: Operator) -> None:
    """One being found out goes out no more; what was handed over stays as it is."""
    world = operator.world
    world.settle(1)
    with world.runtime.db.write() as tx:
        about = store.create(tx, world.runtime, "card_loss", "api", None, world.clock())
        reference = store.load(tx, world.runtime, about.id).row.reference
    world.take(1, transaction_id=about.id)
    run_lane(world.runtime, LANE)
    world.provider.script = lambda _handover, _message: Unknown("timeout")
    world.take(1, transaction_id=about.id)
    run_lane(world.runtime, LANE)
    world.take(1, transaction_id=about.id)
    found = operator.post("/cancel", kind="reference", name=reference).json
    assert (found["withdrawn"], found["stopped"], found["too_late"]) == (1, 1, 1)
    world.clock.advance(minutes=10)
    run_lane(world.runtime, LANE)
    assert world.statuses() == {"accepted": 1, "unknown": 1, "cancelled": 1}


def test_a_broadcast_is_cancelled_by_whoever_operates(operator: Operator) -> None:
    """Not only by the service that made it; a finished one cannot be, and says so."""
    world = operator.world
    world.settle(2)
    now = world.clock.now
    keys = {"template": "policy/retirement_age", "audience": {}}
    definition = definitions.read(keys, shipped()["changde"].rules_now(now), now)
    with world.runtime.db.write() as tx:
        key = broadcasts.create(tx, world.runtime, definition, "test", counted=2)
    assert operator.post("/cancel", kind="broadcast", name=str(key)).status_code == 200
    with world.runtime.db.read() as tx:
        assert broadcasts.find(tx, key).state == "cancelled"
    refused = operator.post("/resume", kind="broadcast", name=str(key))
    assert refused.status_code == 409
    assert refused.json["errors"][0]["message"].startswith("A broadcast that is cancelled cannot resume")


def test_a_dry_run_names_whom_a_replay_would_write_to_twice(operator: Operator) -> None:
    """Masked, with the reference; and changes nothing."""
    world = operator.world
    keys = _dead(world, 3)
    assert operator.get("/dead-letters").json["dead_letters"][0]["cause"] == CAUSE
    with world.runtime.db.write() as tx:
        mine = attempts.c.notification_id == keys[0]
        tx.execute(update(attempts).where(mine).values(outcome="unknown"))
    plan = operator.post("/replays", cause=CAUSE, dry_run=True).json
    assert (plan["fresh"], plan["again"], plan["late"]) == (2, 1, 0)
    [second] = plan["would_get_a_second"]
    person = next(
        one for one in world.people if f"{one.mobile[:3]}****{one.mobile[-4:]}" == second["address"]
    )
    assert second["notification"] == str(keys[0])
    assert second["name"][0] == person.name[0]
    assert person.name not in json.dumps(plan, ensure_ascii=False)
    assert len(world.rows()) == 3
    assert operator.actions() == []


def test_a_replay_is_done_once_for_its_key_however_often_it_is_asked_for(operator: Operator) -> None:
    """The same answer comes back, and nobody is written to twice."""
    world = operator.world
    _dead(world, 3)
    key = str(uuid4())
    first = operator.post("/replays", once=key, cause=CAUSE, dry_run=False)
    again = operator.post("/replays", once=key, cause=CAUSE, dry_run=False)
    assert first.json == again.json
    assert (first.json["taken"], first.json["left"]) == (3, 0)
    assert len(world.rows()) == 6
    assert operator.actions() == [("dead.replay", CAUSE), ("dead.replayed", f"3 {CAUSE}")]


def test_a_long_replay_goes_some_at_a_time_and_says_what_is_left(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit for each request; none goes twice."""
    monkeypatch.setattr(dead_letters, "AT_ONCE", 2)
    _dead(operator.world, 3)
    answers = [operator.post("/replays", cause=CAUSE, dry_run=False).json for _ in range(3)]
    assert [(one["taken"], one["left"]) for one in answers] == [(2, 1), (1, 0), (0, 0)]
    assert {row.klass for row in operator.world.rows()} == {Class.RESULT}


def test_a_weight_is_another_for_a_while_and_back_at_once(operator: Operator) -> None:
    """On record with its reason; a provider that is none is named."""
    wanted: Any = {"channel": "sms", "weights": {"scripted": 5}, "seconds": 3600, "why": "load test"}
    assert operator.post("/routes", **wanted).json["until"] == "2026-11-21T09:05:00+00:00"
    [route] = operator.get("/routes").json["routes"]
    assert (route["weight"], route["override"]["weight"], route["override"]["why"]) == (1, 5, "load test")
    assert operator.post("/routes/clear", channel="sms").json["cleared"] == 1
    assert operator.get("/routes").json["routes"][0]["override"] is None
    assert [action for action, _ in operator.actions()] == ["route.set", "route.clear"]
    strange = operator.post("/routes", **{**wanted, "weights": {"pigeon": 1}})
    assert strange.status_code == 404
    assert strange.json["errors"][0]["message"] == "sms has no provider 'pigeon'; it has scripted."


def test_the_levers_stand_in_the_document(sqlite_world: World) -> None:
    """Each route with its forms."""
    document: Any = create_app(sqlite_world.runtime).test_client().get("/docs/openapi.json").json
    mine = {
        path.removeprefix("/v2/ops/")
        for path, item in document["paths"].items()
        if any(one["tags"] == ["levers"] for one in item.values() if isinstance(one, dict))
    }
    held = {"levers", "pause", "resume", "cancel"}
    assert mine == {*held, "dead-letters", "replays", "routes", "routes/clear"}

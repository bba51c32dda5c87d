"""Services, keys, senders and guests through the API: made once, on record, and heeded at the door."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.audit import audit
from gateway.services import guests, senders, store
from gateway.services.store import OPERATE, USUAL
from tests.world import World


class Operator:
    """A service whose key may manage the others."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client: FlaskClient = create_app(world.runtime).test_client()
        with world.runtime.db.write() as tx:
            owner = store.ensure_service(tx, "control room", world.clock.now)
            self.key = store.create_key(
                tx, world.runtime.vault, owner, "key", world.clock.now, scopes=[OPERATE]
            )

    def headers(self, key: str = "") -> dict[str, str]:
        key = key or self.key
        claims = {"iss": key[-73:-37], "iat": int(self.world.clock.now.timestamp())}
        return {"Authorization": f"Bearer {jwt.encode(claims, key[-36:], 'HS256')}"}

    def post(self, path: str, once: str = "", **body: Any) -> Any:
        headers = self.headers() | ({"Idempotency-Key": once} if once else {})
        return self.client.post(f"/v2/ops{path}", data=json.dumps(body).encode(), headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/v2/ops{path}", headers=self.headers())

    def opens(self, key: str) -> tuple[int, str]:
        """What a usual route says to a key."""
        answer: Any = self.client.get("/v2/transaction-types", headers=self.headers(key))
        return answer.status_code, "" if answer.status_code == 200 else answer.json["errors"][0]["message"]

    def actions(self) -> list[str]:
        with self.world.runtime.db.read() as tx:
            rows = tx.execute(select(audit.c.action).where(audit.c.actor != "test").order_by(audit.c.number))
            return list(rows.scalars())


@pytest.fixture
def operator(world: World) -> Operator:
    return Operator(world)


@pytest.fixture
def alone(sqlite_world: World) -> Operator:
    return Operator(sqlite_world)


def test_a_key_lives_from_its_making_through_a_rotation_to_its_end(operator: Operator) -> None:
    """Made with its service, it opens; rotated, both open for the overlap; revoked, it opens no more."""
    service = operator.post("/services", name="Pension office").json
    made = operator.post(f"/services/{service['id']}/keys", name="counter-3")
    assert (made.status_code, made.json["state"], made.json["scopes"]) == (201, "active", sorted(USUAL))
    first = made.json["api_key"]
    assert first.startswith(f"counter-3-{service['id']}-")
    assert operator.opens(first) == (200, "")
    second = operator.post(f"/keys/{made.json['id']}/rotate", overlap_hours=1).json
    assert (operator.opens(first), operator.opens(second["api_key"])) == ((200, ""), (200, ""))
    again = operator.post(f"/keys/{made.json['id']}/rotate", overlap_hours=1)
    assert (again.status_code, again.json["errors"][0]["message"].count("Rotate the one")) == (409, 1)
    operator.world.clock.advance(hours=1)
    assert operator.opens(first) == (403, "Invalid token: API key revoked")
    assert [operator.post(f"/keys/{second['id']}/revoke").json["changed"] for _ in range(2)] == [True, False]
    assert operator.opens(second["api_key"]) == (403, "Invalid token: API key revoked")
    shown = operator.get(f"/services/{service['id']}").json
    assert {one["state"] for one in shown["api_keys"]} == {"ended", "revoked"}
    assert operator.actions() == ["service.create", "api_key.create", "api_key.rotate", "api_key.revoke"]


def test_a_secret_is_told_once(alone: Operator) -> None:
    """A repeated request makes no second key and does not hear the first one's secret; nobody else does."""
    service = alone.post("/services", name="Pension office").json["id"]
    path = f"/services/{service}/keys"
    first, again = (alone.post(path, once="k", name="counter", type="test").json for _ in range(2))
    assert again == {**first, "api_key": None}
    secret = first["api_key"][-36:]
    told = [alone.get(where).text for where in ("/services", f"/services/{service}")]
    assert not any(secret in text for text in told)
    with alone.world.runtime.db.read() as tx:
        kept = tx.execute(select(store.api_keys.c.secret)).scalars().all()
    assert len(kept) == 2
    assert not any(secret.encode() in one for one in kept)


def test_an_archived_service_is_closed_until_it_is_restored(alone: Operator) -> None:
    """Its keys open nothing, and the same keys open again."""
    service = alone.post("/services", name="Pension office").json["id"]
    key = alone.post(f"/services/{service}/keys", name="counter").json["api_key"]
    changed = [alone.post(f"/services/{service}/archive").json for _ in range(2)]
    assert [(one["state"], one["changed"]) for one in changed] == [("archived", True), ("archived", False)]
    assert alone.opens(key) == (403, "Invalid token: service is archived")
    assert alone.post(f"/services/{service}/restore").json["state"] == "active"
    assert alone.opens(key) == (200, "")


def test_limits_change_one_by_one_and_hold_at_the_door(alone: Operator) -> None:
    """What is not named stays."""
    service = alone.post("/services", name="Pension office").json["id"]
    key = alone.post(f"/services/{service}/keys", name="counter").json["api_key"]
    alone.post(f"/services/{service}/limits", per_day={"sms": 7})
    shown = alone.post(f"/services/{service}/limits", per_minute=2).json
    assert shown["per_minute"] == 2
    assert shown["per_day"] == {"sms": 7, "email": store.PER_DAY, "voice": store.PER_DAY}
    assert [alone.opens(key)[0] for _ in range(3)] == [200, 200, 429]


def test_senders_and_guests_are_the_services_own(operator: Operator) -> None:
    """Added once, masked where they are people, and taken back."""
    service = operator.post("/services", name="Pension office").json["id"]
    within, number = f"/services/{service}", "1069012345"
    sender = operator.post(f"{within}/senders", channel="sms", value=number, default=True, inbound=True)
    assert (sender.status_code, sender.json["value"]) == (201, number)
    other = operator.post("/services", name="Another").json["id"]
    for where, value in ((service, number), (other, number)):
        twice = operator.post(f"/services/{where}/senders", channel="sms", value=value, inbound=True)
        assert twice.status_code == 409
    people = [("13800138000", "team"), ("+86 138 0013 8000", "guest"), ("Wang@example.cn", "guest")]
    added = [operator.post(f"{within}/guests", address=one, kind=kind).json for one, kind in people]
    assert [one["changed"] for one in added] == [True, False, True]
    shown = operator.get(within).json
    assert [(one["kind"], one["address"]) for one in shown["guest_list"]] == [
        ("team", "138****8000"),
        ("guest", "W***@example.cn"),
    ]
    with operator.world.runtime.db.read() as tx:
        vault = operator.world.runtime.vault
        assert guests.allows(tx, vault, UUID(service), store.TEAM, "+8613800138000")
        assert senders.owners(tx, vault, [number]) == {number: UUID(service)}
    gone = [operator.post(f"{within}/guests/remove", address="13800138000").json for _ in range(2)]
    assert [one["changed"] for one in gone] == [True, False]
    assert operator.post(f"/senders/{sender.json['id']}/archive").json["state"] == "archived"
    shown = operator.get(within).json
    assert (shown["sender_list"], len(shown["guest_list"])) == ([], 1)


def test_what_is_wrong_is_named_with_the_next_step(alone: Operator) -> None:
    """And nothing is changed or recorded."""
    own, none = f"/services/{alone.key[-73:-37]}", str(uuid4())
    table: list[tuple[str, dict[str, Any], int, str]] = [
        ("/services", {"name": "control room"}, 409, "A service is called 'control room' already."),
        ("/services", {"name": "<b>"}, 400, "name must begin with a letter or digit"),
        ("/services", {"name": none}, 400, "name must begin with a letter or digit"),
        ("/services/x/archive", {}, 404, "No result found"),
        (f"/services/{none}/archive", {}, 404, "There is no service called"),
        (f"{own}/limits", {"per_minute": 0}, 400, "per_minute must be from 1 to"),
        (f"{own}/limits", {"per_day": {"fax": 1}}, 400, "Additional properties are not allowed (per_day.fax"),
        (f"{own}/keys", {"name": "a b"}, 400, "name must have 1 to 80 letters"),
        (f"{own}/keys", {"name": "k", "type": "x"}, 400, "type is not one of [normal, team, test]"),
        (f"{own}/keys", {"name": "k", "scopes": ["all"]}, 400, "scopes.0 is not one of [send, read"),
        (f"{own}/keys", {"name": "k", "templates": [none]}, 400, "templates: there is no text"),
        (f"{own}/keys", {"name": "k", "senders": [none]}, 400, "senders: the service has no sender"),
        (f"/keys/{none}/rotate", {}, 404, "There is no key"),
        (f"/senders/{none}/archive", {}, 404, "There is no sender"),
        (f"{own}/senders", {"channel": "sms", "value": "【社保】"}, 400, "value must be a number, or a"),
        (f"{own}/senders", {"channel": "email", "value": "x"}, 400, "value: This is no e-mail address"),
        (
            f"{own}/senders",
            {"channel": "sms", "value": "社保", "inbound": True},
            400,
            "inbound is for numbers",
        ),
        (f"{own}/guests", {"address": "12333"}, 400, "address: This is a public service number"),
    ]
    for path, body, status, said in table:
        answer = alone.post(path, **body)
        assert answer.status_code == status, path
        assert answer.json["errors"][0]["message"].startswith(said)
        assert answer.json["errors"][0]["next_step"]
    assert alone.actions() == []


def test_a_usual_key_manages_nothing(alone: Operator) -> None:
    """Whoever makes keys can do everything, so it needs the scope that must be asked for."""
    service = alone.post("/services", name="Pension office").json["id"]
    alone.key = alone.post(f"/services/{service}/keys", name="usual").json["api_key"]
    for answer in (alone.get("/services"), alone.post("/services", name="x")):
        assert answer.status_code == 403
        assert answer.json["errors"][0]["message"] == "This API key has no scope operate"

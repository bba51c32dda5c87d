"""Limits at the door: a service's requests a minute and its messages a day, in the contract's words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.api.known import KEPT
from gateway.app import create_app
from gateway.content.store import templates
from gateway.services import store
from gateway.services.store import Limits
from gateway.traffic.meter import Meter
from gateway.traffic.shared import InProcess
from tests.world import World

PATH = "/v2/notifications/sms"
TOO_FAST = "Exceeded rate limit for key type {} of {} requests per 60 seconds"


class Service:
    """A service with small limits, asking for messages."""

    def __init__(self, world: World, *, per_minute: int = 1_000, per_day: int = 1_000) -> None:
        self.world = world
        self.client: FlaskClient = create_app(world.runtime).test_client()
        now = world.clock.now
        with world.runtime.db.write() as tx:
            self.id = store.ensure_service(tx, "counter", now)
            store.set_limits(tx, self.id, Limits(per_minute, {"sms": per_day}))
            self.keys = {
                kind: store.create_key(tx, world.runtime.vault, self.id, kind, now, type=kind)
                for kind in store.TYPES
            }
            named = (templates.c.name == "card_loss/failed") & (templates.c.channel == "sms")
            found = select(templates.c.id).where(named, templates.c.language == "zh-CN")
            self.template = str(tx.execute(found).scalar_one())

    def headers(self, kind: str) -> dict[str, str]:
        key, now = self.keys[kind], int(self.world.clock.now.timestamp())
        token = jwt.encode({"iss": key[-73:-37], "iat": now}, key[-36:], "HS256")
        return {"Authorization": f"Bearer {token}"}

    def post(self, body: Any = None, kind: str = "normal", **headers: str) -> Any:
        said = {"phone_number": "13800138000", "template_id": self.template} if body is None else body
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.client.post(PATH, data=data, headers={**self.headers(kind), **headers})

    def get(self, path: str, kind: str = "normal") -> Any:
        return self.client.get(path, headers=self.headers(kind))


def _said(answer: Any) -> tuple[int, str, str]:
    [problem] = answer.json["errors"]
    assert problem["next_step"]
    return answer.status_code, problem["error"], problem["message"]


def test_requests_are_limited_by_the_minute_for_each_type_of_key(sqlite_world: World) -> None:
    """Every /v2 route counts, each type of key by itself, and a bucket fills as the minute passes."""
    service = Service(sqlite_world, per_minute=6)
    for kind, word in (("normal", "LIVE"), ("team", "TEAM"), ("test", "TEST")):
        paths = ("/v2/transaction-types", f"/v2/broadcasts/{uuid4()}", f"/v2/notifications/{uuid4()}") * 2
        assert 429 not in [service.get(path, kind).status_code for path in paths]
        for path in paths:
            assert _said(service.get(path, kind)) == (429, "RateLimitError", TOO_FAST.format(word, 6))
    sqlite_world.clock.advance(seconds=10)
    assert [service.post().status_code for _ in range(2)] == [201, 429]


def test_messages_are_limited_by_the_citys_day(world: World) -> None:
    """Normal keys' messages count and test keys' do not; at midnight in Changde it begins anew."""
    service = Service(world, per_day=2)
    answers = [service.post(kind=kind).status_code for kind in ("normal", "test", "normal", "test")]
    assert answers == [201] * 4
    expected = (429, "TooManyRequestsError", "Exceeded send limits (sms: 2) for today")
    assert _said(service.post()) == expected
    assert service.post(kind="test").status_code == 201
    assert service.get("/v2/transaction-types").status_code == 200
    world.clock.now = world.clock.now.replace(hour=15, minute=59)
    assert _said(service.post()) == expected
    world.clock.advance(minutes=1)
    assert service.post().status_code == 201


def test_limits_are_asked_after_the_key_and_before_the_body(sqlite_world: World) -> None:
    """Auth, rate, day, JSON, schema: each is told before the next is looked at."""
    service = Service(sqlite_world, per_minute=3, per_day=1)
    assert service.client.post(PATH, data=b"{").status_code == 401
    assert service.post().status_code == 201
    assert _said(service.post(b"{"))[1] == "TooManyRequestsError"
    assert _said(service.post(b"{"))[1] == "TooManyRequestsError"
    assert _said(service.post(b"{"))[1] == "RateLimitError"


@pytest.mark.parametrize("bad", [b"{", {}, {"phone_number": "1", "template_id": str(uuid4())}])
def test_what_is_refused_costs_no_place_of_the_day(sqlite_world: World, bad: Any) -> None:
    """Nor does an answer that was given before."""
    service = Service(sqlite_world, per_day=2)
    assert [service.post(bad).status_code for _ in range(3)] == [400] * 3
    once = {"Idempotency-Key": "k"}
    assert [service.post(None, **once).status_code for _ in range(3)] == [201] * 3
    assert [service.post().status_code for _ in range(2)] == [201, 429]
    assert service.post(None, **once).status_code == 201


def test_a_batch_takes_a_place_for_each_message_it_takes(sqlite_world: World) -> None:
    """All of it or nothing when the day is nearly over; items that are refused cost no place."""
    service = Service(sqlite_world, per_day=3)

    def batch(*numbers: str) -> int:
        body = {"template_id": service.template, "items": [{"phone_number": one} for one in numbers]}
        path, data = "/v2/notifications/batch", json.dumps(body).encode()
        return service.client.post(path, data=data, headers=service.headers("normal")).status_code

    good = [f"1380013800{digit}" for digit in range(5)]
    assert batch(*good[:4]) == 429
    assert batch("12333", good[0], good[1]) == 201
    assert batch(good[2], good[3]) == 429
    assert [batch(good[2]), batch(good[3])] == [201, 429]


def test_a_process_that_begins_in_the_middle_of_a_day_counts_what_was_taken(world: World) -> None:
    """The books say how many: those of this service, of this day, of keys that send."""
    first = Service(world, per_day=3)
    world.clock.advance(days=-1)
    assert first.post().status_code == 201
    world.clock.advance(days=1)
    assert [first.post(kind=kind).status_code for kind in ("normal", "test", "normal")] == [201] * 3
    first.client = create_app(replace(world.runtime, meter=Meter(InProcess()))).test_client()
    assert [first.post().status_code for _ in range(2)] == [201, 429]


def test_a_raised_limit_holds_in_seconds(sqlite_world: World) -> None:
    """What was known of an account is kept that long and no longer."""
    service = Service(sqlite_world, per_day=0)
    assert service.post().status_code == 429
    with sqlite_world.runtime.db.write() as tx:
        store.set_limits(tx, service.id, Limits(1_000, {"sms": 1}))
    sqlite_world.clock.advance(seconds=KEPT / timedelta(seconds=1))
    assert service.post().status_code == 201

"""Who may call: every row of the contract's table, keys side by side, and what a key opens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from gateway.api.known import KEPT
from gateway.app import create_app
from gateway.services import store
from gateway.services.auth import CLOCK_SKEW
from gateway.services.store import SCOPES, api_keys
from tests.world import World

SKEWED = "Error: Your system clock must be accurate to within 30 seconds"
EXAMPLE = "Invalid token: make sure your API token matches the example at /docs"
REVOKED = "Invalid token: API key revoked"
TYPES, MESSAGE = "/v2/transaction-types", f"/v2/notifications/{uuid4()}"


class Door:
    """A service whose keys knock."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client: FlaskClient = create_app(world.runtime).test_client()
        self.key = self.new_key()

    def new_key(self, name: str = "counter", **options: Any) -> str:
        now = self.world.clock.now
        with self.world.runtime.db.write() as tx:
            service = store.ensure_service(tx, name, now)
            return store.create_key(tx, self.world.runtime.vault, service, "key", now, **options)

    def token(
        self, key: str = "", *, secret: str = "", algorithm: str = "HS256", **claims: Any
    ) -> dict[str, str]:
        """An Authorization header; a claim of None is left out."""
        key = key or self.key
        said = {"iss": key[-73:-37], "iat": int(self.world.clock.now.timestamp()), **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return {"Authorization": f"Bearer {jwt.encode(said, secret or key[-36:], algorithm)}"}

    def said(self, headers: Mapping[str, str], path: str = TYPES) -> tuple[int, str]:
        """The status and, of a refusal, the message; every refusal says the next step too."""
        answer = self.client.get(path, headers=dict(headers))
        body: Any = answer.json
        if answer.status_code == 200:
            return 200, ""
        assert all(one["next_step"] for one in body["errors"])
        assert body["status_code"] == answer.status_code
        return answer.status_code, f"{body['errors'][0]['message']}"

    def change(self, key: str, **values: Any) -> None:
        """Change the row of this key, found by its secret."""
        with self.world.runtime.db.write() as tx:
            account = store.account(tx, self.world.runtime.vault, UUID(key[-73:-37]))
            assert account
            [found] = [one.id for one in account.keys if one.secret == key[-36:]]
            tx.execute(update(api_keys).where(api_keys.c.id == found).values(**values))


@pytest.fixture
def door(sqlite_world: World) -> Door:
    return Door(sqlite_world)


def test_each_wrong_token_is_refused_in_the_contracts_words(door: Door) -> None:
    """The table of notify-api.md, row by row; on both doors, the one that remembers and the one that asks."""
    now = int(door.world.clock.now.timestamp())
    with door.world.runtime.db.write() as tx:
        keyless, archived = (store.ensure_service(tx, name, door.world.clock.now) for name in ("a", "b"))
        store.create_key(tx, door.world.runtime.vault, archived, "key", door.world.clock.now)
        tx.execute(update(store.services).where(store.services.c.id == archived).values(active=False))
    table: list[tuple[Mapping[str, str], int, str]] = [
        ({}, 401, "Unauthorized: authentication token must be provided"),
        ({"Authorization": "Basic abc"}, 401, "Unauthorized: authentication bearer scheme must be used"),
        ({"Authorization": "Bearer abc"}, 403, EXAMPLE),
        ({"Authorization": "Bearer "}, 403, EXAMPLE),
        ({"Authorization": "Bearer a.b.c"}, 403, EXAMPLE),
        (door.token(iss=None), 403, "Invalid token: iss field not provided"),
        (door.token(iss="x"), 403, "Invalid token: service id is not the right data type"),
        (door.token(iss=str(uuid4())), 403, "Invalid token: service not found"),
        (door.token(iss=str(keyless)), 403, "Invalid token: service has no API keys"),
        (door.token(iss=str(archived)), 403, "Invalid token: service is archived"),
        (door.token(iat=now - 31), 403, SKEWED),
        (door.token(iat=now + 31), 403, SKEWED),
        (door.token(iat=None), 403, SKEWED),
        (door.token(iat="soon"), 403, SKEWED),
        (door.token(secret="s" * 64, algorithm="HS512"), 403, "Invalid token: algorithm used is not HS256"),
        (door.token(secret=str(uuid4())), 403, "Invalid token: API key not found"),
    ]
    for path in (TYPES, MESSAGE):
        assert [door.said(headers, path) for headers, _, _ in table] == [row[1:] for row in table]


def test_the_clock_may_differ_by_thirty_seconds_and_be_written_in_three_ways(door: Door) -> None:
    """iat may be an int, a float or a numeric string, 30 s either way; so may exp and nbf."""
    now = door.world.clock.now.timestamp()
    for iat in (int(now) - 30, now + 29.5, str(int(now)), f"{now - 29.25}"):
        assert door.said(door.token(iat=iat)) == (200, "")
    assert door.said(door.token(exp=now - CLOCK_SKEW + 1, nbf=now + CLOCK_SKEW - 1)) == (200, "")
    for claims in ({"exp": now - CLOCK_SKEW - 1}, {"nbf": now + CLOCK_SKEW + 1}, {"exp": "never"}):
        assert door.said(door.token(**claims)) == (403, "Invalid token: token is not valid at this time")


def test_keys_of_a_service_work_side_by_side_until_each_ones_end(door: Door) -> None:
    """A replaced key works until its end and not a moment longer, a revoked one not at all."""
    replaced, revoked, other = door.key, door.new_key(), door.new_key(type=store.TEST)
    assert [door.said(door.token(key)) for key in (replaced, revoked, other)] == [(200, "")] * 3
    now = door.world.clock.now
    door.change(replaced, expires_at=now + timedelta(hours=1))
    door.change(revoked, revoked_at=now)
    told = [door.said(door.token(key)) for key in (replaced, revoked, other)]
    assert told == [(200, ""), (403, REVOKED), (200, "")]
    door.world.clock.advance(hours=1)
    assert door.said(door.token(replaced)) == (403, REVOKED)
    assert door.said(door.token(other)) == (200, "")


def test_a_key_ends_at_its_minute_also_where_it_is_remembered(door: Door) -> None:
    """The door of messages keeps accounts some seconds; a key's end is told by the clock all the same."""
    door.change(door.key, expires_at=door.world.clock.now + KEPT / 2)
    assert door.said(door.token(), MESSAGE) == (404, "No result found")
    door.world.clock.advance(seconds=KEPT.total_seconds() / 2)
    assert door.said(door.token(), MESSAGE) == (403, REVOKED)


def test_a_key_opens_the_routes_of_its_scopes_only(door: Door) -> None:
    """To see is `read`, to ask for messages is `send`; each group of routes has its own."""
    routes = {
        "read": ("GET", MESSAGE),
        "send": ("POST", "/v2/notifications/sms"),
        "transactions": ("GET", TYPES),
        "broadcasts": ("GET", f"/v2/broadcasts/{uuid4()}"),
        "webhooks": ("GET", "/v2/webhooks"),
        "operate": ("GET", "/v2/ops/levers"),
    }
    assert set(routes) == set(SCOPES)
    for scope in SCOPES:
        headers = door.token(door.new_key(scopes=[scope]))
        shut = set()
        for needed, (method, path) in routes.items():
            answer: Any = door.client.open(path, method=method, headers=headers)
            if answer.status_code == 403:
                assert answer.json["errors"][0]["message"] == f"This API key has no scope {needed}"
                shut.add(needed)
        assert shut == set(SCOPES) - {scope}

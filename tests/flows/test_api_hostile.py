"""Requests that are odd, too large, or taken for another: no fault of ours, no message too many."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

import pytest

from gateway.api import batch
from gateway.services import guests
from gateway.services.auth import authenticate
from tests.flows.test_api_messages import CALL_VALUES, MAIL, MAIL_VALUES, Messages
from tests.world import World


@pytest.fixture
def api(sqlite_world: World) -> Messages:
    return Messages(sqlite_world)


def test_a_whole_number_may_be_written_with_a_point(world: World) -> None:
    """2.0 is 2 in JSON: it is stored as such, whatever the database."""
    api = Messages(world)
    assert api.call(play_times=2.0, personalisation=CALL_VALUES).status_code == 201
    assert [row.plays for row in world.rows()] == [2]


def test_a_deep_issuer_is_refused_like_any_other(api: Messages) -> None:
    """An unsigned token of any depth is no fault of ours, however it was read before."""
    head, signature = ("eyJhbGciOiJIUzI1NiJ9", "A" * 43)  # {"alg":"HS256"}
    for depth in range(500, 1000, 7):
        claims = b'{"iss":' + b"[" * depth + b"]" * depth + b"}"
        token = f"{head}.{urlsafe_b64encode(claims).decode().rstrip('=')}.{signature}"
        authenticate(lambda _: None, f"Bearer {token}", api.world.clock.now)  # read with room to spare
        answer = api.client.get("/v2/notifications", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403, depth


def test_an_idempotency_key_used_with_a_test_key_stands_for_no_real_message(api: Messages) -> None:
    """What was only played is not answered as sent."""
    test, once = api.new_key("counter", type="test"), {"Idempotency-Key": "k"}
    played = [api.post(api.body(), test, **once) for _ in range(2)]
    assert [one.status_code for one in played] == [201, 201]
    assert played[0].json == played[1].json
    assert api.post(api.body(), **once).status_code == 422
    assert len(api.world.rows()) == 1


@pytest.mark.parametrize("kind", ["test", "team"])
def test_only_a_normal_key_begins_what_reaches_others(api: Messages, kind: str) -> None:
    """Transactions and broadcasts play nothing: keys of other types may look at them."""
    key = api.new_key("counter", type=kind)
    for path in ("/v2/transactions", "/v2/broadcasts"):
        refused: Any = api.client.post(path, data=b"{}", headers=api.headers(key))
        assert (refused.status_code, refused.json["errors"][0]["error"]) == (403, "AuthError")
        assert api.client.post(path, data=b"{}", headers=api.headers()).status_code == 400
    assert api.get("/v2/broadcasts", key).status_code == 200


def test_what_a_batch_shares_is_bounded_by_its_messages(api: Messages) -> None:
    """A few megabytes cannot become gigabytes."""
    long = "x" * (batch.LARGEST // 500)
    body = {"template_id": api.template(MAIL, "email"), "personalisation": {**MAIL_VALUES, "bank": long}}
    [item] = [{"email_address": "wang@example.cn"}]
    assert api.ask("batch", {**body, "items": [item]}).json["taken"] == 1
    [(error, said)] = api.errors(api.ask("batch", {**body, "items": [item] * 600}))
    assert (error, said) == ("BadRequestError", "The values all messages share are too long for 600 messages")


def test_two_spellings_of_a_guests_mailbox_are_one_guest(api: Messages) -> None:
    """A batch of a team key writes to both."""
    key, world = api.new_key("counter", type="team"), api.world
    with world.runtime.db.write() as tx:
        owner: UUID = api.owner()
        guests.add(tx, world.runtime.vault, owner, "team", "wang@example.cn", world.clock.now)
    items = [{"email_address": one} for one in ("Wang@example.cn", "wang@example.cn")]
    body = {"template_id": api.template(MAIL, "email"), "personalisation": MAIL_VALUES, "items": items}
    assert api.ask("batch", body, key).json["taken"] == 2


def test_a_status_named_a_thousand_times_is_asked_for_once(api: Messages) -> None:
    assert api.get("/v2/notifications?" + "status=permanent-failure&" * 1_000).status_code == 200

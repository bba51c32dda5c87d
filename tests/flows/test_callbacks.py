"""The door for providers: it tells strangers nothing, takes what is genuine once, and applies none of it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.callbacks.views import LARGEST, LARGEST_OF
from gateway.delivery import receipts
from gateway.delivery.attempt import run_lane
from tests.contract import contract_vectors as vectors
from tests.contract.test_providers import KIND, REPORTERS, as_it_is
from tests.world import Scripted, World

DOOR = "/callbacks/scripted/callback-secret/sms-report"


@pytest.fixture
def door(sqlite_world: World) -> FlaskClient:
    return create_app(sqlite_world.runtime).test_client()


def _waiting(world: World) -> dict[str, int]:
    with world.runtime.db.read() as tx:
        return dict(receipts.waiting(tx))


def test_a_report_is_kept_and_acknowledged_and_applied_by_workers(
    sqlite_world: World, door: FlaskClient
) -> None:
    """Whatever content type it comes under: the door reads no word of it."""
    sqlite_world.settle(1)
    sqlite_world.take()
    run_lane(sqlite_world.runtime, "sms.normal")
    body = sqlite_world.provider.report(0).body
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense", ""):
        answer = door.post(DOOR, data=body, content_type=kind)
        assert (answer.status_code, answer.text) == (200, "ok")
    assert (sqlite_world.statuses(), _waiting(sqlite_world)) == ({"accepted": 1}, {"new": 1})
    assert sqlite_world.wakes.lanes.count(receipts.LANE) == 1
    receipts.apply_due(sqlite_world.runtime)
    assert sqlite_world.statuses() == {"delivered": 1}


def test_a_stranger_learns_neither_providers_nor_kinds(door: FlaskClient) -> None:
    """A wrong secret, an unknown provider, a kind it does not push: the same answer, word for word."""
    paths = (
        "/callbacks/scripted/wrong/sms-report",
        "/callbacks/nobody/callback-secret/sms-report",
        "/callbacks/scripted/callback-secret/email-report",
        "/callbacks/scripted/callback-secret/sms-report/more",
        "/callbacks/nobody/wrong/none",
    )
    answers = {(answer.status_code, answer.text) for answer in (door.post(path, data=b"x") for path in paths)}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_any_other_method_is_refused_alike_for_right_and_wrong_paths(door: FlaskClient, method: str) -> None:
    """It tells nothing either."""
    answers = [door.open(path, method=method.upper()) for path in (DOOR, "/callbacks/nobody/wrong/none")]
    assert [answer.status_code for answer in answers] == [405, 405]
    assert answers[0].text == answers[1].text


def test_who_is_not_the_provider_is_refused_and_nothing_is_kept(
    sqlite_world: World, door: FlaskClient
) -> None:
    """The secret alone is not enough; a check that stumbles over a body refuses it."""
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert door.post(DOOR, data=b"[]", environ_overrides=elsewhere).status_code == 403

    class Stumbling(Scripted):
        def verify(self, callback: Any) -> bool:
            raise ValueError("a bug")

    sqlite_world.runtime = replace(sqlite_world.runtime, providers={"scripted": Stumbling()})
    stumbling = create_app(sqlite_world.runtime).test_client()
    assert stumbling.post(DOOR, data=b"[]").status_code == 403
    assert _waiting(sqlite_world) == {}


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_push_beyond_its_channel_s_size_is_refused(sqlite_world: World, channel: str) -> None:
    """One million bytes of receipts, twelve of a mail that came back."""
    provider = Scripted()
    provider.channel = channel
    sqlite_world.runtime = replace(sqlite_world.runtime, providers={"scripted": provider})
    door = create_app(sqlite_world.runtime).test_client()
    largest = b"x" * LARGEST_OF.get(channel, LARGEST)
    assert door.post(DOOR, data=largest).status_code == 200
    assert door.post(DOOR, data=largest + b"x").status_code == 413
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}  # as gunicorn says it
    for more, status in ((b"x", 413), (b"", 200)):  # its length is known only at its end
        pushed = door.post(DOOR, input_stream=BytesIO(largest + more), environ_overrides=chunked)
        assert pushed.status_code == status
    assert _waiting(sqlite_world) == {"new": 1}


@pytest.fixture(params=REPORTERS)
def real(request: pytest.FixtureRequest, sqlite_world: World) -> tuple[FlaskClient, list[str]]:
    """A real provider's doors, and requests that come from where that provider is."""
    name: str = request.param
    provider = vectors.build(KIND, name, "http://127.0.0.1:1", as_it_is)
    runtime = replace(sqlite_world.runtime, providers={name: provider})
    door = create_app(runtime).test_client()
    genuine = (case for case in vectors.load(KIND, name)["verify"] if case["genuine"])
    door.environ_base["REMOTE_ADDR"] = next(genuine).get("remote") or "127.0.0.1"
    return door, [f"/callbacks/{name}/callback-secret/{kind}" for kind in sorted(provider.reports)]


@given(body=st.binary(max_size=300), headers=st.sampled_from([{}, {"X-Twilio-Signature": "ü="}]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_breaks_the_door(
    real: tuple[FlaskClient, list[str]], body: bytes, headers: dict[str, str]
) -> None:
    """Every provider's own check, on bytes that are nothing: taken or refused, never an error."""
    door, paths = real
    for path in paths:
        answer = door.post(f"{path}?handover=%00&bodySHA256=x", data=body, headers=headers)
        assert answer.status_code in (200, 403)

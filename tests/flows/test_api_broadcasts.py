"""Broadcasts through the API: counted, started, steered, one's own alone; refusals name the next step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.broadcasts.expand import run_due
from gateway.delivery.attempt import run_lane
from gateway.services import store as services
from tests.world import World

TEMPLATE = "policy/retirement_age"
LIST = {"template": TEMPLATE, "recipients": [{"phone_number": "13800138000", "name": "王芳"}]}


@dataclass(slots=True, repr=False)
class Service:
    """A service with its key, calling the application."""

    world: World
    client: FlaskClient
    key: str

    def headers(self) -> dict[str, str]:
        claims = {"iss": self.key[-73:-37], "iat": int(self.world.clock.now.timestamp())}
        return {"Authorization": f"Bearer {jwt.encode(claims, self.key[-36:], 'HS256')}"}

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            path, data=json.dumps(body or {}).encode(), headers={**self.headers(), **headers}
        )

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers())

    def draft(self, body: Any = None, **headers: str) -> Any:
        return self.post("/v2/broadcasts", body or {"template": TEMPLATE, "audience": {}}, **headers)

    def work(self) -> None:
        for _ in range(3):
            run_due(self.world.runtime)
            run_lane(self.world.runtime, "sms.bulk")
            self.world.clock.advance(seconds=2)


def _service(world: World, name: str = "counter", **options: Any) -> Service:
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, name, world.clock.now)
        key = services.create_key(tx, world.runtime.vault, service, "key", world.clock.now, **options)
    return Service(world, create_app(world.runtime).test_client(), key)


@pytest.fixture
def service(sqlite_world: World) -> Service:
    sqlite_world.settle(12)
    return _service(sqlite_world)


def _problems(response: Any) -> list[str]:
    assert response.json["status_code"] == response.status_code
    assert all(item["next_step"] for item in response.json["errors"])
    return [item["message"] for item in response.json["errors"]]


def test_a_draft_is_counted_and_goes_when_it_is_started(service: Service) -> None:
    """Nothing goes before the start; then everybody of the audience is written to."""
    made = service.draft()
    assert (made.status_code, made.json["state"], made.json["audience"]) == (201, "draft", 12)
    counted = made.json["counted"]
    assert sum(row["people"] for row in counted["by_district"]) == counted["people"] == 12
    service.work()
    assert service.world.rows() == []
    path = f"/v2/broadcasts/{made.json['id']}"
    started = service.post(f"{path}/start")
    assert (started.status_code, started.json["state"]) == (200, "running")
    assert "broadcasts" in service.world.wakes.lanes
    service.work()
    shown = service.get(path).json
    assert (shown["state"], shown["taken"], shown["by_status"]) == ("finished", 12, {"accepted": 12})
    assert shown["finished_at"]


def test_a_shipped_broadcast_is_asked_for_by_its_name(service: Service) -> None:
    """What else is said takes its place."""
    made = service.draft({"name": "retirement_age", "audience": {"sex": "male"}, "pace": 600}).json
    assert made["template"] == TEMPLATE
    assert made["audience"] == sum(person.sex == "male" for person in service.world.people)
    assert made["counted"]["estimated_s"] == round(made["audience"] / 10)


def test_a_list_is_taken_with_its_repeated_numbers_once(service: Service) -> None:
    """The draft says how many there were; the message goes out with the masked name."""
    recipients = [*LIST["recipients"], {"phone_number": "+86 138 0013 8000"}, {"phone_number": "13900139000"}]
    made = service.draft({**LIST, "recipients": recipients}).json
    assert (made["audience"], made["duplicates"]) == (2, 1)
    service.post(f"/v2/broadcasts/{made['id']}/start")
    service.work()
    texts = {message.address: message.text for _, message in service.world.provider.took}
    assert texts.keys() == {"+8613800138000", "+8613900139000"}
    assert texts["+8613800138000"].startswith("王*，")


def test_pausing_resuming_and_cancelling_are_one_call_each(service: Service) -> None:
    """Each answers how the broadcast stands, and what cannot be done now says what can."""
    path = f"/v2/broadcasts/{service.draft().json['id']}"
    words = [("start", "running"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]
    for action, state in words:
        assert service.post(f"{path}/{action}").json["state"] == state
    refused = service.post(f"{path}/start")
    assert refused.status_code == 409
    assert _problems(refused) == ["A broadcast that is cancelled cannot start"]
    assert service.post(f"{path}/fly").status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"template": TEMPLATE}, "audience or recipients is a required property"),
        ({"template": "card_loss/code", "audience": {}}, "template must be a text under policy/"),
        ({"template": "policy/nothing", "audience": {}}, "template policy/nothing has no text for sms"),
        ({"name": "nothing"}, "name There is no broadcast called 'nothing'; there are retirement_age"),
        ({**LIST, "audience": {}}, "recipients and audience cannot both be given"),
        ({**LIST, "recipients": []}, "recipients must have 1 to 10,000 recipients"),
        ({**LIST, "recipients": [{}]}, "recipients.0.phone_number is a required property"),
        ({**LIST, "channel": "email"}, "channel a list of mobiles does not go by email"),
        (
            {**LIST, "then": {"channel": "voice", "older_than": 58}},
            "then.older_than nobody's age is known",
        ),
        ({"template": TEMPLATE, "audience": {"age_from": "x"}}, "audience.age_from must be a whole number"),
        ({"template": TEMPLATE, "audience": {"districts": ["1"]}}, "audience.districts '1' is no district"),
        ({"template": TEMPLATE, "audience": {}, "x": 1}, "Additional properties are not allowed (x was"),
    ],
)
def test_a_wrong_draft_is_refused_with_the_key(service: Service, body: dict[str, Any], said: str) -> None:
    """Nothing is stored, and the next step is named."""
    response = service.draft(body)
    assert response.status_code == 400
    assert _problems(response)[0].startswith(said)
    assert service.get("/v2/broadcasts").json == {"broadcasts": []}


def test_bad_numbers_are_named_by_their_place_and_not_repeated(service: Service) -> None:
    """The first twenty and how many more there are."""
    recipients = [{"phone_number": f"99{number:05}"} for number in range(30)]
    response = service.draft({**LIST, "recipients": recipients})
    said = _problems(response)
    assert len(said) == 21
    assert said[0].startswith("recipients.0.phone_number This is no mobile number")
    assert said[20] == "recipients 10 more are wrong"
    assert "9900000" not in response.text


def test_another_services_broadcast_is_not_found(service: Service) -> None:
    """What belongs to another service looks like what does not exist."""
    key = service.draft().json["id"]
    other = _service(service.world, "other")
    answers = [other.get(f"/v2/broadcasts/{one}") for one in (key, key[:-1] + "x", "x")]
    answers.append(other.post(f"/v2/broadcasts/{key}/cancel"))
    assert {answer.status_code for answer in answers} == {404}
    assert other.get("/v2/broadcasts").json["broadcasts"] == []
    assert len(service.get("/v2/broadcasts").json["broadcasts"]) == 1


def test_a_key_without_the_scope_is_refused(service: Service) -> None:
    """A key for transactions opens no broadcasts."""
    other = _service(service.world, scopes=["transactions"])
    assert _problems(other.get("/v2/broadcasts")) == ["This API key has no scope broadcasts"]


def test_the_same_idempotency_key_makes_one_draft(service: Service) -> None:
    """Repeated after a lost answer, the stored one comes back."""
    answers = [service.draft(**{"Idempotency-Key": "k"}).json for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(service.get("/v2/broadcasts").json["broadcasts"]) == 1


def test_the_documentation_describes_it(service: Service) -> None:
    """Routes, keys and what comes back."""
    document: Any = service.client.get("/docs/openapi.json").json
    assert {
        "/v2/broadcasts",
        "/v2/broadcasts/{key}",
        "/v2/broadcasts/{key}/start",
        "/v2/broadcasts/{key}/cancel",
    } <= document["paths"].keys()
    assert {"audience", "recipients", "then", "pace"} <= document["components"]["schemas"]["NewBroadcast"][
        "properties"
    ].keys()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_BODY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("retirement_age") | _JSON,
        "template": st.just(TEMPLATE) | _JSON,
        "channel": st.just("voice") | _JSON,
        "pace": _JSON,
        "audience": st.fixed_dictionaries(
            {}, optional={"age_from": _JSON, "districts": _JSON, "sex": st.just("f") | _JSON}
        ),
        "then": st.fixed_dictionaries({"channel": st.just("voice")}, optional={"older_than": _JSON}) | _JSON,
        "recipients": st.lists(
            st.fixed_dictionaries({"phone_number": st.just("13800138000") | _JSON}, optional={"name": _JSON}),
            max_size=2,
        ),
    },
)


@given(body=_BODY | _JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_the_api_stumble(service: Service, body: Any) -> None:
    """Whatever comes in, the answer is one of ours."""
    assert service.post("/v2/broadcasts", body).status_code in (201, 400)

"""The systems' API: what is refused and how, idempotency, and its documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from gateway.app import create_app
from gateway.notifications import store as notifications
from gateway.services import store as services
from gateway.transactions import registry
from gateway.transactions.store import transactions
from tests.world import World

WRONG_ID = "430702196002290339"


@dataclass(slots=True, repr=False)
class Api:
    """A service with its key, calling the application."""

    world: World
    client: FlaskClient
    key: str

    def headers(self, **claims: Any) -> dict[str, str]:
        now = int(self.world.clock.now.timestamp())
        token = jwt.encode({"iss": self.key[-73:-37], "iat": now, **claims}, self.key[-36:], "HS256")
        return {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.client.post(path, data=data, headers={**self.headers(), **headers})

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers())

    def body(self, number: int = 0, **proof: str) -> dict[str, Any]:
        person = self.world.people[number]
        return {
            "type": "card_loss",
            "answers": {"id_number": person.id_number, "name": person.name},
            "proof": {"method": "code", **proof},
        }

    def count(self) -> int:
        with self.world.runtime.db.read() as tx:
            return tx.execute(select(func.count()).select_from(transactions)).scalar_one()

    def code(self) -> str:
        row = [row for row in self.world.rows() if row.klass == "code"][-1]
        return str(notifications.personalisation(self.world.runtime, row.id, row.personalisation)["code"])


def _key(world: World, name: str, **options: Any) -> str:
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, name, world.clock.now)
        return services.create_key(tx, world.runtime.vault, service, "key", world.clock.now, **options)


def _api(world: World) -> Api:
    world.settle(3)
    app: Flask = create_app(world.runtime)
    return Api(world, app.test_client(), _key(world, "counter"))


@pytest.fixture
def api(sqlite_world: World) -> Api:
    return _api(sqlite_world)


@pytest.fixture
def api_on_both(world: World) -> Api:
    return _api(world)


# --- the main line -----------------------------------------------------------------------------


def test_a_service_begins_proves_and_sees_the_transaction(api: Api) -> None:
    """POST → code to the citizen → proof → submitted, under one reference."""
    begun = api.post("/v2/transactions", api.body())
    assert (begun.status_code, begun.json["state"]) == (201, "identity_pending")
    path = f"/v2/transactions/{begun.json['reference']}"
    proven = api.post(f"{path}/proof", {"code": api.code()})
    assert (proven.status_code, proven.json["state"]) == (200, "submitted")
    assert "transactions" in api.world.wakes.lanes
    assert api.get(path).json["state"] == "submitted"


def test_an_attested_identity_is_recorded_and_submits_at_once(api: Api) -> None:
    """A service that checked the identity says how; its words stand in the timeline."""
    begun = api.post("/v2/transactions", api.body(method="attested", by="counter 3, ID card seen"))
    assert begun.json["state"] == "submitted"
    assert {"attested", "counter 3, ID card seen"} <= {
        word for event in begun.json["timeline"] for word in event.values()
    }


def test_types_list_every_field_in_both_languages(api: Api) -> None:
    """The form a system sees is the one citizens see."""
    listed = api.get("/v2/transaction-types").json["transaction_types"]
    fields = {field["name"]: field for kind in listed for field in kind["fields"]}
    assert fields["id_number"]["label"] == {"zh": "身份证号码", "en": "ID number"}
    assert (fields["id_number"]["keyable"], fields["name"]["keyable"]) == (True, False)


# --- refusals: each says what to do ----------------------------------------------------------------


def _problems(response: Any) -> list[str]:
    assert response.json["status_code"] == response.status_code
    assert all(item["next_step"] for item in response.json["errors"])
    return [item["message"] for item in response.json["errors"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "Invalid JSON supplied in POST data"),
        (b"[1]", "The body is not of type object"),
        (b"", "type is a required property"),
        (b"[]", "type is a required property"),
        (b'{"type":"card_loss","answers":{},"proof":{}}', "proof.method is a required property"),
        (
            b'{"type":"card_loss","answers":{},"proof":{"method":"face"}}',
            "proof.method is not one of [code, password, attested]",
        ),
        (
            b'{"type":"x","answers":{},"proof":{"method":"code"},"y":1}',
            "Additional properties are not allowed (y was unexpected)",
        ),
        (
            b'{"type":"passport","answers":{},"proof":{"method":"code"}}',
            f"type is not one of [{', '.join(registry.types())}]",
        ),
        (
            b'{"type":"card_loss","answers":{},"proof":{"method":"code"}}',
            "answers.id_number is a required property",
        ),
        (
            b'{"type":"card_loss","answers":{"id_number":7},"proof":{"method":"code"}}',
            "answers.id_number This must be text.",
        ),
        (
            b'{"type":"card_loss","answers":{"colour":"red"},"proof":{"method":"code"}}',
            "answers.colour There is no such field; leave it out.",
        ),
    ],
)
def test_a_bad_body_is_refused_with_what_is_wrong(api: Api, body: bytes, said: str) -> None:
    """Every wrong field is named at once, with the next step, and nothing is stored."""
    response = api.post("/v2/transactions", body)
    assert response.status_code == 400
    assert said in _problems(response)
    assert api.count() == 0


def test_a_wrong_id_number_is_not_repeated_in_the_answer(api: Api) -> None:
    """Errors name the field, never the value."""
    body = api.body()
    body["answers"]["id_number"] = WRONG_ID
    response = api.post("/v2/transactions", body)
    assert response.status_code == 400
    assert WRONG_ID not in response.text


def test_a_wrong_code_says_how_many_tries_are_left(api: Api) -> None:
    """400 with the tries left; the count is kept though the request was refused."""
    reference = api.post("/v2/transactions", api.body()).json["reference"]
    wrong = "000000" if api.code() != "000000" else "111111"
    said = [_problems(api.post(f"/v2/transactions/{reference}/proof", {"code": wrong}))[0] for _ in range(5)]
    assert said[0] == "code is not right or too old; 4 tries left"
    assert said[4].startswith("Too many tries for this person; locked until")


def test_a_new_code_within_a_minute_is_refused_with_the_time_to_wait(api: Api) -> None:
    """429 says from when."""
    reference = api.post("/v2/transactions", api.body()).json["reference"]
    response = api.post(f"/v2/transactions/{reference}/code")
    assert response.status_code == 429
    assert response.json["errors"][0]["next_step"] == "Ask again after 2026-11-21T08:06:00.000000Z."


def test_beginning_anew_just_after_a_code_was_used_says_what_to_do(api: Api) -> None:
    """No code is on its way yet, so the answer names the step and the time for the next one."""
    reference = api.post("/v2/transactions", api.body()).json["reference"]
    api.post(f"/v2/transactions/{reference}/proof", {"code": api.code()})
    again = api.post("/v2/transactions", api.body()).json
    assert again["state"] == "draft"
    assert again["next_step"].startswith("POST …/code from code_again_at on")
    assert again["code_again_at"] == "2026-11-21T08:06:00.000000Z"


def test_known_and_unknown_people_get_the_same_answer(api: Api) -> None:
    """Beginning with a code tells a service nothing about who is registered."""
    stranger = api.body()
    stranger["answers"] = {"id_number": "430702196002290338", "name": "李四"}
    answers: list[Any] = [api.post("/v2/transactions", body).json for body in (api.body(), stranger)]
    for answer in answers:
        for own in ("reference", "uri", "created_at", "updated_at"):
            answer.pop(own)
    assert answers[0] == answers[1]


def test_another_services_transaction_is_not_found(api: Api) -> None:
    """What belongs to another service looks like what does not exist."""
    reference = api.post("/v2/transactions", api.body()).json["reference"]
    other = Api(api.world, api.client, _key(api.world, "other"))
    responses = [other.get(f"/v2/transactions/{one}") for one in (reference, "12345678901234", "x")]
    assert {(response.status_code, response.text) for response in responses} == {(404, responses[0].text)}


def test_unknown_routes_and_methods_answer_in_the_same_shape(api: Api) -> None:
    """404 and 405 under /v2 are JSON too, and a 405 keeps its Allow."""
    assert _problems(api.get("/v2/nothing")) == ["No result found"]
    response = api.client.delete("/v2/transactions")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


# --- idempotency -----------------------------------------------------------------------------------------


def test_the_same_key_and_body_get_the_stored_answer(api_on_both: Api) -> None:
    """The work is done once and the answer is the same to the letter."""
    api = api_on_both
    answers = [api.post("/v2/transactions", api.body(), **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[1].status_code == 201
    assert api.count() == 1


def test_the_same_key_with_another_body_is_refused(api_on_both: Api) -> None:
    """A key names one request for ever."""
    api = api_on_both
    api.post("/v2/transactions", api.body(), **{"Idempotency-Key": "k1"})
    response = api.post("/v2/transactions", api.body(1), **{"Idempotency-Key": "k1"})
    assert response.status_code == 422
    assert _problems(response) == ["Idempotency-Key was used for another request"]


def test_a_refused_body_does_not_use_the_key_up(api: Api) -> None:
    """After a 400 the corrected request may carry the same key."""
    assert api.post("/v2/transactions", {"type": "card_loss"}, **{"Idempotency-Key": "k"}).status_code == 400
    assert api.post("/v2/transactions", api.body(), **{"Idempotency-Key": "k"}).status_code == 201


def test_two_services_may_use_the_same_key(api: Api) -> None:
    """Keys belong to their service."""
    other = Api(api.world, api.client, _key(api.world, "other"))
    first = api.post("/v2/transactions", api.body(), **{"Idempotency-Key": "k"})
    second = other.post("/v2/transactions", api.body(1), **{"Idempotency-Key": "k"})
    assert first.json["reference"] != second.json["reference"]


# --- documentation and hostile input ------------------------------------------------------------------------


def test_the_documentation_is_made_from_the_same_definition(api: Api) -> None:
    """OpenAPI 3.1 with every route, and each type's own form."""
    document: Any = api.client.get("/docs/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert {path for path in document["paths"] if "transaction" in path} == {
        "/v2/transaction-types",
        "/v2/transaction-types/{name}/options",
        "/v2/transactions",
        "/v2/transactions/{reference}",
        "/v2/transactions/{reference}/proof",
        "/v2/transactions/{reference}/code",
        "/v2/transactions/{reference}/answers",
        "/v2/transactions/{reference}/actions/{name}",
    }
    answers = document["components"]["schemas"]["Answers_card_loss"]
    helper = {"helper_id_number", "helper_name"}
    assert set(answers["properties"]) == {"id_number", "name"} | helper
    assert set(answers["required"]) == {"id_number", "name"}
    assert "swagger-ui-bundle.js" in api.client.get("/docs").text
    with api.client.get("/docs/files/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_BODY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("card_loss") | _JSON,
        "answers": st.fixed_dictionaries({}, optional={"id_number": _JSON, "name": _JSON}) | _JSON,
        "proof": st.fixed_dictionaries({}, optional={"method": st.just("code") | _JSON, "by": _JSON}) | _JSON,
    },
)


@given(body=_BODY | _JSON, reference=st.text(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_and_no_reference_makes_the_api_stumble(api: Api, body: Any, reference: str) -> None:
    """Whatever comes in, the answer is one of ours, never a traceback."""
    for path in ("/v2/transactions", f"/v2/transactions/{reference.encode().hex()}/proof"):
        response = api.post(path, json.dumps(body).encode())
        assert response.status_code in (201, 400, 404, 429)

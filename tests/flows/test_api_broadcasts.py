"""Broadcasts through the API: counted, started, steered, one's own alone; refusals name the next step."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.broadcasts.expand import run_due
from gateway.delivery.attempt import run_lane
from gateway.messages import Limits
from gateway.services import store as services
from tests.world import Scripted, World

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


def test_a_broadcast_that_asks_shows_its_answers(service: Service) -> None:
    """By every choice, also where nobody has answered; one that asks nothing shows null."""
    asks = {"kind": "help", "choices": [["1", "能"], ["2", "不能"]]}
    made = service.draft({"template": "policy/auth_help", "audience": {}, "asks": asks}).json
    assert (made["asks"], made["answers"], made["answered"]) == (asks, {"1": 0, "2": 0}, 0)
    assert made["counted"]["asks"] == asks
    silent = service.draft().json
    assert (silent["asks"], silent["answers"], silent["answered"]) == (None, None, None)


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
        (
            {"name": "nothing"},
            "name There is no broadcast called 'nothing'; there are auth_help, retirement_age",
        ),
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
        (
            {"template": TEMPLATE, "audience": {}, "asks": {"kind": "x", "choices": [["7", "能"]]}},
            "asks.choices the text policy/retirement_age.sms.zh-CN must say 7",
        ),
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


def test_a_name_no_provider_can_carry_is_refused_by_its_place(service: Service) -> None:
    """The answer names the field and the limit, and not the name."""
    service.world.provider.limits = Limits(variable=35)
    recipients = [*LIST["recipients"], {"phone_number": "13900139000", "name": "王" * 40}]
    response = service.draft({**LIST, "recipients": recipients})
    said = "recipients.1 personalisation name is too long: at most 35 characters, this has 40"
    assert _problems(response) == [said]


def test_a_number_no_provider_reaches_is_refused_by_its_place(service: Service) -> None:
    """Where providers reach the mainland only."""
    service.world.provider.limits = Limits(countries=frozenset({"86"}))
    response = service.draft({**LIST, "recipients": [{"phone_number": "+852 6123 4567"}]})
    said = "recipients.0.phone_number address is in a country no provider reaches"
    assert _problems(response) == [said]


def test_a_text_no_provider_can_carry_is_refused_once_for_all(service: Service) -> None:
    """For an audience and for a list alike: the template is named, not each recipient."""
    service.world.provider.limits = Limits(text=30, signed=True)
    for body in ({"template": TEMPLATE, "audience": {}}, LIST):
        said = _problems(service.draft(body))
        assert len(said) == len(set(said)) > 0
        assert all(one.startswith(f"template {TEMPLATE} cannot go by sms: text is too long") for one in said)
    assert service.get("/v2/broadcasts").json == {"broadcasts": []}


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


# --- files -------------------------------------------------------------------------------------

A_PDF = b"%PDF-1.7\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def _mailing(name: str = "通知.pdf", body: bytes = A_PDF, channel: str = "email") -> dict[str, Any]:
    file = {"name": name, "content": base64.b64encode(body).decode()}
    return {"template": TEMPLATE, "channel": channel, "audience": {}, "attachments": [file]}


@pytest.fixture
def post(sqlite_world: World) -> Scripted:
    """A provider of e-mails that takes files."""
    post = Scripted()
    post.name, post.channel, post.limits = "post", "email", Limits(files=10 * 2**20)
    runtime = sqlite_world.runtime
    settings = replace(runtime.settings, providers={**runtime.settings.providers, "email": {"post": 1}})
    providers = {**runtime.providers, "post": post}
    sqlite_world.runtime = replace(runtime, providers=providers, settings=settings)
    return post


def test_a_file_goes_with_the_e_mails(post: Scripted, service: Service) -> None:
    """Shown with the draft's numbers; larger than any other request may be."""
    large = A_PDF[:8].ljust(5 * 2**20 - len(A_PDF)) + A_PDF[8:]
    made = service.draft(_mailing(body=large))
    assert made.status_code == 201, made.text[:300]
    shown = [{"name": "通知.pdf", "size": len(large)}]
    assert (made.json["attachments"], made.json["counted"]["attachments"]) == (shown, shown)
    assert service.client.post("/v2/transactions", data=bytes(5 * 2**20)).status_code in (401, 413)
    service.post(f"/v2/broadcasts/{made.json['id']}/start")
    run_due(service.world.runtime)
    run_lane(service.world.runtime, "email.bulk")
    assert post.took
    assert all(message.attachments[0].body == large for _, message in post.took)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (_mailing(name="a.exe"), "attachments.0 'a.exe' is neither PDF nor DOCX. Save it as PDF"),
        (_mailing(channel="sms"), "attachments go with e-mails only"),
        ({**_mailing(), "attachments": [{"name": "a.pdf"}]}, "attachments.0.content is a required property"),
        ({**_mailing(), "attachments": _mailing()["attachments"] * 2}, "attachments Two files have the same"),
    ],
)
def test_a_file_that_cannot_go_is_refused_with_what_to_do(
    post: Scripted, service: Service, body: dict[str, Any], said: str
) -> None:
    """Nothing is stored."""
    response = service.draft(body)
    assert response.status_code == 400
    assert _problems(response)[0].startswith(said)
    assert service.get("/v2/broadcasts").json == {"broadcasts": []}


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
        "attachments": _JSON,
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

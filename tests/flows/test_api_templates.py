"""Texts through the API: what Notify's clients read, and what whoever operates this writes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.app import create_app
from gateway.content import editing
from gateway.content.editing import Author, NewText, whole
from gateway.content.store import TemplateVersion
from gateway.delivery.attempt import run_lane
from gateway.messages import Limits
from gateway.route_settings import Tariff
from gateway.services import guests
from gateway.services.store import OPERATE, SEND, USUAL
from tests.flows.test_api_notifications import Api
from tests.world import World

SMS = "Hello ((name))\r\n\r\nFunctional Tests make our world a better place"
KEYS = {
    "id",
    "name",
    "type",
    "created_at",
    "updated_at",
    "created_by",
    "version",
    "body",
    "subject",
    "letter_contact_block",
    "personalisation",
    "postage",
}


@pytest.fixture
def api(sqlite_world: World) -> Api:
    return Api(sqlite_world)


def made(api: Api, title: str = "Greeting", channel: str = "sms", body: str = SMS) -> TemplateVersion:
    author = Author("tests", api.world.runtime.vault, api.world.clock.now)
    with api.world.runtime.db.write() as tx:
        one = editing.create(tx, author, NewText(title, channel, body, "result", "en"))
        return editing.publish(tx, author, *one.key)


def reworded(api: Api, one: TemplateVersion, body: str, *, publish: bool = True) -> TemplateVersion:
    author = Author("tests", api.world.runtime.vault, api.world.clock.advance(seconds=1))
    with api.world.runtime.db.write() as tx:
        again = editing.add_version(tx, author, one.id, body)
        return editing.publish(tx, author, *again.key) if publish else again


def preview(api: Api, key: UUID, **values: Any) -> Any:
    path = f"/v2/template/{key}/preview"
    return api.client.post(path, json={"personalisation": values}, headers=api.headers())


def wrong(answer: Any) -> tuple[int, str, str]:
    [one] = answer.json["errors"]
    return answer.status_code, one["error"], one["message"]


def test_a_text_is_shown_with_exactly_notifys_keys(world: World) -> None:
    """As it was written, in its newest published version; any version by its number; no draft."""
    api = Api(world)
    first = made(api)
    reworded(api, first, "Bye ((Name))")
    reworded(api, first, "draft", publish=False)
    shown = api.get(f"/v2/template/{first.id}")
    assert shown.status_code == 200
    assert shown.json == {
        "id": str(first.id),
        "name": "Greeting",
        "type": "sms",
        "created_at": "2026-11-21T08:05:00.000000Z",
        "updated_at": "2026-11-21T08:05:01.000000Z",
        "created_by": "tests",
        "version": 2,
        "body": "Bye ((Name))",
        "subject": None,
        "letter_contact_block": None,
        "personalisation": {"Name": {"required": True}},
        "postage": None,
    }
    earlier = api.get(f"/v2/template/{first.id}/version/1").json
    assert (earlier["version"], earlier["body"], earlier["updated_at"]) == (1, SMS, None)
    assert wrong(api.get(f"/v2/template/{first.id}/version/3")) == (404, "NoResultFound", "No result found")


def test_an_email_has_its_subject_beside_its_body(api: Api) -> None:
    mail = made(api, "Mail", "email", whole("Hi ((name))", "Hello ((name))\r\n\r\n((list))"))
    shown = api.get(f"/v2/template/{mail.id}").json
    assert (shown["subject"], shown["body"]) == ("Hi ((name))", "Hello ((name))\r\n\r\n((list))")
    assert set(shown["personalisation"]) == {"name", "list"}
    said = preview(api, mail.id, name="<b>", list=["a", None, 2]).json
    assert said["subject"] == "Hi <b>"
    assert said["body"] == "Hello <b>\r\n\r\n\n\n* a\n* 2\n\n"
    assert said["html"].count("<li ") == 2
    assert "<b>" not in said["html"]


def test_a_preview_shows_what_would_be_sent_and_names_what_is_missing(api: Api) -> None:
    one = made(api)
    said = preview(api, one.id, NAME="Foo", other="x")
    body = "Hello Foo\n\nFunctional Tests make our world a better place"
    about = {"id": str(one.id), "type": "sms", "version": 1, "subject": None, "postage": None, "html": None}
    assert (said.status_code, said.json) == (200, {**about, "body": body})
    missing = (400, "BadRequestError", "Missing personalisation: name")
    assert wrong(preview(api, one.id)) == missing
    assert wrong(preview(api, one.id, name=None)) == missing
    refused = wrong(preview(api, one.id, name={"a": 1}))
    assert refused[:2] == (400, "ValidationError")
    sent = api.post(api.body(template_id=str(one.id), personalisation={"name": "Foo"})).json
    assert sent["content"]["body"] == body


def test_texts_are_listed_by_name_and_voice_only_to_those_who_ask_for_it(api: Api) -> None:
    for title, channel in (("b", "sms"), ("a", "voice"), ("c", "email")):
        made(api, title, channel, "Subject: s\n\nb" if channel == "email" else "b")
    listed = api.get("/v2/templates").json["templates"]
    assert all(set(one) == KEYS for one in listed)
    names = [one["name"] for one in listed]
    assert names == sorted(names)
    assert {"b", "c"} <= set(names)
    assert {one["type"] for one in listed} == {"sms", "email"}
    assert {one["type"] for one in api.get("/v2/templates?type=voice").json["templates"]} == {"voice"}
    assert {one["type"] for one in api.get("/v2/templates?type=email").json["templates"]} == {"email"}
    assert api.get("/v2/templates?type=letter").json == {"templates": []}
    said = "type fax is not one of [sms, email, letter]"
    assert wrong(api.get("/v2/templates?type=fax")) == (400, "ValidationError", said)


def test_what_is_no_text_is_said_as_notify_says_it(api: Api) -> None:
    unknown = (404, "NoResultFound", "No result found")
    not_an_id = (400, "ValidationError", "id is not a valid UUID")
    for path in ("", "/version/1"):
        assert wrong(api.get(f"/v2/template/{uuid4()}{path}")) == unknown
        assert wrong(api.get(f"/v2/template/invalid_id{path}")) == not_an_id
    assert wrong(preview(api, uuid4())) == unknown
    one = made(api)
    for number, said in (
        ("x", "version x is not of type integer"),
        ("0", "version 0 is less than the minimum of 1"),
        ("-1", "version -1 is less than the minimum of 1"),
    ):
        assert wrong(api.get(f"/v2/template/{one.id}/version/{number}")) == (400, "ValidationError", said)
    for high in (2, 10**11):
        assert wrong(api.get(f"/v2/template/{one.id}/version/{high}")) == unknown


def test_a_key_sees_the_texts_it_may_send(api: Api) -> None:
    """With the scope to read; a key for some texts finds no others."""
    mine, other = made(api, "mine"), made(api, "other")
    api.key = api.new_key("counter", templates=[mine.id])
    assert [one["name"] for one in api.get("/v2/templates").json["templates"]] == ["mine"]
    assert api.get(f"/v2/template/{mine.id}").status_code == 200
    assert api.get(f"/v2/template/{other.id}").status_code == 404
    assert api.get(f"/v2/template/{other.id}/version/1").status_code == 404
    assert preview(api, other.id, name="x").status_code == 404
    api.key = api.new_key("counter", scopes=[SEND])
    assert api.get("/v2/templates").status_code == 403


# --- writing ------------------------------------------------------------------------------------


@pytest.fixture
def operator(api: Api) -> Api:
    api.key = api.new_key("counter", scopes=[*USUAL, OPERATE])
    return api


def ops(api: Api, path: str, body: Any = None, **headers: str) -> Any:
    url = f"/v2/ops/templates{path}"
    return api.client.post(url, json=body or {}, headers={**api.headers(), **headers})


NEW = {"name": "取卡", "type": "sms", "class": "result", "body": "((姓名))，请领卡。咨询12333"}


def test_a_text_is_written_tried_published_sent_and_archived(world: World) -> None:
    """A draft goes to the team alone; what is archived is refused by name; all of it is on record."""
    api = Api(world)
    api.key = api.new_key("counter", scopes=[*USUAL, OPERATE])
    made = ops(api, "", NEW)
    assert made.status_code == 201
    key = made.json["id"]
    assert (made.json["class"], made.json["archived"]) == ("result", False)
    [draft] = made.json["versions"]
    assert (draft["state"], draft["variables"], draft["findings"]) == ("draft", ["姓名"], [])
    send = api.body(template_id=key, personalisation={"姓名": "王芳"})
    assert wrong(api.post(send))[2] == "Template not found"
    trial = {"to": "13800138000", "personalisation": {"姓名": "王芳"}}
    outside = wrong(ops(api, f"/{key}/versions/1/test", trial))
    assert outside[0] == 400
    assert "team" in outside[2]
    with world.runtime.db.write() as tx:
        mine, now = UUID(api.key[-73:-37]), world.clock.now
        guests.add(tx, world.runtime.vault, mine, "team", "+8613800138000", now)
    assert ops(api, f"/{key}/versions/1/test", trial).status_code == 201
    run_lane(world.runtime, "sms.urgent")
    assert [message.text for _, message in world.provider.took] == ["王芳，请领卡。咨询12333"]
    assert ops(api, f"/{key}/versions/1/publish").json["versions"][0]["state"] == "published"
    world.clock.advance(seconds=4)
    assert api.post(send).json["template"]["version"] == 1
    assert ops(api, f"/{key}/archive").json["archived"] is True
    assert key not in {one["id"] for one in api.get("/v2/ops/templates").json["templates"]}
    with world.runtime.db.read() as tx:
        done = tx.execute(select(audit.audit.c.action).order_by(audit.audit.c.number)).scalars().all()
    assert done == [f"template.{what}" for what in ("write", "test", "publish", "archive")]


def test_what_lint_calls_an_error_keeps_a_text_from_being_published(operator: Api) -> None:
    """Every finding is told at once; the draft stays, and the next version may be better."""
    key = ops(operator, "", {**NEW, "body": "【人社】请打开https://a.cn"}).json["id"]
    refused = ops(operator, f"/{key}/versions/1/publish")
    assert refused.status_code == 400
    assert len(refused.json["errors"]) == 2
    assert all(one["next_step"] for one in refused.json["errors"])
    again = ops(operator, f"/{key}/versions", {"body": "请打电话12333"})
    assert [one["version"] for one in again.json["versions"]] == [2, 1]
    assert ops(operator, f"/{key}/versions/2/publish").status_code == 200
    assert wrong(ops(operator, f"/{key}/versions/1/publish"))[0] == 400


def priced(api: Api, tariff: Tariff) -> None:
    settings = replace(api.world.runtime.settings, tariffs={api.world.provider.name: tariff})
    api.world.runtime = replace(api.world.runtime, settings=settings)
    api.app = create_app(api.world.runtime)
    api.client = api.app.test_client()


def test_a_preview_for_operators_counts_prices_and_says_who_would_carry_it(operator: Api) -> None:
    """A draft too; what stands against a provider is named with its field."""
    operator.world.provider.limits = Limits(variable=3)
    priced(operator, Tariff(Decimal("0.05"), "CNY"))
    key = ops(operator, "", NEW).json["id"]
    path = f"/{key}/versions/1/preview"
    seen = ops(operator, path, {"personalisation": {"姓名": "王芳"}}).json
    assert seen["body"] == "王芳，请领卡。咨询12333"
    assert seen["counted"] == {"alphabet": "unicode", "units": 20, "parts": 1, "room": 70, "left": 50}
    [carrier] = seen["carriers"]
    assert (carrier["provider"], carrier["carries"], carrier["en"]) == ("scripted", True, "")
    assert carrier["price"] == {"parts": 1, "rate": "0.05", "amount": "0.05", "currency": "CNY"}
    [carrier] = ops(operator, path, {"personalisation": {"姓名": "王芳芳芳"}}).json["carriers"]
    assert carrier["en"] == "personalisation 姓名 is too long: at most 3 characters, this has 4"
    assert wrong(ops(operator, path))[2] == "Missing personalisation: 姓名"


def test_what_cannot_be_written_is_refused_with_its_reason(operator: Api) -> None:
    mail = {**NEW, "type": "email"}
    for body, said in (
        ({**NEW, "type": "fax"}, "type must be one of sms, email, voice"),
        ({**NEW, "subject": "x"}, "subject is for e-mails only"),
        (mail, "subject is a required property"),
        ({**NEW, "body": "\x00"}, "body must not contain control characters"),
        ({**NEW, "translates": str(uuid4())}, "no sms text"),
        ({**mail, "subject": "s", "body": "[a](https://b.cn/((c)))"}, "links are fixed"),
    ):
        status, _, message = wrong(ops(operator, "", body))
        assert (status, said in message) == (400, True), message
    for path in ("", "/versions/1/publish", "/versions/1/preview", "/versions", "/archive"):
        body = {"body": "x"} if path == "/versions" else {}
        answer = (
            ops(operator, f"/{uuid4()}{path}", body) if path else operator.get(f"/v2/ops/templates/{uuid4()}")
        )
        assert wrong(answer) == (404, "NoResultFound", "No result found"), path
    operator.key = operator.new_key("counter")
    assert operator.get("/v2/ops/templates").status_code == 403


def test_an_idempotency_key_makes_one_text(operator: Api) -> None:
    first, second = (ops(operator, "", NEW, **{"Idempotency-Key": "a"}).json for _ in range(2))
    assert first == second
    listed = operator.get("/v2/ops/templates").json["templates"]
    assert len([one for one in listed if one["name"] == "取卡"]) == 1

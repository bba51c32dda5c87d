"""Texts through the API: what Notify's clients read, and what whoever operates this writes."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.content import editing
from gateway.content.editing import Author, NewText, whole
from gateway.content.store import TemplateVersion
from gateway.services.store import SEND
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
    about = {"id": str(one.id), "type": "sms", "version": 1, "subject": None, "postage": None}
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

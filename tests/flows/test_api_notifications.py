"""The way in of single messages: what is taken, what is refused and how, and that nothing is lost between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from gateway.api.known import KEPT
from gateway.api.together import Together, _Waiting
from gateway.app import create_app
from gateway.content import editing
from gateway.content.editing import Author, NewText
from gateway.content.shipped import class_of
from gateway.content.store import templates
from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.messages import Limits
from gateway.notifications import store, stored
from gateway.notifications.request import Class, Origin, Request
from gateway.notifications.stored import as_row
from gateway.services import idempotency
from gateway.services import store as services
from gateway.services.store import api_keys
from tests.world import World

ISO = "https://en.wikipedia.org/wiki/ISO_8601"
PATH = "/v2/notifications/sms"


class Api:
    """A service with its key, calling the application."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = create_app(world.runtime)
        self.client: FlaskClient = self.app.test_client()
        self.key = self.new_key("counter")

    def new_key(self, service: str, **options: Any) -> str:
        now = self.world.clock.now
        with self.world.runtime.db.write() as tx:
            owner = services.ensure_service(tx, service, now)
            return services.create_key(tx, self.world.runtime.vault, owner, "key", now, **options)

    def headers(self, key: str = "") -> dict[str, str]:
        key = key or self.key
        claims = {"iss": key[-73:-37], "iat": int(self.world.clock.now.timestamp())}
        return {"Authorization": f"Bearer {jwt.encode(claims, key[-36:], 'HS256')}"}

    def template(self, name: str = "card_loss/failed", channel: str = "sms", language: str = "zh-CN") -> str:
        columns = templates.c
        where = (columns.name == name, columns.channel == channel, columns.language == language)
        with self.world.runtime.db.read() as tx:
            return str(tx.execute(select(columns.id).where(*where)).scalar_one())

    def body(self, **changes: Any) -> dict[str, Any]:
        return {"phone_number": "13800138000", "template_id": self.template(), **changes}

    def post(self, body: Any, key: str = "", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(PATH, data=data, headers={**self.headers(key), **headers})

    def get(self, path: str, key: str = "") -> Any:
        return self.client.get(path, headers=self.headers(key))

    def said(self, **changes: Any) -> list[tuple[str, str]]:
        """What is wrong with a body, by class and message."""
        answer = self.post(self.body(**changes))
        assert answer.status_code == 400
        return [(one["error"], one["message"]) for one in answer.json["errors"]]


@pytest.fixture
def api(sqlite_world: World) -> Api:
    return Api(sqlite_world)


# --- taken -----------------------------------------------------------------------------------------


def test_a_message_is_stored_before_it_is_answered_and_then_goes_out(world: World) -> None:
    """201 with Notify's body; the row, the ledger and the wake-up are there, and a worker sends it."""
    api = Api(world)
    body = api.body(template_id=api.template("card_loss/code"), personalisation={"Code": 482913})
    answer = api.post({**body, "reference": "case 7"})
    assert answer.status_code == 201
    row = world.rows()[0]
    assert answer.json["id"] == str(row.id)
    assert answer.json["uri"] == f"http://127.0.0.1:12333/v2/notifications/{row.id}"
    assert answer.json["template"]["id"] == str(row.template_id)
    assert answer.json["template"]["version"] == row.template_version
    assert (answer.json["reference"], answer.json["scheduled_for"]) == ("case 7", None)
    assert "482913" in answer.json["content"]["body"]
    assert answer.json["content"]["from_number"] == "常德人社"
    assert (row.lane, str(row.service_id), row.key_type) == ("sms.urgent", api.key[-73:-37], "normal")
    assert world.wakes.lanes == ["sms.urgent"]
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
    run_lane(world.runtime, "sms.urgent")
    assert [message.address for _, message in world.provider.took] == ["+8613800138000"]
    assert world.provider.took[0][1].text == answer.json["content"]["body"]


def test_what_was_taken_can_be_asked_for_with_the_same_type_of_key_of_its_service_only(api: Api) -> None:
    """Every key of Notify's answer is there; what is somebody else's is as unknown as none."""
    uri = api.post(api.body(reference="r")).json["uri"].removeprefix("http://127.0.0.1:12333")
    found = api.get(uri)
    assert (found.status_code, found.json["status"], found.json["type"]) == (200, "created", "sms")
    assert (found.json["phone_number"], found.json["reference"]) == ("13800138000", "r")
    assert found.json.keys() >= {"line_1", "postcode", "subject", "sent_at", "cost_details", "body"}
    assert api.get(uri, api.new_key("another")).status_code == 404
    with api.world.runtime.db.read() as tx:
        first = tx.execute(select(api_keys.c.id)).scalars().all()
    another_type = api.new_key("counter")
    with api.world.runtime.db.write() as tx:
        tx.execute(update(api_keys).where(api_keys.c.id.not_in(first)).values(type="test"))
    assert api.get(uri, another_type).status_code == 404
    assert api.get(f"/v2/notifications/{uuid4()}").json["errors"][0]["message"] == "No result found"
    wrong = api.get("/v2/notifications/1234").json["errors"][0]
    assert (wrong["error"], wrong["message"]) == ("ValidationError", "notification_id is not a valid UUID")


@pytest.mark.parametrize(
    ("name", "klass"),
    [
        ("card_loss/failed", Class.RESULT),
        ("card_loss/code", Class.CODE),
        ("policy/auth_help", Class.NOTICE),
        ("pension_auth/remind_due", Class.REMINDER),
        ("appointment/tomorrow", Class.REMINDER),
    ],
)
def test_the_text_says_how_a_message_is_treated(name: str, klass: Class) -> None:
    """Nobody sends policy at night by calling it a result."""
    assert class_of(name) == klass


def test_a_message_for_later_is_due_then_and_lives_from_then_on(api: Api) -> None:
    """Its life is counted from its hour: a code for tomorrow is good for five minutes tomorrow."""
    at = api.world.clock.now + timedelta(hours=20)
    answer = api.post(api.body(scheduled_for=at.isoformat()))
    row = api.world.rows()[0]
    assert answer.json["scheduled_for"] == at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (row.due_at, row.expires_at) == (at, at + timedelta(hours=72))


def test_only_what_the_text_asks_for_is_kept(api: Api) -> None:
    """A value nobody reads is personal data without a purpose."""
    body = api.body(template_id=api.template("card_loss/code"))
    api.post({**body, "personalisation": {"c-o-d-e": "1", "name": "王芳", "more": {"id": "1"}}})
    row = api.world.rows()[0]
    assert store.personalisation(api.world.runtime, row.id, row.personalisation) == {"code": "1"}


def test_a_list_is_told_one_after_the_other(api: Api) -> None:
    body = api.body(template_id=api.template("card_loss/code"), personalisation={"code": ["甲", "乙", 3]})
    assert "甲、乙和3" in api.post(body).json["content"]["body"]


# --- refused -----------------------------------------------------------------------------------------


def test_all_that_is_wrong_with_a_body_is_listed_in_notifys_words(api: Api) -> None:
    """The words official clients' tests compare."""
    wrong = {"phone_number": 7700900001, "template_id": "x", "reference": "r" * 1001, "more": 1}
    answer = api.post({**wrong, "personalisation": "x", "scheduled_for": "soon"})
    assert {one["message"] for one in answer.json["errors"]} == {
        "phone_number 7700900001 is not of type string",
        "template_id is not a valid UUID",
        f"reference {'r' * 1001} is too long",
        "Additional properties are not allowed (more was unexpected)",
        "personalisation x is not of type object",
        f"scheduled_for datetime format is invalid. It must be a valid ISO8601 date time format, {ISO}",
    }
    assert {one["error"] for one in answer.json["errors"]} == {"ValidationError"}
    missing = {one["message"] for one in api.post(b"").json["errors"]}
    assert missing == {"phone_number is a required property", "template_id is a required property"}


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        ("138001", "ValidationError", "phone_number Not enough digits"),
        ("13800138000138001", "ValidationError", "phone_number Too many digits"),
        ("1380013800a", "ValidationError", "phone_number Must not contain letters or symbols"),
        ("+999 1234 5678", "ValidationError", "phone_number Not a valid country prefix"),
        ("0736-7255555", "InvalidPhoneError", "phone_number This is a landline"),
        ("12333", "InvalidPhoneError", "phone_number This is a public service number"),
    ],
)
def test_a_number_no_text_reaches_is_refused_with_its_reason(
    api: Api, number: str, error: str, message: str
) -> None:
    [(found, said)] = api.said(phone_number=number)
    assert found == error
    assert said.startswith(message)


def test_what_is_missing_for_a_text_is_named(api: Api) -> None:
    """Exactly one error; null counts as missing."""
    code = api.template("card_loss/code")
    missing = [("BadRequestError", "Missing personalisation: code")]
    assert api.said(template_id=code) == missing
    assert api.said(template_id=code, personalisation={"code": None}) == missing


@pytest.mark.parametrize("code", ["a\x00b", "\ud800", {"a": "b"}, [["a"]]])
def test_a_value_that_cannot_be_said_is_refused(api: Api, code: Any) -> None:
    """Half a character and a zero byte break databases; a table is no word."""
    [(error, said)] = api.said(template_id=api.template("card_loss/code"), personalisation={"code": code})
    assert (error, said.split()[0]) == ("ValidationError", "personalisation")


def test_a_text_made_a_moment_ago_can_be_sent(api: Api) -> None:
    """That there is none is never remembered."""
    author = Author("test", api.world.runtime.vault, api.world.clock.now)
    with api.world.runtime.db.write() as tx:
        new = editing.create(tx, author, NewText("New", "sms", "新", "result"))
    assert api.said(template_id=str(new.id)) == [("BadRequestError", "Template not found")]
    with api.world.runtime.db.write() as tx:
        editing.publish(tx, author, *new.key)
    assert api.post(api.body(template_id=str(new.id))).json["content"]["body"] == "新"


def test_a_text_must_exist_and_be_one_for_text_messages(api: Api) -> None:
    assert api.said(template_id=str(uuid4())) == [("BadRequestError", "Template not found")]
    mail = api.template("card_loss/succeeded", "email")
    said = "email template is not suitable for sms notification"
    assert api.said(template_id=mail) == [("BadRequestError", said)]


def test_what_no_provider_carries_is_refused_with_field_and_limit(api: Api) -> None:
    """The door is no wider than the vendors'; Notify's own 918 characters come first."""
    api.world.provider.limits = Limits(variable=6)
    code = api.template("card_loss/code")
    said = "personalisation code is too long: at most 6 characters, this has 7"
    assert api.said(template_id=code, personalisation={"code": "1234567"}) == [("BadRequestError", said)]
    [(_, long)] = api.said(template_id=code, personalisation={"code": "1" * 1000})
    assert long.startswith("Your message is too long. Text messages cannot be longer than 918 characters.")
    assert api.world.rows() == []


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (timedelta(minutes=-1), "scheduled_for datetime can not be in the past"),
        (timedelta(days=8), "scheduled_for datetime can only be 7 days in the future"),
    ],
)
def test_an_hour_past_or_too_far_is_refused(api: Api, by: timedelta, said: str) -> None:
    """A week ahead at most, as at Notify: what waits is kept, however short its class is kept."""
    at = (api.world.clock.now + by).isoformat()
    assert api.said(scheduled_for=at) == [("ValidationError", said)]


def test_a_code_is_not_sent_at_another_time(api: Api) -> None:
    """It is of use for five minutes, to somebody who waits."""
    at = (api.world.clock.now + timedelta(hours=1)).isoformat()
    given = {"template_id": api.template("card_loss/code"), "personalisation": {"code": "482913"}}
    assert api.said(scheduled_for=at, **given) == [("BadRequestError", "A code cannot be scheduled")]


def test_a_key_without_the_scope_sends_nothing(api: Api) -> None:
    answer = api.post(api.body(), api.new_key("clerk", scopes=["transactions"]))
    assert (answer.status_code, api.world.rows()) == (403, [])


def test_a_revoked_key_is_refused_within_three_seconds_and_a_new_one_lets_in_at_once(api: Api) -> None:
    """What is granted may rest on what stood a moment ago, what is refused never does."""
    assert api.post(api.body()).status_code == 201
    another = api.new_key("counter")
    assert api.post(api.body(), another).status_code == 201
    with api.world.runtime.db.write() as tx:
        tx.execute(update(api_keys).values(revoked_at=api.world.clock.now))
    api.world.clock.now += KEPT
    refused = api.post(api.body())
    assert (refused.status_code, refused.json["errors"][0]["message"]) == (
        403,
        "Invalid token: API key revoked",
    )


def test_the_same_idempotency_key_takes_a_message_once(world: World) -> None:
    """The same answer, one row; another body under the key is refused."""
    api = Api(world)
    first, again = (api.post(api.body(), **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, first.json) == (201, again.json)
    assert api.post(api.body(reference="other"), **{"Idempotency-Key": "k"}).status_code == 422
    assert len(world.rows()) == 1
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_bodies = st.dictionaries(
    st.sampled_from(["phone_number", "template_id", "personalisation", "reference", "scheduled_for", "x"]),
    _values
    | st.datetimes().map(datetime.isoformat)
    | st.dictionaries(st.sampled_from(["code", "C o d e", "x"]), _values, max_size=2),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=_bodies, good=st.booleans(), raw=st.none() | st.binary(max_size=40))
def test_no_body_is_answered_with_a_fault_of_ours(
    api: Api, body: dict[str, Any], good: bool, raw: bytes | None
) -> None:
    """Whatever is sent, it is taken or refused with a reason; never 500."""
    right = {"phone_number": "13800138000", "template_id": api.template("card_loss/code")} if good else {}
    answer = api.post(raw if raw is not None else {**body, **right})
    assert answer.status_code in (201, 400)
    assert answer.status_code == 201 or all(one["message"] for one in answer.json["errors"])


# --- several at once -------------------------------------------------------------------------------


def _row(world: World, **changes: Any) -> dict[str, Any]:
    """A row as the door makes it."""
    request = Request(
        None,
        "sms",
        Class.RESULT,
        "card_loss/failed",
        "zh-CN",
        {},
        address="+8613800138000",
        origin=Origin(None, "normal", "r"),
    )
    with world.runtime.db.read() as tx:
        version = stored.texts(tx, world.runtime, [request])[stored.text(request)]
    return {**as_row(world.runtime, request, version, world.clock.now), **changes}


def _at_once(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_many_ask_at_once_is_all_stored_and_counted_once(world: World) -> None:
    """Whoever writes for others forgets nobody."""
    together, rows = Together(world.runtime), [_row(world) for _ in range(40)]

    def five(of: list[dict[str, Any]]) -> None:
        for row in of:
            together.enter(row)

    _at_once([lambda of=rows[n::8]: five(of) for n in range(8)])  # type: ignore[misc]
    assert {row.id for row in world.rows()} == {row["id"] for row in rows}
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)
        assert [account.taken for account in ledger.accounts(tx)] == [40]


def test_one_row_the_database_refuses_stops_no_other(world: World) -> None:
    """Its own caller hears of it, the others of their rows."""
    together = Together(world.runtime)
    rows = [_row(world), _row(world, channel=None), _row(world)]
    together._queue.extend(map(_Waiting, rows[:2]))
    together.enter(rows[2])
    assert {row.id for row in world.rows()} == {rows[0]["id"], rows[2]["id"]}
    with pytest.raises(Exception, match="channel"):
        together.enter(rows[1])


def test_one_key_asked_with_many_times_at_once_takes_one_message(world: World) -> None:
    """Everybody gets the same answer; whoever asks something else under it is refused, whoever came first."""
    api = Api(world)
    answers: list[Any] = []

    def ask(reference: str, key: str) -> None:
        client = api.app.test_client()
        body = json.dumps(api.body(reference=reference))
        headers = {**api.headers(), "Idempotency-Key": key}
        answers.append((key, reference, client.post(PATH, data=body, headers=headers)))

    asked = [("a", "one"), ("b", "one"), ("a", "two"), ("a", "three"), ("a", "four")] * 4
    _at_once([lambda one=one: ask(*one) for one in asked])  # type: ignore[misc]
    assert {(key, answer.status_code) for key, _, answer in answers} == {
        ("one", 201),
        ("one", 422),
        ("two", 201),
        ("three", 201),
        ("four", 201),
    }
    for key in ("one", "two", "three", "four"):
        taken = {answer.json["id"] for of, _, answer in answers if of == key and answer.status_code == 201}
        assert len(taken) == 1
    assert len(world.rows()) == 4
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite's writers queue
def test_a_key_that_is_being_worked_under_is_not_waited_for(world: World) -> None:
    """Others that share the commit are taken, and that one is told to come again: nobody waits for a hang."""
    api, key = Api(world), {"Idempotency-Key": "k"}
    service = UUID(api.key[-73:-37])
    with world.runtime.db.write() as tx:
        assert idempotency.look_up(tx, world.runtime, service, "k", b"") is None
        answer = api.post(api.body(), **key)
        assert (answer.status_code, answer.json["errors"][0]["error"]) == (409, "BadRequestError")
        assert api.post(api.body(), **{"Idempotency-Key": "other"}).status_code == 201
    assert api.post(api.body(), **key).status_code == 201
    assert len(world.rows()) == 2


def test_a_key_and_its_message_are_stored_together_or_not_at_all(world: World) -> None:
    """After whatever broke between, asking again takes it."""
    api, key = Api(world), {"Idempotency-Key": "k"}
    service = UUID(api.key[-73:-37])
    entry = idempotency.entry(world.runtime, service, "k", b"d" * 32, idempotency.Stored(201, "{}"))
    with pytest.raises(Exception, match="channel"):
        Together(world.runtime).enter(_row(world, channel=None), entry)
    assert api.post(api.body(), **key).status_code == 201
    assert len(world.rows()) == 1


def test_a_key_is_good_for_two_days(world: World) -> None:
    api, key = Api(world), {"Idempotency-Key": "k"}
    first = api.post(api.body(), **key).json["id"]
    for days, new in ((1.9, False), (0.2, True)):
        world.clock.now += timedelta(days=days)
        with world.runtime.db.write() as tx:
            idempotency.forget_old(tx, world.clock.now)
        assert (api.post(api.body(), **key).json["id"] != first) is new


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_entered_again_is_in_once(world: World) -> None:
    """PostgreSQL's answer may be lost on its way; then the statement is repeated."""
    row = _row(world)
    for _ in range(2):
        Together(world.runtime).enter(row)
    assert [found.id for found in world.rows()] == [UUID(str(row["id"]))]
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)

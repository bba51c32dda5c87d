"""Messages of every channel through the API: what is taken, how it goes out, how it is shown and listed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, update

from gateway.api import listing
from gateway.api.standing_schemas import STATUSES
from gateway.app import create_app
from gateway.delivery.attempt import run_lane
from gateway.delivery.store import attempts
from gateway.messages import Limits
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.route_settings import Tariff
from gateway.services import guests, senders
from gateway.services import store as services
from tests.flows.test_api_notifications import Api
from tests.world import Scripted, World

HOST = "http://127.0.0.1:12333"
MAIL = "card_loss/succeeded"
MAIL_VALUES = {"card_tail": "6789", "until": "12月5日", "bank": "请另行告知银行"}
CALL = "pension_auth/remind_due"
CALL_VALUES = {"city": "常德市", "when": "还有七天到期"}


class Messages(Api):
    """The same service, asking on every channel; the same scripted provider carries them all."""

    def __init__(self, world: World) -> None:
        every = {"sms": {"scripted": 1}, "voice": {"caller": 1}, "email": {"mailer": 1}}
        self.caller, self.mailer = Scripted(), Scripted()
        self.caller.name, self.caller.channel = "caller", "voice"
        self.mailer.name, self.mailer.channel = "mailer", "email"
        self.mailer.from_address = "notice@example.cn"  # type: ignore[attr-defined]
        there = {one.name: one for one in (world.provider, self.caller, self.mailer)}
        open_ = replace(world.runtime.settings, providers=every)
        world.runtime = replace(world.runtime, settings=open_, providers=there)
        super().__init__(world)

    def owner(self) -> UUID:
        return UUID(self.key[-73:-37])

    def ask(self, channel: str, body: dict[str, Any], key: str = "", **headers: str) -> Any:
        path = f"{listing.PATH}/{channel}"
        return self.client.post(path, data=json.dumps(body), headers={**self.headers(key), **headers})

    def mail(self, key: str = "", **changes: Any) -> Any:
        text = self.template(MAIL, "email")
        body = {"email_address": "Wang@Example.cn", "template_id": text, "personalisation": MAIL_VALUES}
        return self.ask("email", {**body, **changes}, key)

    def call(self, key: str = "", **changes: Any) -> Any:
        text = self.template(CALL, "voice")
        body = {"phone_number": "13800138000", "template_id": text, "personalisation": CALL_VALUES}
        return self.ask("voice", {**body, **changes}, key)

    def shown(self, answer: Any, key: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"{listing.PATH}/{answer.json['id']}", key).json
        return found

    def pages(self, query: str = "", key: str = "") -> list[list[dict[str, Any]]]:
        """Every page from the first on, as the clients walk: by ``links.next`` until one is empty."""
        path = f"{listing.PATH}?{query}"
        found: list[list[dict[str, Any]]] = []
        while True:
            answer = self.get(path, key).json
            if not answer["notifications"]:
                assert "next" not in answer["links"]
                return found
            found.append(answer["notifications"])
            assert answer["links"]["next"].partition("?")[2].startswith("older_than=")
            path = answer["links"]["next"].removeprefix(HOST)

    def listed(self, query: str = "", key: str = "") -> list[str]:
        return [one["id"] for page in self.pages(query, key) for one in page]

    def errors(self, answer: Any) -> list[tuple[str, str]]:
        assert answer.status_code == 400, answer.text
        return [(one["error"], one["message"]) for one in answer.json["errors"]]


@pytest.fixture
def api(sqlite_world: World) -> Messages:
    return Messages(sqlite_world)


def add_sender(api: Messages, channel: str, value: str, *, default: bool = False) -> str:
    world = api.world
    with world.runtime.db.write() as tx:
        vault, now = world.runtime.vault, world.clock.now
        made = senders.add(tx, vault, api.owner(), channel, value, now, default=default)
    return str(made)


# --- e-mail --------------------------------------------------------------------------------------------


def test_a_cell_that_cannot_be_opened_hides_no_other_row_of_the_page(api: Messages) -> None:
    """It is told as null, and the messages beside it as they are."""
    stop = "https://example.com/stop/3f9c"
    first, second = (api.mail(one_click_unsubscribe_url=stop).json["id"] for _ in range(2))
    with api.world.runtime.db.write() as tx:
        broken = update(notifications).where(notifications.c.id == UUID(first))
        tx.execute(broken.values(unsubscribe=b"not sealed", address=b"not sealed"))
    listed = {one["id"]: one for one in api.get("/v2/notifications").json["notifications"]}
    assert (listed[first]["one_click_unsubscribe_url"], listed[first]["email_address"]) == (None, None)
    assert listed[second]["one_click_unsubscribe_url"] == stop


def test_an_email_is_taken_shown_and_goes_out_with_all_it_was_asked_with(api: Messages) -> None:
    """Notify's answer; the mail has the reply-to address and the service's own unsubscribe button."""
    reply_to, stop = add_sender(api, "email", "desk@example.cn"), "https://example.com/stop/3f9c"
    answer = api.mail(
        reference="r",
        email_reply_to_id=reply_to,
        one_click_unsubscribe_url=stop,
        sanitise_content_for=["bank", "until"],
        personalisation={**MAIL_VALUES, "bank": "见 www.example.com"},
    )
    assert answer.status_code == 201, answer.text
    content = answer.json["content"]
    assert content["from_email"] == "notice@example.cn"
    assert content["subject"] == "您尾号6789的社保卡已临时挂失"
    assert content["body"].startswith("# 社保卡已临时挂失")
    assert content["one_click_unsubscribe_url"] == stop
    assert list(answer.json["sanitised_content"]) == ["bank"]
    assert "www.example" not in answer.json["sanitised_content"]["bank"]
    shown = api.shown(answer)
    assert (shown["type"], shown["email_address"], shown["phone_number"]) == (
        "email",
        "Wang@Example.cn",
        None,
    )
    assert (shown["subject"], shown["body"]) == (content["subject"], content["body"])
    assert (shown["one_click_unsubscribe_url"], shown["reference"]) == (stop, "r")
    run_lane(api.world.runtime, api.world.rows()[0].lane)
    [(_, mail)] = api.mailer.took
    assert (mail.address, mail.reply_to, mail.unsubscribe) == ("Wang@example.cn", "desk@example.cn", stop)
    assert api.mail().json["sanitised_content"] == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email_address": "wang"}, "email_address Not a valid email address"),
        ({"one_click_unsubscribe_url": "http://a.cn"}, "one_click_unsubscribe_url is not a valid https url"),
        ({"sanitise_content_for": "bank"}, "sanitise_content_for bank is not of type array"),
        ({"email_reply_to_id": "x"}, "email_reply_to_id is not a valid UUID"),
        ({"phone_number": "1"}, "Additional properties are not allowed (phone_number was unexpected)"),
    ],
)
def test_what_is_wrong_with_an_email_is_said_in_notifys_words(
    api: Messages, changes: dict[str, Any], said: str
) -> None:
    assert api.errors(api.mail(**changes)) == [("ValidationError", said)]


def test_a_letter_is_refused_in_notifys_words(api: Messages) -> None:
    said = [("BadRequestError", "Service is not allowed to send letters")]
    assert api.errors(api.ask("letter", {"template_id": str(uuid4())})) == said


# --- calls ---------------------------------------------------------------------------------------------


def test_a_call_is_taken_and_said_as_often_as_asked(api: Messages) -> None:
    """Twice where nobody says how often; it is listed only for whoever asks for calls."""
    often, twice = api.call(play_times=3), api.call(phone_number="13800138001")
    assert (often.status_code, often.json["play_times"], twice.json["play_times"]) == (201, 3, 2)
    assert "常德市" in often.json["content"]["body"]
    run_lane(api.world.runtime, "voice.normal")
    assert sorted(message.plays for _, message in api.caller.took) == [2, 3]
    assert api.shown(often)["type"] == "voice"
    assert api.listed() == []
    assert set(api.listed("template_type=voice")) == {often.json["id"], twice.json["id"]}
    for wrong in (4, "2", True, [2]):
        [(error, said)] = api.errors(api.call(play_times=wrong))
        assert (error, said.partition(" is ")[2]) == ("ValidationError", "not one of [1, 2, 3]")


# --- senders, keys, recipients ------------------------------------------------------------------------------


def test_a_text_message_goes_out_under_the_sender_asked_for_or_the_default(api: Messages) -> None:
    """A signature signs it; a number is shown, and the house signs. A key may be held to some of them."""
    assert api.post(api.body()).json["content"]["from_number"] == "常德人社"
    number = add_sender(api, "sms", "+18005550100")
    name = add_sender(api, "sms", "常德社保", default=True)
    api.world.clock.now += timedelta(seconds=5)
    found = [
        api.post(api.body(**more)).json["content"]["from_number"] for more in ({}, {"sms_sender_id": number})
    ]
    assert found == ["常德社保", "+18005550100"]
    run_lane(api.world.runtime, "sms.normal")
    assert [message.signature for _, message in api.world.provider.took] == [
        "常德人社",
        "常德社保",
        "常德人社",
    ]
    held = api.new_key("counter", senders=[UUID(number)])
    assert api.post(api.body(), held).json["content"]["from_number"] == "+18005550100"
    refused = api.post(api.body(sms_sender_id=name), held)
    assert (refused.status_code, refused.json["errors"][0]["error"]) == (403, "AuthError")
    other = uuid4()
    said = f"sms_sender_id {other} does not exist in database for service id {api.owner()}"
    assert api.said(sms_sender_id=str(other)) == [("BadRequestError", said)]


def test_a_team_key_writes_to_its_team_and_guests_only(api: Messages) -> None:
    """In a batch as well, where whoever is on the list still gets it."""
    key, now, vault = api.new_key("counter", type="team"), api.world.clock.now, api.world.runtime.vault
    said = ("BadRequestError", "Can’t send to this recipient using a team-only API key")
    assert api.errors(api.post(api.body(), key)) == [said]
    assert api.errors(api.mail(key)) == [said]
    with api.world.runtime.db.write() as tx:
        guests.add(tx, vault, api.owner(), "guest", "+8613800138000", now)
        guests.add(tx, vault, api.owner(), "team", "wang@example.cn", now)
    assert api.post(api.body(phone_number="138 0013 8000"), key).status_code == 201
    assert api.mail(key).status_code == 201
    body = {
        "template_id": api.template(),
        "items": [{"phone_number": n} for n in ("13800138000", "13800138001")],
    }
    results = api.ask("batch", body, key).json["items"]
    assert [[one["message"] for one in result["errors"]] for result in results] == [[], [said[1]]]


@pytest.mark.parametrize("number", ["+447700900003", "07700900003", "7700 900 003", "+44 7911 123456"])
def test_a_test_key_takes_british_numbers_and_a_lane_of_its_own(api: Messages, number: str) -> None:
    """Nothing of it comes near a provider, whatever that one carries; other keys are refused test numbers."""
    api.world.provider.limits = Limits(countries=frozenset({"86"}))
    api.app = create_app(api.world.runtime)
    api.client = api.app.test_client()
    key = api.new_key("counter", type="test")
    answer = api.post(api.body(phone_number=number), key)
    assert answer.status_code == 201, answer.text
    assert api.world.rows()[0].lane == "sms.test"
    assert api.shown(answer, key)["phone_number"] == number
    assert api.post(api.body(phone_number=number)).status_code == 400


def test_a_key_held_to_some_texts_sends_no_other(api: Messages) -> None:
    key = api.new_key("counter", templates=[UUID(api.template("card_loss/code"))])
    assert api.post(api.body(), key).status_code == 403
    allowed = api.body(template_id=api.template("card_loss/code"), personalisation={"code": "1"})
    assert api.post(allowed, key).status_code == 201


def test_unknown_routes_and_methods_have_the_same_shape(api: Messages) -> None:
    for method, path, status in (("GET", "/v2/nothing", 404), ("DELETE", listing.PATH, 405)):
        answer: Any = api.client.open(path, method=method, headers=api.headers())
        assert (answer.status_code, answer.json["status_code"]) == (status, status)
        assert answer.json["errors"][0]["message"]


def test_checks_come_in_notifys_order(api: Messages) -> None:
    """Of everything that is wrong the first is said; each that is mended shows the next."""
    with api.world.runtime.db.write() as tx:
        services.set_limits(tx, api.owner(), services.Limits(2, {"sms": 0}))
    key = api.new_key("counter", type="team", templates=[UUID(api.template("card_loss/code"))])
    steps: list[dict[str, Any]] = [
        {
            "template_id": api.template(),
            "phone_number": "0736-7255555",
            "x": 1,
            "sms_sender_id": str(uuid4()),
        },
    ]

    def said() -> str:
        answer = api.post(steps[-1], key)
        return str(answer.json["errors"][0]["message"])

    def mended(**changes: Any) -> None:
        steps.append({name: value for name, value in {**steps[-1], **changes}.items() if value is not None})

    assert said().startswith("Exceeded send limits (sms: 0)")
    assert [said() for _ in range(2)][-1].startswith("Exceeded rate limit for key type TEAM of 2")
    with api.world.runtime.db.write() as tx:
        services.set_limits(tx, api.owner(), services.Limits(3_000, {}))
    api.world.clock.now += timedelta(minutes=2)
    assert said() == "Additional properties are not allowed (x was unexpected)"
    mended(x=None)
    assert said() == "This API key may not use this text"
    mended(template_id=api.template("card_loss/code"))
    assert said() == "Missing personalisation: code"
    mended(personalisation={"code": "9" * 1000})
    assert "does not exist in database for service id" in said()
    mended(sms_sender_id=None)
    assert said().startswith("Can’t send to this recipient")
    with api.world.runtime.db.write() as tx:
        vault, now = api.world.runtime.vault, api.world.clock.now
        guests.add(tx, vault, api.owner(), "team", "+8613800138000", now)
    mended(phone_number="13800138000")
    assert said().startswith("Your message is too long.")
    normal = api.post({**api.body(phone_number="0736-7255555")})
    assert normal.json["errors"][0]["error"] == "InvalidPhoneError"


# --- how it stands ---------------------------------------------------------------------------------------


def test_each_status_is_shown_in_notifys_words_and_found_by_them(world: World) -> None:
    """What is listed under a status is what is shown with it; ``failed`` is every failure."""
    api = Messages(world)
    causes = [(status, cause) for status in Status for cause in ("", "recipient", "away")]
    ids = [api.post(api.body()).json["id"] for _ in causes]
    rows = {str(row.id): row for row in world.rows()}
    with world.runtime.db.write() as tx:
        for key, (status, cause) in zip(ids, causes, strict=True):
            tx.execute(update(notifications).where(notifications.c.id == rows[key].id).values(status=status))
            tried = {"notification_id": rows[key].id, "provider": "p", "address_index": b"1" * 16, "lease": 1}
            tried |= {"handover": "h", "started_at": world.clock.now, "cause": cause or None}
            tx.execute(insert(attempts).values(tried))
    stands = {one["id"]: one["status"] for page in api.pages() for one in page}
    assert stands[ids[causes.index((Status.UNDELIVERED, "away"))]] == "temporary-failure"
    assert stands[ids[causes.index((Status.UNDELIVERED, "recipient"))]] == "permanent-failure"
    for word in STATUSES:
        wanted = {key for key, status in stands.items() if status == word}
        if word == "failed":
            wanted = {key for key, status in stands.items() if status.endswith("failure")}
        assert set(api.listed(f"status={word}")) == wanted, word
    both = set(api.listed("status=created&status=delivered"))
    assert both == {key for key, status in stands.items() if status in ("created", "delivered")}


def test_a_cost_is_shown_once_something_was_handed_over_and_its_price_is_known(api: Messages) -> None:
    """In the currency of the contract; an e-mail costs nothing, nor does what was never handed over."""
    world, text = api.world, api.template("card_loss/failed")
    mail, waiting = api.shown(api.mail()), api.shown(api.post(api.body()))
    assert (mail["is_cost_data_ready"], mail["cost_in_pounds"], mail["cost_details"]) == (True, 0.0, {})
    assert (waiting["is_cost_data_ready"], waiting["cost_in_pounds"]) == (False, None)
    run_lane(world.runtime, "sms.normal")
    assert api.get(listing.PATH + "?template_type=sms").json["notifications"][0]["cost_in_pounds"] is None
    tariff = Tariff(Decimal("0.045"), "CNY", {"852": Tariff(Decimal("0.36"), "CNY")})
    world.runtime = replace(
        world.runtime, settings=replace(world.runtime.settings, tariffs={"scripted": tariff})
    )
    api.app = create_app(world.runtime)
    api.client = api.app.test_client()
    abroad = api.post({"template_id": text, "phone_number": "+852 9123 4567"})
    run_lane(world.runtime, "sms.normal")
    shown = api.shown(abroad)
    parts = shown["cost_details"]["billable_sms_fragments"]
    assert shown["cost_in_pounds"] == pytest.approx(0.36 * parts)
    assert (shown["cost_details"]["international_rate_multiplier"], shown["cost_currency"]) == (8.0, "CNY")
    assert shown["cost_details"]["sms_rate"] == 0.045


# --- lists -----------------------------------------------------------------------------------------------


def test_a_list_is_of_the_caller_and_told_by_reference_and_type(api: Messages) -> None:
    """Exactly two keys; another service's and another type of key's messages are not in it."""
    sms, mail = api.post(api.body(reference="a&b=c")).json["id"], api.mail(reference="r").json["id"]
    api.post(api.body(), api.new_key("another"))
    api.post(api.body(), api.new_key("counter", type="test"))
    assert set(api.listed()) == {sms, mail}
    assert api.listed("template_type=email") == [mail]
    assert set(api.listed("template_type=email&template_type=sms&include_jobs=true")) == {sms, mail}
    assert api.listed("reference=a%26b%3Dc") == [sms]
    assert api.listed("template_type=letter") == []
    whole: Any = api.get(f"{listing.PATH}?reference=r&status=created").json
    assert whole.keys() == {"notifications", "links"}
    assert whole["links"]["current"] == f"{HOST}{listing.PATH}?reference=r&status=created"
    assert parse_qsl(urlsplit(whole["links"]["next"]).query) == [
        ("older_than", mail),
        ("reference", "r"),
        ("status", "created"),
    ]
    nowhere = uuid4()
    unknown = api.get(f"{listing.PATH}?reference=r&older_than={nowhere}").json
    current = f"{HOST}{listing.PATH}?older_than={nowhere}&reference=r"
    assert unknown == {"notifications": [], "links": {"current": current}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=elephant", f"status elephant is not one of [{', '.join(STATUSES)}]"),
        ("template_type=x", "template_type x is not one of [sms, email, letter]"),
        ("older_than=x", "older_than is not a valid UUID"),
        ("include_jobs=x", "include_jobs x is not one of [true, True]"),
        ("x=1", "Additional properties are not allowed (x was unexpected)"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_notifys_words(api: Messages, query: str, said: str) -> None:
    assert api.errors(api.get(f"{listing.PATH}?{query}")) == [("ValidationError", said)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    before=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    between=st.lists(st.integers(0, 3), max_size=8),
    page=st.integers(1, 5),
)
def test_a_walk_over_the_pages_passes_over_none_and_tells_none_twice(
    api: Messages, before: list[int], between: list[int], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was there is told once, though many have one time and others are taken meanwhile."""
    reference = uuid4().hex
    body = api.body(reference=reference)

    def take(seconds: list[int]) -> list[str]:
        made = []
        for some in seconds:
            api.world.clock.now += timedelta(seconds=some)
            made.append(api.post(body).json["id"])
        return made

    monkeypatch.setattr(listing, "PAGE", page)
    there, found = take(before), []
    path = f"{listing.PATH}?reference={reference}"
    while (answer := api.get(path).json)["notifications"]:
        found += [one["id"] for one in answer["notifications"]]
        path = answer["links"]["next"].removeprefix(HOST)
        take([between.pop()] if between else [])
    assert sorted(found) == sorted(there)
    assert len(found) == len(set(found))


def test_a_page_costs_as_many_queries_as_one_message(api: Messages) -> None:
    """Texts and attempts are looked up for all of them at once."""
    asked: list[str] = []
    event.listen(api.world.runtime.db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counted = []
    for more in (1, 11):
        for _ in range(more):
            api.post(api.body(), **{"Idempotency-Key": uuid4().hex})
            api.mail()
        asked.clear()
        api.get(listing.PATH)
        counted.append(len(asked))
    assert counted[0] == counted[1]


# --- many at once -------------------------------------------------------------------------------------------


def test_a_batch_takes_what_it_can_and_says_of_each_what_became_of_it(world: World) -> None:
    """One commit, one answer in the order asked; its own values come before the shared ones."""
    api = Messages(world)
    body = {
        "template_id": api.template("card_loss/code"),
        "personalisation": {"code": "1111"},
        "reference": "all",
        "items": [
            {"phone_number": "13800138000"},
            {"phone_number": "13800138001", "personalisation": {"code": "2222"}, "reference": "mine"},
            {"phone_number": "12333"},
            {"phone_number": 1, "more": 2},
            {"phone_number": "13800138002", "personalisation": {"code": None}},
            "x",
        ],
    }
    answer = api.ask("batch", body, **{"Idempotency-Key": "b"})
    assert answer.status_code == 201, answer.text
    assert (answer.json["taken"], answer.json["refused"]) == (2, 4)
    said = [[one["message"] for one in item["errors"]] for item in answer.json["items"]]
    assert said[:2] == [[], []]
    assert said[2][0].startswith("phone_number This is a public service number")
    assert set(said[3]) == {
        "phone_number 1 is not of type string",
        "Additional properties are not allowed (more was unexpected)",
    }
    assert said[4:] == [["Missing personalisation: code"], ["The item is not of type object"]]
    shown = {one["id"]: one for page in api.pages() for one in page}
    first, second = (shown[item["id"]] for item in answer.json["items"][:2])
    assert ("1111" in first["body"], "2222" in second["body"]) == (True, True)
    assert (first["reference"], second["reference"]) == ("all", "mine")
    assert api.ask("batch", body, **{"Idempotency-Key": "b"}).json == answer.json
    assert len(world.rows()) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"items": []}, "items must be 1 to 1000 messages"),
        ({"items": "x"}, "items is not of type array"),
        ({"template_id": str(uuid4())}, "Template not found"),
        ({"sms_sender_id": "x"}, "sms_sender_id is not a valid UUID"),
        ({"scheduled_for": "2020-01-01"}, "scheduled_for datetime can not be in the past"),
    ],
)
def test_what_is_wrong_with_the_whole_batch_is_refused_as_a_whole(
    api: Messages, changes: dict[str, Any], said: str
) -> None:
    body = {"template_id": api.template(), "items": [{"phone_number": "13800138000"}], **changes}
    assert [message for _, message in api.errors(api.ask("batch", body))] == [said]
    assert api.world.rows() == []


def test_a_batch_counts_as_many_messages_as_it_takes(api: Messages) -> None:
    """What is refused of it gives its places back."""
    with api.world.runtime.db.write() as tx:
        services.set_limits(tx, api.owner(), services.Limits(3_000, {"sms": 3}))
    good, bad = {"phone_number": "13800138000"}, {"phone_number": "12333"}
    body = {"template_id": api.template(), "items": [good, good, bad]}
    assert api.ask("batch", body).status_code == 201
    assert api.ask("batch", {**body, "items": [good, good]}).status_code == 429
    assert api.ask("batch", {**body, "items": [good]}).status_code == 201


def test_a_repeated_request_has_its_answer_though_time_has_passed(api: Messages) -> None:
    """What was asked for an hour that has come since was taken then."""
    at = (api.world.clock.now + timedelta(minutes=5)).isoformat()
    key = {"Idempotency-Key": "k"}
    first = api.post(api.body(scheduled_for=at), **key)
    api.world.clock.now += timedelta(hours=1)
    assert api.post(api.body(scheduled_for=at), **key).json == first.json
    assert len(api.world.rows()) == 1

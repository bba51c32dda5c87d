"""The doors of the telephone: the switch's webhooks, the simulator's calls, and going on by web."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.demo.city import Person
from gateway.phone import calls
from gateway.providers import Callback
from gateway.transactions import store
from gateway.transactions.store import transactions
from tests.flows.citizen import Browser, Desk
from tests.stores.test_transactions import messages, sent_codes
from tests.world import Scripted, World

TOKEN = "signing-token"
VOICE = "/phone/twilio/callback-secret/voice"
ENDED = "/phone/twilio/callback-secret/ended"


class Switch(Scripted):
    """A voice provider that signs as the vendor does."""

    name = "twilio_voice"
    channel = "voice"

    def verify(self, callback: Callback) -> bool:
        form = dict(parse_qsl(callback.body.decode(), keep_blank_values=True))
        return bool(RequestValidator(TOKEN).validate(callback.url, form, callback.headers.get(HEADER, "")))


HEADER = "X-Twilio-Signature"


@dataclass(slots=True)
class Line:
    """A call as the vendor makes it: signed webhooks, each at the address the last document named."""

    world: World
    client: FlaskClient
    sid: str = "CA1"
    at: str = VOICE
    last: tuple[str, dict[str, str]] = ("", {})
    answer: Any = field(default=None)

    def ask(self, path: str, **fields: str) -> TestResponse:
        form = {"CallSid": self.sid, "CallStatus": "in-progress", **fields}
        self.last = (path, form)
        return self.post(path, form)

    def post(self, path: str, form: dict[str, str], token: str = TOKEN) -> TestResponse:
        url = self.world.runtime.settings.public_url + path
        signature = RequestValidator(token).compute_signature(url, form)
        body = urlencode(form)
        return self.client.post(
            path,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={HEADER: signature},
        )

    def go(self, **fields: str) -> ET.Element:
        """The next webhook; the document it is answered with."""
        response = self.ask(self.at, **fields)
        assert response.status_code == 200
        assert response.content_type.startswith("text/xml")
        document = ET.fromstring(response.data)  # noqa: S314 - our own document
        gather = document.find("Gather")
        if gather is not None:
            self.at = VOICE.rpartition("/")[0] + "/" + gather.attrib["action"]
        return document

    def press(self, digits: str, finished: str = "") -> ET.Element:
        return self.go(Digits=digits, FinishedOnKey=finished)


def said(document: ET.Element) -> str:
    return "".join("".join(say.itertext()) for say in document.iter("Say"))


@pytest.fixture
def line(sqlite_world: World, desk: Desk) -> Line:
    """A caller at a gateway whose voice provider is configured; three people are registered."""
    sqlite_world.settle(3)
    runtime = replace(sqlite_world.runtime, providers={"twilio_voice": Switch()})
    return Line(sqlite_world, create_app(runtime).test_client())


# --- the switch ------------------------------------------------------------------------------------


def test_a_call_goes_from_webhook_to_webhook_to_its_result(line: Line, person: Person) -> None:
    """The whole way in TwiML: the menu, the number, the code, the confirmation, hold the line."""
    document = line.go(CallStatus="ringing")
    gather = document.find("Gather")
    assert gather is not None
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "1",
        "finishOnKey": "",
        "timeout": "8",
        "action": "voice?step=1",
        "method": "POST",
        "actionOnEmptyResult": "true",
    }
    assert "您好，常德人社1 2 3 3 3" in said(document)
    assert "社保卡临时挂失请按1" in said(line.press("1"))
    gather = line.press("1").find("Gather")
    assert gather is not None
    assert (gather.attrib["numDigits"], gather.attrib["finishOnKey"]) == ("18", "#")
    assert "请按6位验证码" in said(line.press(person.id_number, "#"))
    assert "确认办理请按1" in said(line.press(sent_codes(line.world)[-1]))
    document = line.press("1")
    assert "正在办理，请稍候" in said(document)
    assert document.find("Gather").attrib["timeout"] == "2"  # type: ignore[union-attr]


def test_silence_is_asked_again_with_a_slower_voice(line: Line) -> None:
    line.go()
    document = line.press("")
    assert [prosody.attrib["rate"] for prosody in document.iter("prosody")][:1] == ["75%"]
    assert "没有听到您按键" in said(document)


def test_a_hash_alone_is_told_apart_from_silence(line: Line) -> None:
    line.go()
    line.press("1")
    line.press("1")
    assert "您还没有按号码" in said(line.press("", "#"))


def test_a_webhook_that_comes_twice_renders_the_same_step(line: Line, person: Person) -> None:
    """The vendor repeats a webhook whose answer was lost: the same document, and one code only."""
    line.go()
    line.press("1")
    line.press("1")
    first = line.ask(line.at, Digits=person.id_number, FinishedOnKey="#")
    second = line.post(*line.last)
    assert first.data == second.data
    assert len(sent_codes(line.world)) == 1


@pytest.mark.parametrize("digits", ["999999999999999999999", "ABC", "%00", "<&>", "**", "1" * 5000])
def test_whatever_is_keyed_the_answer_is_twiml(line: Line, digits: str) -> None:
    line.go()
    assert line.press(digits).tag == "Response"


@pytest.mark.parametrize("step", ["x", "-1", "99999999999999", "٣"])
def test_a_step_nobody_made_is_answered_with_the_current_one(line: Line, step: str) -> None:
    current = said(line.go())
    line.at = f"{VOICE}?step={step}"
    assert said(line.press("1")) == current


def test_at_night_the_number_the_switch_names_is_put_into_the_line(line: Line) -> None:
    """As the switch writes it, with each of its webhooks; a call that shows none is asked for one."""
    line.world.clock.advance(hours=6)  # 22:05
    shown = {"From": "+8613800138000"}
    line.go(**shown)
    assert "现在没有人工座席，明天8点上班" in said(line.go(Digits="0", FinishedOnKey="", **shown))
    text = said(line.go(Digits="1", FinishedOnKey="", **shown))
    assert "打尾号8 0 0 0的电话给您" in text
    assert [one[:15] for one in messages(line.world)] == ["已登记回电：明天上午08:00"]
    hidden = Line(line.world, line.client, sid="CA2")
    hidden.go(From="anonymous")
    hidden.go(Digits="0", FinishedOnKey="", From="anonymous")
    assert "请按您的电话号码" in said(hidden.go(Digits="1", FinishedOnKey="", From="anonymous"))


def test_a_person_is_dialled_where_there_is_a_number(line: Line, desk: Desk) -> None:
    line.go()
    document = line.press("0")
    assert "现在为您转人工" in said(document)
    assert document.find("Hangup") is not None
    environment = {"HOTLINE_AGENT_NUMBER": "+867367000000"}
    runtime = replace(
        line.world.runtime,
        providers={"twilio_voice": Switch()},
        settings=replace(line.world.runtime.settings, environment=environment),
    )
    staffed = Line(line.world, create_app(runtime).test_client(), sid="CA2")
    staffed.go()
    assert staffed.press("0").findtext("Dial") == "+867367000000"


def test_an_error_of_ours_is_an_apology_and_a_person(
    line: Line, caplog: pytest.LogCaptureFixture, person: Person
) -> None:
    """A database that is away is not silence on the line; what was keyed is not in the log."""
    line.go()
    line.press("1")
    line.press("1")
    with line.world.runtime.db.write() as tx:
        calls.calls.drop(tx)
    document = line.press(person.id_number, "#")
    assert "对不起，系统出了一点问题" in said(document)
    assert person.id_number not in caplog.text


def test_only_the_switch_is_answered(line: Line, sqlite_world: World) -> None:
    """A wrong signature is 403; a wrong secret and a provider that is not configured are 404."""
    assert line.post(VOICE, {"CallSid": "CA1"}, token="another").status_code == 403
    assert line.post(VOICE.replace("callback-secret", "guess"), {"CallSid": "CA1"}).status_code == 404
    plain = create_app(sqlite_world.runtime).test_client()
    assert plain.post(VOICE, data={"CallSid": "CA1"}).status_code == 404
    with sqlite_world.runtime.db.read() as tx:
        assert tx.execute(select(calls.calls)).all() == []


@pytest.mark.parametrize("path", [ENDED, VOICE])
def test_the_end_of_a_proven_call_is_told_how_to_go_on(line: Line, person: Person, path: str) -> None:
    """By the status callback, or by the voice address where no other is set; once."""
    line.go()
    line.press("1")
    line.press("1")
    line.press(person.id_number, "#")
    line.press(sent_codes(line.world)[-1])
    for _ in range(2):
        assert line.ask(path, CallStatus="completed").status_code == 200
    (text,) = messages(line.world)
    assert "您的社保卡临时挂失还没有办完，编号" in text


# --- the simulator -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Page:
    """The simulator's page in one browser."""

    client: FlaskClient
    token: str = ""
    step: int = 0

    def open(self) -> str:
        text = self.client.get("/phone").text
        self.token = text.partition('data-token="')[2].partition('"')[0]
        return text

    def send(self, event: str, **values: Any) -> Any:
        response = self.post({"event": event, "step": self.step, **values})
        assert response.status_code == 200, response.text
        reply = response.get_json()
        self.step = reply["step"]
        return reply

    def post(self, body: Any, **headers: str) -> TestResponse:
        return self.client.post("/phone/calls", json=body, headers={"X-Token": self.token, **headers})


@pytest.fixture
def simulator(browser: Browser) -> Page:
    page = Page(browser.client)
    page.open()
    return page


def heard(reply: Any) -> str:
    return "".join(line["zh"] for line in reply["say"])


def test_the_simulator_plays_the_same_dialogue(simulator: Page, browser: Browser, person: Person) -> None:
    reply = simulator.send("call")
    assert "常德人社" in heard(reply)
    assert reply["say"][0]["en"].startswith("Hello")
    assert reply["waits"] == {"max": 1, "terminator": "", "first": 8.0, "between": 5.0}
    simulator.send("keys", keys="1")
    simulator.send("keys", keys="1")
    simulator.send("keys", keys=person.id_number, terminator="#")
    assert "确认办理请按1" in heard(simulator.send("keys", keys=browser.code()))
    assert "正在办理" in heard(simulator.send("keys", keys="1"))
    reply = simulator.send("keys", keys="0")
    assert (reply["end"], reply["waits"]) == ("transfer", None)


def test_the_simulator_refuses_what_is_not_its_own_page(simulator: Page, browser: Browser) -> None:
    """No token, another site's request, no call, no JSON: refused, and nothing begins."""
    assert simulator.post({"event": "keys", "keys": "1", "step": 0}).status_code == 400
    assert simulator.post({"event": "call"}, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    simulator.token = "guess"
    assert simulator.post({"event": "call"}).status_code == 403
    assert browser.client.post("/phone/calls", data="event=call").status_code == 403


def test_the_simulator_takes_no_nonsense(simulator: Page) -> None:
    simulator.send("call")
    nonsense: list[Any] = [[], {"event": "shout", "step": 1}, {"event": "keys", "step": "1"}, "call"]
    for body in nonsense:
        assert simulator.post(body).status_code == 400


def test_dialling_again_drops_the_call_before(
    simulator: Page, browser: Browser, person: Person, sqlite_world: World
) -> None:
    """One call for each visit: the dropped one's matter is told how to go on."""
    simulator.send("call")
    simulator.send("keys", keys="1")
    simulator.send("keys", keys="1")
    simulator.send("keys", keys=person.id_number, terminator="#")
    simulator.send("keys", keys=browser.code())
    assert "查办理进度" in heard(simulator.send("call"))
    assert "还没有办完" in messages(sqlite_world)[0]


def test_the_simulator_is_shown_in_the_demo_alone(
    simulator: Page, browser: Browser, sqlite_world: World
) -> None:
    assert "模拟电话" in browser.get("/")
    assert "这不是真的电话" in simulator.open()
    live = replace(sqlite_world.runtime, settings=replace(sqlite_world.runtime.settings, demo=False))
    client = create_app(live).test_client()
    assert client.get("/phone").status_code == 404
    assert client.post("/phone/calls", json={"event": "call"}).status_code == 404
    assert "/phone" not in client.get("/").text


def test_the_simulator_has_the_policy_of_the_pages(browser: Browser) -> None:
    pages = browser.client.get("/").headers["Content-Security-Policy"]
    assert browser.client.get("/phone").headers["Content-Security-Policy"] == pages


# --- a dropped call goes on by web ---------------------------------------------------------------------


def drop(simulator: Page, browser: Browser, person: Person) -> Any:
    """A call that ends after the proof; its transaction."""
    simulator.send("call")
    simulator.send("keys", keys="1")
    simulator.send("keys", keys="1")
    simulator.send("keys", keys=person.id_number, terminator="#")
    simulator.send("keys", keys=browser.code())
    simulator.send("hang_up")
    with browser.world.runtime.db.read() as tx:
        return tx.execute(select(transactions)).one()


def test_a_dropped_call_goes_on_by_web_at_the_same_step(
    simulator: Page, browser: Browser, person: Person, open_browser: Callable[[], Browser], desk: Desk
) -> None:
    """The number from the text message, a new code, the check: nothing is asked twice."""
    row = drop(simulator, browser, person)
    browser.world.clock.advance(seconds=70)
    web = open_browser()
    web.get("/progress")
    web.post("/progress", reference=row.reference)
    text = web.post("/progress/mobile", mobile=person.mobile[-4:])
    assert "还没有办完" in text
    web.post("/progress/continue")
    assert web.path == "/t/card_loss/code"
    web.post("/t/card_loss/code", code=web.code())
    assert web.path == "/t/card_loss/check"
    assert "已收到，正在办理" in web.post("/t/card_loss/check")
    with browser.world.runtime.db.read() as tx:
        assert store.find(tx, browser.world.runtime, row.reference).state == "submitted"  # type: ignore[union-attr]


def test_going_on_needs_the_second_proof(
    simulator: Page, browser: Browser, person: Person, open_browser: Callable[[], Browser]
) -> None:
    """Whoever has not given reference and mobile has nothing to go on with."""
    row = drop(simulator, browser, person)
    web = open_browser()
    web.get("/progress")
    web.post("/progress", reference=row.reference)
    assert web.post("/progress/continue")
    assert web.page.status_code == 403


def test_what_was_confirmed_meanwhile_is_shown_not_resumed(
    simulator: Page, browser: Browser, person: Person, open_browser: Callable[[], Browser]
) -> None:
    row = drop(simulator, browser, person)
    web = open_browser()
    web.get("/progress")
    web.post("/progress", reference=row.reference)
    web.post("/progress/mobile", mobile=person.mobile[-4:])
    with browser.world.runtime.db.write() as tx:
        store.change(tx, browser.world.runtime, row.id, state="submitted", submitted_at=browser.world.clock())
    assert "已收到" in web.post("/progress/continue")
    assert web.path == "/status"


def test_vectors_are_told_to_be_of_types_there_are() -> None:
    """Each file of conversations is about a type of the catalogue, and no rule stands twice."""
    for path in (Path(__file__).parents[1] / "vectors" / "phone").glob("*.json"):
        rules = [case["rule"] for case in json.loads(path.read_text())["cases"]]
        assert len(rules) == len(set(rules))

"""The sandbox's exchange reads TwiML as Twilio does: a server of canned documents answers the calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.contract.canned_server import CannedServer, Request, free_port
from tests.contract.sandbox_process import Sandbox

TOKEN = "sandbox"
CALLER, HOTLINE = "+8613800138000", "12333"
MENU = '<Gather numDigits="1" timeout="8" action="/menu"><Say language="zh-CN">挂失请按1</Say></Gather>'
ID_NUMBER = '<Gather action="id"><Say>请输入证件号码，以#号键结束</Say></Gather>'


def twiml(verbs: str, **more: Any) -> dict[str, Any]:
    return {"content_type": "text/xml", "body": f"<Response>{verbs}</Response>", **more}


class Caller:
    """Somebody at a telephone."""

    def __init__(self, sandbox: Sandbox, server: CannedServer) -> None:
        self._url = sandbox.url + "/_sandbox/dial"
        self.server = server
        self.call = ""

    def dial(self, *answers: dict[str, Any]) -> Any:
        """Call the hotline, which answers so, one document after the other."""
        self.server.answers.extend(answers)
        heard = self.ask("POST", "", {"from": CALLER, "to": HOTLINE})
        self.call = heard["call"]
        return heard

    def press(self, keys: str, *answers: dict[str, Any]) -> Any:
        """Press keys, one after the other."""
        return self.do({"press": keys}, *answers)

    def do(self, step: dict[str, Any], *answers: dict[str, Any]) -> Any:
        """A step of the caller's."""
        self.server.answers.extend(answers)
        return self.ask("POST", f"/{self.call}", step)

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The exchange's answer: JSON, or the text of a refusal."""
        headers = {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = urllib3.request(method, self._url + path, body=data, headers=headers, retries=False)
        assert answer.status == status, answer.data
        return json.loads(answer.data) if status == 200 else answer.data.decode()

    @property
    def last(self) -> Request:
        """The newest webhook."""
        return self.server.requests[-1]


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    with CannedServer(always={"status": 204}) as server:
        urls = {"voice_url": server.url + "/voice/start?line=1", "voice_status_url": server.url + "/ended"}
        sandbox.call("POST", "settings", urls)
        yield Caller(sandbox, server)
        sandbox.call("POST", "settings", dict.fromkeys(urls, ""))


def signed(server: CannedServer, request: Request) -> bool:
    """By the vendor's documented rule."""
    text = server.url + request.url + "".join(name + value for name, value in sorted(request.form.items()))
    digest = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return request.headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()


def test_a_call_asks_the_customer_signed_and_says_what_it_answers(caller: Caller) -> None:
    heard = caller.dial(twiml("<Say>您好</Say>" + MENU))
    assert heard["says"] == ["您好", "挂失请按1"]
    assert heard["waits"] == {"digits": 1, "finish_on": "#", "timeout": 8}
    assert heard["ended"] is None
    form = caller.last.form
    assert (form["CallStatus"], form["From"], form["To"]) == ("ringing", CALLER, HOTLINE)
    assert (form["CallSid"], form["Direction"]) == (heard["call"], "inbound")
    assert caller.last.url == "/voice/start?line=1"
    assert signed(caller.server, caller.last)


def test_a_key_goes_to_the_action_of_the_gather(caller: Caller) -> None:
    caller.dial(twiml(MENU))
    heard = caller.press("1", twiml("<Say>挂失</Say><Hangup/>"))
    assert (heard["says"], heard["ended"]) == (["挂失"], "hangup")
    request = caller.server.requests[1]
    assert (request.path, request.form["Digits"], request.form["CallStatus"]) == ("/menu", "1", "in-progress")
    assert signed(caller.server, request)


def test_a_relative_action_belongs_to_the_document_it_stands_in(caller: Caller) -> None:
    caller.dial(twiml("<Redirect>deeper/menu?a=1&amp;b=2</Redirect>"), twiml(ID_NUMBER))
    caller.press("1#", twiml(ID_NUMBER))
    assert [request.url for request in caller.server.requests] == [
        "/voice/start?line=1",
        "/voice/deeper/menu?a=1&b=2",
        "/voice/deeper/id",
    ]


def test_a_gather_without_action_asks_its_own_document_again(caller: Caller) -> None:
    caller.dial(twiml("<Gather numDigits='1'/>"))
    caller.press("1", twiml(MENU))
    assert caller.last.url == "/voice/start?line=1"


@pytest.mark.parametrize(
    ("attributes", "presses", "digits", "finished_on"),
    [
        ('numDigits="4"', ["123456"], "1234", ""),
        ('numDigits="4"', ["12#34"], "12", "#"),
        ('numDigits="4" finishOnKey=""', ["12#4"], "12#4", ""),
        ('finishOnKey="*"', ["12", "3#*"], "123#", "*"),
        ("", ["430702", "19560101002#99"], "43070219560101002", "#"),
    ],
)
def test_digits_are_cut_as_twilio_cuts_them(
    caller: Caller, attributes: str, presses: list[str], digits: str, finished_on: str
) -> None:
    caller.dial(twiml(f'<Gather {attributes} action="/next"/>'))
    for keys in presses[:-1]:
        assert caller.press(keys)["says"] == []
        assert len(caller.server.requests) == 1
    caller.press(presses[-1], twiml(MENU))
    assert (caller.last.form["Digits"], caller.last.form["FinishedOnKey"]) == (digits, finished_on)


def test_keys_that_are_not_enough_go_when_the_time_is_over(caller: Caller) -> None:
    caller.dial(twiml('<Gather numDigits="4" action="/next"/>'))
    caller.press("12")
    caller.do({"wait": True}, twiml(MENU))
    assert caller.last.form["Digits"] == "12"


@pytest.mark.parametrize("step", [{"wait": True}, {"press": "#"}])
def test_nothing_pressed_falls_through_to_the_next_verb(caller: Caller, step: dict[str, Any]) -> None:
    caller.dial(twiml('<Gather action="/next"/><Say>没有收到按键</Say><Gather numDigits="1"/>'))
    heard = caller.do(step)
    assert (heard["says"], heard["waits"]["digits"]) == (["没有收到按键"], 1)
    assert len(caller.server.requests) == 1


@pytest.mark.parametrize("step", [{"wait": True}, {"press": "#"}])
def test_nothing_pressed_is_told_where_that_was_asked_for(caller: Caller, step: dict[str, Any]) -> None:
    caller.dial(twiml('<Gather action="/next" actionOnEmptyResult="true"/><Say>不会说</Say>'))
    assert caller.do(step, twiml(MENU))["says"] == ["挂失请按1"]
    assert caller.last.form["Digits"] == ""


def test_digits_are_told_once_only(caller: Caller) -> None:
    caller.dial(twiml(MENU))
    caller.press("1", twiml("<Redirect>/on</Redirect>"), twiml(MENU))
    assert caller.last.url == "/on"
    assert "Digits" not in caller.last.form


def test_get_carries_the_fields_in_the_url_and_signs_it(caller: Caller) -> None:
    caller.dial(twiml('<Gather numDigits="1" method="GET" action="/menu?a=1"/>'))
    caller.press("2", twiml(MENU))
    assert (caller.last.query["Digits"], caller.last.query["a"]) == ("2", "1")
    assert caller.last.body == b""
    assert signed(caller.server, caller.last)


@pytest.mark.parametrize(
    ("verbs", "ended"),
    [
        ("<Hangup/>", "hangup"),
        ("<Say>再见</Say>", "hangup"),
        ("", "hangup"),
        ("<Reject/>", "reject"),
        ("<Dial>+867361234567</Dial>", "dial:+867361234567"),
        ("<Dial><Number>+867361234567</Number></Dial><Say>不会说</Say>", "dial:+867361234567"),
        ("<Enqueue>人工</Enqueue>", "enqueue:人工"),
    ],
)
def test_a_call_ends_as_the_document_says(caller: Caller, verbs: str, ended: str) -> None:
    heard = caller.dial(twiml(verbs))
    assert (heard["ended"], heard["waits"]) == (ended, None)


def test_what_is_heard_is_said_as_often_as_it_is_played(caller: Caller) -> None:
    heard = caller.dial(twiml('<Say loop="2">请稍等</Say><Pause length="3"/><Play>/wait.mp3</Play>'))
    assert heard["says"] == ["请稍等", "请稍等", "♪ /wait.mp3"]


def test_the_end_of_a_call_is_told_to_the_status_callback(caller: Caller) -> None:
    caller.dial(twiml(MENU))
    assert caller.do({"hang_up": True})["ended"] == "hangup"
    assert (caller.last.path, caller.last.form["CallStatus"]) == ("/ended", "completed")
    assert int(caller.last.form["CallDuration"]) >= 1
    assert signed(caller.server, caller.last)


def test_without_a_status_callback_the_voice_address_hears_of_the_end(
    caller: Caller, sandbox: Sandbox
) -> None:
    sandbox.call("POST", "settings", {"voice_status_url": ""})
    caller.dial(twiml(MENU))
    caller.do({"hang_up": True})
    assert (caller.last.path, caller.last.form["CallStatus"]) == ("/voice/start", "completed")


def test_a_repeated_webhook_is_the_very_same_and_its_answer_counts(caller: Caller) -> None:
    caller.dial(twiml(MENU))
    first = caller.press("1", twiml(ID_NUMBER))
    again = caller.do({"repeat": True}, twiml(ID_NUMBER))
    assert again == first
    one, two = caller.server.requests[-2:]
    assert (one.url, one.body) == (two.url, two.body)
    assert one.headers["X-Twilio-Signature"] == two.headers["X-Twilio-Signature"]


def test_an_answer_that_ended_the_call_can_be_lost_too(caller: Caller) -> None:
    caller.dial(twiml("<Hangup/>"))
    assert caller.do({"repeat": True}, twiml(MENU))["says"] == ["挂失请按1"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 500}, "11200"),
        ({"then": "close"}, "11200"),
        ({"json": {}}, "12300"),
        ({"content_type": "text/xml", "body": ""}, "12100"),
        ({"content_type": "text/xml", "body": "<Response>"}, "12100"),
        ({"content_type": "text/xml", "body": "<Voice/>"}, "12100"),
        ({"content_type": "text/xml", "body": "<!DOCTYPE x><Response/>"}, "12100"),
        (twiml("<Say>" + "字" * 30_000 + "</Say>"), "11750"),
        (twiml("<Say/>"), "13520"),
        (twiml("<Speak>您好</Speak>"), "12200"),
        (twiml("<Gather><Hangup/></Gather>"), "13320"),
        (twiml('<Gather numDigits="0"/>'), "13314"),
        (twiml('<Gather timeout="-1"/>'), "13313"),
        (twiml('<Gather finishOnKey="##"/>'), "13310"),
        (twiml('<Gather method="PUT"/>'), "13312"),
        (twiml('<Gather actionOnEmptyResult="yes"/>'), "13338"),
        (twiml('<Gather input="speech"/>'), "13334"),
    ],
)
def test_a_document_that_is_none_ends_the_call_with_the_vendor_s_error(
    caller: Caller, answer: dict[str, Any], reason: str
) -> None:
    heard = caller.dial(answer)
    assert heard["ended"].startswith(f"error:{reason} ")
    assert heard["says"][-1].startswith("We're sorry")


def test_a_customer_that_is_not_there_is_an_error(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", {"voice_url": f"http://127.0.0.1:{free_port()}/"})
    assert "was not answered" in caller.dial()["ended"]


def test_redirects_do_not_go_on_for_ever(caller: Caller) -> None:
    caller.server.always = twiml("<Redirect>/again</Redirect>")
    assert caller.dial()["ended"].startswith("error:11215 ")


def test_the_transcript_tells_the_whole_call(caller: Caller) -> None:
    caller.dial(twiml(MENU + "<Say>没有收到按键</Say>" + MENU))
    caller.do({"wait": True})
    caller.press("1", twiml("<Hangup/>"))
    told = caller.ask("GET", f"/{caller.call}")
    assert (told["from"], told["to"], told["ended"]) == (CALLER, HOTLINE, "hangup")
    lines = [
        next((what, words) for what, words in line.items() if what != "at") for line in told["transcript"]
    ]
    url = caller.server.url
    assert lines == [
        ("asks", f"POST {url}/voice/start?line=1"),
        ("says", "挂失请按1"),
        ("waits", "8 s"),
        ("says", "没有收到按键"),
        ("says", "挂失请按1"),
        ("presses", "1"),
        ("asks", f"POST {url}/menu Digits=1"),
        ("ends", "hangup"),
        ("asks", f"POST {url}/ended CallStatus=completed"),
    ]


@pytest.mark.parametrize(
    ("step", "status", "reason"),
    [
        ({}, 400, "one step at a time"),
        ({"press": "1", "wait": True}, 400, "one step at a time"),
        ({"press": "A"}, 400, "0-9"),
    ],
)
def test_a_step_that_is_none_says_so(caller: Caller, step: dict[str, Any], status: int, reason: str) -> None:
    caller.dial(twiml(MENU))
    assert reason in caller.ask("POST", f"/{caller.call}", step, status)


@pytest.mark.parametrize("step", [{"press": "1"}, {"wait": True}, {"hang_up": True}, {"repeat": True}])
def test_nothing_happens_after_the_caller_has_hung_up(caller: Caller, step: dict[str, Any]) -> None:
    caller.dial(twiml(MENU))
    caller.do({"hang_up": True})
    assert "ended" in caller.ask("POST", f"/{caller.call}", step, 409)


@pytest.mark.parametrize("body", [{"from": CALLER}, {"from": "me", "to": HOTLINE}])
def test_a_call_needs_two_numbers(caller: Caller, body: dict[str, str]) -> None:
    assert "from" in caller.ask("POST", "", body, 400)


def test_nobody_answers_where_no_voice_address_is_set(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", {"voice_url": ""})
    assert "voice_url" in caller.ask("POST", "", {"from": CALLER, "to": HOTLINE}, 400)


def test_a_call_that_is_not_there_is_not_found(caller: Caller) -> None:
    assert "no such call" in caller.ask("GET", "/CA0", status=404)

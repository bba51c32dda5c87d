"""The sandbox is as strict as Twilio, and both providers live with it: real SDK, real wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import (
    Absent,
    Accepted,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Found,
    Inbound,
    Inquiry,
    Rejected,
    Throttled,
    Unknown,
)
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until

SID, TOKEN, FROM = "AC" + "5a" * 16, "sandbox", "+15005550006"  # the sandbox's own defaults
NUMBER, ANOTHER, LANDLINE = "+8613800138000", "+8613800138001", "+867361234567"
TEXT = "您尾号6266的社保卡已临时挂失，11月28日16:05自动解除。咨询12333"


def provider(name: str, sandbox: Sandbox, door: str = "http://127.0.0.1:9", **more: str) -> Any:
    """``door`` stands where the gateway's callbacks do."""
    settings = {
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM": FROM,
        "TWILIO_VOICE_FROM": FROM,
        "CALLBACKS_URL": door + "/callbacks/{provider}/secret",
        "TWILIO_API_URL": sandbox.url,
        "TWILIO_TIMEOUT_SECONDS": "0.5",
    }
    return load(name, settings | more)


def text(number: str = NUMBER, words: str = TEXT, **more: Any) -> Message:
    return Message(number, words, "常德人社", **more)


def post(sandbox: Sandbox, resource: str, sid: str = SID, **form: str) -> tuple[int, Any]:
    """What the bare wire answers."""
    headers = urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}")
    answer = urllib3.request(
        "POST",
        f"{sandbox.url}/2010-04-01/Accounts/{sid}/{resource}.json",
        body=urlencode(form),
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
        retries=False,
    )
    return answer.status, json.loads(answer.data)


def get(sandbox: Sandbox, path: str) -> Any:
    """A list, or one of it."""
    headers = urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}")
    url = f"{sandbox.url}/2010-04-01/Accounts/{SID}/{path}"
    return json.loads(urllib3.request("GET", url, headers=headers, retries=False).data)


@pytest.fixture
def door() -> Iterator[CannedServer]:
    """Where callbacks arrive; it answers as the gateway does."""
    with CannedServer(always={"body": "<Response/>"}) as server:
        yield server


def reported(name: str, sandbox: Sandbox, door: CannedServer, count: int) -> list[Any]:
    """What the provider reads in so many callbacks, each of which it takes for genuine."""
    until(lambda: len(door.requests) >= count)
    reporter, found = provider(name, sandbox, door.url), []
    for request in door.requests:
        kind = request.path.rsplit("/", 1)[-1]
        callback = Callback(kind, door.url + request.url, request.headers, request.body, "127.0.0.1")
        assert kind in reporter.reports
        assert reporter.verify(callback)
        found += reporter.parse(Callback(kind, callback.url, {}, request.body, ""))
    return found


# --- messages ---------------------------------------------------------------------------------


def test_a_message_arrives_in_the_handset_where_all_vendors_messages_do(sandbox: Sandbox) -> None:
    [outcome] = provider("twilio_sms", sandbox).hand_over("h1", [text()])
    assert isinstance(outcome, Accepted)
    [taken] = sandbox.call("GET", "messages?number=13800138000")
    assert (taken["text"], taken["biz_id"]) == (f"【常德人社】{TEXT}", outcome.reference)
    assert taken["provider"] == "twilio_sms"
    assert sandbox.call("GET", "counts")["calls"] == {"Messages": 1}


def test_a_message_is_reported_as_sent_and_then_as_delivered(sandbox: Sandbox, door: CannedServer) -> None:
    [outcome] = provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
    receipts = reported("twilio_sms", sandbox, door, 2)
    assert [receipt.code for receipt in receipts] == ["sent", "delivered"]
    assert [receipt.delivery for receipt in receipts] == [Delivery.PENDING, Delivery.DELIVERED]
    assert {(r.reference, r.handover, r.address) for r in receipts} == {(outcome.reference, "h1", NUMBER)}
    until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert sandbox.call("GET", "messages")[0]["status"] == "delivered"
    assert get(sandbox, f"Messages/{outcome.reference}.json")["status"] == "delivered"


@pytest.mark.parametrize("words", ["请打开https://12333.cn/办理", "字" * 600])
def test_links_and_long_texts_do_not_get_into_the_mainland(
    sandbox: Sandbox, door: CannedServer, words: str
) -> None:
    provider("twilio_sms", sandbox, door.url).hand_over("h1", [text(words=words)])
    last = reported("twilio_sms", sandbox, door, 2)[-1]
    assert (last.delivery, last.code) == (Delivery.UNDELIVERED, "30007")


def test_a_handset_that_is_off_is_reported(sandbox: Sandbox, door: CannedServer) -> None:
    sandbox.fault("receipts", "error", code="30003", number="13800138000")
    provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
    last = reported("twilio_sms", sandbox, door, 2)[-1]
    assert (last.delivery, last.code) == (Delivery.UNDELIVERED, "30003")


def test_a_report_nobody_took_is_sent_again(sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", {"receipt_retries": [0.05, 0.05]})
    with CannedServer([{"status": 500}, {"then": "close"}], always={"body": "<Response/>"}) as door:
        provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
        until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert len(door.requests) == 4  # sent three times, delivered once


@pytest.mark.parametrize("changed", [{"TWILIO_AUTH_TOKEN": "wrong"}, {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32}])
def test_a_wrong_key_takes_nothing(sandbox: Sandbox, changed: dict[str, str]) -> None:
    outcome = provider("twilio_sms", sandbox, **changed).hand_over("h1", [text()])
    assert outcome == [Rejected("20003", Cause.ACCOUNT)]
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_another_account_s_messages_are_not_found(sandbox: Sandbox) -> None:
    status, answer = post(sandbox, "Messages", sid="AC" + "0" * 32)
    assert (status, answer["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("number", "code"),
    [("+8612345678901", "21211"), (LANDLINE, "21614"), ("+12", "21211")],
)
def test_a_number_that_takes_no_texts_is_refused(sandbox: Sandbox, number: str, code: str) -> None:
    outcome = provider("twilio_sms", sandbox).hand_over("h1", [text(number)])
    assert outcome == [Rejected(code, Cause.RECIPIENT)]


def test_a_sender_that_is_not_the_account_s_is_refused(sandbox: Sandbox) -> None:
    outcome = provider("twilio_sms", sandbox, TWILIO_FROM="+15005550001").hand_over("h1", [text()])
    assert outcome == [Rejected("21606", Cause.OURS)]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Body": "x"}, 21604),
        ({"To": NUMBER, "Body": "x"}, 21603),
        ({"To": NUMBER, "From": FROM}, 21602),
        ({"To": NUMBER, "From": FROM, "Body": "字" * 1601}, 21617),
        ({"To": NUMBER, "From": FROM, "Body": "x", "ValidityPeriod": "36001"}, 20001),
        ({"To": NUMBER, "From": FROM, "Body": "x", "StatusCallback": "/relative"}, 21609),
    ],
)
def test_a_message_that_is_none_is_refused_in_the_vendor_s_words(
    sandbox: Sandbox, form: dict[str, str], code: int
) -> None:
    status, answer = post(sandbox, "Messages", **form)
    assert (status, answer["status"], answer["code"]) == (400, 400, code)
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_a_message_taken_in_silence_is_found_afterwards(sandbox: Sandbox) -> None:
    sandbox.fault("twilio_sms", "silent", times=1)
    sender, now = provider("twilio_sms", sandbox), datetime.now(UTC)
    assert sender.hand_over("h1", [text()]) == [Unknown("read_timeout")]
    [taken] = sandbox.call("GET", "messages")
    assert sender.find(Inquiry(NUMBER, "h1", now)) == Found(taken["biz_id"])
    assert sender.find(Inquiry(ANOTHER, "h1", now)) == Absent()


def test_two_messages_at_a_time_cannot_be_told_apart(sandbox: Sandbox) -> None:
    sandbox.fault("twilio_sms", "silent", times=1)
    sender, now = provider("twilio_sms", sandbox), datetime.now(UTC)
    sender.hand_over("h1", [text()])
    sender.hand_over("h2", [text(words="另一条")])
    assert sender.find(Inquiry(NUMBER, "h1", now)) == CannotTell("ambiguous")


def test_a_list_comes_in_pages_newest_first(sandbox: Sandbox) -> None:
    sender = provider("twilio_sms", sandbox)
    sids = [sender.hand_over(f"h{n}", [text(words=str(n))])[0].reference for n in range(3)]
    first = get(sandbox, f"Messages.json?To=%2B{NUMBER[1:]}&PageSize=2")
    assert [message["sid"] for message in first["messages"]] == [sids[2], sids[1]]
    second = json.loads(
        urllib3.request(
            "GET",
            sandbox.url + first["next_page_uri"],
            headers=urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}"),
        ).data
    )
    assert [message["sid"] for message in second["messages"]] == [sids[0]]
    assert second["next_page_uri"] is None


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error"}, Unknown("20500")),
        ({"mode": "error", "code": "20429"}, Throttled("20429")),
        ({"mode": "error", "code": "20003"}, Rejected("20003", Cause.ACCOUNT)),
        ({"mode": "error", "code": "21211"}, Rejected("21211", Cause.RECIPIENT)),
        ({"mode": "refuse"}, Unknown("connection_lost")),
        ({"mode": "down"}, Unknown("http_503")),
        ({"mode": "slow", "latency_ms": 900}, Unknown("read_timeout")),
    ],
)
@pytest.mark.parametrize("name", ["twilio_sms", "twilio_voice"])
def test_each_fault_looks_like_the_real_one(
    sandbox: Sandbox, name: str, fault: dict[str, Any], outcome: Any
) -> None:
    sandbox.fault(name, times=1, **fault)
    sender = provider(name, sandbox)
    assert sender.hand_over("h1", [text()]) == [outcome]
    assert sandbox.call("GET", "faults") == []
    assert isinstance(sender.hand_over("h2", [text()])[0], Accepted)


# --- what people send ----------------------------------------------------------------------------


def test_what_a_person_sends_comes_signed(sandbox: Sandbox, door: CannedServer) -> None:
    url = door.url + "/callbacks/twilio_sms/secret/sms-inbound"
    sandbox.call("POST", "settings", {"twilio_inbound_url": url})
    reply = {"number": "13800138000", "text": "查询", "through": "twilio_sms"}
    sandbox.call("POST", "inbound", reply)
    [inbound] = reported("twilio_sms", sandbox, door, 1)
    assert inbound == Inbound(inbound.id, NUMBER, FROM, "查询")


def test_who_says_stop_gets_nothing_until_start(sandbox: Sandbox) -> None:
    sender = provider("twilio_sms", sandbox)
    for word, expected in (("Stop", Rejected), ("START", Accepted)):
        sandbox.call("POST", "inbound", {"number": NUMBER, "text": word, "through": "twilio_sms"})
        [outcome] = sender.hand_over("h1", [text()])
        assert isinstance(outcome, expected)
    assert isinstance(sender.hand_over("h1", [text(ANOTHER)])[0], Accepted)


# --- calls -----------------------------------------------------------------------------------------


def test_a_call_rings_and_says_its_text_as_often_as_wanted(sandbox: Sandbox) -> None:
    [outcome] = provider("twilio_voice", sandbox).hand_over("h1", [text(plays=3)])
    [call] = sandbox.call("GET", "calls?number=13800138000")
    assert (call["id"], call["text"], call["plays"]) == (outcome.reference, TEXT, 3)
    assert call["provider"] == "twilio_voice"


@pytest.mark.parametrize(
    ("answers", "word", "delivery"),
    [
        ("yes", "completed", Delivery.DELIVERED),
        ("early", "completed", Delivery.DELIVERED),
        ("busy", "busy", Delivery.UNDELIVERED),
        ("absent", "no-answer", Delivery.UNDELIVERED),
        ("off", "failed", Delivery.UNDELIVERED),
    ],
)
def test_a_call_is_reported_as_it_went(
    sandbox: Sandbox, door: CannedServer, answers: str, word: str, delivery: Delivery
) -> None:
    sandbox.call("POST", "handsets", {"number": "13800138000", "answers": answers})
    [outcome] = provider("twilio_voice", sandbox, door.url).hand_over("h1", [text()])
    [receipt] = reported("twilio_voice", sandbox, door, 1)
    assert (receipt.code, receipt.delivery) == (word, delivery)
    assert (receipt.reference, receipt.handover, receipt.address) == (outcome.reference, "h1", NUMBER)
    assert receipt.at is not None
    assert get(sandbox, f"Calls/{outcome.reference}.json")["status"] == word


def test_every_event_comes_in_order_to_who_asks_for_it(sandbox: Sandbox, door: CannedServer) -> None:
    form = {"To": NUMBER, "From": FROM, "Twiml": "<Response><Say>您好</Say></Response>"}
    events = {"StatusCallbackEvent": "initiated ringing answered completed"}
    post(sandbox, "Calls", **form, **events, StatusCallback=door.url + "/x")
    until(lambda: len(door.requests) == 4)
    words = [request.form["CallStatus"] for request in door.requests]
    assert words == ["initiated", "ringing", "in-progress", "completed"]
    assert [request.form["SequenceNumber"] for request in door.requests] == ["0", "1", "2", "3"]


def test_a_landline_can_be_called(sandbox: Sandbox) -> None:
    assert isinstance(provider("twilio_voice", sandbox).hand_over("h1", [text(LANDLINE)])[0], Accepted)


SAY = "<Response><Say>您好</Say></Response>"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Twiml": SAY}, 21201),
        ({"To": "12333", "From": FROM, "Twiml": SAY}, 21211),
        ({"To": NUMBER, "Twiml": SAY}, 21213),
        ({"To": NUMBER, "From": "+15005550001", "Twiml": SAY}, 21210),
        ({"To": NUMBER, "From": FROM}, 21205),
        ({"To": NUMBER, "From": FROM, "Twiml": "<Response>"}, 12100),
        ({"To": NUMBER, "From": FROM, "Twiml": SAY + " " * 4000}, 32018),
        ({"To": NUMBER, "From": FROM, "Twiml": SAY, "Timeout": "601"}, 20001),
        ({"To": NUMBER, "From": FROM, "Twiml": SAY, "StatusCallbackEvent": "done"}, 21626),
    ],
)
def test_a_call_that_is_none_is_refused_in_the_vendor_s_words(
    sandbox: Sandbox, form: dict[str, str], code: int
) -> None:
    status, answer = post(sandbox, "Calls", **form)
    assert (status, answer["code"]) == (400, code)
    assert sandbox.call("GET", "calls") == []

"""The sandbox is as strict as Twilio with calls, and our provider lives with it: real SDK, real wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.providers import (
    Accepted,
    Cause,
    Delivery,
    Inbound,
    Receipt,
)
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until
from tests.contract.twilio_in_sandbox import (
    ACKNOWLEDGED,
    FROM,
    LANDLINE,
    NUMBER,
    TEXT,
    get,
    post,
    provider,
    reported,
    text,
)


@pytest.fixture
def door() -> Iterator[CannedServer]:
    """Where callbacks arrive; it answers as the gateway does."""
    with CannedServer(always=ACKNOWLEDGED) as server:
        yield server


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


def takes_calls(sandbox: Sandbox, answers: str = "yes", keys: str = "") -> None:
    sandbox.call("POST", "handsets", {"number": "13800138000", "answers": answers, "keys": keys})


def test_a_machine_is_not_the_person(sandbox: Sandbox, door: CannedServer) -> None:
    takes_calls(sandbox, "machine", keys="1")
    provider("twilio_voice", sandbox, door.url).hand_over("h1", [text(asks=True)])
    [receipt] = reported("twilio_voice", sandbox, door, 1)
    assert (receipt.delivery, receipt.code, receipt.cause) == (Delivery.UNDELIVERED, "machine", Cause.AWAY)
    assert sandbox.call("GET", "calls")[0]["answered_by"] == "machine_start"


def test_a_person_is_told_from_a_machine(sandbox: Sandbox, door: CannedServer) -> None:
    provider("twilio_voice", sandbox, door.url).hand_over("h1", [text()])
    [receipt] = reported("twilio_voice", sandbox, door, 1)
    assert (receipt.delivery, receipt.cause) == (Delivery.DELIVERED, None)
    assert door.requests[0].form["AnsweredBy"] == "human"


def test_a_slow_text_is_heard_without_its_tags(sandbox: Sandbox) -> None:
    provider("twilio_voice", sandbox).hand_over("h1", [text(slow=True)])
    [call] = sandbox.call("GET", "calls")
    assert (call["text"], call["plays"]) == (TEXT, 2)


def test_a_key_answers_the_question_of_a_call_and_its_coming_is_told(sandbox: Sandbox) -> None:
    takes_calls(sandbox, keys="19")
    told, content_type = provider("twilio_voice", sandbox).acknowledgement("voice-keys")
    with CannedServer([{"body": told, "content_type": content_type}], always=ACKNOWLEDGED) as door:
        [outcome] = provider("twilio_voice", sandbox, door.url).hand_over("h1", [text(asks=True)])
        heard, pressed, ended = reported("twilio_voice", sandbox, door, 2)
    call = outcome.reference
    assert heard == Receipt(call, NUMBER, Delivery.DELIVERED, "keys", handover="h1")
    assert pressed == Inbound(f"{call}#keys", NUMBER, FROM, "1", handover="h1")
    assert (ended.delivery, ended.code) == (Delivery.DELIVERED, "completed")
    assert sandbox.call("GET", "calls")[0]["replies"] == [
        "您按的键已收到。如果按错了，请拨打12333。",
        "Your key has been received. If you pressed the wrong one, please call 12333.",
    ]


@pytest.mark.parametrize("asks", [True, False])
def test_where_no_key_is_pressed_or_asked_for_there_is_only_the_end_of_the_call(
    sandbox: Sandbox, door: CannedServer, asks: bool
) -> None:
    takes_calls(sandbox, keys="" if asks else "1")
    provider("twilio_voice", sandbox, door.url).hand_over("h1", [text(asks=asks)])
    [receipt] = reported("twilio_voice", sandbox, door, 1)
    assert receipt.code == "completed"


def test_somebody_at_a_telephone_can_press_a_key(sandbox: Sandbox, door: CannedServer) -> None:
    takes_calls(sandbox, "by_hand")
    [outcome] = provider("twilio_voice", sandbox, door.url).hand_over("h1", [text(asks=True)])
    until(lambda: sandbox.call("GET", "calls")[0]["status"] == "ringing")
    sandbox.call("POST", f"calls/{outcome.reference}", {"do": "answer"})
    until(lambda: sandbox.call("GET", "calls")[0]["status"] == "answered")
    sandbox.call("POST", f"calls/{outcome.reference}", {"do": "press", "keys": "2"})
    assert reported("twilio_voice", sandbox, door, 2)[1].text == "2"


def test_an_answer_to_a_key_that_is_no_document_is_an_apology(sandbox: Sandbox) -> None:
    takes_calls(sandbox, keys="1")
    with CannedServer(always={"json": {}}) as door:
        provider("twilio_voice", sandbox, door.url).hand_over("h1", [text(asks=True)])
        until(lambda: len(door.requests) == 2)
    assert sandbox.call("GET", "calls")[0]["replies"][0].startswith("We're sorry")


@pytest.mark.parametrize(
    ("code", "cause"),
    [("404", Cause.RECIPIENT), ("480", Cause.AWAY), ("no-answer", Cause.AWAY), ("fax", Cause.AWAY)],
)
def test_a_report_of_a_call_can_be_made_to_say_otherwise(
    sandbox: Sandbox, door: CannedServer, code: str, cause: Cause
) -> None:
    sandbox.fault("receipts", "error", code=code, action="voice_status")
    provider("twilio_voice", sandbox, door.url).hand_over("h1", [text()])
    [receipt] = reported("twilio_voice", sandbox, door, 1)
    told = "machine" if code == "fax" else code
    assert (receipt.delivery, receipt.code, receipt.cause) == (Delivery.UNDELIVERED, told, cause)


def test_reports_of_a_call_may_come_newest_first(sandbox: Sandbox, door: CannedServer) -> None:
    sandbox.fault("receipts", "reversed", action="voice_status")
    events = {"StatusCallbackEvent": "ringing completed", "StatusCallback": door.url + "/x"}
    post(sandbox, "Calls", To=NUMBER, From=FROM, Twiml=SAY, **events)
    until(lambda: len(door.requests) == 2)
    assert [request.form["CallStatus"] for request in door.requests] == ["completed", "ringing"]


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
MUTTERED = '<Response><Say voice="Polly.Zhiyu"><prosody rate="5%">您好</prosody></Say></Response>'


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
        ({"To": NUMBER, "From": "12333", "Twiml": SAY}, 21212),
        ({"To": NUMBER, "From": FROM, "Twiml": "<Response><Dial>110</Dial></Response>"}, 12100),
        ({"To": NUMBER, "From": FROM, "Twiml": "<Response><Say><b>您好</b></Say></Response>"}, 12100),
        ({"To": NUMBER, "From": FROM, "Twiml": MUTTERED}, 12100),
        ({"To": NUMBER, "From": FROM, "Twiml": '<Response><Gather action="/keys"/></Response>'}, 15004),
        ({"To": NUMBER, "From": FROM, "Twiml": SAY, "MachineDetection": "Yes"}, 20001),
        ({"To": NUMBER, "From": FROM, "Twiml": SAY, "MachineDetectionTimeout": "2"}, 20001),
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

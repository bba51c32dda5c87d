"""The sandbox's telephones ring, and people write back: real provider, real wire, a real process."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import Accepted, Callback, Cause, Delivery, Inbound, Rejected, Throttled, Unknown
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import ACCOUNT, Sandbox, until

NUMBERS = [f"+86138001380{n:02d}" for n in range(4)]
TEXT = "您的社保卡已临时挂失。如有疑问，请拨打12333。"
OK = {"code": 0, "msg": "ok"}


def provider(sandbox: Sandbox, name: str = "aliyun_voice", **more: str) -> Any:
    settings = {
        "ALIYUN_ACCESS_KEY_ID": ACCOUNT["SANDBOX_ACCESS_KEY_ID"],
        "ALIYUN_ACCESS_KEY_SECRET": ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"],
        "ALIYUN_CALLBACK_NETWORKS": "127.0.0.1",
        "ALIYUN_TTS_CODE": "TTS_1",
        "ALIYUN_VOICE_ENDPOINT": sandbox.url,
        "ALIYUN_SMS_SIGN_NAME": "常德人社",
        "ALIYUN_SMS_ENDPOINT": sandbox.url,
        "ALIYUN_TIMEOUT_SECONDS": "0.5",
    }
    return load(name, settings | more)


def call(sandbox: Sandbox, number: str = NUMBERS[0], handover: str = "h1", **more: Any) -> Any:
    """One call, and its outcome."""
    message = Message(**{"address": number, "text": TEXT, "signature": "", **more})
    return provider(sandbox).hand_over(handover, [message])[0]


def takes_calls(sandbox: Sandbox, answers: str, number: str = NUMBERS[0]) -> None:
    sandbox.call("POST", "handsets", {"number": number, "answers": answers})


def newest(sandbox: Sandbox, number: str = NUMBERS[0]) -> Any:
    calls = sandbox.call("GET", f"calls?number={quote(number)}")
    return calls[-1] if calls else {"status": ""}


def comes_to(sandbox: Sandbox, status: str) -> Any:
    return until(lambda: newest(sandbox)["status"] == status and newest(sandbox))


def do(sandbox: Sandbox, what: str) -> None:
    sandbox.call("POST", f"calls/{quote(newest(sandbox)['id'])}", {"do": what})


def reports(sandbox: Sandbox, listener: CannedServer) -> list[Any]:
    """The first VoiceReport, as the provider reads it."""
    request = until(lambda: listener.requests and listener.requests[0])
    callback = Callback("voice-report", listener.url, request.headers, request.body, "127.0.0.1")
    reporter = provider(sandbox)
    assert reporter.verify(callback)
    return list(reporter.parse(callback))


def test_a_call_rings_is_answered_and_heard(sandbox: Sandbox) -> None:
    outcome = call(sandbox, plays=3)
    assert isinstance(outcome, Accepted)
    ended = comes_to(sandbox, "completed")
    assert (ended["id"], ended["text"], ended["plays"]) == (outcome.reference, TEXT, 3)
    assert ended["at"] < ended["answered_at"] < ended["ended_at"]


@pytest.mark.parametrize(
    ("answers", "status", "delivery", "code"),
    [
        ("yes", "completed", Delivery.DELIVERED, "200000"),
        ("early", "hung_up_early", Delivery.DELIVERED, "200001"),
        ("busy", "busy", Delivery.UNDELIVERED, "200002"),
        ("absent", "no_answer", Delivery.UNDELIVERED, "200003"),
        ("off", "off", Delivery.UNDELIVERED, "200010"),
    ],
)
def test_each_way_of_taking_a_call_ends_and_is_reported_in_its_way(
    sandbox: Sandbox, listener: CannedServer, answers: str, status: str, delivery: Delivery, code: str
) -> None:
    sandbox.call("POST", "settings", {"voice_report_url": listener.url})
    takes_calls(sandbox, answers)
    outcome = call(sandbox)
    [receipt] = reports(sandbox, listener)
    assert (receipt.reference, receipt.handover) == (outcome.reference, "h1")
    assert (receipt.address, receipt.delivery, receipt.code) == (NUMBERS[0], delivery, code)
    assert newest(sandbox)["status"] == status


def test_a_telephone_answered_by_hand_rings_until_somebody_picks_it_up(sandbox: Sandbox) -> None:
    takes_calls(sandbox, "by_hand")
    call(sandbox, text="字" * 200)
    comes_to(sandbox, "ringing")
    assert "来电，请接听" in sandbox.page()
    do(sandbox, "answer")
    comes_to(sandbox, "answered")
    do(sandbox, "hang_up")
    comes_to(sandbox, "hung_up_early")


def test_a_call_answered_by_hand_is_heard_to_the_end_by_who_stays(sandbox: Sandbox) -> None:
    takes_calls(sandbox, "by_hand")
    call(sandbox, text="喂", plays=1)
    comes_to(sandbox, "ringing")
    do(sandbox, "answer")
    comes_to(sandbox, "completed")


def test_a_call_rejected_by_hand_was_busy(sandbox: Sandbox) -> None:
    takes_calls(sandbox, "by_hand")
    call(sandbox)
    comes_to(sandbox, "ringing")
    do(sandbox, "reject")
    assert comes_to(sandbox, "busy")["answered_at"] is None


def test_a_call_that_is_over_cannot_be_picked_up(sandbox: Sandbox) -> None:
    call(sandbox)
    comes_to(sandbox, "completed")
    with pytest.raises(AssertionError, match="not in a state"):
        do(sandbox, "answer")


def test_the_second_call_within_a_minute_is_throttled_until_the_window_ends(sandbox: Sandbox) -> None:
    outcomes = [call(sandbox, handover=f"h{n}") for n in range(3)]  # three: a minute may just begin
    throttled = outcomes[-1]
    assert isinstance(throttled, Throttled)
    assert (throttled.code, throttled.until is not None) == ("isv.BUSINESS_LIMIT_CONTROL", True)
    assert isinstance(call(sandbox, NUMBERS[1]), Accepted)


def test_a_text_spoken_twice_to_one_number_is_counted(sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", {"limits": False})
    for number in (*NUMBERS[:2], NUMBERS[0], NUMBERS[0]):
        call(sandbox, number)
    sandbox.call("POST", "settings", {"limits": True})
    counts = sandbox.call("GET", "counts")
    assert (counts["calls_taken"], counts["calls_repeated"]) == (4, 1)
    assert (counts["taken"], counts["repeated"]) == (0, 0), "calls are no messages"


@pytest.mark.parametrize(
    ("settings", "changed", "code", "cause"),
    [
        ({"ALIYUN_TTS_CODE": "TTS_404"}, {}, "isv.TTS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        ({"ALIYUN_VOICE_SHOW_NUMBER": "x"}, {}, "isv.DISPLAY_NUMBER_ILLEGAL", Cause.OURS),
        ({}, {"address": "+8612345678901"}, "isv.MOBILE_NUMBER_ILLEGAL", Cause.RECIPIENT),
        ({}, {"text": ""}, "isv.TEMPLATE_MISSING_PARAMETERS", Cause.CONTENT),
        ({}, {"text": "请打开12333.top办理"}, "isv.PARAM_NOT_SUPPORT_URL", Cause.CONTENT),
        ({"ALIYUN_ACCESS_KEY_SECRET": "wrong"}, {}, "InvalidAccessKeySecret", Cause.ACCOUNT),
    ],
)
def test_what_the_vendor_would_refuse_rings_nowhere(
    sandbox: Sandbox, settings: dict[str, str], changed: dict[str, Any], code: str, cause: Cause
) -> None:
    message = Message(**{"address": NUMBERS[0], "text": TEXT, "signature": "", **changed})
    assert provider(sandbox, **settings).hand_over("h1", [message]) == [Rejected(code, cause)]
    assert sandbox.call("GET", "calls") == []


def test_a_hand_over_id_of_sixteen_bytes_is_refused(sandbox: Sandbox) -> None:
    assert call(sandbox, handover="h" * 16).code == "isv.INVALID_PARAMETERS"
    assert isinstance(call(sandbox, handover="h" * 15), Accepted)


@pytest.mark.parametrize(
    ("fault", "outcome", "rings"),
    [
        ({"mode": "error"}, Unknown("isp.SYSTEM_ERROR"), 0),
        ({"mode": "error", "code": "isv.OUT_OF_SERVICE"}, Rejected("isv.OUT_OF_SERVICE", Cause.ACCOUNT), 0),
        ({"mode": "refuse"}, Unknown("connection_lost"), 0),
        ({"mode": "down"}, Unknown("http_503"), 0),
        ({"mode": "silent"}, Unknown("read_timeout"), 1),
    ],
)
def test_each_fault_of_the_voice_vendor_looks_like_the_real_one(
    sandbox: Sandbox, fault: dict[str, Any], outcome: Any, rings: int
) -> None:
    sandbox.fault("aliyun_voice", times=1, number="13800138000", **fault)
    assert call(sandbox) == outcome
    assert sandbox.call("GET", "counts")["calls_taken"] == rings
    assert sandbox.call("GET", "faults") == []


def test_a_fault_of_the_text_vendor_leaves_calls_alone(sandbox: Sandbox) -> None:
    sandbox.fault("aliyun_sms", "down")
    assert isinstance(call(sandbox), Accepted)


def test_a_call_whose_answer_was_lost_is_reported_with_its_hand_over_id(
    sandbox: Sandbox, listener: CannedServer
) -> None:
    sandbox.call("POST", "settings", {"voice_report_url": listener.url})
    sandbox.fault("aliyun_voice", "silent", times=1)
    assert call(sandbox, handover="h7f3k2m9q1") == Unknown("read_timeout")
    assert reports(sandbox, listener)[0].handover == "h7f3k2m9q1"


def test_a_voice_report_nobody_acknowledged_is_pushed_again(sandbox: Sandbox) -> None:
    with CannedServer([{"status": 500}, {"json": {"code": 1}}], always={"json": OK}) as listener:
        sandbox.call("POST", "settings", {"voice_report_url": listener.url, "receipt_retries": [0.05, 0.05]})
        call(sandbox)
        until(lambda: len(listener.requests) == 3)
    assert len({request.body for request in listener.requests}) == 1


def test_a_report_of_a_call_can_be_made_to_say_otherwise(sandbox: Sandbox, listener: CannedServer) -> None:
    sandbox.call("POST", "settings", {"voice_report_url": listener.url})
    sandbox.fault("receipts", "error", code="200007", action="voice_report")
    call(sandbox)
    assert reports(sandbox, listener)[0].code == "200007"


def test_what_a_person_writes_reaches_us_as_a_message_once(sandbox: Sandbox, listener: CannedServer) -> None:
    sandbox.call("POST", "settings", {"sms_up_url": listener.url})
    sent = [
        sandbox.call("POST", "inbound", {"number": NUMBERS[0], "text": text, "through": "aliyun_sms"})
        for text in ("1", "1")
    ]
    until(lambda: sum(len(json.loads(request.body)) for request in listener.requests) == 2)
    reporter, found = provider(sandbox, "aliyun_sms"), []
    for request in listener.requests:
        found += reporter.parse(Callback("sms-up", "", request.headers, request.body, "127.0.0.1"))
    assert [report.id for report in found] == [reply["id"] for reply in sent]
    assert len({report.id for report in found}) == 2
    assert all(isinstance(report, Inbound) for report in found)
    assert {(report.address, report.to, report.text) for report in found} == {(NUMBERS[0], "1069012333", "1")}


def test_a_handset_shows_calls_and_replies_and_escapes_them(sandbox: Sandbox) -> None:
    takes_calls(sandbox, "absent")
    call(sandbox, text="<img src=x>")
    sandbox.call("POST", "inbound", {"number": NUMBERS[0], "text": "<b>1</b>", "through": "aliyun_sms"})
    comes_to(sandbox, "no_answer")
    for page in (sandbox.page(), json.loads(sandbox.page("/_sandbox/page"))["phones"]):
        assert "未接来电" in page
        assert "&lt;img src=x&gt;" in page
        assert "&lt;b&gt;1&lt;/b&gt;" in page
        assert "<img src=x>" not in page


def test_a_reset_silences_what_rings(sandbox: Sandbox, listener: CannedServer) -> None:
    sandbox.call("POST", "settings", {"voice_report_url": listener.url})
    takes_calls(sandbox, "by_hand")
    call(sandbox)
    comes_to(sandbox, "ringing")
    sandbox.call("POST", "reset", {})
    assert sandbox.call("GET", "calls") == []
    assert sandbox.call("GET", "handsets") == []
    assert isinstance(call(sandbox, NUMBERS[1]), Accepted)
    [receipt] = reports(sandbox, listener)
    assert receipt.address == NUMBERS[1]

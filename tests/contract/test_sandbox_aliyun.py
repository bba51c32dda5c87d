"""The sandbox is as strict as the vendor, and the provider lives with it: real SDK, real wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import (
    Absent,
    Accepted,
    Callback,
    Cause,
    Delivery,
    Found,
    Inquiry,
    Rejected,
    Review,
    ReviewState,
    Throttled,
    Unknown,
)
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox, until

NUMBERS = [f"+86138001380{n:02d}" for n in range(60)]
LOSS = "您尾号${card}的社保卡已临时挂失，${until}自动解除。咨询12333"
VALUES = {"card": "6266", "until": "11月28日16:05"}


def provider(sandbox: Sandbox, **more: str) -> Any:
    settings = {
        "ALIYUN_ACCESS_KEY_ID": ACCOUNT["SANDBOX_ACCESS_KEY_ID"],
        "ALIYUN_ACCESS_KEY_SECRET": ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"],
        "ALIYUN_SMS_SIGN_NAME": "常德人社",
        "ALIYUN_CALLBACK_NETWORKS": "127.0.0.1",
        "ALIYUN_SMS_ENDPOINT": sandbox.url,
        "ALIYUN_TIMEOUT_SECONDS": "0.5",
    }
    return load("aliyun_sms", settings | more)


@pytest.fixture(scope="module")
def codes(shared_sandbox: Sandbox) -> dict[str, str]:
    """Registered templates: a notice and a code."""
    registrar = provider(shared_sandbox)
    return {
        "loss": registrar.register("临时挂失", LOSS, "notice"),
        "code": registrar.register("验证码", "验证码${code}，5分钟内有效。切勿告知他人", "code"),
    }


def loss(codes: dict[str, str], number: str = NUMBERS[0], **more: Any) -> Message:
    return Message(
        **{
            "address": number,
            "text": "",
            "signature": "",
            "template": codes["loss"],
            "params": VALUES,
            **more,
        }
    )


def test_a_message_arrives_in_its_handset(sandbox: Sandbox, codes: dict[str, str]) -> None:
    [outcome] = provider(sandbox).hand_over("h1", [loss(codes)])
    assert isinstance(outcome, Accepted)
    [text] = sandbox.call("GET", "messages?number=13800138000")
    assert text["text"] == "【常德人社】您尾号6266的社保卡已临时挂失，11月28日16:05自动解除。咨询12333"
    assert (text["out_id"], text["biz_id"]) == ("h1", outcome.reference)


def test_a_batch_arrives_under_one_reference(sandbox: Sandbox, codes: dict[str, str]) -> None:
    outcomes = provider(sandbox).hand_over("h1", [loss(codes, number) for number in NUMBERS])
    assert len({outcome.reference for outcome in outcomes}) == 1
    assert sandbox.call("GET", "counts")["taken"] == len(NUMBERS)
    assert sandbox.call("GET", "counts")["calls"] == {"SendBatchSms": 1}


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("ALIYUN_ACCESS_KEY_SECRET", "InvalidAccessKeySecret"),
        ("ALIYUN_ACCESS_KEY_ID", "InvalidAccessKeyId.NotFound"),
    ],
)
def test_a_wrong_key_takes_nothing(sandbox: Sandbox, codes: dict[str, str], setting: str, code: str) -> None:
    outcome = provider(sandbox, **{setting: "wrong"}).hand_over("h1", [loss(codes)])
    assert outcome == [Rejected(code, Cause.ACCOUNT)]
    assert sandbox.call("GET", "counts")["taken"] == 0


@pytest.mark.parametrize(
    ("changed", "code", "cause"),
    [
        ({"signature": "陌生人"}, "isv.SMS_SIGNATURE_ILLEGAL", Cause.CONTENT),
        ({"template": "SMS_404"}, "isv.SMS_TEMPLATE_ILLEGAL", Cause.CONTENT),
        ({"params": {"card": "6266"}}, "isv.TEMPLATE_MISSING_PARAMETERS", Cause.CONTENT),
        ({"params": {**VALUES, "card": "6" * 36}}, "isv.PARAM_LENGTH_LIMIT", Cause.CONTENT),
        ({"params": {**VALUES, "card": "https://12333.cn"}}, "isv.PARAM_NOT_SUPPORT_URL", Cause.CONTENT),
        ({"params": {**VALUES, "card": "【12333】"}}, "isv.TEMPLATE_PARAMS_ILLEGAL", Cause.CONTENT),
        ({"address": "+8612345678901"}, "isv.MOBILE_NUMBER_ILLEGAL", Cause.RECIPIENT),
    ],
)
def test_what_the_vendor_would_refuse_is_refused(
    sandbox: Sandbox, codes: dict[str, str], changed: dict[str, Any], code: str, cause: Cause
) -> None:
    assert provider(sandbox).hand_over("h1", [loss(codes, **changed)]) == [Rejected(code, cause)]
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_a_bad_number_spoils_its_batch_but_only_itself_is_refused(
    sandbox: Sandbox, codes: dict[str, str]
) -> None:
    batch = [loss(codes, number) for number in (NUMBERS[0], "+8612345678901", NUMBERS[1], NUMBERS[2])]
    outcomes = provider(sandbox).hand_over("h1", batch)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted, Accepted]
    assert sandbox.call("GET", "counts")["repeated"] == 0


def test_a_number_twice_in_a_batch_is_refused(sandbox: Sandbox, codes: dict[str, str]) -> None:
    outcomes = provider(sandbox).hand_over("h1", [loss(codes), loss(codes)])
    assert {outcome.code for outcome in outcomes} == {"isv.INVALID_PARAMETERS"}


def test_a_code_is_four_to_six_digits(sandbox: Sandbox, codes: dict[str, str]) -> None:
    message = loss(codes, template=codes["code"], params={"code": "abc123"})
    assert provider(sandbox).hand_over("h1", [message])[0].code == "isv.TEMPLATE_PARAMS_ILLEGAL"


def test_the_fifty_first_notice_of_a_day_is_throttled(sandbox: Sandbox, codes: dict[str, str]) -> None:
    sender = provider(sandbox)
    outcomes = [sender.hand_over(f"h{n}", [loss(codes)])[0] for n in range(51)]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes[:50])
    assert isinstance(outcomes[50], Throttled)
    assert outcomes[50].until is not None
    assert isinstance(sender.hand_over("h99", [loss(codes, NUMBERS[1])])[0], Accepted)


def test_a_message_taken_in_silence_is_found_afterwards(sandbox: Sandbox, codes: dict[str, str]) -> None:
    sandbox.fault("aliyun_sms", "silent", times=1)
    sender, now = provider(sandbox), datetime.now(UTC)
    assert sender.hand_over("h1", [loss(codes)]) == [Unknown("read_timeout")]
    assert sender.find(Inquiry(NUMBERS[0], "h1", now)) == Found("")
    assert sender.find(Inquiry(NUMBERS[0], "h2", now)) == Absent()
    assert sender.find(Inquiry(NUMBERS[1], "h1", now)) == Absent()


def test_what_is_not_listed_yet_appears_later(sandbox: Sandbox, codes: dict[str, str]) -> None:
    sandbox.call("POST", "settings", {"query_visible_after": 0.4})
    sender, now = provider(sandbox), datetime.now(UTC)
    sender.hand_over("h1", [loss(codes)])
    assert sender.find(Inquiry(NUMBERS[0], "h1", now)) == Absent()
    until(lambda: sender.find(Inquiry(NUMBERS[0], "h1", now)) == Found(""))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error"}, Unknown("isp.SYSTEM_ERROR")),
        (
            {"mode": "error", "code": "isv.AMOUNT_NOT_ENOUGH"},
            Rejected("isv.AMOUNT_NOT_ENOUGH", Cause.ACCOUNT),
        ),
        ({"mode": "error", "code": "Throttling.User"}, Throttled("Throttling.User")),
        ({"mode": "refuse"}, Unknown("connection_lost")),
        ({"mode": "down"}, Unknown("http_503")),
        ({"mode": "slow", "latency_ms": 900}, Unknown("read_timeout")),
    ],
)
def test_each_fault_looks_like_the_real_one(
    sandbox: Sandbox, codes: dict[str, str], fault: dict[str, Any], outcome: Any
) -> None:
    sandbox.fault("aliyun_sms", times=1, **fault)
    sender = provider(sandbox)
    assert sender.hand_over("h1", [loss(codes)]) == [outcome]
    assert sandbox.call("GET", "faults") == []
    assert isinstance(sender.hand_over("h2", [loss(codes)])[0], Accepted)
    taken = 2 if fault["mode"] == "slow" else 1  # slow work is done though nobody waits for it
    until(lambda: sandbox.call("GET", "counts")["taken"] == taken)


def test_a_fault_for_one_number_leaves_the_others_alone(sandbox: Sandbox, codes: dict[str, str]) -> None:
    sandbox.fault("aliyun_sms", "error", code="isv.OUT_OF_SERVICE", number="13800138000")
    sender = provider(sandbox)
    assert isinstance(sender.hand_over("h1", [loss(codes)])[0], Rejected)
    assert isinstance(sender.hand_over("h2", [loss(codes, NUMBERS[1])])[0], Accepted)


def reports(sandbox: Sandbox, listener: CannedServer) -> list[Any]:
    """The receipts of the first push, as the provider reads them."""
    request = until(lambda: listener.requests and listener.requests[0])
    callback = Callback("sms-report", listener.url, request.headers, request.body, "127.0.0.1")
    reporter = provider(sandbox)
    assert reporter.verify(callback)
    return list(reporter.parse(callback))


def test_a_report_is_pushed_with_reference_and_hand_over_id(
    sandbox: Sandbox, codes: dict[str, str], listener: CannedServer
) -> None:
    sandbox.call("POST", "settings", {"report_url": listener.url})
    [outcome] = provider(sandbox).hand_over("h1", [loss(codes)])
    [receipt] = reports(sandbox, listener)
    assert (receipt.reference, receipt.handover) == (outcome.reference, "h1")
    assert (receipt.address, receipt.delivery) == (NUMBERS[0], Delivery.DELIVERED)
    until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert sandbox.call("GET", "messages")[0]["receipt_pushed_at"]


def test_a_handset_that_is_off_is_reported(
    sandbox: Sandbox, codes: dict[str, str], listener: CannedServer
) -> None:
    sandbox.call("POST", "settings", {"report_url": listener.url})
    sandbox.fault("receipts", "error", code="MOBILE_NOT_ON_SERVICE", number="13800138000")
    provider(sandbox).hand_over("h1", [loss(codes), loss(codes, NUMBERS[1])])
    found = {receipt.address: (receipt.delivery, receipt.code) for receipt in reports(sandbox, listener)}
    assert found[NUMBERS[0]] == (Delivery.UNDELIVERED, "MOBILE_NOT_ON_SERVICE")
    assert found[NUMBERS[1]] == (Delivery.DELIVERED, "DELIVERED")


def test_a_report_nobody_acknowledged_is_pushed_again(sandbox: Sandbox, codes: dict[str, str]) -> None:
    answers: list[dict[str, Any]] = [{"status": 500}, {"json": {"code": 1}}]
    with CannedServer(answers, always={"json": {"code": 0}}) as listener:
        again = {"report_url": listener.url, "receipt_retries": [0.05, 0.05]}
        sandbox.call("POST", "settings", again)
        provider(sandbox).hand_over("h1", [loss(codes)])
        until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert len(listener.requests) == 3


def test_a_repeated_text_is_counted(sandbox: Sandbox, codes: dict[str, str]) -> None:
    for handover in ("h1", "h2", "h3"):
        provider(sandbox).hand_over(handover, [loss(codes)])
    counts = sandbox.call("GET", "counts")
    assert (counts["taken"], counts["repeated"]) == (3, 1)


def test_only_the_newest_messages_are_kept_but_all_are_counted(
    sandbox: Sandbox, codes: dict[str, str]
) -> None:
    newest = sandbox.call("GET", "settings")["newest"]
    sandbox.call("POST", "settings", {"newest": 10})
    provider(sandbox).hand_over("h1", [loss(codes, number) for number in NUMBERS])
    sandbox.call("POST", "settings", {"newest": newest})
    assert [text["number"] for text in sandbox.call("GET", "messages")] == [n[3:] for n in NUMBERS[-10:]]
    assert sandbox.call("GET", "counts")["taken"] == len(NUMBERS)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("您的卡${a}${b}已挂失", "notice", "变量不能相邻"),
        ("${a}", "notice", "模板不能全部由变量组成"),
        ("【常德人社】您的卡已挂失", "notice", "模板内容不能包含【】"),
        ("请打开https://12333.cn/${path}办理", "notice", "链接不能作为变量"),
        ("字" * 501, "notice", "模板内容超过500字"),
        ("验证码${code}，用于${purpose}", "code", "验证码模板只能有一个变量"),
    ],
)
def test_a_review_refuses_what_the_vendor_would(sandbox: Sandbox, body: str, kind: str, reason: str) -> None:
    registrar = provider(sandbox)
    code = registrar.register("模板", body, kind)
    assert registrar.review(code) == Review(ReviewState.REFUSED, reason)
    message = Message(NUMBERS[0], "", "", code, {"a": "1", "b": "2", "code": "1234"})
    assert registrar.hand_over("h1", [message])[0].code == "isv.SMS_TEMPLATE_ILLEGAL"


def test_a_template_is_pending_before_it_is_approved(sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", {"review_delay": 0.4})
    registrar = provider(sandbox)
    code = registrar.register("模板", LOSS, "notice")
    assert registrar.review(code) == Review(ReviewState.PENDING)
    until(lambda: registrar.review(code) == Review(ReviewState.APPROVED))


def test_templates_outlive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        code = provider(first).register("模板", LOSS, "notice")
    with running_sandbox(tmp_path) as second:
        assert provider(second).review(code) == Review(ReviewState.APPROVED)
        assert provider(second).register("模板", LOSS, "notice") != code


def test_the_page_shows_handsets_and_escapes_what_they_got(sandbox: Sandbox, codes: dict[str, str]) -> None:
    hostile = {"card": "<img src=x>", "until": "11月28日"}
    provider(sandbox).hand_over("h1", [loss(codes, params=hostile)])
    for page in (sandbox.page(), json.loads(sandbox.page("/_sandbox/page"))["phones"]):
        assert "138 0013 8000" in page
        assert "&lt;img src=x&gt;" in page
        assert "<img src=x>" not in page
    assert "138 0013 8000" not in sandbox.page("/?number=139")

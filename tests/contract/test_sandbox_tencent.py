"""Tencent Cloud's door in the sandbox is as strict as the vendor, and the provider lives with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import (
    Accepted,
    Callback,
    CannotTell,
    Cause,
    Delivery,
    Found,
    Inquiry,
    RegistrationRefused,
    Rejected,
    Report,
    Review,
    ReviewState,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations.tencent_api import Api, Refusal
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until

NUMBER = "+8613800138000"
LOSS = "您尾号${card}的社保卡已临时挂失，${until}自动解除。咨询12333"
VALUES = {"card": "6266", "until": "11月28日16:05"}
TAKEN = {"json": {"result": 0, "errmsg": "OK"}}
AT_ONCE = {"receipt_delay": 0.0, "receipt_retry_scale": 0.0}


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return {
        "TENCENT_SECRET_ID": "sandbox",
        "TENCENT_SECRET_KEY": "sandbox",
        "TENCENT_SMS_SDK_APP_ID": "1400006666",
        "TENCENT_SMS_SIGN_NAME": "常德人社",
        "TENCENT_CALLBACK_NETWORKS": "127.0.0.1",
        "TENCENT_SMS_ENDPOINT": sandbox.url,
        "TENCENT_TIMEOUT_SECONDS": "0.5",
    } | more


def provider(sandbox: Sandbox, **more: str) -> Any:
    return load("tencent_sms", settings(sandbox, **more))


@pytest.fixture(scope="module")
def codes(shared_sandbox: Sandbox) -> dict[str, str]:
    """Registered templates: a notice and a code."""
    registrar = provider(shared_sandbox)
    return {
        "loss": registrar.register("临时挂失", LOSS, "notice"),
        "code": registrar.register("验证码", "验证码${code}，5分钟内有效", "code"),
    }


def loss(codes: dict[str, str], **more: Any) -> Message:
    usual = {"address": NUMBER, "text": "", "signature": "", "template": codes["loss"], "params": VALUES}
    return Message(**(usual | more))


def sent(sandbox: Sandbox, message: Message, handover: str = "h7f3k2m9q1", **more: str) -> Any:
    return provider(sandbox, **more).hand_over(handover, [message])[0]


def pushed(sandbox: Sandbox, door: CannedServer, kind: str) -> list[Report]:
    """What the provider reads in all that was pushed."""
    pushes = [Callback(kind, "", {}, request.body, "127.0.0.1") for request in door.requests]
    return [one for push in pushes for one in provider(sandbox).parse(push)]


def test_a_message_arrives_as_the_template_says_and_is_reported(
    sandbox: Sandbox, codes: dict[str, str]
) -> None:
    with CannedServer(always=TAKEN) as door:
        sandbox.call("POST", "settings", {"tencent_report_url": door.url})
        outcome = sent(sandbox, loss(codes))
        until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert isinstance(outcome, Accepted)
    [text] = sandbox.call("GET", "messages")
    assert text["text"] == "【常德人社】您尾号6266的社保卡已临时挂失，11月28日16:05自动解除。咨询12333"
    assert (text["provider"], text["status"]) == ("tencent_sms", "delivered")
    [receipt] = pushed(sandbox, door, "sms-report")
    assert (receipt.reference, receipt.handover) == (outcome.reference, "h7f3k2m9q1")  # type: ignore[union-attr]
    assert (receipt.address, receipt.delivery) == (NUMBER, Delivery.DELIVERED)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "code", "cause"),
    [
        ({"TENCENT_SECRET_KEY": "wrong"}, "AuthFailure.SignatureFailure", Cause.OURS),
        ({"TENCENT_SECRET_ID": "wrong"}, "AuthFailure.SecretIdNotFound", Cause.ACCOUNT),
        ({"TENCENT_REGION": "eu-frankfurt"}, "UnsupportedRegion", Cause.OURS),
        (
            {"TENCENT_SMS_SDK_APP_ID": "1400000000"},
            "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
            Cause.ACCOUNT,
        ),
        (
            {"TENCENT_SMS_SIGN_NAME": "别人"},
            "FailedOperation.SignatureIncorrectOrUnapproved",
            Cause.CONTENT,
        ),
    ],
)
def test_a_wrong_account_takes_nothing(
    sandbox: Sandbox, codes: dict[str, str], changed: dict[str, str], code: str, cause: Cause
) -> None:
    assert sent(sandbox, loss(codes), **changed) == Rejected(code, cause)
    assert sandbox.call("GET", "counts")["taken"] == 0


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"address": "+8612345678901"}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"address": "+85291234567"}, "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"),
        ({"template": "1"}, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ({"params": {"card": "6266"}}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        (
            {"params": VALUES | {"card": "12333.cn"}},
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        ),
        ({"params": VALUES | {"card": "六" * 13}}, "InvalidParameterValue.TemplateParameterLengthLimit"),
    ],
)
def test_a_message_the_vendor_does_not_take_is_refused_by_its_number_s_code(
    sandbox: Sandbox, codes: dict[str, str], changed: dict[str, Any], code: str
) -> None:
    outcome = sent(sandbox, loss(codes, **changed))
    assert isinstance(outcome, Rejected)
    assert outcome.code == code
    assert outcome.cause is (Cause.RECIPIENT if "Phone" in code and "Global" not in code else Cause.CONTENT)


def test_a_code_is_digits(sandbox: Sandbox, codes: dict[str, str]) -> None:
    message = loss(codes, template=codes["code"], params={"code": "12a4"})
    wrong = "InvalidParameterValue.TemplateParameterFormatError"
    assert sent(sandbox, message) == Rejected(wrong, Cause.CONTENT)


def test_each_number_of_a_call_has_its_own_status(sandbox: Sandbox, codes: dict[str, str]) -> None:
    request = {
        "PhoneNumberSet": ["13800138000", "+8612345678901"],
        "SmsSdkAppId": "1400006666",
        "TemplateId": codes["loss"],
        "SignName": "常德人社",
        "TemplateParamSet": list(VALUES.values()),
    }
    answer = Api(settings(sandbox)).ask("SendSms", request)
    assert isinstance(answer, dict)
    statuses = [(one["PhoneNumber"], one["Code"]) for one in answer["SendStatusSet"]]
    assert statuses == [(NUMBER, "Ok"), ("+8612345678901", "InvalidParameterValue.IncorrectPhoneNumber")]


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("SendEverything", {}, "InvalidAction"),
        ("SendSms", {"Numbers": []}, "UnknownParameter"),
        ("SendSms", {"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ("SendSms", {"PhoneNumberSet": ["1"] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        ("SendSms", {"PhoneNumberSet": [13800138000]}, "InvalidParameter"),
        ("SendSms", {"PhoneNumberSet": [NUMBER]}, "MissingParameter"),
        ("DescribeSmsTemplateList", {"International": 0, "TemplateIdSet": ["1110"]}, "InvalidParameter"),
    ],
)
def test_a_call_that_is_wrong_is_refused_as_a_whole(
    sandbox: Sandbox, action: str, params: dict[str, Any], code: str
) -> None:
    answer = Api(settings(sandbox)).ask(action, params)
    assert isinstance(answer, Refusal)
    assert answer.code == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Authorization": ""}, "AuthFailure.InvalidAuthorization"),
        ({"X-TC-Timestamp": "1600000000"}, "AuthFailure.SignatureExpire"),
    ],
)
def test_a_call_that_is_not_signed_now_is_refused(
    sandbox: Sandbox, changed: dict[str, str], code: str
) -> None:
    now = datetime.now(UTC)
    signed = f"sandbox/{now:%Y-%m-%d}/sms/tc3_request, SignedHeaders=content-type;host, Signature={'0' * 64}"
    headers = {
        "Authorization": f"TC3-HMAC-SHA256 Credential={signed}",
        "X-TC-Action": "SendSms",
        "X-TC-Timestamp": str(int(now.timestamp())),
        "Content-Type": "application/json",
    }
    answer = urllib3.request("POST", sandbox.url, body=b"{}", headers=headers | changed, retries=False)
    assert json.loads(answer.data)["Response"]["Error"]["Code"] == code


def test_the_same_text_twice_in_thirty_seconds_and_the_sixth_in_an_hour_are_too_many(
    sandbox: Sandbox, codes: dict[str, str]
) -> None:
    assert isinstance(sent(sandbox, loss(codes)), Accepted)
    again = sent(sandbox, loss(codes))
    assert (type(again), again.code) == (Throttled, "LimitExceeded.PhoneNumberThirtySecondLimit")
    for n in range(4):
        assert isinstance(sent(sandbox, loss(codes, params=VALUES | {"card": f"000{n}"})), Accepted)
    sixth = sent(sandbox, loss(codes, params=VALUES | {"card": "9999"}))
    assert (type(sixth), sixth.code) == (Throttled, "LimitExceeded.PhoneNumberOneHourLimit")
    assert isinstance(sent(sandbox, loss(codes, address="+8613800138001")), Accepted)


def test_a_review_may_take_its_time_and_may_be_decided_otherwise(sandbox: Sandbox) -> None:
    registrar = provider(sandbox)
    sandbox.call("POST", "settings", {"review_delay": 600})
    code = registrar.register("提醒", "请于${day}前办理", "notice")
    assert registrar.review(code) == Review(ReviewState.PENDING)
    sandbox.call("POST", "tencent/reviews", {"template": code, "state": "refused", "reason": "用途不明"})
    assert registrar.review(code) == Review(ReviewState.REFUSED, "用途不明")
    sandbox.call("POST", "tencent/reviews", {"template": code, "state": "approved"})
    assert registrar.review(code) == Review(ReviewState.APPROVED)


def test_what_the_reviewers_object_to_is_told(sandbox: Sandbox) -> None:
    registrar = provider(sandbox)
    review = registrar.review(registrar.register("相邻", "您好${a}${b}", "notice"))
    assert review == Review(ReviewState.REFUSED, "变量不能相邻")
    with pytest.raises(RegistrationRefused, match="InvalidTemplateFormat"):
        registrar.register("括号", "您好{name}", "notice")


def test_the_signature_s_review_is_found_by_its_name(sandbox: Sandbox, codes: dict[str, str]) -> None:
    assert provider(sandbox).review_signature() == Review(ReviewState.APPROVED)
    sandbox.call("POST", "tencent/reviews", {"signature": "常德人社", "state": "refused"})
    assert provider(sandbox).review_signature() == Review(ReviewState.REFUSED, "不符合规范")
    assert sent(sandbox, loss(codes)).code == "FailedOperation.SignatureIncorrectOrUnapproved"


@pytest.mark.parametrize("echoes", [True, False])
def test_a_lost_answer_is_found_where_the_vendor_gives_our_id_back(
    sandbox: Sandbox, codes: dict[str, str], echoes: bool
) -> None:
    sandbox.call("POST", "settings", {"tencent_echoes": echoes})
    sandbox.fault("tencent_sms", "silent", times=1)
    assert sent(sandbox, loss(codes)) == Unknown("read_timeout")
    until(lambda: sandbox.call("GET", "messages")[0]["status"] == "delivered")
    finding = provider(sandbox).find(Inquiry(NUMBER, "h7f3k2m9q1", datetime.now(UTC)))
    assert isinstance(finding, Found if echoes else CannotTell)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ({"mode": "error"}, Unknown("InternalError.OtherError")),
        ({"mode": "error", "code": "ServiceUnavailable"}, Unreachable("ServiceUnavailable")),
        ({"mode": "down"}, Unknown("http_503")),
        ({"mode": "refuse", "number": "13800138000"}, Unknown("connection_lost")),
    ],
)
def test_its_faults_are_switched_on_like_the_others(
    sandbox: Sandbox, codes: dict[str, str], mode: dict[str, str], outcome: object
) -> None:
    sandbox.fault("tencent_sms", **mode)
    assert sent(sandbox, loss(codes)) == outcome
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_a_receipt_nobody_took_is_pushed_twice_more_and_says_why_it_failed(
    sandbox: Sandbox, codes: dict[str, str]
) -> None:
    refused = {"json": {"result": 1, "errmsg": "busy"}}
    sandbox.fault("receipts", "error", action="tencent_report")
    with CannedServer(always=refused) as door:
        sandbox.call("POST", "settings", AT_ONCE | {"tencent_report_url": door.url, "tencent_echoes": False})
        sent(sandbox, loss(codes))
        until(lambda: sandbox.call("GET", "counts")["receipts_given_up"] == 1)
    receipts = pushed(sandbox, door, "sms-report")
    assert len(receipts) == 3
    [receipt] = set(receipts)
    assert (receipt.code, receipt.cause, receipt.handover) == ("UNDELIV", Cause.AWAY, "")  # type: ignore[union-attr]


def test_what_somebody_writes_is_one_message_however_often_it_is_pushed(sandbox: Sandbox) -> None:
    with CannedServer([{"status": 500}], always=TAKEN) as door:
        sandbox.call("POST", "settings", AT_ONCE | {"tencent_reply_url": door.url})
        reply = {"number": "13800138000", "text": "退订 6266", "through": "tencent_sms"}
        sandbox.call("POST", "inbound", reply)
        until(lambda: len(door.requests) == 2)
    first, second = pushed(sandbox, door, "sms-reply")
    assert first == second
    assert (first.address, first.text) == (NUMBER, "退订 6266")  # type: ignore[union-attr]


def test_an_approved_text_with_other_variables_than_ours_is_a_mismatch(sandbox: Sandbox) -> None:
    registrar = provider(sandbox)
    code = registrar.register("提醒", "请${name}于${day}前办理", "notice")
    assert registrar.review(code, "请${a}于${b}前办理") == Review(ReviewState.APPROVED)
    assert registrar.review(code, "请于${day}前办理") == Review(ReviewState.MISMATCH, "1, 2")

"""What the sandbox's reviewers decide is what the provider is told and what may be sent; what it counts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aliyunsdkdysmsapi.request.v20170525.QuerySendStatisticsRequest import QuerySendStatisticsRequest
from aliyunsdkdyvmsapi.request.v20170525.QueryCallDetailByCallIdRequest import QueryCallDetailByCallIdRequest
from aliyunsdkdyvmsapi.request.v20170525.SingleCallByVoiceRequest import SingleCallByVoiceRequest

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import Accepted, Review, ReviewState
from integrations.aliyun_rpc import CHINA, Refusal, Rpc
from integrations.sandbox.texts import APPROVED, REFUSED, Templates
from tests.contract.sandbox_process import ACCOUNT, Sandbox, until

NUMBER = "+8613800138000"
TEXT = "您尾号${card}的社保卡已临时挂失。咨询12333"
KEY = ACCOUNT["SANDBOX_ACCESS_KEY_ID"], ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"]


def provider(sandbox: Sandbox, name: str = "aliyun_sms") -> Any:
    settings = {
        "ALIYUN_ACCESS_KEY_ID": KEY[0],
        "ALIYUN_ACCESS_KEY_SECRET": KEY[1],
        "ALIYUN_SMS_SIGN_NAME": "常德人社",
        "ALIYUN_TTS_CODE": "TTS_1",
        "ALIYUN_CALLBACK_NETWORKS": "127.0.0.1",
        "ALIYUN_SMS_ENDPOINT": sandbox.url,
        "ALIYUN_VOICE_ENDPOINT": sandbox.url,
    }
    return load(name, settings)


def decide(sandbox: Sandbox, **decision: str) -> Any:
    return sandbox.call("POST", "reviews", decision)


def sent(sandbox: Sandbox, code: str, number: str = NUMBER, signature: str = "") -> Any:
    message = Message(number, "", signature, code, {"card": "6266"})
    return provider(sandbox).hand_over("h1", [message])[0]


@pytest.mark.parametrize(
    ("state", "reason", "review"),
    [
        ("refused", "内容与用途不符", Review(ReviewState.REFUSED, "内容与用途不符")),
        ("refused", "", Review(ReviewState.REFUSED, "不符合规范")),
        ("withdrawn", "", Review(ReviewState.REFUSED)),
        ("pending", "", Review(ReviewState.PENDING)),
    ],
)
def test_a_template_somebody_decided_on_is_told_so_and_not_sent(
    sandbox: Sandbox, state: str, reason: str, review: Review
) -> None:
    registrar = provider(sandbox)
    code = registrar.register("模板", TEXT, "notice")
    decide(sandbox, template=code, state=state, reason=reason)
    assert registrar.review(code) == review
    assert sent(sandbox, code).code == "isv.SMS_TEMPLATE_ILLEGAL"
    decide(sandbox, template=code, state="approved")
    assert isinstance(sent(sandbox, code), Accepted)


@pytest.mark.parametrize(
    ("state", "review", "code"),
    [
        ("pending", Review(ReviewState.PENDING), "isv.SMS_SIGNATURE_ILLEGAL"),
        ("refused", Review(ReviewState.REFUSED, "材料不全"), "isv.SMS_SIGNATURE_ILLEGAL"),
        ("withdrawn", Review(ReviewState.REFUSED, "材料不全"), "isv.SIGN_STATE_ILLEGAL"),
    ],
)
def test_a_name_somebody_decided_on_is_told_so_and_signs_nothing(
    sandbox: Sandbox, state: str, review: Review, code: str
) -> None:
    registrar = provider(sandbox)
    template = registrar.register("模板", TEXT, "notice")
    assert registrar.review_signature() == Review(ReviewState.APPROVED)
    decide(sandbox, signature="常德人社", state=state, reason="材料不全")
    assert registrar.review_signature() == review
    assert sent(sandbox, template).code == code
    assert isinstance(sent(sandbox, template, signature="津市人社"), Accepted)
    sandbox.call("POST", "reset", {})
    assert registrar.review_signature() == Review(ReviewState.APPROVED)


@pytest.mark.parametrize(
    "decision",
    [
        {"template": "SMS_404", "state": "refused"},
        {"signature": "陌生人", "state": "refused"},
        {"signature": "常德人社", "state": "perhaps"},
        {},
    ],
)
def test_a_decision_that_is_none_is_refused(sandbox: Sandbox, decision: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match=r"no such|state is one of"):
        decide(sandbox, **decision)


def test_what_was_decided_on_a_template_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    first = Templates(path)
    codes = [first.add("模板", TEXT, 1, 0.0).code for _ in range(2)]
    first.decide(codes[0], REFUSED, "不行")
    again = [one for one in map(Templates(path).get, codes) if one]
    assert [(one.status(1.0, 0.0), one.reason) for one in again] == [(REFUSED, "不行"), (APPROVED, "")]


def test_statistics_count_the_parts_of_a_day_s_messages_by_what_became_of_them(sandbox: Sandbox) -> None:
    code = provider(sandbox).register("模板", TEXT, "notice")
    long = provider(sandbox).register("长模板", "长" * 70 + TEXT, "notice")
    sandbox.fault("receipts", "error", code="MOBILE_NOT_ON_SERVICE", number="13800138001")
    assert isinstance(sent(sandbox, code), Accepted)
    assert isinstance(sent(sandbox, code, "+8613800138001"), Accepted)
    assert isinstance(sent(sandbox, long, "+8613800138002", "津市人社"), Accepted)
    until(lambda: statistics(sandbox)[0]["NoRespondedCount"] == 0)
    [day] = statistics(sandbox)
    assert [day[f"{name}Count"] for name in ("Total", "RespondedSuccess", "RespondedFail")] == [4, 3, 1]
    assert statistics(sandbox, SignName="津市人社")[0]["TotalCount"] == 2
    assert statistics(sandbox, TemplateType="0") == []
    assert statistics(sandbox, IsGlobe="2") == []


def statistics(sandbox: Sandbox, **more: str) -> Any:
    rpc = Rpc(*KEY, sandbox.url, 1.0)
    today = f"{datetime.now(CHINA):%Y%m%d}"
    asked = {"IsGlobe": "1", "StartDate": today, "EndDate": today, "PageIndex": "1", "PageSize": "50"}
    answer = rpc.ask(rpc.request(QuerySendStatisticsRequest, **asked | more))
    assert isinstance(answer, dict)
    return answer["Data"]["TargetList"]


def test_a_call_can_be_asked_for_by_its_id_and_day(sandbox: Sandbox) -> None:
    [outcome] = provider(sandbox, "aliyun_voice").hand_over("h1", [Message(NUMBER, "请拨打12333。", "")])
    until(lambda: sandbox.call("GET", "calls")[0]["status"] == "completed")
    now = int(datetime.now(CHINA).timestamp() * 1000)
    assert '"state": "200000"' in call_detail(sandbox, outcome.reference, now)
    assert call_detail(sandbox, outcome.reference, now - 3 * 86_400_000) == "{}"
    assert call_detail(sandbox, "1^0", now) == "{}"


def call_detail(sandbox: Sandbox, call_id: str, at: int) -> Any:
    rpc = Rpc(*KEY, sandbox.url, 1.0)
    asked = {"CallId": call_id, "ProdId": "11010000138001", "QueryDate": str(at)}
    answer = rpc.ask(rpc.request(QueryCallDetailByCallIdRequest, **asked))
    assert isinstance(answer, dict)
    return answer["Data"]


def test_a_call_that_plays_a_recording_is_refused_as_there_is_none(sandbox: Sandbox) -> None:
    rpc = Rpc(*KEY, sandbox.url, 1.0)
    request = rpc.request(SingleCallByVoiceRequest, CalledNumber="13800138000", VoiceCode="x.wav")
    assert isinstance(answer := rpc.ask(request), Refusal)
    assert answer.code == "isv.VOICE_FILE_ILLEGAL"
    assert sandbox.call("GET", "calls") == []


def test_an_approved_template_with_other_variables_than_ours_is_a_mismatch(sandbox: Sandbox) -> None:
    """It would go out with holes, or be refused for each message; the order of variables is no matter."""
    registrar = provider(sandbox)
    code = registrar.register("模板", "您尾号${card}的卡已于${day}挂失", "notice")
    assert registrar.review(code, "${day}：尾号${card}") == Review(ReviewState.APPROVED)
    assert registrar.review(code, "您尾号${tail}的卡") == Review(ReviewState.MISMATCH, "card, day")
    decide(sandbox, template=code, state="pending")
    assert registrar.review(code, "您尾号${tail}的卡") == Review(ReviewState.PENDING)

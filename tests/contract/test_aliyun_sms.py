"""What is particular to Aliyun's SMS provider and cannot be said in a vector."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aliyunsdkcore.request import RpcRequest
from aliyunsdkcore.utils import parameter_helper
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import Accepted, Throttled, Unreachable
from integrations import aliyun_sms
from integrations.aliyun_client import EncodedOnce
from integrations.aliyun_rpc import Refusal
from tests.contract import contract_vectors as vectors
from tests.contract.canned_server import CannedServer

MESSAGE = Message("+8613800138000", "text", "常德人社", "SMS_1", {"card": "6266"})


def settings(**more: str) -> dict[str, str]:
    loaded: dict[str, str] = vectors.load("providers", "aliyun_sms")["settings"]
    return loaded | more


def test_it_is_found_by_its_name() -> None:
    provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=""))
    assert (provider.name, provider.channel, provider.batch, provider.needs_template) == (
        "aliyun_sms",
        "sms",
        100,
        True,
    )


def test_a_name_that_cannot_be_resolved_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT="sms.example.invalid"))
    assert provider.hand_over("h1", [MESSAGE]) == [Unreachable("connect_failed")]


@pytest.mark.parametrize(
    "endpoint", ["http://dysmsapi.aliyuncs.com", "http://10.0.0.1:80", "ftp://127.0.0.1"]
)
def test_numbers_never_travel_in_the_clear(endpoint: str) -> None:
    with pytest.raises(SettingError, match="plain http"):
        load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=endpoint))


def test_a_hundred_messages_are_one_call_with_the_numbers_in_its_body() -> None:
    batch = [MESSAGE._replace(address=f"+86138001380{n:02d}", params={"card": str(n)}) for n in range(100)]
    with CannedServer([{"json": {"Code": "OK", "BizId": "1^0"}}]) as server:
        provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=server.url))
        assert provider.hand_over("h1", batch) == [Accepted("1^0")] * 100
    [request] = server.requests
    numbers, values = (json.loads(request.form[name]) for name in ("PhoneNumberJson", "TemplateParamJson"))
    assert dict(zip(numbers, values, strict=True)) == {m.address[3:]: m.params for m in batch}
    assert not any(number in request.url for number in numbers)


REFUSED = {"json": {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发小时级流控Permits:5"}}


@pytest.mark.parametrize(("answer", "calls", "decided"), [(0.25, 13, 4), (1.0, 5, 1)])
def test_halving_ends_in_time_and_never_without_anybody_s_outcome(
    answer: float, calls: int, decided: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is not reached within the time for one answer is surely not taken, and comes again."""
    batch = [MESSAGE._replace(address=f"+86138001380{n:02d}") for n in range(100)]
    with CannedServer(always=REFUSED) as server:
        clock = SimpleNamespace(monotonic=lambda: len(server.requests) * answer)
        monkeypatch.setattr(aliyun_sms, "time", clock)
        provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=server.url, ALIYUN_TIMEOUT_SECONDS="3"))
        outcomes = provider.hand_over("h1", batch)
    assert len(server.requests) == calls
    assert [type(outcome) for outcome in outcomes[:decided]] == [Throttled] * decided
    assert outcomes[decided:] == [Unreachable("not_tried")] * (100 - decided)


def test_a_refusal_shows_its_code_and_not_the_vendor_s_words_which_may_name_people() -> None:
    assert "13800138000" not in repr(Refusal("isv.MOBILE_NUMBER_ILLEGAL", "13800138000invalid mobile number"))


def test_a_second_try_is_signed_anew() -> None:
    expired = {"status": 400, "json": {"Code": "SignatureNonceUsed", "Message": "used"}}
    taken = {"json": {"Code": "OK", "BizId": "1^0"}}
    with CannedServer([expired, taken]) as server:
        provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=server.url))
        assert provider.hand_over("h1", [MESSAGE]) == [Accepted("1^0")]
    first, second = (request.query for request in server.requests)
    assert first["SignatureNonce"] != second["SignatureNonce"]
    assert first["Signature"] != second["Signature"]


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with CannedServer([{"json": {"Code": "OK", "BizId": "1^0"}}]) as server:
        provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=server.url))
        assert provider.hand_over("h1", [MESSAGE]) == [Accepted("1^0")]


def test_connections_are_kept() -> None:
    with CannedServer(always={"json": {"Code": "OK", "BizId": "1^0"}}) as server:
        provider = load("aliyun_sms", settings(ALIYUN_SMS_ENDPOINT=server.url))
        for _ in range(5):
            provider.hand_over("h1", [MESSAGE])
    assert server.connections == 1


class _TheirWay(RpcRequest):  # type: ignore[misc]
    """Signed by the SDK alone."""

    def __init__(self) -> None:
        super().__init__("Dysmsapi", "2017-05-25", "SendBatchSms")
        self.set_method("POST")
        self.set_accept_format("JSON")


class _OurWay(EncodedOnce, _TheirWay):
    """The same, the form encoded once."""


def signed(kind: type[Any], query: dict[str, str], form: dict[str, str]) -> tuple[str, dict[str, str]]:
    """What is signed, and the query that goes with it."""
    request = kind()
    request.set_query_params(dict(query))
    request.set_body_params(form)
    request.set_content(urlencode(form))  # as the SDK's client has it by then
    url = request.get_url("cn-hangzhou", "key-id", "secret")
    return request.string_to_sign, dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


VALUES = st.text(max_size=12) | st.text("+*~ %&=/.-_'\"{}张", max_size=12)
NAMES = st.sampled_from(["A", "AB", "A1", "Action2", "B", "Param", "ParamJson", "Z", "a"])


@given(
    st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES.map(lambda name: f"{name}F"), VALUES, min_size=1)
)
@budget(deadline=None)
def test_a_form_encoded_once_is_signed_as_the_sdk_signs_it(
    query: dict[str, str], form: dict[str, str]
) -> None:
    """Character by character, and the query that is sent says the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameter_helper, "get_uuid", lambda: "nonce")
        patch.setattr(parameter_helper, "get_iso_8061_date", lambda: "2026-11-28T06:00:00Z")
        assert signed(_OurWay, query, form) == signed(_TheirWay, query, form)

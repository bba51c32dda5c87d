"""What is particular to Tencent Cloud's provider and cannot be said in a vector."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import Accepted, Callback, Unreachable
from integrations.tencent_reviews import numbered
from tests.contract import contract_vectors as vectors
from tests.contract.canned_server import CannedServer

MESSAGE = Message("+8613800138000", "text", "常德人社", "1110", {"card": "6266"})
OK = {"json": {"Response": {"SendStatusSet": [{"SerialNo": "5000:1", "Code": "Ok"}], "RequestId": "r"}}}


def made(**more: str) -> Any:
    given_ones: dict[str, str] = vectors.load("providers", "tencent_sms")["settings"]
    return load("tencent_sms", given_ones | more)


def test_it_is_found_by_its_name_and_goes_to_the_vendor_unless_told_otherwise() -> None:
    provider = made(TENCENT_SMS_ENDPOINT="")
    assert (provider.name, provider.channel, provider.batch) == ("tencent_sms", "sms", 1)
    assert provider._api._client.request._url == "https://sms.tencentcloudapi.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {"TENCENT_SMS_ENDPOINT": "http://sms.tencentcloudapi.com"},
        {"TENCENT_SMS_ENDPOINT": "https://sms.tencentcloudapi.com/path"},
        {"TENCENT_SMS_SDK_APP_ID": "app"},
        {"TENCENT_SECRET_KEY": " secretofthevectors"},
        {"TENCENT_CALLBACK_NETWORKS": "somewhere"},
        {"TENCENT_TIMEOUT_SECONDS": "soon"},
    ],
)
def test_a_wrong_setting_is_one_line_without_the_key(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"^A setting of tencent_sms is wrong: [^\n]+$") as error:
        made(**({"TENCENT_SMS_ENDPOINT": ""} | wrong))
    assert "secretofthevectors" not in repr(error.value)


def test_a_name_that_cannot_be_resolved_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    outcomes = made(TENCENT_SMS_ENDPOINT="").hand_over("h1", [MESSAGE])
    assert outcomes == [Unreachable("connect_failed")]


def test_the_environment_s_proxy_is_not_asked_about_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with CannedServer(always=OK) as server:
        assert made(TENCENT_SMS_ENDPOINT=server.url).hand_over("h1", [MESSAGE]) == [Accepted("5000:1")]


def test_many_threads_share_it_and_keep_their_connections() -> None:
    with CannedServer(always=OK) as server, ThreadPoolExecutor(8) as threads:
        provider = made(TENCENT_SMS_ENDPOINT=server.url, TENCENT_TIMEOUT_SECONDS="5")
        handovers = [f"h{n}" for n in range(80)]
        outcomes = list(threads.map(lambda handover: provider.hand_over(handover, [MESSAGE]), handovers))
    assert outcomes == [[Accepted("5000:1")]] * 80
    assert {json.loads(one.body)["SessionContext"] for one in server.requests} == set(handovers)
    assert server.connections <= 8


@given(st.lists(st.sampled_from(["card", "until", "hall", "day"]), max_size=8))
@settings(max_examples=50)
def test_each_name_is_the_number_of_its_value(names: list[str]) -> None:
    """However often a name stands in the text, the values fill it as they fill ours."""
    values = {name: name.upper() for name in dict.fromkeys(names)}
    body = "，".join(f"${{{name}}}" for name in names)
    listed = list(values.values())
    filled = re.sub(r"\{(\d+)\}", lambda found: listed[int(found[1]) - 1], numbered(body))
    assert filled == "，".join(name.upper() for name in names)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mobile",
                    "nationcode",
                    "report_status",
                    "errmsg",
                    "sid",
                    "ext",
                    "user_receive_time",
                    "text",
                    "time",
                ]
            ),
            inner,
            max_size=9,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=100)
def test_whatever_is_pushed_is_read_or_refused(body: bytes) -> None:
    provider = made(TENCENT_SMS_ENDPOINT="")
    for kind in sorted(provider.reports):
        assert re.fullmatch(REFUSAL, refusal(provider, kind, body), re.ASCII)


REFUSAL = r"|A (?:report|reply|push)[\w ,.':-]+"


def refusal(provider: Any, kind: str, body: bytes) -> str:
    """What it says of that push; "" when it was read."""
    try:
        provider.parse(Callback(kind, "", {}, body, ""))
    except ValueError as error:
        return str(error)
    return ""

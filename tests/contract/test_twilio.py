"""What is particular to Twilio's providers and cannot be said in a vector."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.messages import Message, excess
from gateway.plugins import load
from gateway.providers import Accepted, Callback, Unknown, Unreachable
from integrations.twilio_voice import spoken
from tests.contract import contract_vectors as vectors
from tests.contract.canned_server import CannedServer

MESSAGE = Message("+8613800138000", "您的卡已临时挂失", "常德人社")
TAKEN = {"status": 201, "json": {"sid": "SM1"}}
BOTH = ["twilio_sms", "twilio_voice"]


def settings(name: str, **more: str) -> dict[str, str]:
    loaded: dict[str, str] = vectors.load("providers", name)["settings"]
    return loaded | {"TWILIO_API_URL": ""} | more


@pytest.mark.parametrize(("name", "channel"), [("twilio_sms", "sms"), ("twilio_voice", "voice")])
def test_it_is_found_by_its_name(name: str, channel: str) -> None:
    provider = load(name, settings(name))
    assert (provider.name, provider.channel, provider.batch, provider.needs_template) == (
        name,
        channel,
        1,
        False,
    )


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"TWILIO_ACCOUNT_SID": "SK0123"}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_AUTH_TOKEN": "口令"}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_FROM": "12333", "TWILIO_VOICE_FROM": "12333"}, "FROM is a telephone number"),
        ({"CALLBACKS_URL": "https://example.cn/callbacks"}, "CALLBACKS_URL"),
        ({"CALLBACKS_URL": "/callbacks/{provider}"}, "CALLBACKS_URL"),
        ({"TWILIO_TIMEOUT_SECONDS": "soon"}, "TWILIO_TIMEOUT_SECONDS"),
        ({"TWILIO_API_URL": "http://api.twilio.com"}, "plain http"),
        ({"TWILIO_API_URL": "http://10.0.0.1:80"}, "plain http"),
        ({"TWILIO_API_URL": "ftp://127.0.0.1"}, "plain http"),
    ],
)
def test_a_setting_that_is_none_is_named(name: str, wrong: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingError, match=reason):
        load(name, settings(name, **wrong))


def test_a_name_that_cannot_be_resolved_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL="https://api.example.invalid"))
    assert provider.hand_over("h1", [MESSAGE]) == [Unreachable("connect_failed")]


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with CannedServer([TAKEN]) as server:
        provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL=server.url))
        assert provider.hand_over("h1", [MESSAGE]) == [Accepted("SM1")]


def test_the_environment_of_the_process_does_not_move_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    with CannedServer([TAKEN]) as server:
        provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL=server.url))
        assert provider.hand_over("h1", [MESSAGE]) == [Accepted("SM1")]


def test_connections_are_kept() -> None:
    with CannedServer(always=TAKEN) as server:
        provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL=server.url))
        for _ in range(5):
            provider.hand_over("h1", [MESSAGE])
    assert server.connections == 1


class _Echo(BaseHTTPRequestHandler):
    """Gives each message a SID made of its recipient."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        body = json.dumps({"sid": "SM" + form["To"][0][1:]}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Crowded(ThreadingHTTPServer):
    """Lets many connect at the same moment."""

    request_queue_size = 64


def test_sixteen_threads_each_get_their_own_answer() -> None:
    with _Crowded(("127.0.0.1", 0), _Echo) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL=url, TWILIO_TIMEOUT_SECONDS="5"))
        numbers = [f"+861380013{n:04d}" for n in range(160)]
        with ThreadPoolExecutor(16) as threads:
            outcomes = list(
                threads.map(lambda n: provider.hand_over("h1", [Message(n, "x", "")])[0], numbers)
            )
        server.shutdown()
    assert outcomes == [Accepted("SM" + number[1:]) for number in numbers]


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody to another address of its own, and counts the requests."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).asked += 1
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_redirect_is_not_followed_with_our_token_and_the_person_s_number() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        provider = load("twilio_sms", settings("twilio_sms", TWILIO_API_URL=url))
        assert provider.hand_over("h1", [MESSAGE]) == [Unknown("http_307")]
        server.shutdown()
    assert _Elsewhere.asked == 1


def test_a_text_is_said_as_text_however_it_is_written() -> None:
    assert "<Say" in spoken(Message("+8613800138000", "]]><Dial>110</Dial>", ""))
    assert "<Dial>" not in spoken(Message("+8613800138000", "]]><Dial>110</Dial>", ""))


@pytest.mark.parametrize(
    ("words", "address", "limit"),
    [
        ("字" * 494, "+8613800138000", None),
        ("字" * 495, "+8613800138000", "text"),
        ("字" * 1595, "+85291234567", "text"),
        ("见https://example.cn", "+8613800138000", "links"),
        ("见https://example.cn" + "字" * 500, "+85291234567", None),
    ],
)
def test_what_carriers_of_the_mainland_drop_is_declared(words: str, address: str, limit: str | None) -> None:
    found = excess(
        load("twilio_sms", settings("twilio_sms")).limits, MESSAGE._replace(text=words, address=address)
    )
    assert (found and found.limit) == limit


def test_a_key_is_not_taken_for_a_choice() -> None:
    """It may be none of those offered: it is said to have come, and whom to call who is mistaken."""
    said, _ = load("twilio_voice", settings("twilio_voice")).acknowledgement("voice-keys")
    assert "谢谢" not in said
    assert said.count("12333") == len(["zh-CN", "en"])


# --- whatever comes to the doors ---------------------------------------------------------------

KINDS = [("twilio_sms", "sms-status"), ("twilio_sms", "sms-inbound")]
KINDS += [("twilio_voice", "voice-status"), ("twilio_voice", "voice-keys")]
FIELDS = ["MessageSid", "MessageStatus", "CallSid", "CallStatus", "To", "From", "Body", "ErrorCode"]
FIELDS += ["Digits", "AnsweredBy", "CallDuration", "SipResponseCode", "Timestamp", "OptOutType"]
WORDS = ["SM1", "CA1", "completed", "failed", "delivered", "+8613800138000", "machine_start", "404", "1"]
FORMS = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(WORDS) | st.text(max_size=20))
BODIES = st.binary(max_size=200) | FORMS.map(lambda form: urlencode(form).encode())


def refusal(provider: Any, callback: Callback) -> ValueError | None:
    try:
        provider.parse(callback)
    except ValueError as error:
        return error
    return None


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_any_bytes_are_read_or_refused_without_repeating_them(name: str, kind: str) -> None:
    provider = load(name, settings(name))

    @budget(max_examples=60, deadline=None)
    @given(BODIES)
    def holds(body: bytes) -> None:
        callback = Callback(kind, "https://example.cn/x?handover=h1", {"X-Twilio-Signature": "x"}, body, "")
        assert not provider.verify(callback)
        refused = refusal(provider, callback)
        assert refused is None or str(refused) in REFUSALS
        assert refused is None or refused.__context__ is None

    holds()


REFUSALS = {
    "A callback of Twilio's has MessageSid, MessageStatus, To.",
    "A callback of Twilio's has MessageSid, From, To.",
    "A callback of Twilio's has CallSid, CallStatus, To.",
    "A callback of Twilio's has CallSid, From, To.",
    "A callback of Twilio's is not about a telephone number.",
    "A callback of Twilio's is about something with a SID.",
    "The keys of a telephone are digits, * and #.",
}


def test_a_call_is_as_long_as_it_is_whatever_it_says() -> None:
    """The guard measures what is sent: text that XML makes longer counts as long as it gets."""
    provider = load("twilio_voice", settings("twilio_voice"))
    [outcome] = provider.hand_over("h1", [Message("+8613800138000", "&" * 900, "", plays=1)])
    assert outcome.code == "32018"

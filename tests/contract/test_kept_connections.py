"""What every vendor's connections do, shown on those themselves: kept, replaced, lost, under TLS, proxied."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers import Unknown, Unreachable
from integrations import kept_connections
from integrations.kept_connections import Connections, Lost
from tests.contract.canned_server import free_port

TLS, SILENCE, SLOWLY, FAREWELL = b"TLS", b"SILENCE", b"SLOWLY", b"FAREWELL"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
OTHER = FINE.replace(b"fine", b"else")
VENDOR = "https://vendor.example.cn"


class Scripted:
    """Its n-th connection plays the n-th script and is closed then: a step is the answer to what comes next.

    TLS is the handshake, SILENCE no answer, SLOWLY a late one, FAREWELL one to nothing, when ``late`` is
    set. ``heard`` is all that came, ``over[n]`` is set when the n-th connection is closed.
    """

    def __init__(self, *scripts: Sequence[bytes], certificate: Path | None = None) -> None:
        self.heard: list[bytes] = []
        self.late = Event()
        self.over = [Event() for _ in scripts]
        self._scripts = scripts
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if certificate:
            self._tls.load_cert_chain(certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._socket.close()
        assert all(one.is_set() for one in self.over), "a connection nobody asked for"

    def _serve(self) -> None:
        for script, over in zip(self._scripts, self.over, strict=True):
            connection, _ = self._socket.accept()
            try:
                for step in script:
                    connection = self._play(connection, step)
            except OSError:  # the client went
                pass
            connection.close()
            over.set()

    def _play(self, connection: socket.socket, step: bytes) -> socket.socket:
        if step == TLS:
            return self._tls.wrap_socket(connection, server_side=True)
        if step == FAREWELL:
            self.late.wait(5)
            connection.sendall(OTHER)
            return connection
        self.heard.append(connection.recv(65_536))
        if step == SILENCE:
            connection.recv(1)
        if step == SLOWLY:
            self.late.wait(0.1)
        connection.sendall(FINE if step == SLOWLY else step)
        return connection


def connections(url: str, timeout: float = 5, **more: Any) -> Connections:
    return Connections(url, timeout, **more)


def lost(over: Connections, url: str) -> Unreachable | Unknown:
    """What is left of a call that gets no answer; nothing of the original error hangs on it."""
    with pytest.raises(Lost) as error:
        over.ask("POST", url, {}, b"number=13800138000")
    assert error.value.__context__ is None
    return error.value.outcome


# --- kept ---------------------------------------------------------------------------------


def test_a_call_is_answered_and_its_connection_kept() -> None:
    with Scripted([FINE, OTHER]) as server:
        over = connections(server.url)
        answers = [over.ask("POST", f"{server.url}/place?a=1", {"X-Name": "value"}, "a=1") for _ in "12"]
    assert [answer.body for answer in answers] == [b"fine", b"else"]
    assert answers[0].status == 200
    assert answers[0].headers["content-length"] == "4"
    assert server.heard[0].startswith(b"POST /place?a=1 HTTP/1.1\r\n")
    assert b"\r\nX-Name: value\r\n" in server.heard[0]


def test_head_and_body_leave_together() -> None:
    """Two packets cost the sender twice the time."""
    with Scripted([FINE]) as server:
        connections(server.url).ask("POST", server.url + "/", {}, "a=" + "1" * 20_000)
    assert server.heard[0].endswith(b"\r\n\r\na=" + b"1" * 20_000)


def test_one_the_vendor_closed_while_nobody_used_it_is_replaced() -> None:
    """Nothing is lost on it: the call has not begun."""
    with Scripted([FINE], [OTHER]) as server:
        over = connections(server.url)
        over.ask("POST", server.url + "/", {})
        assert server.over[0].wait(5)
        assert over.ask("POST", server.url + "/", {}).body == b"else"


def test_one_that_lay_idle_for_long_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall forgets it without a word, and a call on it would end in silence."""
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", 0.0)
    with Scripted([FINE, SILENCE], [OTHER]) as server:
        over = connections(server.url)
        over.ask("POST", server.url + "/", {})
        assert over.ask("POST", server.url + "/", {}).body == b"else"


def test_words_nobody_asked_for_are_nobody_s_answer() -> None:
    """Some say that they waited long enough before they close."""
    with Scripted([FINE, FAREWELL], [FINE]) as server:
        over = connections(server.url)
        over.ask("POST", server.url + "/", {})
        server.late.set()
        assert server.over[0].wait(5)
        assert over.ask("POST", server.url + "/", {}).body == b"fine"


def test_one_the_vendor_wants_closed_is_not_kept() -> None:
    closing = FINE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    with Scripted([closing], [OTHER]) as server:
        over = connections(server.url)
        over.ask("POST", server.url + "/", {})
        assert over.ask("POST", server.url + "/", {}).body == b"else"


def test_an_answer_may_take_longer_than_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connections, "LONGEST_CONNECTING", 0.05)
    with Scripted([SLOWLY]) as server:
        assert connections(server.url).ask("POST", server.url + "/", {}).body == b"fine"


# --- lost ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nfine", "connection_lost"),
        (b"220 mail.example.cn\r\n", "connection_lost"),
        (SILENCE, "read_timeout"),
    ],
)
def test_what_was_sent_and_not_answered_whole_may_have_arrived(said: bytes, code: str) -> None:
    with Scripted([said]) as server:
        assert lost(connections(server.url, 0.3), server.url + "/") == Unknown(code)


class Heard:
    """What came over a line, as a response reads it."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._said)


def read(reader: type[HTTPResponse], said: bytes) -> tuple[int, list[tuple[str, str]], bytes, bool]:
    response = reader(Heard(said), method="POST")  # type: ignore[arg-type]
    response.begin()
    fields = [(name.lower(), value) for name, value in response.headers.items()]
    closes = response.will_close
    return response.status, fields, response.read(), closes


HEADS = st.lists(
    st.sampled_from(
        [
            "Content-Length: 4",
            "content-length:  9",
            "Content-Length: -3",
            "Content-Length: four",
            "Connection: close",
            "Connection: Keep-Alive",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: Chunked",
            "Set-Cookie: a=1; Path=/",
            "Set-Cookie: b=2",
            "X-Empty:",
            "X-Name: caf\u00e9: 1",
        ]
    ),
    max_size=6,
)


@given(
    version=st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
    status=st.sampled_from(["200 OK", "201 ", "204 No Content", "429 Too Many", "503"]),
    before=st.sampled_from(["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"]),
    head=HEADS,
)
def test_an_answer_means_what_the_standard_library_reads_in_it(
    version: str, status: str, before: str, head: list[str]
) -> None:
    """Status, fields, body, and whether the connection lasts."""
    chunked = any("hunked" in line for line in head)
    body = b"4\r\nfine\r\n0\r\n\r\n" if chunked else b"fine"
    said = "\r\n".join([f"{before}{version} {status}", *head, "", ""]).encode("iso-8859-1") + body

    def meant(reader: type[HTTPResponse]) -> object:
        try:
            return read(reader, said)
        except HTTPException as error:
            return type(error)

    assert meant(kept_connections._Head) == meant(HTTPResponse)


@pytest.mark.parametrize(
    "head", ["X" * 70_000, "no colon", " folded: 1", "name : 1", "\r\n".join(f"X-{n}: 1" for n in range(101))]
)
def test_a_head_that_is_none_is_no_answer(head: str) -> None:
    """Lines without an end, lines that are no field, and more of them than any vendor sends."""
    said = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\nfine".encode()
    with pytest.raises(HTTPException):
        read(kept_connections._Head, said)


def test_silence_in_the_middle_of_an_answer_ends_in_time() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nfine"
    with Scripted([half, SILENCE]) as server:
        assert lost(connections(server.url, 0.3), server.url + "/") == Unknown("read_timeout")


def test_what_nobody_takes_has_not_left() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert lost(connections(url), url + "/") == Unreachable("connect_failed")


# --- TLS ----------------------------------------------------------------------------------


def test_a_vendor_somebody_vouches_for_is_spoken_to(certificate: Path) -> None:
    with Scripted([TLS, FINE], certificate=certificate) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        assert connections(url, authorities=str(certificate)).ask("GET", url + "/", {}).body == b"fine"


def test_one_nobody_vouches_for_hears_nothing(certificate: Path) -> None:
    with Scripted([TLS, FINE], certificate=certificate) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        assert lost(connections(url), url + "/") == Unreachable("tls_certificate")
    assert server.heard == []


def test_one_without_tls_hears_nothing() -> None:
    with Scripted([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as server:
        url = server.url.replace("http://", "https://")
        assert lost(connections(url), url + "/") == Unreachable("connect_failed")
    assert b"13800138000" not in server.heard[0]


# --- proxies --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the machine the tests run on."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_proxy_signed_in_to_sees_the_vendor_s_name_and_no_more(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scripted([b"HTTP/1.1 200 OK\r\n\r\n", TLS, FINE], certificate=certificate) as server:
        monkeypatch.setenv("https_proxy", server.url.replace("http://", "http://us%40er:word@"))
        over = connections(VENDOR, authorities=str(certificate))
        assert over.ask("POST", VENDOR + "/", {"Authorization": "Basic ours"}, b"a=1").body == b"fine"
    asked, said = server.heard
    assert asked.startswith(b"CONNECT vendor.example.cn:443 HTTP/1.")
    assert b"\r\nProxy-Authorization: Basic dXNAZXI6d29yZA==\r\n" in asked
    assert b"ours" not in asked
    assert b"Proxy-" not in said


def test_what_the_proxy_refuses_has_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted([b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"]) as server:
        monkeypatch.setenv("https_proxy", server.url)
        assert lost(connections(VENDOR), VENDOR + "/") == Unreachable("connect_failed")


def test_no_proxy_is_asked_about_a_vendor_named_in_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.cn")
    assert lost(connections(VENDOR), VENDOR + "/") == Unreachable("connect_failed")
    assert asked == ["vendor.example.cn"]


def test_a_proxy_that_is_spoken_to_in_tls_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "https://proxy.example.cn")
    with pytest.raises(ValueError, match="HTTPS_PROXY"):
        connections(VENDOR)

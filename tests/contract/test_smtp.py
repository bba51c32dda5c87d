"""What of SMTP no canned answer shows: TLS, kept connections, settings."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SettingError
from gateway.messages import Attachment, Message
from gateway.plugins import load
from gateway.providers import Accepted, Outcome, Unreachable
from integrations.mail_tokens import Tokens
from integrations.smtp import Smtp
from tests.contract.canned_smtp import FINE, CannedSmtp

SETTINGS = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_SECURITY": "none",
    "SMTP_SENDER": "常德人社 <notice@example.cn>",
    "EMAIL_CALLBACK_NETWORKS": "127.0.0.1",
    "CALLBACKS_URL": "https://example.cn/callbacks/{provider}/secretofthevectors2",
    "SMTP_TIMEOUT_SECONDS": "5",
}
SIGNED_IN = {"SMTP_USER": "notice", "SMTP_PASSWORD": "secretofthetest"}


def provider(server: CannedSmtp | None = None, **more: str) -> Smtp:
    port = {"SMTP_PORT": server.url.rpartition(":")[2]} if server else {}
    built: Smtp = load("smtp", SETTINGS | port | more)
    return built


def letter(number: int = 0, **more: Any) -> Message:
    return Message(f"wang{number}@example.com", "您好", "常德人社", **more)


# --- TLS ----------------------------------------------------------------------------------


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[CannedSmtp]:
    """A server that offers STARTTLS, and signing in only under it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with CannedSmtp(tls=context) as server:
        yield server


STARTTLS = SIGNED_IN | {"SMTP_HOST": "localhost", "SMTP_SECURITY": "starttls"}


def test_the_password_is_said_under_tls_only(
    tls_server: CannedSmtp, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert provider(tls_server, **STARTTLS).hand_over("h1", [letter()]) == [Accepted("4XyZab12")]
    words = [line.split()[0].upper() for line in tls_server.said]
    assert words[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]


def test_a_server_nobody_vouches_for_gets_neither_password_nor_mail(tls_server: CannedSmtp) -> None:
    assert provider(tls_server, **STARTTLS).hand_over("h1", [letter()]) == [Unreachable("tls_certificate")]
    assert [line.split()[0].upper() for line in tls_server.said] == ["EHLO", "STARTTLS"]


def test_a_server_without_tls_gets_neither_password_nor_mail() -> None:
    with CannedSmtp() as server:
        assert provider(server, **STARTTLS).hand_over("h1", [letter()]) == [Unreachable("tls_not_offered")]
    assert [line.split()[0].upper() for line in server.said] == ["EHLO"]


def test_a_server_that_speaks_no_tls_at_all_is_unreachable() -> None:
    with CannedSmtp() as server:
        outcome = provider(server, SMTP_HOST="localhost", SMTP_SECURITY="tls").hand_over("h1", [letter()])
    assert outcome == [Unreachable("tls_failed")]


# --- connections ---------------------------------------------------------------------------


def test_one_connection_serves_one_batch_after_another() -> None:
    with CannedSmtp() as server:
        smtp = provider(server)
        for batch in range(5):
            assert smtp.hand_over(f"h{batch}", [letter(n) for n in range(3)]) == [Accepted("4XyZab12")] * 3
    assert (len(server.requests), server.connections) == (15, 1)


def test_threads_never_share_a_connection() -> None:
    """Every mail arrives once, with the envelope that belongs to it."""
    with CannedSmtp() as server:
        smtp = provider(server)
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda n: smtp.hand_over(f"h{n}", [letter(n)]), range(100)))
    assert outcomes == [[Accepted("4XyZab12")]] * 100
    found = {
        (taken.mail["envelope"], taken.mail["Message-ID"], taken.mail["To"]) for taken in server.requests
    }
    tokens = Tokens("example.cn", "secretofthevectors2")
    assert found == {
        (
            f"MAIL FROM:<bounce+{token}@example.cn>; RCPT TO:<wang{n}@example.com>",
            f"<{token}@example.cn>",
            f"wang{n}@example.com",
        )
        for n in range(100)
        for token in [tokens.write(f"h{n}", 1, f"wang{n}@example.com")]
    }
    assert server.connections <= 8


def test_a_batch_of_slow_answers_ends_within_its_time() -> None:
    """A lease is longer than two messages' time, however many messages the batch has."""
    slow = [{"at": "RCPT", "reply": "250 fine"}, {"at": "MAIL", "then": "hang"}]
    with CannedSmtp(slow) as server:
        outcomes = provider(server, SMTP_TIMEOUT_SECONDS="0.3").hand_over(
            "h1", [letter(n) for n in range(20)]
        )
    assert outcomes == [
        Accepted("4XyZab12"), Unreachable("read_timeout"), *[Unreachable("not_tried")] * 18,
    ]  # fmt: skip


def test_a_reply_that_drips_in_has_no_more_time_than_another() -> None:
    """However many lines and pieces it comes in: no thread is held for longer."""
    with CannedSmtp([{"at": "MAIL", "then": "drip"}]) as server:
        begun = time.monotonic()
        outcome = provider(server, SMTP_TIMEOUT_SECONDS="0.3").hand_over("h1", [letter()])
    assert outcome == [Unreachable("read_timeout")]
    assert time.monotonic() - begun < 2


PDF = Attachment("a.pdf", "application/pdf", bytes(2**20))


@pytest.mark.parametrize(
    ("files", "slow", "outcome"),
    [
        ((), "RCPT", Unreachable("read_timeout")),
        ((PDF,), "RCPT", Accepted("4XyZab12")),
        ((), "END", Accepted("4XyZab12")),
    ],
)
def test_a_large_mail_and_the_answer_to_any_have_up_to_twice_the_time(
    files: tuple[Attachment, ...], slow: str, outcome: Outcome
) -> None:
    """A relay takes longer over a megabyte, and over what it makes of a mail, than over a command."""
    with CannedSmtp([{"at": slow, "after": 0.7, "reply": FINE[slow]}]) as server:
        made = provider(server, SMTP_TIMEOUT_SECONDS="0.5").hand_over("h1", [letter(attachments=files)])
    assert made == [outcome]


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SMTP_HOST": "smtp.example.cn"}, "none is for a server on this machine"),
        ({"SMTP_SECURITY": "ssl"}, "starttls, tls or none"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({"SMTP_SENDER": "常德人社"}, "SMTP_SENDER"),
        ({"SMTP_USER": "notice"}, "go together"),
        ({"SMTP_USER": "notice", "SMTP_PASSWORD": "密码"}, "ASCII"),
        ({"SMTP_TIMEOUT_SECONDS": "soon"}, "SMTP_TIMEOUT_SECONDS"),
        ({"SMTP_BOUNCE_DOMAIN": "a b"}, "SMTP_BOUNCE_DOMAIN"),
        ({"EMAIL_CALLBACK_NETWORKS": "here"}, "here"),
        ({"CALLBACKS_URL": "https://example.cn/"}, "CALLBACKS_URL"),
    ],
)
def test_a_setting_that_is_none_is_named(change: Mapping[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        provider(None, **change)

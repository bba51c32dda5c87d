"""What the contract tests share: loopback only, everything logged is searched, servers to talk to."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, running_sandbox

CERTIFIED = ("localhost", "vendor.example.cn")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches another machine."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), "stray network"
        connect(self, address)

    def guarded_resolve(host: Any, *rest: Any, **more: Any) -> Any:
        assert host in ("127.0.0.1", "::1", "localhost"), "stray look-up"
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


@pytest.fixture
def everything_said(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    """All that any logger, at its loudest, and both outputs have said so far."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    monkeypatch.setenv("DEBUG", "sdk")  # Aliyun's switch for printing requests
    formatter = logging.Formatter("%(name)s %(message)s %(args)s")

    def said() -> str:
        output = capfd.readouterr()
        return "\n".join([*map(formatter.format, caplog.records), output.out, output.err])

    yield said
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The sandbox, as good as new but for its templates and people."""
    shared_sandbox.call("POST", "reset", {})
    addresses = {"report_url": "", "voice_report_url": "", "sms_up_url": ""}
    times = {"receipt_delay": 0.05, "receipt_jitter": 0.0, "query_visible_after": 0.0, "review_delay": 0.0}
    rings = {"ring_seconds": 0.05, "talk_seconds": 0.05}
    shared_sandbox.call("POST", "settings", addresses | times | rings)
    return shared_sandbox


@pytest.fixture
def listener() -> Iterator[CannedServer]:
    """Somebody who hears every report."""
    with CannedServer(always={"json": {"code": 0, "msg": "ok"}}) as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and for a vendor elsewhere, with its key, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, CERTIFIED))), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem)
    )
    return path

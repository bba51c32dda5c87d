"""The sandbox's mail server refuses what real ones refuse."""

from __future__ import annotations

import socket

import pytest

from tests.contract.sandbox_process import Sandbox

WANG = "wang.fang@example.com"
HEAD = b"From: <notice@example.cn>\r\nDate: Sat, 21 Nov 2026 08:05:09 +0000\r\nMessage-ID: <1@example.cn>\r\n"


def raw(sandbox: Sandbox, data: bytes, *commands: str) -> list[str]:
    """The answers to a mail written by hand, one line each."""
    port = sandbox.call("GET", "settings")["smtp_port"]
    said = []
    with socket.create_connection(("127.0.0.1", port), 5) as line, line.makefile("rb") as answers:
        answers.readline()
        for words in (
            b"EHLO x",
            *(c.encode() for c in commands),
            *([b"DATA", data + b"\r\n."] if data else ()),
        ):
            line.sendall(words + b"\r\n")
            while (answer := answers.readline().decode().strip())[3:4] == "-":
                said.append(answer)
            said.append(answer)
    return said


MAIL, RCPT = "MAIL FROM:<a@example.cn>", f"RCPT TO:<{WANG}>"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (HEAD + b"\r\nhello", "250 2.0.0 OK"),
        (HEAD + b"\r\nhel\nlo", "550 5.5.2"),
        (HEAD + "\r\n您好".encode(), "554 5.6.1"),
        (b"Subject: x\r\n\r\nhello", "550 5.7.1"),
        (HEAD + HEAD + b"\r\nhello", "550 5.7.1"),
        (HEAD + b"\r\n" + b"x" * 1200, "500 Line too long"),
    ],
)
def test_the_server_is_as_strict_as_real_ones(sandbox: Sandbox, data: bytes, answer: str) -> None:
    assert raw(sandbox, data, MAIL, RCPT)[-1].startswith(answer)


def test_the_server_says_what_it_can_and_keeps_to_the_order(sandbox: Sandbox) -> None:
    said = raw(sandbox, b"", RCPT, f"{MAIL} SIZE=10240001", f"{MAIL} SIZE=1000 BODY=8BITMIME", "RSET", RCPT)
    assert {"250-SIZE 10240000", "250-8BITMIME"} <= set(said)
    codes = [answer[:3] for answer in said if answer[3:4] == " "]
    assert codes == ["250", "503", "552", "250", "250", "503"]

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


# --- the end of a mail -----------------------------------------------------------------------

TAKEN = "250 2.0.0 OK"


def in_pieces(sandbox: Sandbox, *pieces: bytes, answers: int = 1) -> list[str]:
    """What is answered to a mail that arrives so, and to what follows it at once."""
    port = sandbox.call("GET", "settings")["smtp_port"]
    with socket.create_connection(("127.0.0.1", port), 5) as line, line.makefile("rb") as said:
        said.readline()
        for words in (b"HELO x", MAIL.encode(), RCPT.encode(), b"DATA"):
            line.sendall(words + b"\r\n")
            said.readline()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            line.sendall(piece)
            sandbox.call("GET", "mailboxes")  # time enough for it to be read alone
        return [said.readline().decode().strip() for _ in range(answers)]


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_mail_ends_with_a_dot_alone_however_it_arrives(sandbox: Sandbox, cut: int) -> None:
    mail = HEAD + b"\r\na.\r\n..\r\n.b\r\n"
    [answer] = in_pieces(sandbox, mail + b"\r\n.\r\n"[: -cut or None], b"\r\n.\r\n"[-cut:])
    assert answer.startswith(TAKEN)
    [got] = sandbox.call("GET", "mails")
    assert got["text"] == "a.\n.\nb\n\n", "the dot before a line that begins with one is taken away"


def test_what_is_said_after_a_mail_in_one_breath_is_heard(sandbox: Sandbox) -> None:
    answers = in_pieces(sandbox, HEAD + b"\r\nhello\r\n.\r\nNOOP\r\nRSET\r\n", answers=3)
    assert [answer[:3] for answer in answers] == ["250", "250", "250"]
    assert sandbox.call("GET", "counts")["mails_taken"] == 1


def test_nothing_at_all_is_no_mail(sandbox: Sandbox) -> None:
    assert in_pieces(sandbox, b".\r\n")[0].startswith("550 5.7.1")


def test_a_mail_that_is_too_large_is_read_to_its_end_and_refused(sandbox: Sandbox) -> None:
    block = (b"x" * 998 + b"\r\n") * 1000
    answers = in_pieces(sandbox, HEAD + b"\r\n", *[block] * 23, b".\r\nNOOP\r\n", answers=2)
    assert (answers[0][:3], answers[1][:3]) == ("552", "250")

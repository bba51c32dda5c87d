"""Reports on our mails: hostile ones end quickly, a folder of them is read and put away."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins import load
from gateway.providers import Callback, Collector, Complaint, Receipt
from integrations.mail_parts import DEEPEST, LARGEST, MOST, parts
from integrations.smtp import Smtp
from tests.contract import contract_vectors as vectors

SETTINGS = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_SECURITY": "none",
    "SMTP_SENDER": "常德人社 <notice@mail.example.cn>",
    "EMAIL_CALLBACK_NETWORKS": "127.0.0.1",
    "CALLBACKS_URL": "https://example.cn/callbacks/{provider}/secretofthevectors2",
}
SECONDS = 2.0  # what the worst of them may take on a busy machine; most take milliseconds


def provider(folder: Path | None = None) -> Smtp:
    built: Smtp = load("smtp", SETTINGS | ({"SMTP_REPORTS_MAILDIR": str(folder)} if folder else {}))
    return built


def parsed(body: bytes) -> list[object]:
    """What is read, or nothing where it is refused in words of ours."""
    try:
        return list(provider().parse(Callback("email-report", "", {}, body, "")))
    except ValueError as error:
        refusal = error
    assert re.fullmatch(r"(This is|A delivery report|A complaint) [a-z' ]+\.", str(refusal))
    return []


KNOWN = [case["body"].encode() for case in vectors.load("providers", "smtp")["parse"]]
BOUNCE = KNOWN[0]


# --- what strangers send -------------------------------------------------------------------


@given(st.binary(max_size=2_000))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    parsed(body)


@given(st.sampled_from(KNOWN), st.integers(0, 5_000), st.integers(0, 40), st.binary(max_size=60))
@settings(deadline=None, max_examples=100)
def test_a_damaged_report_is_read_or_refused(report: bytes, at: int, less: int, more: bytes) -> None:
    for found in parsed(report[:at] + more + report[at + less :]):
        assert isinstance(found, Receipt | Complaint)


FIELD = st.sampled_from(
    [
        "Final-Recipient",
        "Original-Recipient",
        "Action",
        "Status",
        "Diagnostic-Code",
        "Last-Attempt-Date",
        "Date",
    ]
)


@given(st.lists(st.tuples(FIELD, st.text(max_size=80)), max_size=8), st.booleans())
@settings(deadline=None, max_examples=100)
def test_any_words_in_its_fields_are_read_or_refused(fields: list[tuple[str, str]], packed: bool) -> None:
    words = "\r\n".join(f"{name}: {value}" for name, value in fields).encode("utf-8", "replace")
    encoding = b"Content-Transfer-Encoding: base64\r\n" if packed else b""
    head, _, rest = BOUNCE.partition(b"Content-Type: message/delivery-status\r\n")
    content = base64.b64encode(words) if packed else words
    kind = b"Content-Type: message/delivery-status\r\n"
    parsed(head + kind + encoding + b"\r\n" + content + b"\r\n--b1--\r\n")
    parsed(words + b"\r\n" + rest)


def nested(levels: int) -> bytes:
    return b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(levels))


HOSTILE = {
    "multiparts in multiparts": nested(5_000),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 8_000,
    "the same boundary at every level": b"Content-Type: multipart/x; boundary=a\n\n--a\n" * 6_000,
    "very many parts": b"Content-Type: multipart/report; boundary=a\n\n" + b"--a\n\nx\n" * 40_000,
    "very many empty lines": b"Content-Type: message/delivery-status\n\n" + b"\n" * 250_000,
    "very many groups of fields": BOUNCE.replace(
        b"Reporting-MTA", b"\n" + b"a: b\n\n" * 40_000 + b"Reporting-MTA"
    ),
    "one very long field": b"Content-Type: multipart/report; boundary=" + b'";' * 120_000,
    "a field of very many lines": b"Content-Type: multipart/report\n" + b" ;a=b\n" * 40_000 + b"\n",
    "very many fields": b"To: bounce+x@mail.example.cn.\n" * 8_000,
    "a comment without an end": b"Date: " + b"(" * 200_000 + b"\n\n",
    "no end of a line": b"\r" * 250_000,
    "signs of base64": BOUNCE.replace(
        b"\r\n\r\nReporting", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n=" * 900
    ),
    "signs of quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 120_000,
    "the beginnings of our own address": b"To: " + b"bounce+" * 30_000 + b"\n\n",
}


@pytest.mark.parametrize("rule", HOSTILE)
def test_no_mail_takes_long_or_breaks_the_reader(rule: str) -> None:
    before = time.monotonic()
    parsed(HOSTILE[rule])
    assert time.monotonic() - before < SECONDS


@given(st.integers(0, 30), st.integers(0, 60))
@settings(deadline=None, max_examples=20)
def test_what_is_taken_apart_is_bounded(levels: int, many: int) -> None:
    assert len(parts(nested(levels) + b"--x\n" * many)) <= min(MOST, DEEPEST + 1)
    wide = b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * many
    assert len(parts(wide)) == min(MOST, many + 1)


def test_a_report_that_returns_a_huge_mail_is_read() -> None:
    returned = b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n" + b"QUFB\r\n" * 2_000_000
    [receipt] = parsed(BOUNCE.removesuffix(b"--b1--\r\n") + returned)
    assert isinstance(receipt, Receipt)


# --- the folder ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def put(folder: Path, name: str, body: bytes = BOUNCE) -> Path:
    path = folder / "new" / name
    path.write_bytes(body)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def collected(smtp: Smtp) -> list[tuple[Callback, Callable[[], None]]]:
    return list(smtp.collect())


def test_a_report_in_the_folder_is_read_like_a_pushed_one(folder: Path) -> None:
    put(folder, "1.M1P1.relay")
    smtp = provider(folder)
    assert isinstance(smtp, Collector)
    [(callback, _)] = collected(smtp)
    assert callback == Callback("email-report", "", {}, BOUNCE, "")
    assert [receipt.code for receipt in smtp.parse(callback) if isinstance(receipt, Receipt)] == ["5.1.1"]


def test_without_a_folder_nothing_is_collected() -> None:
    assert collected(provider()) == []


def test_a_report_is_put_away_as_seen_once_it_is_kept_and_not_before(folder: Path) -> None:
    put(folder, "1.M1P1.relay")
    put(folder, "2.M2P1.relay:2,")
    smtp = provider(folder)
    found = collected(smtp)
    assert [names(folder / "new"), len(collected(smtp))] == [["1.M1P1.relay", "2.M2P1.relay:2,"], 2]
    for _, settle in found:
        settle()
    assert names(folder / "new") == []
    assert names(folder / "cur") == ["1.M1P1.relay:2,S", "2.M2P1.relay:2,S"]
    assert collected(smtp) == []


def test_a_folder_that_lacks_the_place_for_what_was_seen_gets_it(tmp_path: Path) -> None:
    """Else nothing is put away, and what was seen hides what came after it."""
    (tmp_path / "new").mkdir()
    put(tmp_path, "1")
    for _, settle in collected(provider(tmp_path)):
        settle()
    assert names(tmp_path / "cur") == ["1:2,S"]


def test_one_that_another_process_put_away_does_no_harm(folder: Path) -> None:
    path = put(folder, "1")
    [(_, settle)] = collected(provider(folder))
    settle()
    settle()
    assert not path.exists()


def test_what_is_no_mail_stops_no_other(folder: Path) -> None:
    (folder / "new" / "0.folder").mkdir()
    (folder / "new" / "0.link").symlink_to("/dev/zero")
    os.mkfifo(folder / "new" / "0.pipe")
    put(folder, ".hidden")
    put(folder, "1", b"\xff\xfe no report")
    put(folder, "2")
    assert [callback.body[:4] for callback, _ in collected(provider(folder))] == [b"\xff\xfe n", b"From"]


def test_only_the_beginning_of_a_large_mail_is_read(folder: Path) -> None:
    put(folder, "1", BOUNCE + b"x" * 3 * LARGEST)
    [(callback, settle)] = collected(provider(folder))
    assert len(callback.body) == LARGEST
    settle()
    assert names(folder / "cur") == ["1:2,S"]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        collected(provider(tmp_path / "none"))

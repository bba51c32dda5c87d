"""How mails are written: headers of any words, one click to unsubscribe, files with their names."""

from __future__ import annotations

import base64
import email
import email.header
import email.policy
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.channels.email import normalise
from gateway.messages import Attachment, Message
from integrations.smtp import FILES
from integrations.smtp_mail import Writer, file_name, unsubscribes


def letter(**more: Any) -> Message:
    return Message("wang@example.com", "您好", "常德人社", **more)


AT = datetime(2026, 11, 21, 8, 5, 9, tzinfo=UTC)


def written(message: Message) -> bytes:
    """The mail's bytes; no line of any is longer than SMTP allows or says more than ASCII."""
    writer = Writer("notice@example.cn", "常德人社", AT)
    data = writer.write("h1.1@example.cn", normalise(message.address), message)
    assert all(line.endswith(b"\r") and len(line) < 998 for line in data.split(b"\n")[:-1])
    assert data.isascii()
    return data


def read(message: Message) -> Any:
    return email.message_from_bytes(written(message), policy=email.policy.default)


def headers(data: bytes) -> list[str]:
    return data.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


@given(st.text(), st.text(), st.text(), st.text())
@settings(deadline=None, max_examples=100)
def test_any_words_travel_and_none_becomes_a_header(
    subject: str, text: str, html: str, signature: str
) -> None:
    mail = read(letter(subject=subject, html=html))
    mail_of = read(Message("wang@example.com", text, signature, subject=subject))
    names = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert set(mail.keys()) <= {*names, "Content-Language", "Content-Transfer-Encoding"}
    assert [address.addr_spec for address in mail_of["From"].addresses] == ["notice@example.cn"]
    kept = "".join(
        c for c in " ".join(subject.encode("utf-8", "replace").decode().split()) if c.isprintable()
    )
    assert "".join(str(mail["Subject"]).split()) == "".join((kept or "您好").split())
    lines = text.encode("utf-8", "replace").decode().encode().splitlines()
    assert mail_of.get_content().encode().splitlines() == lines


@given(st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]{1,60}\.example", fullmatch=True))
@settings(deadline=None, max_examples=50)
def test_any_address_stands_in_its_header(address: str) -> None:
    assert [a.addr_spec for a in read(Message(address, "x", "y"))["To"].addresses] == [address]


WORDS = st.text(st.sampled_from("您的社保卡a ,🎉👍é=?_"), min_size=1, max_size=200)


@given(WORDS)
@settings(deadline=None, max_examples=100)
def test_encoded_words_are_short_and_each_has_whole_characters(words: str) -> None:
    """RFC 2047, 2 and 5: an old mail program decodes each on its own."""
    lines = headers(written(letter(subject=words)))
    encoded = re.findall(r"=\?utf-8\?B\?([^?]*)\?=", "\n".join(lines))
    assert all(base64.b64decode(word).decode() for word in encoded), "half a character is refused"
    assert all(len(one) <= 76 for one in lines if "=?" in one)


def test_chinese_and_emoji_in_headers_are_read_by_the_standard_library() -> None:
    subject = "🎉您的社会保障卡可以领取，请带上身份证到津市市人民路便民服务大厅一楼三号窗口👍🏽" * 3
    mail = read(Message("wang@example.com", "x", "常德人社🏛", subject=subject))
    assert mail["Subject"] == subject
    assert mail["From"].addresses[0].display_name == "常德人社🏛"


def test_a_long_name_of_the_sender_is_several_encoded_words() -> None:
    name = "常德市人力资源和社会保障局社会保障卡服务中心🏛"
    [first, second] = headers(written(Message("wang@example.com", "x", name)))[:2]
    found = email.header.decode_header(f"{first.removeprefix('From: ')}\r\n{second}")
    assert found == [(name.encode(), "utf-8"), (b" <notice@example.cn>", None)]


def test_words_that_look_encoded_are_said_as_they_are() -> None:
    assert read(letter(subject="=?utf-8?B?5oKo?= x"))["Subject"] == "=?utf-8?B?5oKo?= x"


@given(st.integers(1, 900), st.text(st.sampled_from("aZ09/_.?=&%~-"), min_size=1, max_size=9))
@settings(deadline=None, max_examples=100)
@example(length=1, sign="t")
@example(length=900, sign="t")
def test_an_address_to_unsubscribe_at_is_one_line_however_long(length: int, sign: str) -> None:
    address = f"https://renshe.example.cn/{sign * length}"[:900]
    assert unsubscribes(address)
    lines = headers(written(letter(unsubscribe=address)))
    assert f"List-Unsubscribe: <{address}>" in lines
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://example.cn/u/x", True),
        ("http://127.0.0.1:12333/u/x", True),
        ("http://[::1]:12333/u/x", True),
        ("http://example.cn/u/x", False),
        ("http://127.0.0.1.example.cn/u/x", False),
        ("http://127.0.0.1@example.cn/u/x", False),
        ("mailto:stop@example.cn", False),
        ("https://", False),
        ("https://[example.cn/", False),
        ("https://example.cn/退订", False),
        ("https://example.cn/a b", False),
        ("https://example.cn/" + "x" * 1000, False),
    ],
)
def test_mail_programs_are_given_safe_addresses_only(address: str, fine: bool) -> None:
    assert unsubscribes(address) is fine


# --- files ----------------------------------------------------------------------------------


def attached(name: str, body: bytes = b"x", media_type: str = "application/pdf") -> Message:
    return letter(html="<p>x</p>", attachments=(Attachment(name, media_type, body),))


@given(st.text(max_size=150), st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_any_file_arrives_under_a_name_that_leads_nowhere(name: str, body: bytes) -> None:
    [part] = read(attached(name, body)).iter_attachments()
    found = part.get_filename()
    assert part.get_payload(decode=True) == body
    assert found == file_name(name) == file_name(found)
    assert 0 < len(found) <= 80
    assert not set('/\\<>:"|?*\r\n\t') & set(found)
    assert all(unicodedata.category(c)[0] != "C" and unicodedata.bidirectional(c)[-1:] != "O" for c in found)
    assert not found.startswith(".")


@given(st.text(max_size=100))
@settings(deadline=None, max_examples=50)
def test_both_places_of_a_file_s_name_say_the_same(name: str) -> None:
    """Outlook, QQ mail and Foxmail read Content-Type, others Content-Disposition."""
    [part] = read(attached(name)).iter_attachments()
    said = email.header.decode_header(str(part["Content-Type"].params["name"]))
    words = "".join(one.decode(code or "ascii") if isinstance(one, bytes) else one for one, code in said)
    assert words == part.get_filename()


def test_a_chinese_file_name_is_written_as_common_programs_read_it() -> None:
    data = written(attached("关于延长资格认证期限的通知.pdf")).decode()
    assert '\r\nContent-Type: application/pdf;\r\n name="=?utf-8?B?5YWz5LqO' in data
    assert "\r\nContent-Disposition: attachment;\r\n filename*=UTF-8''%E5%85%B3%E4%BA%8E" in data


def test_a_long_file_name_keeps_its_ending() -> None:
    name = file_name("通知" * 60 + ".docx")
    assert (len(name), name[-6:]) == (80, "通.docx")


def test_only_a_file_s_own_types_are_said() -> None:
    """A mail program must not take a file for a mail, or for several."""
    types = {
        given_type: next(read(attached("x", media_type=given_type)).iter_attachments()).get_content_type()
        for given_type in ("application/pdf", "text/csv", "message/rfc822", "multipart/mixed", "a\r\nB: c")
    }
    assert types["application/pdf"] == "application/pdf"
    assert types["text/csv"] == "text/csv"
    assert {types[key] for key in ("message/rfc822", "multipart/mixed", "a\r\nB: c")} == {
        "application/octet-stream"
    }


def test_the_most_that_goes_with_a_mail_fits_what_servers_take() -> None:
    """Postfix takes 10,240,000 bytes unless told otherwise; texts have some of it."""
    assert len(written(attached("x", bytes(FILES)))) < 10_240_000 - 100_000

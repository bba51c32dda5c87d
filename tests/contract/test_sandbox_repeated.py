"""The sandbox knows who was told the same words more than once, whichever vendors carried them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from gateway.messages import Message
from integrations.sandbox import repeated
from integrations.sandbox.mails import words_of
from integrations.sandbox.repeated import CALL, MAIL, TEXT, Repeated
from tests.contract import twilio_in_sandbox as twilio
from tests.contract.sandbox_process import Sandbox
from tests.contract.test_sandbox_aliyun import LOSS, VALUES
from tests.contract.test_sandbox_aliyun import provider as aliyun
from tests.contract.test_sandbox_mail import letter
from tests.contract.test_sandbox_mail import provider as smtp

NUMBER = "13800138000"
CODE = "【常德人社】验证码824301，5分钟内有效。切勿告知他人"


def kinds(**more: int) -> dict[str, int]:
    return {"code": 0, "text": 0, "call": 0, "mail": 0} | more


def told(*takes: tuple[str, str, str, str], is_code: bool = False) -> Repeated:
    found = Repeated()
    for medium, vendor, address, words in takes:
        found.count(medium, vendor, address, words, is_code=is_code)
    return found


def test_the_same_words_by_two_vendors_are_one_pair_that_names_both(sandbox: Sandbox) -> None:
    """Aliyun fills its template and Twilio gets the whole text: what the person reads is compared."""
    template = aliyun(sandbox).register("临时挂失", LOSS, "notice")
    message = Message(twilio.NUMBER, twilio.TEXT, "常德人社", template, VALUES)
    for handover in ("h1", "h2"):
        aliyun(sandbox).hand_over(handover, [message])
    twilio.provider("twilio_sms", sandbox).hand_over("h3", [message])
    counts = sandbox.call("GET", "counts")
    [pair] = sandbox.call("GET", "repeated")
    assert (counts["repeated"], counts["pairs_repeated"]) == (1, kinds(text=1))
    assert (pair["address"], pair["kind"], pair["times"]) == ("138****8000", "text", 3)
    assert pair["vendors"] == {"aliyun_sms": 2, "twilio_sms": 1}
    assert pair["words"] == f"【常德人社】{twilio.TEXT}"


def test_words_that_differ_in_one_value_are_two_messages(sandbox: Sandbox) -> None:
    template = aliyun(sandbox).register("临时挂失", LOSS, "notice")
    for card in ("6266", "6267"):
        values = {**VALUES, "card": card}
        aliyun(sandbox).hand_over("h1", [Message(twilio.NUMBER, "", "", template, values)])
    assert sandbox.call("GET", "repeated") == []


def test_a_reset_forgets_what_was_told(sandbox: Sandbox) -> None:
    for _ in range(2):
        twilio.post(sandbox, "Messages", To=twilio.NUMBER, From=twilio.FROM, Body="1")
    assert sandbox.call("GET", "counts")["pairs_repeated"] == kinds(text=1)
    assert sandbox.call("POST", "reset", {})["pairs_repeated"] == kinds()
    twilio.post(sandbox, "Messages", To=twilio.NUMBER, From=twilio.FROM, Body="1")
    assert sandbox.call("GET", "repeated") == []


# --- kinds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("medium", "words", "kind"),
    [
        (TEXT, CODE, "code"),
        (TEXT, "【常德人社】824301 is your verification code.", "code"),
        (CALL, "您的验证码是，824301，请按一确认", "code"),
        (MAIL, "您的验证码\n验证码：824301", "code"),
        (TEXT, "【常德人社】您尾号6266的社保卡已临时挂失。切勿将验证码告知他人", "text"),
        (TEXT, "【常德人社】您的业务单号为12345678，受理窗口不索要验证码", "text"),
        (CALL, "您的资格认证未通过", "call"),
    ],
)
def test_a_verification_code_is_a_kind_of_its_own(medium: str, words: str, kind: str) -> None:
    assert told(*[(medium, "x", NUMBER, words)] * 2).by_kind == kinds(**{kind: 1})


def test_what_a_vendor_s_template_calls_a_code_is_one() -> None:
    found = told(*[(TEXT, "aliyun_sms", NUMBER, "【常德人社】口令4711")] * 2, is_code=True)
    assert found.by_kind == kinds(code=1)
    assert found.by_medium == {"text": 1, "call": 0, "mail": 0}


# --- mails -----------------------------------------------------------------------------------


def test_mails_that_say_the_same_are_told_apart_by_words_alone(sandbox: Sandbox) -> None:
    """Each has a Message-ID and a date of its own; one more has another text, one another address."""
    ids = itertools.count()
    for message in (letter(), letter(), letter(text="别的"), letter("li.na@example.com")):
        smtp(sandbox).hand_over(f"h{next(ids)}", [message])
    [pair] = sandbox.call("GET", "repeated")
    assert (pair["address"], pair["kind"], pair["vendors"]) == ("wa***@example.com", "mail", {"smtp": 2})
    assert pair["words"] == "认证未通过\n您好，王芳。\n认证未通过。\n"


HEAD = b"From: a\r\nMessage-ID: <%d>\r\nSubject: =?utf-8?q?x?=\r\n\t=?utf-8?q?y?=\r\n"
PARTS = HEAD + (
    b'Content-Type: multipart/alternative; boundary="%d"\r\n\r\n--%d\r\nContent-Type: text/plain\r\n\r\n'
    b"-- \r\nhello\r\n--%d\r\nContent-Type: text/html\r\n\r\n<p>hello</p>\r\n--%d--\r\n"
)


@pytest.mark.parametrize(
    "mail",
    [
        lambda n: HEAD % n + b"\r\nhello\r\n",
        lambda n: HEAD % n + b"Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n\r\nhello\r\n",
        lambda n: PARTS % (n, n, n, n, n),
    ],
)
def test_what_a_mail_says_is_its_subject_and_its_text(mail: Callable[[int], bytes]) -> None:
    """Its other headers and the lines between its parts are nobody's words; its text is, to the last."""
    assert words_of(mail(1)) == words_of(mail(2))
    assert words_of(mail(1)) != words_of(mail(1).replace(b"hello\r\n", b"goodbye\r\n"))
    assert words_of(mail(1)) != words_of(mail(1).replace(b"q?y", b"q?z"))


# --- how much is kept --------------------------------------------------------------------------


def test_all_pairs_are_counted_though_few_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "LISTED", 2)
    takes = [(TEXT, "x", f"1380013800{n}", "1") for n in range(5)]
    found = told(*takes, *takes, *takes)
    assert found.by_kind == kinds(text=5)
    assert [pair["times"] for pair in found.listed()] == [3, 3]

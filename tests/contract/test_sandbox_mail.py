"""The sandbox's mailboxes, written to by the real provider and read by it in its reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import Attachment, Message
from gateway.plugins import load
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Complaint,
    Delivery,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations.smtp import Smtp
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until

WANG = "wang.fang@example.com"


def provider(sandbox: Sandbox, **more: str) -> Smtp:
    built: Smtp = load(
        "smtp",
        {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(sandbox.call("GET", "settings")["smtp_port"]),
            "SMTP_SECURITY": "none",
            "SMTP_SENDER": "常德人社 <notice@example.cn>",
            "SMTP_TIMEOUT_SECONDS": "0.5",
            "EMAIL_CALLBACK_NETWORKS": "127.0.0.1",
            "CALLBACKS_URL": "https://example.cn/callbacks/{provider}/secretofthetest",
            **more,
        },
    )
    return built


def letter(address: str = WANG, text: str = "您好，王芳。\n认证未通过。") -> Message:
    return Message(address, text, "常德人社", subject="认证未通过", html="<p>您好，<b>王芳</b>。</p>")


def mails(sandbox: Sandbox, address: str = WANG) -> Any:
    return sandbox.call("GET", f"mails?address={address}")


def one(sandbox: Sandbox, message: Message) -> Outcome:
    [outcome] = provider(sandbox).hand_over("h1", [message])
    return outcome


def test_a_mail_lies_in_its_mailbox_as_it_was_written(sandbox: Sandbox) -> None:
    assert isinstance(one(sandbox, letter()), Accepted)
    [mail] = mails(sandbox)
    assert (mail["to"], mail["from"]) == (WANG, "常德人社 <notice@example.cn>")
    assert (mail["subject"], mail["text"]) == ("认证未通过", "您好，王芳。\n认证未通过。\n")
    assert mail["html"] == "<p>您好，<b>王芳</b>。</p>\n"
    assert re.fullmatch(r"<h1\.1\.[0-9a-f]{16}@example\.cn>", mail["message_id"])
    assert (mail["unsubscribe"], mail["attachments"]) == ("", [])
    assert ["Auto-Submitted", "auto-generated"] in mail["headers"]
    until(lambda: mails(sandbox)[0]["status"] == "delivered")


def test_a_mail_that_says_the_same_again_is_counted(sandbox: Sandbox) -> None:
    for _ in range(3):
        one(sandbox, letter())
    one(sandbox, letter(text="别的"))
    counts = sandbox.call("GET", "counts")
    assert (counts["mails_taken"], counts["mails_repeated"]) == (4, 1)


def test_only_the_newest_mails_are_kept_but_all_are_counted(sandbox: Sandbox) -> None:
    newest = sandbox.call("GET", "settings")["newest_mails"]
    sandbox.call("POST", "settings", {"newest_mails": 3})
    provider(sandbox).hand_over("h1", [letter(f"a{n}@example.com") for n in range(5)])
    sandbox.call("POST", "settings", {"newest_mails": newest})
    assert [m["to"] for m in sandbox.call("GET", "mails")] == [f"a{n}@example.com" for n in (2, 3, 4)]
    assert sandbox.call("GET", "counts")["mails_taken"] == 5


# --- reports -----------------------------------------------------------------------------


def reported(
    sandbox: Sandbox, answers: list[dict[str, Any]], *messages: Message, complaints: int = 0
) -> list[Any]:
    """What the reports said that came, once as many were heard as there are messages and complaints."""
    smtp, wanted = provider(sandbox), len(messages) + complaints
    with CannedServer(answers, always={"body": "ok"}) as listener:
        sandbox.call("POST", "settings", {"email_report_url": listener.url, "receipt_retries": [0.05, 0.05]})
        smtp.hand_over("h1", messages)
        until(lambda: sandbox.call("GET", "counts")["mail_reports_pushed"] == wanted)
        sandbox.call("POST", "settings", {"email_report_url": ""})
    bodies = [request.body for request in listener.requests[len(answers) :]]
    callbacks = [Callback("email-report", listener.url, {}, body, "127.0.0.1") for body in bodies]
    assert all(map(smtp.verify, callbacks))
    return [report for callback in callbacks for report in smtp.parse(callback)]


def test_a_delivered_mail_is_reported(sandbox: Sandbox) -> None:
    [receipt] = reported(sandbox, [], letter())
    assert (receipt.address, receipt.handover) == (WANG, "h1")
    assert (receipt.delivery, receipt.code) == (Delivery.DELIVERED, "2.0.0")


def test_nobody_s_mail_bounces(sandbox: Sandbox) -> None:
    receipts = reported(sandbox, [], letter("nobody@example.com"), letter())
    found = {receipt.address: (receipt.delivery, receipt.code) for receipt in receipts}
    assert found == {
        "nobody@example.com": (Delivery.UNDELIVERED, "5.1.1"),
        WANG: (Delivery.DELIVERED, "2.0.0"),
    }
    assert mails(sandbox, "nobody@example.com")[0]["status"] == "failed"


def test_a_report_that_is_not_heard_is_repeated(sandbox: Sandbox) -> None:
    [receipt] = reported(sandbox, [{"status": 500}, {"then": "close"}], letter())
    assert receipt.delivery is Delivery.DELIVERED


def test_a_fault_of_receipts_bounces_a_mail(sandbox: Sandbox) -> None:
    sandbox.fault("receipts", "error", number=WANG, code="5.2.2")
    [receipt] = reported(sandbox, [], letter())
    assert (receipt.delivery, receipt.code) == (Delivery.UNDELIVERED, "5.2.2")


@pytest.mark.parametrize(
    ("behaves", "code", "cause"), [("gone", "5.1.1", Cause.RECIPIENT), ("full", "5.2.2", Cause.AWAY)]
)
def test_a_mailbox_bounces_as_it_was_told(sandbox: Sandbox, behaves: str, code: str, cause: Cause) -> None:
    told = sandbox.call("POST", "mailboxes", {"address": WANG, "behaves": behaves})
    assert told == sandbox.call("GET", "mailboxes") == {WANG: behaves}
    [receipt] = reported(sandbox, [], letter())
    assert (receipt.delivery, receipt.code, receipt.cause) == (Delivery.UNDELIVERED, code, cause)


def test_one_who_complains_has_got_the_mail_first(sandbox: Sandbox) -> None:
    sandbox.call("POST", "mailboxes", {"address": WANG, "behaves": "complains"})
    receipt, complaint = reported(sandbox, [], letter(), complaints=1)
    assert receipt.delivery is Delivery.DELIVERED
    assert (type(complaint), complaint.address, complaint.handover) == (Complaint, WANG, "h1")
    until(lambda: mails(sandbox)[0]["complained_at"])


def test_reports_gather_in_a_folder_and_are_collected_from_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.call("POST", "settings", {"email_report_maildir": str(tmp_path)})
    smtp = provider(sandbox, SMTP_REPORTS_MAILDIR=str(tmp_path))
    smtp.hand_over("h1", [letter("nobody@example.com"), letter()])
    until(lambda: sandbox.call("GET", "counts")["mail_reports_pushed"] == 2)
    sandbox.call("POST", "settings", {"email_report_maildir": ""})
    found = list(smtp.collect())
    codes = {report.code for callback, _ in found for report in smtp.parse(callback)}  # type: ignore[union-attr]
    assert codes == {"5.1.1", "2.0.0"}
    for _, settle in found:
        settle()
    assert list(smtp.collect()) == []


# --- files and the button ------------------------------------------------------------------


def test_a_file_can_be_saved_from_its_mail(sandbox: Sandbox) -> None:
    name, body = "关于延长资格认证期限的通知.pdf", b"%PDF-1.7 " + bytes(range(256)) * 40
    file = Attachment(name, "application/pdf", body)
    message = letter()._replace(attachments=(file,))
    for address in (WANG, "li.na@example.com"):
        assert isinstance(one(sandbox, message._replace(address=address)), Accepted)
    [mail] = mails(sandbox)
    [attached] = mail["attachments"]
    assert (attached["name"], attached["type"], attached["size"]) == (name, "application/pdf", len(body))
    assert mail["html"] == "<p>您好，<b>王芳</b>。</p>\n"
    answer = sandbox._http.request("GET", sandbox.url + attached["url"])
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, body, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E5%85%B3")


def test_one_click_unsubscribes_as_a_mail_program_does_it(sandbox: Sandbox) -> None:
    with CannedServer(always={"status": 200}) as site:
        one(sandbox, letter()._replace(unsubscribe=f"{site.url}/u/{'t' * 90}"))
        [mail] = mails(sandbox)
        assert mail["unsubscribe"] == f"{site.url}/u/{'t' * 90}"
        assert sandbox.call("POST", f"mails/{mail['id']}/unsubscribe", {}) == {"status": 200}
    [request] = site.requests
    assert (request.path, request.body) == (f"/u/{'t' * 90}", b"List-Unsubscribe=One-Click")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert not {"Cookie", "Referer"} & request.headers.keys()
    assert mails(sandbox)[0]["unsubscribed"] == 200


def test_a_mail_without_the_button_has_none_to_press(sandbox: Sandbox) -> None:
    one(sandbox, letter())
    path = f"{sandbox.url}/_sandbox/mails/{mails(sandbox)[0]['id']}/unsubscribe"
    assert sandbox._http.request("POST", path).status == 409


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome", "taken"),
    [
        ({"mode": "error", "code": "550 5.1.1"}, Rejected("5.1.1", Cause.RECIPIENT), 0),
        ({"mode": "error", "code": "4.7.1"}, Throttled("4.7.1"), 0),
        ({"mode": "error", "code": "554"}, Rejected("554", Cause.UNSPECIFIED), 0),
        ({"mode": "error"}, Rejected("5.1.1", Cause.RECIPIENT), 0),
        ({"mode": "error", "code": "450 4.2.0"}, Throttled("4.2.0"), 0),
        ({"mode": "error", "code": "451"}, Throttled("451"), 0),
        ({"mode": "error", "code": "421 4.7.0"}, Throttled("4.7.0"), 0),
        ({"mode": "error", "code": "421"}, Unreachable("421"), 0),
        ({"mode": "error", "code": "552", "action": "data"}, Rejected("552", Cause.CONTENT), 0),
        ({"mode": "error", "code": "452 4.3.1", "action": "data"}, Throttled("4.3.1"), 0),
        ({"mode": "error", "action": "data"}, Rejected("5.6.0", Cause.CONTENT), 0),
        ({"mode": "silent"}, Unknown("read_timeout"), 1),
        ({"mode": "refuse"}, Unreachable("connection_lost"), 0),
        ({"mode": "down"}, Unreachable("4.3.2"), 0),
        ({"mode": "slow", "latency_ms": 50}, Accepted, 1),
    ],
)
def test_each_fault_looks_like_the_real_one(
    sandbox: Sandbox, fault: dict[str, Any], outcome: Any, taken: int
) -> None:
    sandbox.fault("smtp", number=WANG, **fault)
    found = one(sandbox, letter())
    assert isinstance(found, Accepted) if outcome is Accepted else found == outcome
    assert len(mails(sandbox)) == taken
    sandbox.fault("smtp", "ok", number=WANG, action=fault.get("action", ""))
    assert isinstance(one(sandbox, letter()), Accepted), "it works again"


def test_a_fault_for_one_address_is_not_another_s(sandbox: Sandbox) -> None:
    sandbox.fault("smtp", "error", number=WANG)
    outcomes = provider(sandbox).hand_over("h1", [letter(), letter("li.na@example.com")])
    assert outcomes[0] == Rejected("5.1.1", Cause.RECIPIENT)
    assert isinstance(outcomes[1], Accepted)


# --- the page -----------------------------------------------------------------------------


def test_the_page_shows_mailboxes_and_lets_no_mail_work_in_it(sandbox: Sandbox) -> None:
    hostile = Message(WANG, "<b>字</b>", "常德人社", subject="<img src=x>", html="<script>alert(1)</script>")
    one(sandbox, hostile)
    page = sandbox.page()
    assert "&lt;img src=x&gt;" in page
    assert "&lt;b&gt;字&lt;/b&gt;" in page
    assert "alert(1)" not in page
    [mail] = mails(sandbox)
    answer = sandbox._http.request("GET", f"{sandbox.url}/_sandbox/mails/{mail['id']}")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy), "nothing in it runs or is fetched"

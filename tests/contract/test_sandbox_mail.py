"""The sandbox's mailboxes, written to by the real provider and read by it in its reports."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Delivery,
    Outcome,
    Receipt,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations.smtp import Smtp
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until

WANG = "wang.fang@example.com"


def provider(sandbox: Sandbox) -> Smtp:
    built: Smtp = load(
        "smtp",
        {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(sandbox.call("GET", "settings")["smtp_port"]),
            "SMTP_SECURITY": "none",
            "SMTP_SENDER": "常德人社 <notice@example.cn>",
            "SMTP_TIMEOUT_SECONDS": "0.5",
            "EMAIL_CALLBACK_NETWORKS": "127.0.0.1",
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
    assert (mail["address"], mail["sender"]) == (WANG, "常德人社 <notice@example.cn>")
    assert (mail["subject"], mail["text"]) == ("认证未通过", "您好，王芳。\n认证未通过。\n")
    assert mail["html"] == "<p>您好，<b>王芳</b>。</p>\n"
    assert mail["message_id"] == "<h1.1@example.cn>"
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
    assert [m["address"] for m in sandbox.call("GET", "mails")] == [f"a{n}@example.com" for n in (2, 3, 4)]
    assert sandbox.call("GET", "counts")["mails_taken"] == 5


# --- reports -----------------------------------------------------------------------------


def reported(sandbox: Sandbox, answers: list[dict[str, Any]], *messages: Message) -> list[Receipt]:
    """The receipts of the reports that came, once as many were heard as there are messages."""
    smtp = provider(sandbox)
    with CannedServer(answers, always={"body": "ok"}) as listener:
        sandbox.call("POST", "settings", {"email_report_url": listener.url, "receipt_retries": [0.05, 0.05]})
        smtp.hand_over("h1", messages)
        until(lambda: sandbox.call("GET", "counts")["mail_reports_pushed"] == len(messages))
        sandbox.call("POST", "settings", {"email_report_url": ""})
    bodies = [request.body for request in listener.requests[len(answers) :]]
    callbacks = [Callback("email-report", listener.url, {}, body, "127.0.0.1") for body in bodies]
    assert all(map(smtp.verify, callbacks))
    return [receipt for callback in callbacks for receipt in smtp.parse(callback)]


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


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome", "taken"),
    [
        ({"mode": "error", "code": "550 5.1.1"}, Rejected("5.1.1", Cause.RECIPIENT), 0),
        ({"mode": "error", "code": "4.7.1"}, Throttled("4.7.1"), 0),
        ({"mode": "error", "code": "554"}, Rejected("554", Cause.RECIPIENT), 0),
        ({"mode": "error"}, Rejected("5.1.1", Cause.RECIPIENT), 0),
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

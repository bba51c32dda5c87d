"""The sandbox's switches by time, share and seed, and receipts that come as they should not."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Sequence
from email.utils import formatdate
from itertools import chain
from typing import Any

import pytest

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import Accepted, Callback, Delivery
from integrations.sandbox.dice import DICE, Dice
from integrations.sandbox.faults import Faults
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import ACCOUNT, Sandbox, until

NUMBERS = [f"+86138001381{n:02d}" for n in range(40)]
NINE = 1795309200.0  # 2026-11-22 09:00:00 in China
DOWN = {"target": "aliyun_sms", "mode": "down"}
OK = {"code": 0, "msg": "ok"}


class Clock:
    """Says what it was set to."""

    now = NINE

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults(clock: Clock) -> Faults:
    return Faults(clock)


def down_at(faults: Faults, clock: Clock, *moments: float) -> list[bool]:
    """Whether the vendor is down so many seconds after nine."""
    found = []
    for seconds in moments:
        clock.now = NINE + seconds
        found.append(faults.match("aliyun_sms", "SendSms") is not None)
    return found


# --- when --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2026-11-22T09:01:00+08:00", "until": "2026-11-22T09:02:00+08:00"},
        {"from": "2026-11-22T01:01:00", "until": "2026-11-22T01:02:00Z"},
        {"after_seconds": 60, "for_seconds": 60},
        {"after_seconds": "60", "until": "2026-11-22T09:02:00+08:00"},
    ],
)
def test_a_fault_lasts_from_its_beginning_until_before_its_end(
    faults: Faults, clock: Clock, window: dict[str, Any]
) -> None:
    faults.put(DOWN | window)
    assert down_at(faults, clock, 0, 59.9, 60, 119.9, 120) == [False, False, True, True, False]


def test_a_fault_waits_in_the_list_and_leaves_it_when_it_is_over(faults: Faults, clock: Clock) -> None:
    faults.put(DOWN | {"after_seconds": 60, "for_seconds": 60})
    [listed] = faults.listed()
    assert (listed["active"], listed["from"]) == (False, "2026-11-22T01:01:00.000000Z")
    clock.now = NINE + 60
    assert faults.listed()[0]["active"]
    clock.now = NINE + 120
    assert faults.listed() == []


def test_faults_of_one_place_may_follow_each_other_and_ok_removes_all(faults: Faults, clock: Clock) -> None:
    faults.put(DOWN | {"for_seconds": 10})
    faults.put(DOWN | {"after_seconds": 20, "for_seconds": 10})
    assert down_at(faults, clock, 5, 15, 25, 35) == [True, False, True, False]
    faults.put(DOWN | {"mode": "ok"})
    assert faults.listed() == []


def test_times_are_spent_only_while_the_fault_lasts(faults: Faults, clock: Clock) -> None:
    faults.put(DOWN | {"after_seconds": 60, "times": 1})
    assert down_at(faults, clock, 0, 1, 60, 61) == [False, False, True, False]


def test_reports_are_held_back_only_while_the_fault_lasts(faults: Faults, clock: Clock) -> None:
    faults.put({"target": "receipts", "mode": "down", "after_seconds": 5, "for_seconds": 5})
    held = []
    for seconds in (0, 5, 10):
        clock.now = NINE + seconds
        held.append(faults.holds_reports())
    assert held == [False, True, False]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"from": "nine"}, "ISO 8601"),
        ({"from": 9}, "ISO 8601"),
        ({"until": "2026-11-22T08:59:00+08:00"}, "not before now"),
        ({"after_seconds": 5, "from": "2026-11-22T09:01:00+08:00"}, "not both"),
        ({"for_seconds": 0}, "after it begins"),
        ({"for_seconds": float("nan")}, "a number"),
        ({"share": 0}, "share"),
        ({"share": "101%"}, "share"),
        ({"times": "many"}, "times"),
        ({"times": [1]}, "times"),
        ({"latency_ms": 10**400}, "latency_ms"),
        ({"status": 99}, "status"),
        ({"number": ["13800138000"]}, "number"),
        ({"code": True}, "code"),
        ({"mode": "early"}, "receipts"),
        ({"begins": 1}, "no field"),
    ],
)
def test_a_switch_that_cannot_be_meant_is_refused_with_a_reason(
    faults: Faults, field: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        faults.put(DOWN | field)
    assert faults.listed() == []


# --- for whom: share and seed ------------------------------------------------------------------


def hits(faults: Faults, calls: int = 400) -> list[bool]:
    return [faults.match("aliyun_sms", "SendSms") is not None for _ in range(calls)]


@pytest.mark.parametrize("share", [0.3, "30%"])
def test_a_share_of_the_calls_meets_the_fault_and_the_seed_decides_which(
    faults: Faults, share: float | str
) -> None:
    faults.put(DOWN | {"share": share})
    DICE.begin(7)
    first = hits(faults)
    DICE.begin(7)
    assert hits(faults) == first
    DICE.begin(8)
    assert hits(faults) != first
    assert 90 < sum(first) < 150


def test_one_part_s_luck_never_changes_another_s() -> None:
    alone, beside = Dice(1), Dice(1)
    beside.of("twilio").random()
    assert alone.of("aliyun").random() == beside.of("aliyun").random()


# --- over the wire -------------------------------------------------------------------------------


def provider(sandbox: Sandbox) -> Any:
    settings = {
        "ALIYUN_ACCESS_KEY_ID": ACCOUNT["SANDBOX_ACCESS_KEY_ID"],
        "ALIYUN_ACCESS_KEY_SECRET": ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"],
        "ALIYUN_SMS_SIGN_NAME": "常德人社",
        "ALIYUN_CALLBACK_NETWORKS": "127.0.0.1",
        "ALIYUN_SMS_ENDPOINT": sandbox.url,
    }
    return load("aliyun_sms", settings)


@pytest.fixture(scope="module")
def template(shared_sandbox: Sandbox) -> str:
    code = provider(shared_sandbox).register(
        "临时挂失", "您尾号${card}的社保卡已临时挂失。咨询12333", "notice"
    )
    assert isinstance(code, str)
    return code


def send(sandbox: Sandbox, template: str, numbers: Sequence[str] = NUMBERS[:1]) -> list[Any]:
    """Each by itself, in this order, handed over as h0, h1 and so on."""
    sender = provider(sandbox)
    messages = [Message(number, "", "", template, {"card": "6266"}) for number in numbers]
    return [sender.hand_over(f"h{n}", [message])[0] for n, message in enumerate(messages)]


def read(sandbox: Sandbox, listener: CannedServer) -> list[list[Any]]:
    """What the provider reads in each push so far."""
    reporter = provider(sandbox)
    return [
        list(reporter.parse(Callback("sms-report", listener.url, request.headers, request.body, "127.0.0.1")))
        for request in listener.requests
    ]


def switched(sandbox: Sandbox, listener: CannedServer, mode: str, **more: Any) -> None:
    sandbox.call("POST", "settings", {"report_url": listener.url})
    sandbox.fault("receipts", mode, **more)


def test_the_same_requests_with_the_same_seed_get_the_same_answers(sandbox: Sandbox, template: str) -> None:
    def run(seed: int) -> list[str]:
        sandbox.call("POST", "reset", {})
        sandbox.call("POST", "settings", {"seed": seed})
        sandbox.fault("aliyun_sms", "error", code="isv.OUT_OF_SERVICE", share=0.5)
        outcomes = send(sandbox, template, NUMBERS)
        # The first thirteen digits of a reference are the time.
        return [o.reference[13:] if isinstance(o, Accepted) else o.code for o in outcomes]

    first = run(7)
    assert run(7) == first
    assert run(8) != first
    assert 5 < first.count("isv.OUT_OF_SERVICE") < 35


def test_an_early_receipt_comes_before_the_answer_to_the_send(
    sandbox: Sandbox, template: str, listener: CannedServer
) -> None:
    switched(sandbox, listener, "early")
    [outcome] = send(sandbox, template)
    [[receipt]] = read(sandbox, listener)
    assert (receipt.handover, receipt.reference) == ("h0", outcome.reference)
    assert sandbox.call("GET", "counts")["receipts_pushed"] == 1


def test_a_receipt_that_comes_twice_is_the_same_to_the_byte(
    sandbox: Sandbox, template: str, listener: CannedServer
) -> None:
    switched(sandbox, listener, "twice")
    send(sandbox, template)
    until(lambda: len(listener.requests) == 2)
    assert listener.requests[0].body == listener.requests[1].body
    assert sandbox.call("GET", "counts")["receipts_pushed"] == 1


def test_reversed_receipts_come_newest_first_and_then_what_was_before(
    sandbox: Sandbox, template: str, listener: CannedServer
) -> None:
    switched(sandbox, listener, "reversed")
    send(sandbox, template, NUMBERS[:3])
    receipts = until(lambda: len(found := list(chain(*read(sandbox, listener)))) == 6 and found)
    final = [receipt.handover for receipt in receipts if receipt.delivery is Delivery.DELIVERED]
    assert sorted(final) == ["h0", "h1", "h2"]
    assert final != ["h0", "h1", "h2"]
    for handover in final:
        order = [receipt.delivery for receipt in receipts if receipt.handover == handover]
        assert order == [Delivery.DELIVERED, Delivery.PENDING]


def test_a_late_receipt_waits_as_long_as_it_is_told(
    sandbox: Sandbox, template: str, listener: CannedServer
) -> None:
    switched(sandbox, listener, "late", latency_ms=300, number=NUMBERS[0][3:])
    began = time.monotonic()
    send(sandbox, template, NUMBERS[:2])
    until(lambda: len(listener.requests) == 2)
    assert time.monotonic() - began > 0.3
    assert [[r.handover for r in push] for push in read(sandbox, listener)] == [["h1"], ["h0"]]


def test_a_refused_receipt_is_pushed_again_three_times_and_then_never(
    sandbox: Sandbox, template: str
) -> None:
    scaled = {"receipt_retries": [60, 300, 600], "receipt_retry_scale": 0.0002}
    with CannedServer(always={"json": {"code": 1}}) as listener:
        sandbox.call("POST", "settings", {"report_url": listener.url, **scaled})
        send(sandbox, template)
        until(lambda: sandbox.call("GET", "counts")["receipts_given_up"] == 1)
        sandbox.call("POST", "settings", {"report_url": "", "receipt_retry_scale": 1.0})
        assert len(listener.requests) == 4
        assert len({request.body for request in listener.requests}) == 1


def test_chance_spreads_the_receipts_when_it_is_let(
    sandbox: Sandbox, template: str, listener: CannedServer
) -> None:
    sandbox.call("POST", "settings", {"report_url": listener.url, "receipt_jitter": 0.6, "seed": 1})
    send(sandbox, template, NUMBERS[:8])
    until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 8)
    order = [receipt.handover for push in read(sandbox, listener) for receipt in push]
    assert order != [f"h{n}" for n in range(8)]


def test_an_early_report_of_a_mail_comes_before_its_answer(sandbox: Sandbox) -> None:
    with CannedServer(always={"body": "ok"}) as listener:
        sandbox.call("POST", "settings", {"email_report_url": listener.url})
        sandbox.fault("receipts", "early", action="email_report")
        lines = ("From: a@example.cn", f"Date: {formatdate()}", "Message-ID: <1@example.cn>", "", "1")
        with smtplib.SMTP("127.0.0.1", sandbox.call("GET", "settings")["smtp_port"]) as line:
            line.sendmail("a@example.cn", ["wang.fang@example.com"], "\r\n".join(lines))
            assert len(listener.requests) == 1
        sandbox.call("POST", "settings", {"email_report_url": ""})

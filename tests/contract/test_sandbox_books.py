"""The sandbox tells its books of a day on the vendors' real wires, and our providers read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.messages import Message
from gateway.provider_books import Record, Totals
from gateway.providers import Delivery
from integrations import twilio_sms, twilio_voice
from integrations.aliyun_rpc import CHINA
from tests.contract.sandbox_process import Sandbox, until
from tests.contract.test_sandbox_reviews import provider as aliyun
from tests.contract.twilio_in_sandbox import ANOTHER, FROM, NUMBER, post, provider, text


def test_aliyun_s_sums_of_a_day_are_those_we_count_ourselves(sandbox: Sandbox) -> None:
    """Parts, as charged: a long text is two of them with us, too."""
    ours = aliyun(sandbox)
    words = ("请带身份证到大厅办理，咨询12333。", "长" * 70 + "请带身份证到大厅办理，咨询12333。")
    codes = [ours.register(f"模板{n}", body, "notice") for n, body in enumerate(words)]
    sandbox.fault("receipts", "error", code="MOBILE_NOT_ON_SERVICE", number="13800138001")
    for number, code in enumerate(codes):
        ours.hand_over("h1", [Message(f"+861380013800{number}", "", "常德人社", code)])
    until(lambda: ours.counted(datetime.now(CHINA).date()).open == 0)
    assert ours.counted(datetime.now(CHINA).date()) == Totals(3, 1, 2, 0)
    assert [ours.units(each, "常德人社") for each in words] == [1, 2]
    assert ours.counted(datetime.now(CHINA).date() - timedelta(days=1)) == Totals(0, 0, 0, 0)


def test_twilio_s_messages_of_a_day_are_listed_page_by_page(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of our number alone, each as its last report told it."""
    monkeypatch.setattr(twilio_sms, "PAGE_SIZE", 2)
    ours, today = provider("twilio_sms", sandbox), datetime.now(UTC).date()
    sandbox.fault("receipts", "error", number="13800138001")
    numbers = [NUMBER, ANOTHER, *(f"+861380013801{n}" for n in range(3))]
    references = [ours.hand_over("h1", [text(number)])[0].reference for number in numbers]

    def listed() -> list[Record]:
        return [one for page in ours.recorded(today) for one in page]

    until(lambda: [one.delivery for one in listed()].count(Delivery.PENDING) == 0 and len(listed()) == 5)
    assert [len(page) for page in ours.recorded(today)] == [2, 2, 1]
    ends = {one.reference: (one.address, one.delivery) for one in listed()}
    assert ends == {
        reference: (number, Delivery.UNDELIVERED if number == ANOTHER else Delivery.DELIVERED)
        for number, reference in zip(numbers, references, strict=True)
    }
    assert list(ours.recorded(today - timedelta(days=1))) == [[]]


def test_twilio_s_calls_of_a_day_are_listed_as_they_went(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered, or not."""
    monkeypatch.setattr(twilio_voice, "PAGE_SIZE", 1)
    sandbox.call("POST", "handsets", {"number": "13800138001", "answers": "busy"})
    ours, today = provider("twilio_voice", sandbox), datetime.now(UTC).date()
    for number in (NUMBER, ANOTHER):
        ours.hand_over("h1", [text(number)])

    def ends() -> set[tuple[str, Delivery]]:
        return {(one.address, one.delivery) for page in ours.recorded(today) for one in page}

    until(lambda: ends() == {(NUMBER, Delivery.DELIVERED), (ANOTHER, Delivery.UNDELIVERED)})
    assert list(ours.recorded(today + timedelta(days=1))) == [[]]
    assert (
        post(sandbox, "Calls", To=NUMBER, From=FROM, Twiml="<Response><Say>你好</Say></Response>")[0] == 201
    )

"""The sandbox is as strict as Twilio with messages, and our provider lives with it: real SDK, real wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from gateway.messages import excess
from gateway.providers import (
    Absent,
    Accepted,
    CannotTell,
    Cause,
    Delivery,
    Found,
    Inbound,
    Inquiry,
    Rejected,
    Throttled,
    Unknown,
)
from integrations.twilio_callbacks import RETRIED
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until
from tests.contract.twilio_in_sandbox import (
    ACKNOWLEDGED,
    ANOTHER,
    AT_ONCE,
    FROM,
    LANDLINE,
    NUMBER,
    SID,
    TEXT,
    TOKEN,
    get,
    post,
    provider,
    reported,
    text,
)


@pytest.fixture
def door() -> Iterator[CannedServer]:
    """Where callbacks arrive; it answers as the gateway does."""
    with CannedServer(always=ACKNOWLEDGED) as server:
        yield server


def test_a_message_arrives_in_the_handset_where_all_vendors_messages_do(sandbox: Sandbox) -> None:
    [outcome] = provider("twilio_sms", sandbox).hand_over("h1", [text()])
    assert isinstance(outcome, Accepted)
    [taken] = sandbox.call("GET", "messages?number=13800138000")
    assert (taken["text"], taken["biz_id"]) == (f"【常德人社】{TEXT}", outcome.reference)
    assert taken["provider"] == "twilio_sms"
    assert sandbox.call("GET", "counts")["calls"] == {"Messages": 1}


def test_a_message_is_reported_as_sent_and_then_as_delivered(sandbox: Sandbox, door: CannedServer) -> None:
    [outcome] = provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
    receipts = reported("twilio_sms", sandbox, door, 2)
    assert [receipt.code for receipt in receipts] == ["sent", "delivered"]
    assert [receipt.delivery for receipt in receipts] == [Delivery.PENDING, Delivery.DELIVERED]
    assert {(r.reference, r.handover, r.address) for r in receipts} == {(outcome.reference, "h1", NUMBER)}
    until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert sandbox.call("GET", "messages")[0]["status"] == "delivered"
    assert get(sandbox, f"Messages/{outcome.reference}.json")["status"] == "delivered"


@pytest.mark.parametrize("words", ["请打开https://12333.cn/办理", "字" * 600])
def test_links_and_long_texts_do_not_get_into_the_mainland(
    sandbox: Sandbox, door: CannedServer, words: str
) -> None:
    way_back = door.url + "/callbacks/twilio_sms/secret/sms-status"
    post(sandbox, "Messages", To=NUMBER, From=FROM, Body=words, StatusCallback=way_back)
    last = reported("twilio_sms", sandbox, door, 2)[-1]
    assert (last.delivery, last.code, last.cause) == (Delivery.UNDELIVERED, "30007", Cause.CONTENT)
    assert excess(provider("twilio_sms", sandbox).limits, text(words=words)), "and the provider declares it"


def test_a_handset_that_is_off_is_reported(sandbox: Sandbox, door: CannedServer) -> None:
    sandbox.fault("receipts", "error", code="30003", number="13800138000")
    provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
    last = reported("twilio_sms", sandbox, door, 2)[-1]
    assert (last.delivery, last.code) == (Delivery.UNDELIVERED, "30003")


def test_a_report_nobody_took_is_sent_again_as_the_provider_asks(sandbox: Sandbox) -> None:
    sandbox.call("POST", "settings", AT_ONCE)
    with CannedServer([{"status": 500}, {"then": "close"}], always=ACKNOWLEDGED) as door:
        provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
        until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 1)
    assert len(door.requests) == 4  # sent three times, delivered once


@pytest.mark.parametrize(
    ("fragment", "failure", "tries"),
    [
        ("", {"status": 500}, 1),
        ("", {"then": "close"}, 1),
        ("#rc=3&rp=5xx", {"status": 500}, 4),
        ("#rc=3&rp=5xx", {"status": 404}, 1),
        ("#rc=2&rp=4xx,rt", {"status": 404}, 3),
        ("#rc=2&rp=4xx,rt", {"then": "close"}, 3),
        (RETRIED, {"status": 503}, 6),
        ("#rc=9&rp=all", {"status": 503}, 2),
    ],
)
def test_the_vendor_repeats_what_failed_no_more_than_it_was_asked_to(
    sandbox: Sandbox, fragment: str, failure: dict[str, Any], tries: int
) -> None:
    sandbox.call("POST", "settings", AT_ONCE)
    with CannedServer(always=failure) as door:
        form = {"To": NUMBER, "From": FROM, "Body": "x", "StatusCallback": f"{door.url}/s?a=1{fragment}"}
        post(sandbox, "Messages", **form)
        until(lambda: sandbox.call("GET", "counts")["receipts_given_up"] == 1)
    told = [request.form["MessageStatus"] for request in door.requests]
    assert told == ["sent"] * tries + ["delivered"] * tries
    assert {request.url for request in door.requests} == {"/s?a=1"}


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ({"mode": "twice"}, ["sent", "sent", "delivered", "delivered"]),
        ({"mode": "reversed"}, ["delivered", "sent"]),
        ({"mode": "late", "latency_ms": 50}, ["sent", "delivered"]),
        ({"mode": "early"}, ["sent", "delivered"]),
    ],
)
def test_reports_of_a_message_may_come_oddly(
    sandbox: Sandbox, door: CannedServer, mode: dict[str, Any], words: list[str]
) -> None:
    sandbox.fault("receipts", action="sms_status", **mode)
    provider("twilio_sms", sandbox, door.url).hand_over("h1", [text()])
    if mode["mode"] == "early":
        assert len(door.requests) == 2, "before the vendor answered"
    assert [receipt.code for receipt in reported("twilio_sms", sandbox, door, len(words))] == words


def test_a_message_that_waits_beyond_its_time_is_given_up(sandbox: Sandbox, door: CannedServer) -> None:
    sandbox.fault("receipts", "slow", latency_ms=60_000, number="13800138000")
    soon = datetime.now(UTC) + timedelta(seconds=1)
    provider("twilio_sms", sandbox, door.url).hand_over("h1", [text(expires_at=soon)])
    last = reported("twilio_sms", sandbox, door, 2)[-1]
    assert (last.delivery, last.code, last.cause) == (Delivery.UNDELIVERED, "30036", Cause.AWAY)


@pytest.mark.parametrize("changed", [{"TWILIO_AUTH_TOKEN": "wrong"}, {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32}])
def test_a_wrong_key_takes_nothing(sandbox: Sandbox, changed: dict[str, str]) -> None:
    outcome = provider("twilio_sms", sandbox, **changed).hand_over("h1", [text()])
    assert outcome == [Rejected("20003", Cause.ACCOUNT)]
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_another_account_s_messages_are_not_found(sandbox: Sandbox) -> None:
    status, answer = post(sandbox, "Messages", sid="AC" + "0" * 32)
    assert (status, answer["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("number", "code"),
    [("+8612345678901", "21211"), (LANDLINE, "21614"), ("+12", "21211")],
)
def test_a_number_that_takes_no_texts_is_refused(sandbox: Sandbox, number: str, code: str) -> None:
    outcome = provider("twilio_sms", sandbox).hand_over("h1", [text(number)])
    assert outcome == [Rejected(code, Cause.RECIPIENT)]


def test_a_sender_that_is_not_the_account_s_is_refused(sandbox: Sandbox) -> None:
    outcome = provider("twilio_sms", sandbox, TWILIO_FROM="+15005550001").hand_over("h1", [text()])
    assert outcome == [Rejected("21606", Cause.OURS)]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": FROM, "Body": "x"}, 21604),
        ({"To": NUMBER, "Body": "x"}, 21603),
        ({"To": NUMBER, "From": FROM}, 21602),
        ({"To": NUMBER, "From": FROM, "Body": "字" * 1601}, 21617),
        ({"To": NUMBER, "From": FROM, "Body": "x", "ValidityPeriod": "36001"}, 20001),
        ({"To": NUMBER, "From": FROM, "Body": "x", "ValidityPeriod": "0"}, 20001),
        ({"To": NUMBER, "From": "12333", "Body": "x"}, 21212),
        ({"To": FROM, "From": FROM, "Body": "x"}, 21266),
        ({"To": NUMBER, "From": FROM, "Body": "x", "StatusCallback": "/relative"}, 21609),
    ],
)
def test_a_message_that_is_none_is_refused_in_the_vendor_s_words(
    sandbox: Sandbox, form: dict[str, str], code: int
) -> None:
    status, answer = post(sandbox, "Messages", **form)
    assert (status, answer["status"], answer["code"]) == (400, 400, code)
    assert sandbox.call("GET", "counts")["taken"] == 0


def test_a_message_taken_in_silence_is_found_afterwards(sandbox: Sandbox) -> None:
    sandbox.fault("twilio_sms", "silent", times=1)
    sender, now = provider("twilio_sms", sandbox), datetime.now(UTC)
    assert sender.hand_over("h1", [text()]) == [Unknown("read_timeout")]
    [taken] = sandbox.call("GET", "messages")
    assert sender.find(Inquiry(NUMBER, "h1", now)) == Found(taken["biz_id"])
    assert sender.find(Inquiry(ANOTHER, "h1", now)) == Absent()


def test_the_same_words_twice_at_a_time_cannot_be_told_apart(sandbox: Sandbox) -> None:
    sandbox.fault("twilio_sms", "silent", times=1)
    sender, now = provider("twilio_sms", sandbox), datetime.now(UTC)
    sender.hand_over("h1", [text()])
    sender.hand_over("h2", [text()])
    assert sender.find(Inquiry(NUMBER, "h1", now, TEXT, "常德人社")) == CannotTell("ambiguous")


def test_of_two_messages_at_a_time_the_words_tell_which(sandbox: Sandbox) -> None:
    sandbox.fault("twilio_sms", "silent", times=1)
    sender, now = provider("twilio_sms", sandbox), datetime.now(UTC)
    sender.hand_over("h1", [text()])
    sender.hand_over("h2", [text(words="另一条")])
    first, _ = sandbox.call("GET", "messages")
    assert sender.find(Inquiry(NUMBER, "h1", now, TEXT, "常德人社")) == Found(first["biz_id"])
    assert sender.find(Inquiry(NUMBER, "h3", now, "第三条", "常德人社")) == Absent()
    assert sender.find(Inquiry(NUMBER, "h1", now)) == CannotTell("ambiguous")


def test_a_list_comes_in_pages_newest_first(sandbox: Sandbox) -> None:
    sender = provider("twilio_sms", sandbox)
    sids = [sender.hand_over(f"h{n}", [text(words=str(n))])[0].reference for n in range(3)]
    first = get(sandbox, f"Messages.json?To=%2B{NUMBER[1:]}&PageSize=2")
    assert [message["sid"] for message in first["messages"]] == [sids[2], sids[1]]
    second = json.loads(
        urllib3.request(
            "GET",
            sandbox.url + first["next_page_uri"],
            headers=urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}"),
        ).data
    )
    assert [message["sid"] for message in second["messages"]] == [sids[0]]
    assert second["next_page_uri"] is None


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"mode": "error"}, Unknown("20500")),
        ({"mode": "error", "code": "20429"}, Throttled("20429")),
        ({"mode": "error", "code": "20003"}, Rejected("20003", Cause.ACCOUNT)),
        ({"mode": "error", "code": "21211"}, Rejected("21211", Cause.RECIPIENT)),
        ({"mode": "refuse"}, Unknown("connection_lost")),
        ({"mode": "down"}, Unknown("http_503")),
        ({"mode": "slow", "latency_ms": 900}, Unknown("read_timeout")),
    ],
)
@pytest.mark.parametrize("name", ["twilio_sms", "twilio_voice"])
def test_each_fault_looks_like_the_real_one(
    sandbox: Sandbox, name: str, fault: dict[str, Any], outcome: Any
) -> None:
    sandbox.fault(name, times=1, **fault)
    sender = provider(name, sandbox)
    assert sender.hand_over("h1", [text()]) == [outcome]
    assert sandbox.call("GET", "faults") == []
    assert isinstance(sender.hand_over("h2", [text()])[0], Accepted)


# --- what people send ----------------------------------------------------------------------------


def test_what_a_person_sends_comes_signed(sandbox: Sandbox, door: CannedServer) -> None:
    url = door.url + "/callbacks/twilio_sms/secret/sms-inbound"
    sandbox.call("POST", "settings", {"twilio_inbound_url": url})
    sandbox.call("POST", "inbound", {"number": "13800138000", "text": "查询", "through": "twilio_sms"})
    [one] = reported("twilio_sms", sandbox, door, 1)
    assert one == Inbound(one.id, NUMBER, FROM, "查询")


def test_who_says_stop_gets_nothing_until_start(sandbox: Sandbox) -> None:
    sender = provider("twilio_sms", sandbox)
    for word, expected in (("Stop", Rejected), ("START", Accepted)):
        sandbox.call("POST", "inbound", {"number": NUMBER, "text": word, "through": "twilio_sms"})
        [outcome] = sender.hand_over("h1", [text()])
        assert isinstance(outcome, expected)
    assert isinstance(sender.hand_over("h1", [text(ANOTHER)])[0], Accepted)


def arrived(door: CannedServer, count: int) -> None:
    until(lambda: len(door.requests) == count)


def test_the_vendor_says_what_it_takes_for_a_wish(sandbox: Sandbox, door: CannedServer) -> None:
    url = door.url + "/callbacks/twilio_sms/secret/sms-inbound"
    sandbox.call("POST", "settings", {"twilio_inbound_url": url})
    for count, word in enumerate(("yes", "quit", "YES", "help", "停"), 1):
        sandbox.call("POST", "inbound", {"number": NUMBER, "text": word, "through": "twilio_sms"})
        arrived(door, count)
    wishes = [(inbound.text, inbound.wish) for inbound in reported("twilio_sms", sandbox, door, 5)]
    assert wishes == [("yes", ""), ("quit", "stop"), ("YES", "start"), ("help", ""), ("停", "")]
    assert door.requests[3].form["OptOutType"] == "HELP"

"""What makes the sandbox cheap changes nothing of what it is: each shortcut against the long way."""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import parse_qsl, quote, urlencode

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from gateway.bench import posts
from integrations.sandbox.due import Due
from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import Text
from integrations.sandbox.receipts import Receipts
from integrations.sandbox.signature import pairs, percent
from integrations.sandbox.texts import Template, fill
from integrations.sandbox.twilio_params import several
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import ACCOUNT, Sandbox, until
from tests.contract.test_sandbox_aliyun import LOSS, provider

KEYS = (ACCOUNT["SANDBOX_ACCESS_KEY_ID"], ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"])
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WORDS = st.text(st.characters(exclude_categories=["Cs"]))


# --- percent-encoding ------------------------------------------------------------------------


@given(WORDS, st.integers(0, 99))
def test_a_value_is_encoded_as_the_vendor_signs_it(words: str, padding: int) -> None:
    text = words + "字 ~*+/" * padding
    assert percent(text) == quote(text, safe="")


@given(st.lists(st.tuples(WORDS, WORDS)))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    assert pairs(urlencode(fields)) == dict(parse_qsl(urlencode(fields), keep_blank_values=True))
    assert [values[-1] for values in several(urlencode(fields)).values()] == list(dict(fields).values())


def test_bytes_that_are_no_utf_8_are_replaced_and_the_last_of_two_counts() -> None:
    assert pairs("a=%ff&b=x+y&c&a=1%zz") == {"a": "1%zz", "b": "x y", "c": ""}
    assert pairs("a=%ff") == {"a": "�"}
    assert pairs("a=\udcff") == {"a": "�"}


def test_a_percent_sign_in_a_template_is_a_percent_sign() -> None:
    template = Template("SMS_1", "模板", "上调${rate}%，%s不变", 1, 0.0, "")
    assert fill(template, "常德人社", {"rate": "5"}) == "【常德人社】上调5%，%s不变"


# --- a batch ---------------------------------------------------------------------------------


def batch(template: str, nonce: int, count: int = 100) -> dict[str, str]:
    numbers = [f"138001{n:05d}" for n in range(count)]
    values = [{"card": f"{n:04d}", "until": "11月28日 16:05"} for n in range(count)]
    fields = {"PhoneNumberJson": numbers, "SignNameJson": ["常德人社"] * count, "TemplateParamJson": values}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in fields.items()} | {
        "TemplateCode": template,
        "OutId": f"h{nonce}",
    }


def posted(sandbox: Sandbox, query: str, body: str) -> str:
    answer = urllib3.request("POST", f"{sandbox.url}/?{query}", body=body, headers=FORM)
    return str(answer.json()["Code"])


def test_a_batch_is_taken_from_the_query_and_from_the_form_alike(sandbox: Sandbox) -> None:
    """The signature is over both; a query of a hundred messages is as long as the vendor's SDK makes it."""
    template = provider(sandbox).register("临时挂失", LOSS, "notice")
    query = posts.signed(*KEYS, time.time_ns(), Action="SendBatchSms", **batch(template, 1))
    assert posted(sandbox, query, "") == "OK"
    signed = dict(parse_qsl(posts.signed(*KEYS, time.time_ns(), Action="SendBatchSms", **batch(template, 2))))
    body = urlencode({name: signed.pop(name) for name in batch(template, 2)})
    assert posted(sandbox, urlencode(signed), body.replace("0099", "0098")) == "SignatureDoesNotMatch"
    assert posted(sandbox, urlencode(signed), body) == "OK"
    counts = sandbox.call("GET", "counts")
    assert (counts["taken"], counts["repeated"]) == (200, 100)


# --- receipts --------------------------------------------------------------------------------


def test_receipts_due_at_one_moment_travel_together(sandbox: Sandbox) -> None:
    template = provider(sandbox).register("临时挂失", LOSS, "notice")
    with CannedServer(always={"json": {"code": 0}}) as listener:
        sandbox.call("POST", "settings", {"report_url": listener.url, "receipt_delay": 0.5})
        for nonce in range(3):
            query = posts.signed(*KEYS, time.time_ns(), Action="SendBatchSms", **batch(template, nonce))
            assert posted(sandbox, query, "") == "OK"
        until(lambda: sandbox.call("GET", "counts")["receipts_pushed"] == 300)
    reports = [report for request in listener.requests for report in json.loads(request.body)]
    assert len(listener.requests) <= 3
    assert len({(report["biz_id"], report["phone_number"]) for report in reports}) == 300


def sent(count: int) -> list[Text]:
    return [Text(f"1380013{n:04d}", "1", 0.0, "", "b", "") for n in range(count)]


@pytest.mark.parametrize("fault", [None, {"target": "receipts", "mode": "error", "number": "13800130001"}])
def test_receipts_nobody_listens_to_are_bounded_and_counted(fault: dict[str, str] | None) -> None:
    """Together or, under a fault, one by one: the oldest are given up."""
    faults = Faults()
    receipts = Receipts(faults)
    receipts.options = receipts.options.changed({"newest": 250})
    if fault:
        faults.put(fault)
    for _ in range(4):
        receipts.expect(sent(100))
    assert receipts.given_up == (150 if fault else 200)


def test_each_thing_comes_when_its_time_has_come_and_in_order() -> None:
    async def came() -> list[tuple[str, bool]]:
        things: asyncio.Queue[str] = asyncio.Queue()
        due, begun = Due[str](things.put_nowait), time.monotonic()
        due.put(0.0, "forgotten")
        due.clear()
        delays = {"c": 0.15, "a": 0.05, "b": 0.05}
        for thing, delay in delays.items():
            due.put(delay, thing)
        names = [await things.get() for _ in delays]
        return [(name, time.monotonic() - begun >= delays[name]) for name in names]

    assert asyncio.run(came()) == [("a", True), ("b", True), ("c", True)]

"""The sandbox is steered by strangers and tests alike: nonsense is refused with a reason, doors are added."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.sandbox import doors, faults
from integrations.sandbox.app import Sandbox as World
from integrations.sandbox.app import create_app
from integrations.sandbox.door import Door
from integrations.sandbox.faults import answer_under
from integrations.sandbox.handsets import Text
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.phones import COMPLETED, Call
from tests.contract.sandbox_process import Sandbox, running_sandbox

DOORS = [
    "settings",
    "faults",
    "people",
    "handsets",
    "inbound",
    "calls/1",
    "mailboxes",
    "mails/1/unsubscribe",
    "reviews",
    "dial",
    "dial/1",
]
FIELDS = (
    "target mode latency_ms code message status number action times share from until after_seconds"
    " for_seconds answers keys do text through address behaves template signature state reason to press"
    " wait hang_up repeat receipt_delay receipt_retries limits newest seed ring_seconds id_number name city"
    " card_number bank card_state"
).split()
WORDS = st.sampled_from(
    ["aliyun_sms", "receipts", "down", "early", "yes", "13800138000", "SMS_1", "approved"]
)
SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | st.text() | WORDS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox to be hostile to."""
    with running_sandbox(tmp_path_factory.mktemp("victim")) as sandbox:
        yield sandbox


def refused_or_done(sandbox: Sandbox, method: str, path: str, body: bytes = b"") -> None:
    answer = urllib3.request(
        method,
        f"{sandbox.url}/_sandbox/{path}",
        body=body,
        headers={"Content-Type": "application/json"},
        retries=False,
    )
    assert answer.status < 500, (path, body)
    assert answer.data, "a reason, or what was done"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(DOORS), st.dictionaries(st.sampled_from(FIELDS) | st.text(), VALUES, max_size=5))
def test_hostile_json_is_refused_with_a_reason(victim: Sandbox, door: str, values: dict[str, Any]) -> None:
    refused_or_done(victim, "POST", door, json.dumps(values).encode())


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff\xfe", b"[" * 90_000, b"9" * 5000, b'{"number":"\\ud800"}', b"{"]
)
def test_what_is_no_json_object_is_refused_with_a_reason(victim: Sandbox, door: str, body: bytes) -> None:
    refused_or_done(victim, "POST", door, body)


@pytest.mark.parametrize(
    "path",
    [
        "messages?since=9999-99-99",
        "messages?limit=" + "9" * 5000,
        "messages?since=0001-01-01T00:00:00%2B23:59",
        "mails?limit=" + "9" * 5000,
        "mails/" + "9" * 5000,
        "calls?number=%ff",
        "page?number=" + "9" * 5000,
    ],
)
def test_hostile_questions_are_refused_with_a_reason(victim: Sandbox, path: str) -> None:
    refused_or_done(victim, "GET", path)


def test_a_form_in_an_unknown_alphabet_is_refused(victim: Sandbox) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=klingon"}
    url = f"{victim.url}/_sandbox/faults"
    assert urllib3.request("POST", url, body=b"mode=%ff", headers=kind, retries=False).status == 400


# --- the page ----------------------------------------------------------------------------------


def by_form(sandbox: Sandbox, path: str, fields: dict[str, str]) -> urllib3.BaseHTTPResponse:
    """What a browser without scripts is answered."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{sandbox.url}/_sandbox/{path}"
    return urllib3.request("POST", url, body=urlencode(fields), headers=kind, redirect=False)


def test_the_page_s_buttons_switch_faults_and_lead_back_to_their_part(sandbox: Sandbox) -> None:
    fields = {"target": "receipts", "mode": "late", "share": "50%", "for_seconds": "600", "number": ""}
    answer = by_form(sandbox, "faults?back=faults", fields)
    assert (answer.status, answer.headers["Location"]) == (303, "/#faults")
    page = sandbox.page()
    assert "回执：迟到" in page
    assert "50% 的请求" in page
    sandbox.call("POST", "reset", {})
    assert "一切正常" in sandbox.page()


@pytest.mark.parametrize("back", ["//evil.example", "a%0d%0ab", "javascript:1"])
def test_a_form_leads_back_to_the_page_and_nowhere_else(sandbox: Sandbox, back: str) -> None:
    assert by_form(sandbox, f"faults/clear?back={back}", {}).headers["Location"] == "/"


def test_a_call_on_the_page_tells_what_was_said_how_often_how_fast_and_what_was_pressed(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, Credentials.read({}), Options())
    call = Call(
        "13800138000", "请按1<b>", time.time(), "c1", "aliyun_voice", 2, COMPLETED, keys="1#", slow=True
    )
    world.phones.put(call)
    [page] = asyncio.run(fetched(world, {}))
    world.close()
    for words in ("请按1&lt;b&gt;", "播报2遍", "慢速", "<kbd>1</kbd>", "<kbd>#</kbd>"):
        assert words in page


async def fetched(world: World, *asked: Mapping[str, str]) -> list[str]:
    """What requests to a sandbox in this process are answered with, each given by its headers.

    With the last answer the sandbox is closed.
    """
    async with TestClient(TestServer(create_app(world))) as client:
        answers = [
            await client.request("POST" if headers else "GET", "/", headers=headers) for headers in asked
        ]
        return [await answer.text() for answer in answers]


# --- a vendor more -----------------------------------------------------------------------------


class Pigeon(Door):
    """The shortest vendor there is: one header, one action."""

    target = "pigeon_sms"
    work = frozenset({"Fly"})
    words = ("鸽子", "Pigeons")

    def claims(self, request: web.Request) -> bool:
        return "X-Pigeon" in request.headers

    async def handle(self, request: web.Request) -> web.Response:
        number = request.headers["X-Pigeon"]
        fault = self.world.faults.match(self.target, "Fly", (number,))

        def fly() -> web.Response:
            self.world.handsets.take(Text(number, "咕", time.time(), "", "p1", "", provider=self.target))
            return web.Response(text="flown")

        return await answer_under(fault, request, fly, lambda fault: web.Response(text=fault.code))

    def counts(self) -> dict[str, int]:
        return {"pigeons": 1}


def test_a_vendor_is_added_by_its_class_and_one_line_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "ADDED", (Pigeon,))
    monkeypatch.setattr(faults, "WORK", dict(faults.WORK))
    world = World(tmp_path, Credentials.read({}), Options())
    world.faults.put({"target": "pigeon_sms", "mode": "error", "code": "hawk", "times": 1})
    pigeon = {"X-Pigeon": "13800138000"}
    *answers, page = asyncio.run(fetched(world, pigeon, pigeon, {}))
    assert answers == ["hawk", "flown"]
    assert world.counts()["pigeons"] == 1
    assert "鸽子" in page
    assert "咕" in page

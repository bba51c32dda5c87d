"""What the tests of the sandbox's Twilio share: our providers against it, the bare wire, the way back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import urllib3

from gateway.messages import Message
from gateway.plugins import load
from gateway.providers import (
    Callback,
)
from tests.contract.canned_server import CannedServer
from tests.contract.sandbox_process import Sandbox, until

SID, TOKEN, FROM = "AC" + "5a" * 16, "sandbox", "+15005550006"  # the sandbox's own defaults
NUMBER, ANOTHER, LANDLINE = "+8613800138000", "+8613800138001", "+867361234567"
ACKNOWLEDGED = {"content_type": "text/xml", "body": "<Response/>"}
AT_ONCE = {"webhook_retries": [0.01] * 5}
TEXT = "您尾号6266的社保卡已临时挂失，11月28日16:05自动解除。咨询12333"


def provider(name: str, sandbox: Sandbox, door: str = "http://127.0.0.1:9", **more: str) -> Any:
    """``door`` stands where the gateway's callbacks do."""
    settings = {
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM": FROM,
        "TWILIO_VOICE_FROM": FROM,
        "CALLBACKS_URL": door + "/callbacks/{provider}/secret",
        "TWILIO_API_URL": sandbox.url,
        "TWILIO_TIMEOUT_SECONDS": "0.5",
    }
    return load(name, settings | more)


def text(number: str = NUMBER, words: str = TEXT, **more: Any) -> Message:
    return Message(number, words, "常德人社", **more)


def post(sandbox: Sandbox, resource: str, sid: str = SID, **form: str) -> tuple[int, Any]:
    """What the bare wire answers."""
    headers = urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}")
    answer = urllib3.request(
        "POST",
        f"{sandbox.url}/2010-04-01/Accounts/{sid}/{resource}.json",
        body=urlencode(form),
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
        retries=False,
    )
    return answer.status, json.loads(answer.data)


def get(sandbox: Sandbox, path: str) -> Any:
    """A list, or one of it."""
    headers = urllib3.make_headers(basic_auth=f"{SID}:{TOKEN}")
    url = f"{sandbox.url}/2010-04-01/Accounts/{SID}/{path}"
    return json.loads(urllib3.request("GET", url, headers=headers, retries=False).data)


def reported(name: str, sandbox: Sandbox, door: CannedServer, count: int) -> list[Any]:
    """What the provider reads in so many callbacks, each of which it takes for genuine."""
    until(lambda: len(door.requests) >= count)
    reporter, found = provider(name, sandbox, door.url), []
    for request in door.requests:
        kind = request.path.rsplit("/", 1)[-1]
        callback = Callback(kind, door.url + request.url, request.headers, request.body, "127.0.0.1")
        assert kind in reporter.reports
        assert reporter.verify(callback)
        found += reporter.parse(Callback(kind, callback.url, {}, request.body, ""))
    return found

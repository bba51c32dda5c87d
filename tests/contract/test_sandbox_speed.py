"""The sandbox is never the bottleneck: single messages from kept connections, all rules on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
import urllib3

from tests.contract.sandbox_process import ACCOUNT, running_sandbox

POSTS, CONNECTIONS, PER_SECOND = 10_000, 32, 2_000
TEXT = "您尾号${card}的社保卡已临时挂失，${until}自动解除。咨询12333"


def signed(nonce: int, **params: str) -> str:
    """A query as the vendor's SDK signs it."""
    common = {
        "AccessKeyId": ACCOUNT["SANDBOX_ACCESS_KEY_ID"],
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": f"nonce-{nonce}",
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Version": "2017-05-25",
    }
    query = urlencode(sorted((common | params).items()), quote_via=quote)
    key = f"{ACCOUNT['SANDBOX_ACCESS_KEY_SECRET']}&".encode()
    digest = hmac.new(key, f"POST&%2F&{quote(query, safe='')}".encode(), hashlib.sha1).digest()
    return f"{query}&Signature={quote(base64.b64encode(digest), safe='')}"


def send_sms(template: str, n: int) -> bytes:
    values = json.dumps({"card": "6266", "until": "11月28日16:05"})
    names = {"SignName": "常德人社", "TemplateCode": template, "TemplateParam": values}
    query = signed(n, Action="SendSms", PhoneNumbers=f"138{n:08d}", OutId=f"h{n}", **names)
    return f"POST /?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n".encode()


def answered(port: int, requests: Sequence[bytes]) -> tuple[int, float]:
    """How many were answered OK, and in how many seconds; one request at a time on each connection."""
    selector, waiting, fine, left = selectors.DefaultSelector(), iter(requests), 0, len(requests)
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for line in lines:
        selector.register(line, selectors.EVENT_READ, line)
        line.sendall(next(waiting))
    while left:
        for ready, _ in selector.select():
            line = ready.data
            fine += b'"Code": "OK"' in line.recv(65536)
            left -= 1
            if request := next(waiting, None):
                line.sendall(request)
    seconds = time.perf_counter() - began
    for line in lines:
        line.close()
    selector.close()
    return fine, seconds


@pytest.mark.long
@pytest.mark.alone
def test_two_thousand_single_messages_a_second(tmp_path: Path) -> None:
    """The client's requests are prepared beforehand, so that two cores are enough for both."""
    with running_sandbox(tmp_path) as sandbox:
        more = {"TemplateType": "1", "TemplateName": "挂失", "TemplateContent": TEXT, "Remark": "挂失"}
        answer = urllib3.request("POST", f"{sandbox.url}/?{signed(0, Action='AddSmsTemplate', **more)}")
        requests = [send_sms(answer.json()["TemplateCode"], n) for n in range(1, POSTS + 1)]
        fine, seconds = answered(int(urlsplit(sandbox.url).port or 0), requests)
    assert fine == POSTS
    assert fine / seconds >= PER_SECOND, f"{fine / seconds:.0f} a second"

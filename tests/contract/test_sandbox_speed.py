"""The sandbox is never the bottleneck: single messages from kept connections, all rules on."""

from __future__ import annotations

from pathlib import Path

import pytest
import urllib3

from gateway.bench import ceilings, posts
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox

POSTS, PER_SECOND = 10_000, 2_000
TEXT = "您尾号${card}的社保卡已临时挂失，${until}自动解除。咨询12333"
KEYS = (ACCOUNT["SANDBOX_ACCESS_KEY_ID"], ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"])


def made(sandbox: Sandbox, count: int) -> list[bytes]:
    """Requests for a text that was just approved, prepared so that two cores are enough for both sides."""
    more = {"TemplateType": "1", "TemplateName": "挂失", "TemplateContent": TEXT, "Remark": "挂失"}
    query = posts.signed(*KEYS, 0, Action="AddSmsTemplate", **more)
    template = urllib3.request("POST", f"{sandbox.url}/?{query}").json()["TemplateCode"]
    values = {"card": "6266", "until": "11月28日16:05"}
    return [posts.send_sms(*KEYS, "常德人社", template, values, n) for n in range(1, count + 1)]


def test_prepared_posts_are_taken_like_the_sdk_s(tmp_path: Path) -> None:
    """What the bench posts is a valid, signed request; one that is not is no figure but an error."""
    with running_sandbox(tmp_path) as sandbox:
        assert ceilings.posts(sandbox.url, made(sandbox, 40), posts.FINE) > 0
        with pytest.raises(ceilings.BenchError, match="40 of 40"):
            ceilings.posts(sandbox.url, [b"GET /?Action=x HTTP/1.1\r\nHost: a\r\n\r\n"] * 40, posts.FINE)


@pytest.mark.long
@pytest.mark.alone
def test_two_thousand_single_messages_a_second(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        assert ceilings.posts(sandbox.url, made(sandbox, POSTS), posts.FINE) >= PER_SECOND

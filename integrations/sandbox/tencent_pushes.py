"""What Tencent Cloud pushes to the customer: the carriers' word on messages, and what people wrote back.

Rules (vendor's pages on status and reply notifications): receipts come in an array of up to 100, a reply
alone as an object; ``{"result": 0}`` acknowledges; what was not acknowledged is pushed twice more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import DELIVERED, FAILED, T, Text
from integrations.sandbox.inbound import DEST_CODE, Reply
from integrations.sandbox.receipts import Pushes, china_time

REPEATS = 2
FAILURE = "UNDELIV"  # what a report switched to error says unless told otherwise


class TencentPushes(Pushes[T]):
    """What both kinds have in common."""

    @property
    def pauses(self) -> Sequence[float]:
        """The first two of option receipt_retries."""
        return self.options.retry_pauses[:REPEATS]

    def takes(self, answer: Mapping[str, Any]) -> bool:
        """``result`` 0."""
        return answer.get("result") == 0


class TencentReceipts(TencentPushes[Text]):
    """短信下发状态通知: each message after a delay."""

    action = "tencent_report"
    batch = 100

    def url(self) -> str:
        """Option tencent_report_url."""
        return self.options.tencent_report_url

    def expect(self, text: Text) -> None:
        """Decide what becomes of the message and when it is reported."""
        fault = self.wait(text, text.at)
        if fault and fault.mode == "error":
            text.err_code = fault.code or FAILURE

    def came_due(self, text: Text) -> None:
        """The carrier knows."""
        text.status = FAILED if text.err_code else DELIVERED
        text.err_code = text.err_code or "DELIVRD"

    def heard(self, text: Text, now: float) -> None:
        """Remember when."""
        text.report_pushed_at = now

    def report(self, text: Text, now: float) -> dict[str, Any]:
        """As the vendor documents it; ``ext`` only for accounts that asked for it."""
        report = {
            "user_receive_time": china_time(now),
            "nationcode": "86",
            "mobile": text.number,
            "report_status": "SUCCESS" if text.status == DELIVERED else "FAIL",
            "errmsg": text.err_code,
            "description": "用户短信送达成功" if text.status == DELIVERED else "用户短信送达失败",
            "sid": text.biz_id,
        }
        return report | ({"ext": text.out_id} if self.options.tencent_echoes else {})


class TencentReplies(TencentPushes[Reply]):
    """短信回复: what people wrote, one at a time."""

    action = "tencent_reply"
    batch = 1

    def __init__(self, faults: Faults, sign: str) -> None:
        super().__init__(faults)
        self._sign = sign

    def url(self) -> str:
        """Option tencent_reply_url."""
        return self.options.tencent_reply_url

    def body(self, reports: list[dict[str, Any]]) -> Any:
        """The one there is."""
        return reports[0]

    def expect(self, reply: Reply) -> None:
        """Push it after the usual delay."""
        self.wait(reply, reply.at)

    def report(self, reply: Reply, _now: float) -> dict[str, Any]:
        """As the vendor documents it: without an id."""
        return {
            "extend": DEST_CODE[-2:],
            "mobile": reply.number,
            "nationcode": "86",
            "sign": self._sign,
            "text": reply.text,
            "time": int(reply.at),
        }

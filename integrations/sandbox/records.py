"""What the vendor tells of messages it took: each of one number's on one day, and the sums of days."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.handsets import DELIVERED, FAILED, WAITING, Handsets, Text
from integrations.sandbox.params import Params, mobile, needed
from integrations.sandbox.receipts import CHINA, china_time, parts
from integrations.sandbox.signature import Refused
from integrations.sandbox.texts import Templates

PROVIDER = "aliyun_sms"
OLDEST_DAYS = 30  # for QuerySendDetails
LARGEST_PAGE = 50
COUNTS = {DELIVERED: "RespondedSuccessCount", FAILED: "RespondedFailCount", WAITING: "NoRespondedCount"}


class Records:
    """The actions that ask. A message is listed ``visible_after()`` seconds after it was taken."""

    def __init__(self, handsets: Handsets, templates: Templates, visible_after: Callable[[], float]) -> None:
        self._handsets = handsets
        self._templates = templates
        self._visible_after = visible_after
        self.actions: Mapping[str, Callable[[Params], dict[str, Any]]] = {
            "QuerySendDetails": self._query_send_details,
            "QuerySendStatistics": self._query_send_statistics,
        }

    def _query_send_details(self, params: Params) -> dict[str, Any]:
        number = mobile(needed(params, "PhoneNumber"))
        day = _day(params, "SendDate")
        if datetime.now(CHINA) - day > timedelta(days=OLDEST_DAYS + 1):
            raise Refused("isv.INVALID_PARAMETERS", f"SendDate {OLDEST_DAYS} days at most")
        first, last = _page(params, "CurrentPage")
        visible = time.time() - self._visible_after()
        found = [
            text
            for text in reversed(self._handsets.of(number))
            if text.provider == PROVIDER
            and text.at <= visible
            and china_time(text.at).startswith(f"{day:%Y-%m-%d}")
            and params.get("BizId") in (None, "", text.biz_id)
        ]
        rows = [_detail(text) for text in found[first:last]]
        return {"SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}, "TotalCount": len(found)}

    def _query_send_statistics(self, params: Params) -> dict[str, Any]:
        if needed(params, "IsGlobe") not in ("1", "2"):
            raise Refused("isv.INVALID_PARAMETERS", "IsGlobe 1, 2")
        start, end = (_day(params, name) for name in ("StartDate", "EndDate"))
        first, last = _page(params, "PageIndex")
        days: dict[str, Counter[str]] = {}
        for text in self._handsets.since(start.timestamp()):
            if text.at < (end + timedelta(days=1)).timestamp() and self._counts(text, params):
                sums = days.setdefault(china_time(text.at)[:10].replace("-", ""), Counter())
                sums["TotalCount"] += parts(text.text)
                sums[COUNTS[text.status]] += parts(text.text)
        rows = [
            {
                "SendDate": day,
                "TotalCount": sums["TotalCount"],
                **{name: sums[name] for name in COUNTS.values()},
            }
            for day, sums in sorted(days.items())
        ]
        return {"Data": {"TotalSize": len(rows), "TargetList": rows[first:last]}}

    def _counts(self, text: Text, params: Params) -> bool:
        """Whether the message is of those asked for; none goes abroad from here."""
        template, kind, sign = (
            self._templates.get(text.template),
            params.get("TemplateType"),
            params.get("SignName"),
        )
        return (
            text.provider == PROVIDER
            and params["IsGlobe"] == "1"
            and (not kind or (template is not None and str(template.kind) == kind))
            and (not sign or text.text.startswith(f"【{sign}】"))
        )


def _day(params: Params, name: str) -> datetime:
    """The beginning in China of a day written yyyyMMdd."""
    text = needed(params, name)
    try:
        if not re.fullmatch(r"2\d{7}", text, re.ASCII):
            raise ValueError
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=CHINA)
    except ValueError:
        raise Refused("isv.INVALID_PARAMETERS", f"{name} yyyyMMdd") from None


def _page(params: Params, name: str) -> tuple[int, int]:
    """Where the page begins and ends."""
    size, page = (_count(needed(params, each)) for each in ("PageSize", name))
    if size > LARGEST_PAGE:
        raise Refused("isv.INVALID_PARAMETERS", f"PageSize 1-{LARGEST_PAGE}")
    return (page - 1) * size, page * size


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise Refused("isv.INVALID_PARAMETERS", "PageSize and the page are positive")
    return int(text)


def _detail(text: Text) -> dict[str, Any]:
    return {
        "PhoneNum": text.number,
        "Content": text.text,
        "TemplateCode": text.template,
        "OutId": text.out_id,
        "SendStatus": text.status,
        "ErrCode": text.err_code,
        "SendDate": china_time(text.at),
        "ReceiveDate": china_time(text.report_pushed_at or text.at),
    }

"""What Aliyun counts of a day's short messages: QuerySendStatistics of dysmsapi.

No provider of its own. Source: the vendor's API reference. Sums are of parts (条), as charged,
by the day in UTC+8 on which they were sent; mainland and abroad are asked for apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aliyunsdkdysmsapi.request.v20170525.QuerySendStatisticsRequest import QuerySendStatisticsRequest

from gateway.provider_books import BooksUnanswered, Totals
from integrations.aliyun_rpc import CHINA, Rpc

SINGLE, CONCATENATED = 70, 67  # characters of the only part, and of each of several
PAGE_SIZE = 50
MAINLAND, ABROAD = "1", "2"
FIELDS = ("TotalCount", "RespondedSuccessCount", "RespondedFailCount", "NoRespondedCount")


class DaySums:
    """``DayCounter`` of a provider on that account, whatever else it does."""

    day_zone = CHINA
    _rpc: Rpc
    _sign_name: str

    def units(self, text: str, signature: str) -> int:
        """It counts parts."""
        return parts(text, signature or self._sign_name)

    def counted(self, day: date) -> Totals:
        """The account's sums of a day: whoever else uses it is in them."""
        return counted(self._rpc, day)


def parts(text: str, signature: str) -> int:
    """As how many messages this is charged."""
    size = len(text) + (len(signature) + 2 if signature else 0)
    return 1 if size <= SINGLE else -(-size // CONCATENATED)


def counted(rpc: Rpc, day: date) -> Totals:
    """The vendor's sums of that day; ``BooksUnanswered`` where it does not tell them."""
    home, abroad = (_counted(rpc, f"{day:%Y%m%d}", where) for where in (MAINLAND, ABROAD))
    return Totals(*(one + other for one, other in zip(home, abroad, strict=True)))


def _counted(rpc: Rpc, day: str, where: str) -> list[int]:
    """One row for the day, or none where nothing was sent."""
    answer = rpc.ask(
        rpc.request(
            QuerySendStatisticsRequest,
            IsGlobe=where,
            StartDate=day,
            EndDate=day,
            PageIndex="1",
            PageSize=str(PAGE_SIZE),
        )
    )
    if not isinstance(answer, dict):
        raise BooksUnanswered(answer.code)
    return [sum(column) for column in zip(*_rows(answer, day), strict=True)]


def _rows(answer: Mapping[str, Any], day: str) -> list[list[int]]:
    try:
        rows, total = answer["Data"]["TargetList"], int(answer["Data"]["TotalSize"])
        found = [[int(row[name]) for name in FIELDS] for row in rows if str(row["SendDate"]) == day]
    except (KeyError, TypeError, ValueError):
        raise BooksUnanswered("unreadable_answer") from None
    if total > len(rows):
        raise BooksUnanswered("incomplete_list")
    return [[0] * len(FIELDS), *found]

"""What time makes of a pensioner's authentication: silent matching, reviews, back-payments. Pure.

Most people never do anything: the registry matches its rows with those of others and finds them
alive. When that is in somebody's case, and whether at all, is drawn from the ID number, so that
the same city does the same again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from integrations.sandbox.options import Options
from integrations.sandbox.receipts import CHINA

MATCHED = frozenset({"due_soon", "overdue_grace"})  # a failed scan or a pause is left to people
WORKED_ON = {"submitted_reviewing": "done_counter", "resumed_backpay_pending": "backpaid"}
STOPPING = frozenset({"death", "dispute"})
PAUSE_AFTER = 13  # months after the last authentication

Row = dict[str, Any]


def moved(row: Row, options: Options, now: float) -> Row:
    """The row as it is by now; the same one where nothing has happened."""
    if row["status"] in MATCHED and _is_matched(row, options, now):
        return {**row, "status": "done_silent", "method": "silent", "last_done": _day(now), "changed_at": now}
    after, since = WORKED_ON.get(row["status"]), row["asked_at"]
    if after is None or since is None or since + options.pension_delay > now:
        return row
    done = {"last_done": _day(since), "method": "counter"} if after.startswith("done_") else {}
    return {**row, **done, "status": after, "changed_at": now, "asked_at": None}


def _is_matched(row: Row, options: Options, now: float) -> bool:
    if not options.matching or STOPPING & set(row["flags"]):
        return False
    draw = int.from_bytes(hashlib.sha256(row["id_number"].encode()).digest()[:8])
    chosen, when = draw % 1000 / 1000, draw // 1000 % 1000 / 1000
    return chosen < options.matching_share and row["changed_at"] + when * options.matching_delay <= now


def authenticated(row: Row, method: str, now: float) -> Row:
    """Somebody did it, in that way: who was paused is paid again and gets what was held back."""
    back = row["status"] == "paused"
    done = {"last_done": _day(now), "method": method, "failed_on": None, "failure": None}
    return {**row, **done, "status": "resumed_backpay_pending" if back else f"done_{method}"}


def held(row: Mapping[str, Any], now: float) -> list[str]:
    """The months not paid, or paid later, because of a pause."""
    if row["status"] != "paused" and row["status"] not in ("resumed_backpay_pending", "backpaid"):
        return []
    last = datetime.fromtimestamp(row["changed_at"] if row["status"] != "paused" else now, CHINA).date()
    first = row["held_from"] or last.isoformat()[:7]
    year, month = map(int, first.split("-"))
    begin, end = year * 12 + month - 1, last.year * 12 + last.month - 1
    return [f"{index // 12}-{index % 12 + 1:02}" for index in range(max(begin, end - 23), end + 1)]


def pause_month(last_done: str | None) -> str | None:
    """The month from which a pension is held back, where it was last done on that day."""
    if last_done is None:
        return None
    done = date.fromisoformat(last_done)
    index = done.year * 12 + done.month - 1 + PAUSE_AFTER
    return f"{index // 12}-{index % 12 + 1:02}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).date().isoformat()

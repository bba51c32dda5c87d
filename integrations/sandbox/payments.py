"""What a pension registry paid: the last months, why one failed, and the next."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.cards import Cards
from integrations.sandbox.pensions import Pensions, answer
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.signed_door import Answer, Form

PAY_DAY = 15
LISTED = 6
STATES = ("paid", "pending", "failed", "held")
REASONS = ("account_closed", "account_blocked", "data_mismatch")
FIELDS = ("id_number", "month", "state", "reason")
SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    id_number TEXT NOT NULL, month TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (id_number, month)
) WITHOUT ROWID;
"""
SAVE = "INSERT OR REPLACE INTO payment VALUES (?, ?, ?)"

Row = dict[str, Any]


class Payments:
    """Every pensioner is paid on the fifteenth; what was made otherwise stands in an SQLite file."""

    def __init__(
        self, path: Path, cards: Cards, pensions: Pensions, clock: Callable[[], float] = time.time
    ) -> None:
        self._cards = cards
        self._pensions = pensions
        self._clock = clock
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def query(self, form: Form) -> Answer:
        """A person's last six payments and the next, newest first."""
        standing = self._pensions.standing(form)
        if standing["code"] != "00":
            return standing
        if standing["data"]["status"] == "ended":
            return answer("32")
        return answer("00") | {"data": self._rows(form["AAC002"], standing["data"])}

    def change(self, values: Mapping[str, Any]) -> Row:
        """Make one month's payment otherwise: ``id_number``, ``state``, perhaps ``reason``, ``month``.

        Without a month it is the last one. Raises ``ValueError`` for a state or reason that is none,
        ``LookupError`` for whoever draws no pension.
        """
        unknown = values.keys() - set(FIELDS)
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        id_number, state, reason = (values.get(name) for name in ("id_number", "state", "reason"))
        if not self._pensions.draws(str(id_number or "")):
            raise LookupError("nobody with that ID number draws a pension")
        if state not in STATES or (reason or REASONS[0]) not in REASONS:
            raise ValueError(f"state: one of {', '.join(STATES)}; reason: one of {', '.join(REASONS)}")
        month = _month(values.get("month")) or f"{self._last():%Y-%m}"
        row = {"state": state, "reason": reason if state == "failed" else None}
        self._city.execute(SAVE, (id_number, month, json.dumps(row)))
        return {"month": month, **row}

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _rows(self, id_number: str, standing: Mapping[str, Any]) -> list[Row]:
        query = "SELECT month, row FROM payment WHERE id_number = ?"
        made = {month: json.loads(row) for month, row in self._city.execute(query, (id_number,))}
        usual = {month: _late(standing["status"], self._last()) for month in standing["held"]}
        amount = f"{2000 + int(id_number[6:17]) % 250_000 / 100:.2f}"
        rows = []
        for day in _days(self._last()):
            month = f"{day:%Y-%m}"
            row = {
                "state": "paid",
                "reason": None,
                "paid_on": day,
                **usual.get(month, {}),
                **made.get(month, {}),
            }
            serial = self._cards.lost_serial(id_number) if row["reason"] == "account_blocked" else None
            rows.append({**row, "month": month, "serial": serial, "amount": amount})
        due = _month_later(self._last())
        rows.insert(0, {"month": f"{due:%Y-%m}", "state": "planned", "paid_on": due, "amount": amount})
        return [_shown(row) for row in rows]

    def _last(self) -> date:
        """The last day on which pensions were paid."""
        today = datetime.fromtimestamp(self._clock(), CHINA).date()
        this = today.replace(day=PAY_DAY)
        return this if this <= today else _months_before(this, 1)


def _late(status: str, last: date) -> Row:
    """What a month that was held back has come to."""
    if status == "backpaid":
        return {"state": "paid", "paid_on": last}
    return {"state": "held" if status == "paused" else "pending"}


def _shown(row: Row) -> Row:
    day = row["paid_on"] if row["state"] in ("paid", "planned") else None
    return {"reason": None, "serial": None, **row, "paid_on": day and day.isoformat()}


def _days(last: date) -> Iterator[date]:
    for back in range(LISTED):
        yield _months_before(last, back)


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return day.replace(year=index // 12, month=index % 12 + 1)


def _month_later(day: date) -> date:
    return _months_before(day, -1)


def _month(text: Any) -> str | None:
    """Raises ``ValueError`` for what is no month."""
    return f"{date.fromisoformat(f'{text}-01'):%Y-%m}" if text else None

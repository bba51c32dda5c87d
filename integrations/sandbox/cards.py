"""A city's card system: people and their cards, temporary losses that lapse by themselves."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.signed_door import Account, Form, SignedDoor

MESSAGES = {
    "00": "成功",
    "01": "该卡已挂失",
    "10": "未查询到人员或卡信息",
    "21": "该卡已正式挂失",
    "22": "该卡正在补换",
    "23": "该卡已注销",
    "24": "姓名与证件号码不符",
    "90": "请求内容有误",
}
REFUSED_STATES = {"formal_lost": "21", "replacing": "22", "replaced": "23", "cancelled": "23"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS card (
    number TEXT PRIMARY KEY, id_number TEXT NOT NULL, name TEXT NOT NULL, city TEXT NOT NULL,
    bank TEXT NOT NULL, bank_state TEXT NOT NULL DEFAULT 'normal', state TEXT NOT NULL,
    lost_until REAL, lost_serial TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS card_of_person ON card (id_number);
"""
# A card that is there keeps its state: loading the city again must not undo a loss report.
UPSERT = """
INSERT INTO card (number, id_number, name, city, bank, state)
VALUES (:card_number, :id_number, :name, :city, :bank, :card_state)
ON CONFLICT (number) DO UPDATE SET
    id_number = excluded.id_number, name = excluded.name, city = excluded.city, bank = excluded.bank
"""
FIELDS = ("card_number", "id_number", "name", "city", "bank", "card_state")


class Cards:
    """The city's cards in an SQLite file, which outlives a restart."""

    def __init__(self, path: Path) -> None:
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.row_factory = sqlite3.Row
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def load(self, people: Iterable[Form]) -> int:
        """Add people and cards; returns how many rows. Raises ``ValueError`` for a row that is none."""
        rows = [_row(person) for person in people]
        self._city.execute("BEGIN")
        self._city.executemany(UPSERT, rows)
        self._city.execute("COMMIT")
        return len(rows)

    def query(self, form: Form) -> dict[str, Any]:
        """The cards of a person in a city."""
        people = self._of(form["AAC002"], time.time())
        if people and form["AAC003"] not in {row["name"] for row in people}:
            return _answer("24")
        cards = [row for row in people if row["city"] == form["AAB301"]]
        return _answer("00", [_card(row) for row in cards]) if cards else _answer("10")

    def report_loss(self, form: Form) -> dict[str, Any]:
        """Block a card for a time."""
        until = _moment(form.get("until"))
        if form.get("kind") != "temporary" or until is None or until <= time.time():
            return _answer("90")
        people = self._of(form["AAC002"], time.time())
        card = next((row for row in people if row["number"] == form.get("AAZ500")), None)
        if card is None or card["city"] != form["AAB301"]:
            return _answer("10")
        if card["state"] == "temp_lost":
            return _answer("01")
        if card["state"] != "normal":
            return _answer(REFUSED_STATES[card["state"]])
        self._city.execute(
            "UPDATE card SET state = 'temp_lost', lost_until = ?, lost_serial = ? WHERE number = ?",
            (until, str(form.get("serial") or ""), card["number"]),
        )
        return _answer("00")

    def residents(self, id_number: str) -> list[tuple[str, str]]:
        """Name and city of whoever has that ID number."""
        found = self._city.execute("SELECT DISTINCT name, city FROM card WHERE id_number = ?", (id_number,))
        return [(row["name"], row["city"]) for row in found]

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _of(self, id_number: str, now: float) -> list[sqlite3.Row]:
        self._city.execute(
            "UPDATE card SET state = 'normal', lost_until = NULL, lost_serial = NULL"
            " WHERE id_number = ? AND state = 'temp_lost' AND lost_until <= ?",
            (id_number, now),
        )
        found = self._city.execute("SELECT * FROM card WHERE id_number = ? ORDER BY number", (id_number,))
        return found.fetchall()


class CardDoor(SignedDoor):
    """The card system's address."""

    def __init__(self, credentials: Credentials, cards: Cards, faults: Faults, calls: Counter[str]) -> None:
        account = Account(credentials.card_app_id, credentials.card_secret)
        actions = {"card/query": cards.query, "card/report-loss": cards.report_loss}
        super().__init__("card_core", account, actions, MESSAGES, faults, calls)


def _row(person: Form) -> dict[str, str]:
    row = {name: person.get(name) for name in FIELDS} if isinstance(person, dict) else {}
    row["card_state"] = row.get("card_state") or "normal"
    if not all(isinstance(row.get(name), str) for name in FIELDS):
        raise ValueError(f"a row has the texts {', '.join(FIELDS)}")
    if row["card_state"] not in ("normal", *REFUSED_STATES):
        raise ValueError(f"card_state is one of normal, {', '.join(REFUSED_STATES)}")
    return {name: str(value) for name, value in row.items()}


def _card(row: sqlite3.Row) -> dict[str, Any]:
    until = row["lost_until"]
    return {
        "AAZ500": row["number"],
        "AAB301": row["city"],
        "state": row["state"],
        "lost_until": None if until is None else datetime.fromtimestamp(until, CHINA).isoformat(),
        "lost_serial": row["lost_serial"],
        "bank": row["bank"],
        "bank_state": row["bank_state"],
    }


def _moment(text: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).timestamp()


def _answer(code: str, data: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"code": code, "message": MESSAGES[code]}
    return answer if data is None else {**answer, "data": data}

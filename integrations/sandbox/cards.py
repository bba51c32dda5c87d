"""A city's card system: people and their cards, temporary losses that lapse by themselves."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials
from integrations.sandbox.signed_door import Account, Form, SignedDoor, iso, moment
from integrations.sandbox.steering import done, read

MESSAGES = {
    "00": "成功",
    "01": "该卡已挂失",
    "02": "该卡未挂失",
    "10": "未查询到人员或卡信息",
    "21": "该卡已正式挂失",
    "22": "该卡正在补换",
    "23": "该卡已注销",
    "24": "姓名与证件号码不符",
    "25": "该卡已补换",
    "90": "请求内容有误",
}
REFUSED_STATES = {"formal_lost": "21", "replacing": "22", "replaced": "25", "cancelled": "23"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS card (
    number TEXT PRIMARY KEY, id_number TEXT NOT NULL, name TEXT NOT NULL, city TEXT NOT NULL,
    bank TEXT NOT NULL, bank_state TEXT NOT NULL DEFAULT 'normal', state TEXT NOT NULL,
    lost_until REAL, lost_serial TEXT, lost_from REAL, released_serial TEXT, changed_at REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS card_of_person ON card (id_number);
"""
LAPSE = """
UPDATE card SET state = 'normal', lost_until = NULL, lost_serial = NULL, lost_from = NULL
WHERE state = 'temp_lost' AND lost_until <= ?"""
SET = """
UPDATE card SET state = :state, lost_until = :lost_until, lost_serial = :lost_serial, lost_from = :lost_from,
    released_serial = coalesce(:released_serial, released_serial), changed_at = :at
WHERE number = :number
"""
RENAME = "UPDATE card SET number = ? WHERE number = ?"
ADDED = {"lost_from": "REAL", "released_serial": "TEXT", "changed_at": "REAL"}  # to files of earlier releases
CHANGED = "CREATE INDEX IF NOT EXISTS card_changed ON card (changed_at) WHERE changed_at IS NOT NULL"
STATES = ("normal", "temp_lost", *REFUSED_STATES)
TEMPORARY = 7 * 86400  # seconds a loss taken at a counter lasts
# A card that is there keeps its state: loading the city again must not undo a loss report.
UPSERT = """
INSERT INTO card (number, id_number, name, city, bank, state, lost_until)
VALUES (:card_number, :id_number, :name, :city, :bank, :card_state, :lost_until)
ON CONFLICT (number) DO UPDATE SET
    id_number = excluded.id_number, name = excluded.name, city = excluded.city, bank = excluded.bank
"""
NORMAL = {"state": "normal", "lost_until": None, "lost_serial": None, "lost_from": None}
FIELDS = ("card_number", "id_number", "name", "city", "bank", "card_state")


class Cards:
    """The city's cards in an SQLite file, which outlives a restart."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.row_factory = sqlite3.Row
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
        there = {row["name"] for row in self._city.execute("PRAGMA table_info(card)")}
        for name, kind in ADDED.items():
            if name not in there:
                self._city.execute(f"ALTER TABLE card ADD COLUMN {name} {kind}")
        self._city.execute(CHANGED)

    def load(self, people: Iterable[Form]) -> int:
        """Add people and cards; returns how many rows. Raises ``ValueError`` for a row that is none."""
        rows = [_row(person, self._clock()) for person in people]
        self._city.execute("BEGIN")
        self._city.executemany(UPSERT, rows)
        self._city.execute("COMMIT")
        return len(rows)

    def query(self, form: Form) -> dict[str, Any]:
        """The cards of a person in a city."""
        people = self._of(form["AAC002"], self._clock())
        if people and form["AAC003"] not in {row["name"] for row in people}:
            return _answer("24")
        cards = [row for row in people if row["city"] == form["AAB301"]]
        return _answer("00", [_card(row) for row in cards]) if cards else _answer("10")

    def report_loss(self, form: Form) -> dict[str, Any]:
        """Block a card for a time, at once or from a later moment on."""
        begins, until = moment(form.get("from")), moment(form.get("until"))
        if form.get("kind") != "temporary" or until is None or until <= max(self._clock(), begins or 0):
            return _answer("90")
        card = self.held(form)
        if card is None:
            return _answer("10")
        if card["state"] == "temp_lost":
            return _answer("01")
        if card["state"] != "normal":
            return _answer(REFUSED_STATES[card["state"]])
        serial = str(form.get("serial") or "")
        values = {"state": "temp_lost", "lost_until": until, "lost_from": begins, "lost_serial": serial}
        self._set(card["number"], values)
        return _answer("00") | {"data": {"until": iso(until)}}

    def release(self, form: Form) -> dict[str, Any]:
        """End a temporary block; a formal one ends at a counter only."""
        card = self.held(form)
        if card is None:
            return _answer("10")
        if card["state"] == "normal":
            return _answer("01") | {"message": MESSAGES["02"]}
        if card["state"] != "temp_lost":
            return _answer(REFUSED_STATES[card["state"]])
        self._set(card["number"], {"released_serial": str(form.get("serial") or "")})
        return _answer("00")

    def change(self, values: Form) -> dict[str, Any]:
        """What happened at a counter: ``number``, then ``state`` or ``new_number``; the answer is the card.

        Raises ``ValueError`` for a state that is none, ``LookupError`` for no such card.
        """
        number, state = str(values.get("number") or ""), values.get("state")
        new = str(values.get("new_number") or number)
        if state not in (None, *STATES):
            raise ValueError(f"a card's state is one of {', '.join(STATES)}")
        if self.one(number) is None or (new != number and self.one(new) is not None):
            raise LookupError("no such card, or the new number is taken")
        if state is not None:
            until = self._clock() + TEMPORARY if state == "temp_lost" else None
            self._set(number, {"state": state, "lost_until": until})
        self._city.execute(RENAME, (new, number))
        card = self.one(new)
        return _card(card) if card else {}

    def listed(self, count: int) -> list[dict[str, Any]]:
        """The cards that changed last, newest first, as they are now."""
        self._city.execute(LAPSE + " AND changed_at IS NOT NULL", (self._clock(),))
        query = "SELECT * FROM card WHERE changed_at IS NOT NULL ORDER BY changed_at DESC LIMIT ?"
        return [{**_card(row), "name": row["name"]} for row in self._city.execute(query, (count,))]

    def held(self, form: Form) -> sqlite3.Row | None:
        """The card the form names, if that person holds it in that city."""
        people = self._of(form["AAC002"], self._clock())
        card = next((row for row in people if row["number"] == form.get("AAZ500")), None)
        return card if card is not None and card["city"] == form["AAB301"] else None

    def one(self, number: str) -> sqlite3.Row | None:
        """The card of that number, as it was last written."""
        row: sqlite3.Row | None = self._city.execute(
            "SELECT * FROM card WHERE number = ?", (number,)
        ).fetchone()
        return row

    def residents(self, id_number: str) -> list[tuple[str, str]]:
        """Name and city of whoever has that ID number."""
        found = self._city.execute("SELECT DISTINCT name, city FROM card WHERE id_number = ?", (id_number,))
        return [(row["name"], row["city"]) for row in found]

    def lost_serial(self, id_number: str) -> str | None:
        """The number of the loss report under which a card of that person stands, if one does."""
        blocked = (
            row["lost_serial"] for row in self._of(id_number, self._clock()) if row["state"] == "temp_lost"
        )
        return next((str(serial) for serial in blocked if serial), None)

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _of(self, id_number: str, now: float) -> list[sqlite3.Row]:
        self._lapse(now, id_number)
        found = self._city.execute("SELECT * FROM card WHERE id_number = ? ORDER BY number", (id_number,))
        return found.fetchall()

    def _lapse(self, now: float, id_number: str) -> None:
        self._city.execute(LAPSE + " AND id_number = ?", (now, id_number))

    def _set(self, number: str, state: Mapping[str, Any]) -> None:
        self._city.execute(
            SET, {"released_serial": None, **NORMAL, **state, "number": number, "at": self._clock()}
        )


class CardDoor(SignedDoor):
    """The card system's address, and the one to change what became of a card at a counter."""

    def __init__(self, credentials: Credentials, cards: Cards, faults: Faults, calls: Counter[str]) -> None:
        account = Account(credentials.card_app_id, credentials.card_secret)
        actions = {
            "card/query": cards.query,
            "card/report-loss": cards.report_loss,
            "card/release": cards.release,
        }
        super().__init__("card_core", account, actions, MESSAGES, faults, calls)
        self._cards = cards

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        paths = ("/card/query", "/card/report-loss", "/card/release")
        return [
            *(web.post(path, self.handle) for path in paths),
            web.post("/_sandbox/cards", self.post_cards),
        ]

    async def post_cards(self, request: web.Request) -> web.Response:
        """See ``Cards.change``; the answer is the card."""
        values = await read(request)
        return done(request, changed(lambda: self._cards.change(values)))


def changed(change: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a change led to; nonsense is answered 400, nobody's card 404."""
    try:
        return change()
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error.args[0])) from None


def _row(person: Form, now: float) -> dict[str, Any]:
    row = {name: person.get(name) for name in FIELDS} if isinstance(person, dict) else {}
    row["card_state"] = row.get("card_state") or "normal"
    if not all(isinstance(row.get(name), str) for name in FIELDS):
        raise ValueError(f"a row has the texts {', '.join(FIELDS)}")
    if row["card_state"] not in STATES:
        raise ValueError(f"card_state is one of {', '.join(STATES)}")
    return {**row, "lost_until": now + TEMPORARY if row["card_state"] == "temp_lost" else None}


def _card(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "AAZ500": row["number"],
        "AAB301": row["city"],
        "state": row["state"],
        "lost_from": iso(row["lost_from"]),
        "lost_until": iso(row["lost_until"]),
        "lost_serial": row["lost_serial"],
        "released_serial": row["released_serial"],
        "bank": row["bank"],
        "bank_state": row["bank_state"],
    }


def _answer(code: str, data: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"code": code, "message": MESSAGES[code]}
    return answer if data is None else {**answer, "data": data}

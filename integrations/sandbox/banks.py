"""The banks' half of the city's cards: accounts, their own loss reports and these reports' own ends."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.cards import Cards, changed
from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials
from integrations.sandbox.signed_door import Account, Answer, Form, SignedDoor, iso, moment
from integrations.sandbox.steering import done, read

LONGEST = 5 * 86400  # seconds the banks here keep a report by telephone: less than the card system
MESSAGES = {
    "00": "成功",
    "01": "账户已挂失",
    "02": "账户未挂失",
    "10": "未查询到账户",
    "31": "账户已正式挂失",
    "32": "账户已冻结",
    "33": "账户已销户",
    "34": "由本行受理的挂失",
    "90": "请求内容有误",
}
REFUSED_STATES = {"formal_lost": "31", "frozen": "32", "closed": "33"}
STATES = ("normal", "temp_lost", *REFUSED_STATES)
SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    number TEXT PRIMARY KEY, state TEXT NOT NULL, lost_until REAL, lost_serial TEXT
) WITHOUT ROWID;
"""
WRITE = "INSERT OR REPLACE INTO account (number, state, lost_until, lost_serial) VALUES (?, ?, ?, ?)"
NORMAL: Mapping[str, Any] = {"state": "normal", "lost_until": None, "lost_serial": None}
PREFIX = "bank/account/"


class Banks:
    """The accounts that are not simply in use, in an SQLite file that outlives a restart."""

    def __init__(self, path: Path, cards: Cards, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._cards = cards
        self._accounts = sqlite3.connect(path, isolation_level=None)
        self._accounts.row_factory = sqlite3.Row
        self._accounts.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def query(self, form: Form) -> Answer:
        """How the account on a card stands."""
        number = self._number(form)
        if number is None:
            return _answer("10")
        account = self.of(number)
        return _answer("00") | {"data": {**account, "lost_until": iso(account["lost_until"])}}

    def report_loss(self, form: Form) -> Answer:
        """Block the account as long as the bank does so; the same report is taken once."""
        number, until = self._number(form), moment(form.get("until"))
        if until is None or until <= self._clock():
            return _answer("90")
        if number is None:
            return _answer("10")
        account = self.of(number)
        if account["state"] in REFUSED_STATES:
            return _answer(REFUSED_STATES[account["state"]])
        serial = str(form.get("serial") or "")
        if account["state"] == "temp_lost":
            code = "00" if account["lost_serial"] == serial else "01"
            return _answer(code) | {"data": {"until": iso(account["lost_until"])}}
        until = min(until, self._clock() + LONGEST)
        self._accounts.execute(WRITE, (number, "temp_lost", until, serial))
        return _answer("00") | {"data": {"until": iso(until)}}

    def release(self, form: Form) -> Answer:
        """End a block that came from the card's side; the bank's own ends at the bank."""
        number = self._number(form)
        if number is None:
            return _answer("10")
        account = self.of(number)
        if account["state"] == "normal":
            return _answer("01") | {"message": MESSAGES["02"]}
        if account["state"] in REFUSED_STATES:
            return _answer(REFUSED_STATES[account["state"]])
        if account["lost_serial"] is None:
            return _answer("34")
        self._accounts.execute(WRITE, (number, "normal", None, None))
        return _answer("00")

    def change(self, values: Form) -> dict[str, Any]:
        """What happened at the bank: ``number`` of the card and ``state``; the answer is the account.

        Raises ``ValueError`` for a state that is none, ``LookupError`` for no such card.
        """
        number, state = str(values.get("number") or ""), values.get("state")
        if state not in STATES:
            raise ValueError(f"an account's state is one of {', '.join(STATES)}")
        if self._cards.one(number) is None:
            raise LookupError("no such card")
        until = self._clock() + LONGEST if state == "temp_lost" else None
        self._accounts.execute(WRITE, (number, state, until, None))
        return self.of(number)

    def of(self, number: str) -> dict[str, Any]:
        """The account on the card of that number: state, lost_until in epoch seconds, lost_serial."""
        row = self._accounts.execute("SELECT * FROM account WHERE number = ?", (number,)).fetchone()
        if row is None or (row["state"] == "temp_lost" and row["lost_until"] <= self._clock()):
            return dict(NORMAL)
        return {name: row[name] for name in NORMAL}

    def close(self) -> None:
        """Let the file go."""
        self._accounts.close()

    def _number(self, form: Form) -> str | None:
        card = self._cards.held(form)
        return None if card is None else str(card["number"])


class BankDoor(SignedDoor):
    """The banks' address, and the one to change what became of an account at its bank."""

    def __init__(self, credentials: Credentials, banks: Banks, faults: Faults, calls: Counter[str]) -> None:
        account = Account(
            credentials.value("BANK_APP_ID", credentials.card_app_id),
            credentials.value("BANK_SECRET", credentials.card_secret),
        )
        self._actions_here = {
            PREFIX + "query": banks.query,
            PREFIX + "report-loss": banks.report_loss,
            PREFIX + "release": banks.release,
        }
        super().__init__("card_bank", account, self._actions_here, MESSAGES, faults, calls)
        self._banks = banks

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            *(web.post(f"/{path}", self.handle) for path in self._actions_here),
            web.post("/_sandbox/accounts", self.post_accounts),
        ]

    async def post_accounts(self, request: web.Request) -> web.Response:
        """See ``Banks.change``; the answer is the account."""
        values = await read(request)
        return done(request, changed(lambda: self._banks.change(values)))


def _answer(code: str) -> Answer:
    return {"code": code, "message": MESSAGES[code]}

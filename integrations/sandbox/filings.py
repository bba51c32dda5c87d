"""A city's filing register: what is filed is reviewed by itself after a while, or by whoever steers."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.cards import Cards
from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.pensions import Pensions
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.signed_door import Account, Answer, Form, SignedDoor
from integrations.sandbox.steering import as_json, done, read

MESSAGES = {
    "00": "成功",
    "01": "此前已办理",
    "10": "未查询到人员信息",
    "24": "姓名与证件号码不符",
    "41": "不符合备案条件",
    "42": "同类备案正在审核",
    "43": "没有有效的备案",
    "44": "备案没有被退回",
    "45": "行政区划代码有误",
    "90": "请求内容有误",
}
KINDS = ("pensioner_elsewhere", "injury_elsewhere", "flexible", "employment", "unemployment")
ELSEWHERE = KINDS[:2]
OPEN = ("submitted", "accepted", "reviewing")  # each for a third of the time a review takes
STATES = (*OPEN, "active", "returned", "rejected", "changed", "cancelled", "expired")
NEEDS_CAUSE = ("returned", "rejected")
DETAILS = ("destination", "address", "contact", "start", "end", "reason", "commitment")
NO_DOOR = {"cause": "01", "note": "请写明门牌号"}
LISTED = 20
SCHEMA = """
CREATE TABLE IF NOT EXISTS filing (
    number INTEGER PRIMARY KEY, id_number TEXT NOT NULL, serial TEXT NOT NULL UNIQUE, row TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS filing_of_person ON filing (id_number);
"""
SAVE = "INSERT OR REPLACE INTO filing VALUES (:number, :id_number, :serial, :row)"

Row = dict[str, Any]


class Filings:
    """The city's filings in an SQLite file, which outlives a restart. Who lives there the cards tell."""

    def __init__(
        self, path: Path, cards: Cards, pensions: Pensions, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self.options = Options()
        self._cards = cards
        self._pensions = pensions
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    # --- what systems ask for ---

    def query(self, form: Form) -> Answer:
        """All filings of a person."""
        unknown = self._unknown(form, named=True)
        return unknown or _answer("00") | {"data": [_shown(row) for row in self._of(form)]}

    def submit(self, form: Form) -> Answer:
        """Take a filing for review; one of the same kind that is active stays so until then.

        In the place of one that was sent back: whoever begins anew is not held by what they left.
        """
        unknown = self._unknown(form, named=True)
        if unknown:
            return unknown
        rows = self._of(form)
        if any(row["serial"] == form.get("serial") for row in rows):
            return _answer("01")
        wrong = self._wrong(form)
        if wrong:
            return _answer(wrong)
        if any(row["kind"] == form["kind"] and row["state"] in OPEN for row in rows):
            return _answer("42")
        for row in rows:
            if (row["kind"], row["state"]) == (form["kind"], "returned"):
                self._set(row | {"ended_by": form["serial"]}, "cancelled")
        filed = {name: form[name] for name in ("serial", "kind", *DETAILS)}
        person = {"id_number": form["AAC002"], "city": form["AAB301"]}
        self._set({"number": None, **person, **filed, "ended_by": None}, "submitted")
        return _answer("00")

    def correct(self, form: Form) -> Answer:
        """Take a returned filing again."""
        unknown = self._unknown(form)
        row = next((row for row in self._of(form) if row["serial"] == form.get("serial")), None)
        if unknown or row is None:
            return unknown or _answer("43")
        if row["state"] in OPEN:
            return _answer("01")
        if row["state"] != "returned":
            return _answer("44")
        wrong = self._wrong({**form, "kind": row["kind"]})
        if wrong:
            return _answer(wrong)
        self._set(row | {name: form[name] for name in DETAILS}, "submitted")
        return _answer("00")

    def cancel(self, form: Form) -> Answer:
        """End an active filing."""
        unknown = self._unknown(form)
        row = next((row for row in self._of(form) if str(row["number"]) == form.get("number")), None)
        if unknown or row is None:
            return unknown or _answer("43")
        if row["state"] == "cancelled":
            return _answer("01")
        if row["state"] != "active":
            return _answer("43")
        self._set(row | {"ended_by": str(form.get("serial") or "")}, "cancelled")
        return _answer("00")

    def _unknown(self, form: Form, *, named: bool = False) -> Answer | None:
        residents = self._cards.residents(form["AAC002"])
        if named and residents and form["AAC003"] not in {name for name, _ in residents}:
            return _answer("24")
        return None if form["AAB301"] in {city for _, city in residents} else _answer("10")

    def _wrong(self, form: Form) -> str | None:
        """Why it cannot be filed."""
        texts = [form.get(name) for name in ("serial", "kind", *DETAILS)]
        if not all(isinstance(text, str) for text in texts) or form["kind"] not in KINDS:
            return "90"
        start, end = _day(form["start"]), _day(form["end"])
        if start is None or (form["end"] and (end is None or end < start)):
            return "90"
        if not all(form[name] for name in ("serial", "address", "contact", "commitment")):
            return "90"
        if form["kind"] in ELSEWHERE and not (form["destination"].isdecimal() and _six(form["destination"])):
            return "45"
        draws = self._pensions.draws(form["AAC002"])
        return "41" if draws != (form["kind"] == "pensioner_elsewhere") and _by_pension(form) else None

    # --- what time, and whoever steers, makes of them ---

    def _of(self, form: Form) -> list[Row]:
        """A person's filings in a city, brought up to now, newest first."""
        query = "SELECT number, row FROM filing WHERE id_number = ? ORDER BY number DESC"
        return [row for row in self._read(query, form["AAC002"]) if row["city"] == form["AAB301"]]

    def _read(self, query: str, *values: Any) -> list[Row]:
        found = self._city.execute(query, values).fetchall()
        return [self._now({"number": number, **json.loads(row)}) for number, row in found]

    def _now(self, row: Row) -> Row:
        """Reviews go on by themselves, and what was filed for a time runs out."""
        now, third = self._clock(), self.options.filing_delay / 3
        state, since = row["state"], row["since"]
        while state in OPEN and since + third <= now and not row["held"]:
            state, since = _next(row, state), since + third
        if state == "active" and row["end"] and row["end"] < _date(now):
            state, since = "expired", now
        if state == row["state"]:
            return row
        why = NO_DOOR if state == "returned" else {}
        return self._set(row, state, since=since, **why)

    def _set(self, row: Row, state: str, **more: Any) -> Row:
        """Another state; an active filing that another of its kind takes the place of is changed by it."""
        usual = {"since": self._clock(), "cause": None, "note": None, "held": False}
        row = row | usual | more | {"state": state}
        body = json.dumps({name: value for name, value in row.items() if name != "number"})
        number = self._city.execute(SAVE, row | {"row": body}).lastrowid
        if state == "active":
            for old in self._read(
                "SELECT number, row FROM filing WHERE id_number = ? AND number < ?", row["id_number"], number
            ):
                if (old["state"], old["kind"], old["city"]) == ("active", row["kind"], row["city"]):
                    self._set(old | {"ended_by": row["serial"]}, "changed")
        return row | {"number": number}

    def change(self, values: Mapping[str, Any]) -> Row:
        """Give a filing a state: ``number`` or ``serial``, ``state``, ``cause`` and ``note`` of a return.

        It then stays as it is. Raises ``ValueError`` for a state that is none, ``LookupError`` for no filing.
        """
        unknown = values.keys() - {"number", "serial", "state", "cause", "note"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        state = values.get("state")
        if state not in STATES:
            raise ValueError(f"state: one of {', '.join(STATES)}")
        if state in NEEDS_CAUSE and not values.get("cause"):
            raise ValueError("a filing that is returned or rejected has a cause, like 01")
        found = self._read(
            "SELECT number, row FROM filing WHERE serial = ? OR CAST(number AS TEXT) = ?",
            str(values.get("serial") or ""),
            str(values.get("number") or ""),
        )
        if not found:
            raise LookupError("no such filing")
        why = {"cause": values["cause"], "note": values.get("note")} if state in NEEDS_CAUSE else {}
        return _shown(self._set(found[0], state, held=True, **why))

    def listed(self) -> list[Row]:
        """The newest, with whose they are."""
        rows = self._read("SELECT number, row FROM filing ORDER BY number DESC LIMIT ?", LISTED)
        return [_shown(row) | {"id_number": row["id_number"]} for row in rows]

    def close(self) -> None:
        """Let the file go."""
        self._city.close()


class FilingDoor(SignedDoor):
    """The register's addresses, and those to see and to review what was filed."""

    def __init__(
        self, credentials: Credentials, filings: Filings, faults: Faults, calls: Counter[str]
    ) -> None:
        account = Account(credentials.filing_app_id, credentials.filing_secret)
        actions = {
            "filing/query": filings.query,
            "filing/submit": filings.submit,
            "filing/correct": filings.correct,
            "filing/cancel": filings.cancel,
        }
        super().__init__("filing_register", account, actions, MESSAGES, faults, calls)
        faults.know("filing_register", actions.keys() - {"filing/query"}, ())
        self._filings = filings
        self._paths = [f"/{path}" for path in actions]

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            *(web.post(path, self.handle) for path in self._paths),
            web.get("/_sandbox/filings", self.get_filings),
            web.post("/_sandbox/filings", self.post_filings),
        ]

    async def get_filings(self, _request: web.Request) -> web.Response:
        """See ``Filings.listed``."""
        return as_json(self._filings.listed())

    async def post_filings(self, request: web.Request) -> web.Response:
        """See ``Filings.change``; the answer is the filing as it is then."""
        try:
            return done(request, self._filings.change(await read(request)))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        except LookupError:
            raise web.HTTPNotFound(text="there is no such filing") from None


def _by_pension(form: Form) -> bool:
    """Kinds for which it matters whether somebody draws a pension: one is for them, one is not."""
    return form["kind"] in ("pensioner_elsewhere", "flexible")


def _six(code: str) -> bool:
    return len(code) == 6


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).date().isoformat()


def _next(row: Row, state: str) -> str:
    """What a review comes to: nobody finds a door without a number."""
    if state != OPEN[-1]:
        return OPEN[OPEN.index(state) + 1]
    return "active" if any(letter.isdecimal() for letter in row["address"]) else "returned"


def _shown(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in ("kind", "state", "serial", "ended_by", "cause", "note", *DETAILS)}
    since = datetime.fromtimestamp(row["since"], CHINA).isoformat(timespec="seconds")
    return {"number": str(row["number"]), "since": since, **shown}


def _answer(code: str) -> Answer:
    return {"code": code, "message": MESSAGES[code]}

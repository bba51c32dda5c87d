"""A platform of pension transfers: each moves on by itself after a while, or as whoever steers decides."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.cards import Cards, changed
from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.signed_door import Account, Answer, Form, SignedDoor
from integrations.sandbox.steering import as_json, done, read

MESSAGES = {
    "00": "成功",
    "10": "未查询到人员信息",
    "24": "姓名与证件号码不符",
    "90": "请求内容有误",
}
UNDER_WAY = (
    "applied",
    "accepted",
    "letter_sent",
    "old_place_processing",
    "info_form_received",
    "funds_received",
)
STATES = (*UNDER_WAY, "completed", "returned", "refused")
NEEDS_CAUSE = ("returned", "refused")
BEGINS = {"applied": "applied_on", "letter_sent": "letter_on", "funds_received": "funds_on"}  # a leg
LISTED = 20
LONGEST = 3650  # days back
SCHEMA = """
CREATE TABLE IF NOT EXISTS transfer (number INTEGER PRIMARY KEY, id_number TEXT NOT NULL, row TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS transfer_of_person ON transfer (id_number);
"""
SAVE = "INSERT OR REPLACE INTO transfer VALUES (:number, :id_number, :row)"
READ = "SELECT number, row FROM transfer"
FIELDS = ("number", "id_number", "from", "to", "state", "cause", "note", "days_ago")

Row = dict[str, Any]
Clock = Callable[[], float]


class Transfers:
    """The platform's transfers in an SQLite file, which outlives a restart; cards tell who lives there."""

    def __init__(self, path: Path, cards: Cards, clock: Clock = time.time) -> None:
        self.options = Options()
        self._cards = cards
        self._clock = clock
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    # --- what systems ask for ---

    def query(self, form: Form) -> Answer:
        """All transfers of a person."""
        residents = self._cards.residents(form["AAC002"])
        if residents and form["AAC003"] not in {name for name, _ in residents}:
            return _answer("24")
        if form["AAB301"] not in {city for _, city in residents}:
            return _answer("10")
        return _answer("00") | {"data": [_shown(row) for row in self._of(form["AAC002"])]}

    # --- what time, and whoever steers, makes of them ---

    def load(self, people: Iterable[Form]) -> None:
        """Add the transfers people come with; who has some keeps them. ``ValueError`` for a wrong one."""
        self._city.execute("BEGIN")
        try:
            for person in people:
                given = person.get("transfers") or ()
                if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) for one in given):
                    raise ValueError("transfers are a list of objects")
                if given and not self._of(str(person["id_number"])):
                    for one in given:
                        self._begin({**one, "id_number": str(person["id_number"])})
        except ValueError:
            self._city.execute("ROLLBACK")
            raise
        self._city.execute("COMMIT")

    def change(self, values: Mapping[str, Any]) -> Row:
        """Give a transfer a state: ``number`` and ``state``, or ``id_number``, ``from``, ``to`` of a new one.

        ``cause`` and ``note`` go with what is returned or refused; ``days_ago`` is how long ago it came
        to that state. It then stays as it is. Raises ``ValueError`` for what makes no sense,
        ``LookupError`` for no transfer, or nobody.
        """
        unknown = values.keys() - set(FIELDS)
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if "number" not in values:
            if not self._cards.residents(str(values.get("id_number") or "")):
                raise LookupError("nobody has that ID number")
            return _shown(self._begin(values))
        found = self._read(f"{READ} WHERE CAST(number AS TEXT) = ?", str(values["number"]))
        if not found:
            raise LookupError("no such transfer")
        return _shown(self._moved(found[0], values))

    def listed(self) -> list[Row]:
        """The newest, with whose they are."""
        rows = self._read(f"{READ} ORDER BY number DESC LIMIT ?", LISTED)
        return [_shown(row) | {"id_number": row["id_number"]} for row in rows]

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _of(self, id_number: str) -> list[Row]:
        return self._read(f"{READ} WHERE id_number = ? ORDER BY number DESC", id_number)

    def _read(self, query: str, *values: Any) -> list[Row]:
        found = self._city.execute(query, values).fetchall()
        return [self._now({"number": number, **json.loads(row)}) for number, row in found]

    def _now(self, row: Row) -> Row:
        """One that nobody steers moves on by itself, where transfers do."""
        pause, state, since = self.options.transfer_delay, row["state"], row["since"]
        while pause and state in UNDER_WAY and not row["held"] and since + pause <= self._clock():
            state, since = STATES[STATES.index(state) + 1], since + pause
            row = self._set(row, state, since)
        return row

    def _begin(self, values: Mapping[str, Any]) -> Row:
        places = {name: values.get(name) for name in ("from", "to")}
        if not all(isinstance(code, str) and code.isdecimal() and len(code) == 6 for code in places.values()):
            raise ValueError("from and to are division codes of 6 digits")
        blank = {"number": None, "id_number": str(values["id_number"]), **places}
        days = dict.fromkeys(BEGINS.values())
        return self._moved(blank | days, {"state": "applied", **values}, held="state" in values)

    def _moved(self, row: Row, values: Mapping[str, Any], *, held: bool = True) -> Row:
        state, ago = values.get("state"), _days(values.get("days_ago"))
        if state not in STATES:
            raise ValueError(f"state: one of {', '.join(STATES)}")
        if state in NEEDS_CAUSE and not values.get("cause"):
            raise ValueError("a transfer that is returned or refused has a cause, like 01")
        why = {name: values.get(name) if state in NEEDS_CAUSE else None for name in ("cause", "note")}
        return self._set(row, state, self._clock() - ago * 86400, held=held, **why)

    def _set(self, row: Row, state: str, since: float, *, held: bool = False, **why: Any) -> Row:
        """Another state; with it the days its legs began on, those nobody told a week before each other."""
        row = row | {"state": state, "since": since, "held": held, "cause": None, "note": None} | why
        day = datetime.fromtimestamp(since, CHINA).date()
        row |= _begun(row, state, day)
        body = json.dumps({name: value for name, value in row.items() if name != "number"})
        number = self._city.execute(SAVE, row | {"row": body}).lastrowid
        return row | {"number": number}


class TransferDoor(SignedDoor):
    """The platform's address, and those to see and to move transfers."""

    def __init__(
        self, credentials: Credentials, transfers: Transfers, faults: Faults, calls: Counter[str]
    ) -> None:
        account = Account(
            credentials.value("TRANSFER_APP_ID", credentials.card_app_id),
            credentials.value("TRANSFER_SECRET", credentials.card_secret),
        )
        actions = {"transfer/query": transfers.query}
        super().__init__("transfer_platform", account, actions, MESSAGES, faults, calls)
        faults.know("transfer_platform", actions.keys(), ())
        self._transfers = transfers

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            web.post("/transfer/query", self.handle),
            web.get("/_sandbox/transfers", self.get_transfers),
            web.post("/_sandbox/transfers", self.post_transfers),
        ]

    async def get_transfers(self, _request: web.Request) -> web.Response:
        """See ``Transfers.listed``."""
        return as_json(self._transfers.listed())

    async def post_transfers(self, request: web.Request) -> web.Response:
        """See ``Transfers.change``; the answer is the transfer as it is then."""
        values = await read(request)
        return done(request, changed(lambda: self._transfers.change(values)))


def _begun(row: Row, state: str, day: date) -> dict[str, str]:
    """The days the legs up to this state began on; one that came in again begins anew."""
    so_far = len(UNDER_WAY) if state == "completed" else STATES.index(state) if state in UNDER_WAY else 0
    legs = [one for one in BEGINS if UNDER_WAY.index(one) <= so_far]
    days = {}
    for back, leg in enumerate(reversed(legs)):
        known = row[BEGINS[leg]]
        here = state == leg or known is None  # of an earlier leg nobody has told the day
        days[BEGINS[leg]] = (day - timedelta(days=7 * back)).isoformat() if here else known
    return days


def _days(given: Any) -> int:
    try:
        days = int(given or 0)
    except (TypeError, ValueError):
        days = -1
    if not 0 <= days <= LONGEST:
        raise ValueError(f"days_ago: 0 to {LONGEST}")
    return days


def _shown(row: Row) -> dict[str, Any]:
    since = datetime.fromtimestamp(row["since"], CHINA).isoformat(timespec="seconds")
    names = ("from", "to", "state", "applied_on", "letter_on", "funds_on", "cause", "note")
    return {"number": str(row["number"]), "since": since, **{name: row[name] for name in names}}


def _answer(code: str) -> Answer:
    return {"code": code, "message": MESSAGES[code]}

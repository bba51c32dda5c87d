"""A city's pension registry: how each pensioner's eligibility authentication stands."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.cards import Cards
from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials
from integrations.sandbox.signed_door import Account, Answer, Form, SignedDoor
from integrations.sandbox.steering import done, read

MESSAGES = {
    "00": "成功",
    "10": "未查询到人员信息",
    "24": "姓名与证件号码不符",
    "31": "未领取养老待遇",
    "90": "请求内容有误",
}
METHODS = ("silent", "face", "helper", "counter", "overseas")
STATUSES = frozenset(
    {
        "not_due",
        "due_soon",
        *(f"done_{method}" for method in METHODS),
        "submitted_reviewing",
        "failed",
        "overdue_grace",
        "paused",
        "resumed_backpay_pending",
        "backpaid",
        "ended",
    }
)
SCHEMA = """
CREATE TABLE IF NOT EXISTS pension (
    id_number TEXT PRIMARY KEY, status TEXT NOT NULL, last_done TEXT, method TEXT,
    failed_on TEXT, failure TEXT, flags TEXT NOT NULL
) WITHOUT ROWID;
"""
ROW = """
INTO pension (id_number, status, last_done, method, failed_on, failure, flags)
VALUES (:id_number, :status, :last_done, :method, :failed_on, :failure, :flags)
"""
# Who is there keeps the state: loading the city again must not undo what happened since.
KEEP, CHANGE = f"INSERT OR IGNORE {ROW}", f"INSERT OR REPLACE {ROW}"
FIELDS = ("status", "last_done", "method", "failed_on", "failure", "flags")


class Pensions:
    """The city's pensioners in an SQLite file, which outlives a restart. Their names are with their cards."""

    def __init__(self, path: Path, cards: Cards) -> None:
        self._cards = cards
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.row_factory = sqlite3.Row
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def load(self, people: Iterable[Form]) -> None:
        """Add those who draw a pension. Raises ``ValueError`` for a state that is none."""
        rows = list(_loaded(people))
        self._city.execute("BEGIN")
        self._city.executemany(KEEP, rows)
        self._city.execute("COMMIT")

    def standing(self, form: Form) -> Answer:
        """How a person of a city stands."""
        residents = self._cards.residents(form["AAC002"])
        if residents and form["AAC003"] not in {name for name, _ in residents}:
            return _answer("24")
        if form["AAB301"] not in {city for _, city in residents}:
            return _answer("10")
        row = self._of(form["AAC002"])
        return _answer("31") if row is None else _answer("00") | {"data": row}

    def change(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give one person a state: ``id_number``, ``status`` and what else of the state is not usual.

        What is not named of the last success and the flags stays, a failure does not. Raises
        ``ValueError`` for a state that is none, ``LookupError`` for nobody.
        """
        id_number = str(values.get("id_number") or "")
        unknown = values.keys() - {"id_number", *FIELDS}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if not self._cards.residents(id_number):
            raise LookupError("nobody has that ID number")
        kept = {"failed_on": None, "failure": None}
        self._city.execute(CHANGE, _row(id_number, {**(self._of(id_number) or {}), **kept, **values}))
        return self._of(id_number) or {}

    def draws(self, id_number: str) -> bool:
        """Whether this person draws a pension."""
        row = self._of(id_number)
        return row is not None and row["status"] != "ended"

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _of(self, id_number: str) -> dict[str, Any] | None:
        row = self._city.execute("SELECT * FROM pension WHERE id_number = ?", (id_number,)).fetchone()
        return (
            None
            if row is None
            else {name: row[name] for name in FIELDS} | {"flags": json.loads(row["flags"])}
        )


class PensionDoor(SignedDoor):
    """The registry's address, and the one to change somebody's state."""

    def __init__(
        self, credentials: Credentials, pensions: Pensions, faults: Faults, calls: Counter[str]
    ) -> None:
        account = Account(credentials.pension_app_id, credentials.pension_secret)
        actions = {"pension/standing": pensions.standing}
        super().__init__("pension_registry", account, actions, MESSAGES, faults, calls)
        self._pensions = pensions

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            web.post("/pension/standing", self.handle),
            web.post("/_sandbox/pensions", self.post_pensions),
        ]

    async def post_pensions(self, request: web.Request) -> web.Response:
        """See ``Pensions.change``; the answer is the new state."""
        try:
            return done(request, self._pensions.change(await read(request)))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        except LookupError:
            raise web.HTTPNotFound(text="nobody has that ID number") from None


def _loaded(people: Iterable[Form]) -> Iterator[dict[str, Any]]:
    for person in people:
        if person.get("pension_status"):
            state = {name: person[f"pension_{name}"] for name in FIELDS if f"pension_{name}" in person}
            yield _row(str(person["id_number"]), state)


def _row(id_number: str, state: Mapping[str, Any]) -> dict[str, Any]:
    status, flags = state.get("status"), state.get("flags") or []
    if status not in STATUSES:
        raise ValueError(f"a pension's status is one of {', '.join(sorted(STATUSES))}")
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise ValueError("a pension's flags are a list of words")
    last_done = _day(state.get("last_done"))
    usual = "silent" if last_done else None
    by_status = status.removeprefix("done_") if status.startswith("done_") else None
    return {
        "id_number": id_number,
        "status": status,
        "last_done": last_done,
        "method": by_status or state.get("method") or usual,
        "failed_on": _day(state.get("failed_on")),
        "failure": state.get("failure"),
        "flags": json.dumps(flags),
    }


def _day(text: Any) -> str | None:
    """Raises ``ValueError`` for what is no ISO date."""
    if not text:
        return None
    if not isinstance(text, str):
        raise ValueError("a day is like 2026-11-21")
    return date.fromisoformat(text).isoformat()


def _answer(code: str) -> Answer:
    return {"code": code, "message": MESSAGES[code]}

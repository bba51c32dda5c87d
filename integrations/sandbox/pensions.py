"""A city's pension registry: how each authentication stands, and what time makes of it."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from integrations.sandbox import pension_moves
from integrations.sandbox.cards import Cards
from integrations.sandbox.options import Options
from integrations.sandbox.signed_door import Answer, Form

MESSAGES = {
    "00": "成功",
    "10": "未查询到人员信息",
    "24": "姓名与证件号码不符",
    "31": "未领取养老待遇",
    "32": "养老待遇已终止",
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
    failed_on TEXT, failure TEXT, flags TEXT NOT NULL,
    held_from TEXT, changed_at REAL, asked_at REAL, steered INTEGER
) WITHOUT ROWID;
"""
ADDED = {"held_from": "TEXT", "changed_at": "REAL", "asked_at": "REAL", "steered": "INTEGER"}  # later
COLUMNS = ("id_number", "status", "last_done", "method", "failed_on", "failure", "flags", *ADDED)
ROW = f"INTO pension ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)})"
INDEX = "CREATE INDEX IF NOT EXISTS pension_steered ON pension (changed_at) WHERE steered"
# Who is there keeps the state: loading the city again must not undo what happened since.
KEEP, CHANGE = f"INSERT OR IGNORE {ROW}", f"INSERT OR REPLACE {ROW}"
FIELDS = ("status", "last_done", "method", "failed_on", "failure", "flags")
STEERED = ("status", "authenticated", "held_from", *FIELDS[1:])
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

Row = dict[str, Any]


class Pensions:
    """The city's pensioners in an SQLite file, which outlives a restart. Their names are with their cards."""

    def __init__(self, path: Path, cards: Cards, clock: Callable[[], float] = time.time) -> None:
        self.options = Options()
        self._cards = cards
        self._clock = clock
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.row_factory = sqlite3.Row
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
        there = {row["name"] for row in self._city.execute("PRAGMA table_info(pension)")}
        for name in ADDED.keys() - there:
            self._city.execute(f"ALTER TABLE pension ADD COLUMN {name} {ADDED[name]}")
        self._city.execute("UPDATE pension SET changed_at = ? WHERE changed_at IS NULL", (clock(),))
        self._city.execute(INDEX)

    def load(self, people: Iterable[Form]) -> None:
        """Add those who draw a pension. Raises ``ValueError`` for a state that is none."""
        rows = list(_loaded(people, self._clock()))
        self._city.execute("BEGIN")
        self._city.executemany(KEEP, rows)
        self._city.execute("COMMIT")

    def standing(self, form: Form) -> Answer:
        """How a person of a city stands."""
        residents = self._cards.residents(form["AAC002"])
        if residents and form["AAC003"] not in {name for name, _ in residents}:
            return answer("24")
        if form["AAB301"] not in {city for _, city in residents}:
            return answer("10")
        row = self._of(form["AAC002"])
        if row is None:
            return answer("31")
        if row["asked_at"] is None and row["status"] in pension_moves.WORKED_ON:
            self._write({**row, "asked_at": self._clock()})
        return answer("00") | {"data": self._shown(row)}

    def change(self, values: Mapping[str, Any]) -> Row:
        """Give one person a state: ``id_number``, ``status`` and what else of the state is not usual.

        Instead of a status ``authenticated`` says in which way it was done just now. ``flags`` alone
        may be given too. What is not named of the last success and the flags stays, a failure does
        not. Raises ``ValueError`` for a state that is none, ``LookupError`` for nobody.
        """
        id_number, now = str(values.get("id_number") or ""), self._clock()
        unknown = values.keys() - {"id_number", *STEERED}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if not self._cards.residents(id_number):
            raise LookupError("nobody has that ID number")
        before, method = self._of(id_number) or {}, values.get("authenticated")
        given = {name: value for name, value in values.items() if name != "authenticated"}
        if isinstance(given.get("flags"), str):  # of a form
            given["flags"] = [flag for flag in given["flags"].split(",") if flag != "none"]
        if method is not None:
            if method not in METHODS or not before:
                raise ValueError(f"authenticated: of a pensioner, one of {', '.join(METHODS)}")
            before = pension_moves.authenticated(before, method, now)
        kept = {} if given.keys() <= {"id_number", "flags"} else {"failed_on": None, "failure": None}
        row = _row(id_number, {**before, **kept, **given}, now)
        self._write({**row, "steered": 1})
        return self._shown(self._of(id_number) or row)

    def draws(self, id_number: str) -> bool:
        """Whether this person draws a pension."""
        row = self._of(id_number)
        return row is not None and row["status"] != "ended"

    def listed(self, count: int) -> list[Row]:
        """Those whose state was changed last, newest first."""
        query = "SELECT * FROM pension WHERE steered ORDER BY changed_at DESC LIMIT ?"
        rows = [self._now(row) for row in self._city.execute(query, (count,)).fetchall()]
        return [{"id_number": row["id_number"], **self._shown(row)} for row in rows]

    def close(self) -> None:
        """Let the file go."""
        self._city.close()

    def _of(self, id_number: str) -> Row | None:
        row = self._city.execute("SELECT * FROM pension WHERE id_number = ?", (id_number,)).fetchone()
        return None if row is None else self._now(row)

    def _now(self, kept: sqlite3.Row) -> Row:
        """A row brought up to now."""
        row = {**kept, "flags": json.loads(kept["flags"])}
        now = pension_moves.moved(row, self.options, self._clock())
        if now is not row:
            self._write(now)
        return now

    def _write(self, row: Row) -> None:
        self._city.execute(CHANGE, {**row, "flags": json.dumps(row["flags"])})

    def _shown(self, row: Row) -> Row:
        shown = {name: row[name] for name in FIELDS}
        return shown | {"held": pension_moves.held(row, self._clock())}


def _loaded(people: Iterable[Form], now: float) -> Iterator[Row]:
    for person in people:
        if person.get("pension_status"):
            state = {name: person[f"pension_{name}"] for name in FIELDS if f"pension_{name}" in person}
            row = _row(str(person["id_number"]), state, now)
            yield {**row, "flags": json.dumps(row["flags"])}


def _row(id_number: str, state: Mapping[str, Any], now: float) -> Row:
    status, flags = state.get("status"), state.get("flags") or []
    if status not in STATUSES:
        raise ValueError(f"a pension's status is one of {', '.join(sorted(STATUSES))}")
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise ValueError("a pension's flags are a list of words")
    last_done = _day(state.get("last_done"))
    usual = "silent" if last_done else None
    by_status = status.removeprefix("done_") if status.startswith("done_") else None
    held_from = state.get("held_from") or (
        pension_moves.pause_month(last_done) if status == "paused" else None
    )
    if held_from is not None and not MONTH.fullmatch(str(held_from)):
        raise ValueError("a month is like 2026-11")
    return {
        "id_number": id_number,
        "status": status,
        "last_done": last_done,
        "method": by_status or state.get("method") or usual,
        "failed_on": _day(state.get("failed_on")),
        "failure": state.get("failure"),
        "flags": flags,
        "held_from": held_from,
        "changed_at": now,
        "asked_at": None,
        "steered": None,
    }


def _day(text: Any) -> str | None:
    """Raises ``ValueError`` for what is no ISO date."""
    if not text:
        return None
    if not isinstance(text, str):
        raise ValueError("a day is like 2026-11-21")
    return date.fromisoformat(text).isoformat()


def answer(code: str) -> Answer:
    """An answer of that code in its usual words."""
    return {"code": code, "message": MESSAGES[code]}

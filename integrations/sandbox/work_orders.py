"""A city's work-order platform: what is handed in goes its way by itself, or as whoever steers decides."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from integrations.sandbox.faults import Faults
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.signed_door import Account, Answer, Form, SignedDoor
from integrations.sandbox.steering import as_json, done, read

MESSAGES = {
    "00": "成功",
    "01": "此前已办理",
    "10": "没有这个工单",
    "31": "不属于本系统受理范围",
    "32": "重复提交",
    "33": "内容不清楚",
    "41": "工单已经结束",
    "42": "已经重办过一次",
    "90": "请求内容有误",
}
KINDS = ("consultation", "conduct", "suggestion", "fund_supervision", "labour_inspection")
WAY = ("registered", "dispatched", "signed", "processing", "replied")  # each for a quarter of the time
UNDER_WAY = (*WAY[:-1], "sent_back", "extension_requested")
ANSWERED = ("replied", "return_visit", "evaluated", "archived")
STATES = (*UNDER_WAY, *ANSWERED, "withdrawn")
EXTENSIONS = ("01", "02", "03")  # complex, inquiries, other offices
REPLY = "您反映的情况已核实，处理结果已通知相关单位落实。"
GRADES = range(1, 6)
LISTED = 20
SCHEMA = """
CREATE TABLE IF NOT EXISTS work_order (serial TEXT PRIMARY KEY, made REAL NOT NULL, row TEXT NOT NULL);
"""
SAVE = "INSERT OR REPLACE INTO work_order VALUES (?, ?, ?)"

Row = dict[str, Any]


class WorkOrders:
    """The city's work orders in an SQLite file, which outlives a restart."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.options = Options()
        self._city = sqlite3.connect(path, isolation_level=None)
        self._city.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    # --- what systems ask for ---

    def query(self, form: Form) -> Answer:
        """How one stands, with much that is nobody's business outside."""
        row = self._find(form)
        return _answer("10") if row is None else _answer("00") | {"data": _shown(row)}

    def register(self, form: Form) -> Answer:
        """Take it; the same id is the same one."""
        texts = [form.get(name) for name in ("serial", "number", "AAB301", "text")]
        if not all(isinstance(text, str) and text for text in texts) or form.get("kind") not in KINDS:
            return _answer("90")
        if self._find(form):
            return _answer("01")
        now = self._clock()
        row = {name: form.get(name) for name in ("serial", "number", "kind", "text", "AAC002", "AAC003")}
        row |= {"made": now, "replied_at": None, "reply": None, "extension": None, "reopened_at": None}
        self._set(
            row | {"grade": None, "parts": [], "handler": "李建国", "respondent": "某单位"}, WAY[0], now
        )
        return _answer("00")

    def supplement(self, form: Form) -> Answer:
        """Add to one that is under way."""
        row, part = self._find(form), form.get("part")
        if row is None or not part:
            return _answer("10")
        if part in row["parts"]:
            return _answer("01")
        if row["state"] not in UNDER_WAY:
            return _answer("41")
        self._keep(row | {"parts": [*row["parts"], part]})
        return _answer("00")

    def withdraw(self, form: Form) -> Answer:
        """End one that is under way."""
        row = self._find(form)
        if row is None or row["state"] == "withdrawn":
            return _answer("10" if row is None else "01")
        if row["state"] not in UNDER_WAY:
            return _answer("41")
        self._set(row, "withdrawn", self._clock())
        return _answer("00")

    def reopen(self, form: Form) -> Answer:
        """Take one up anew, once."""
        row = self._find(form)
        if row is None:
            return _answer("10")
        if row["reopened_at"] is not None:
            return _answer("01" if row["state"] in UNDER_WAY else "42")
        if row["state"] not in ANSWERED:
            return _answer("41")
        now = self._clock()
        self._set(row | {"reopened_at": now, "replied_at": None, "extension": None}, WAY[0], now)
        return _answer("00")

    def rate(self, form: Form) -> Answer:
        """Keep the citizen's grade; the archive takes what was evaluated."""
        row, grade = self._find(form), str(form.get("grade"))
        if row is None:
            return _answer("10")
        if not grade.isascii() or not grade.isdigit() or int(grade) not in GRADES:
            return _answer("90")
        if row["grade"] is not None:
            return _answer("01")
        if row["state"] not in ANSWERED:
            return _answer("41")
        self._set(row | {"grade": int(grade)}, "evaluated", self._clock())
        return _answer("00")

    # --- what time, and whoever steers, makes of them ---

    def _find(self, form: Form) -> Row | None:
        """The one of an id, brought up to now."""
        query = "SELECT row FROM work_order WHERE serial = ?"
        found = self._city.execute(query, (str(form.get("serial")),)).fetchone()
        return self._now(json.loads(found[0])) if found else None

    def _now(self, row: Row) -> Row:
        """Desks pass it on by themselves; what was evaluated goes to the archive."""
        now, step = self._clock(), self.options.work_order_delay / (len(WAY) - 1)
        state, since = row["state"], row["since"]
        while not row["held"] and since + step <= now and state in (*WAY[:-1], "evaluated"):
            state, since = ("archived" if state == "evaluated" else WAY[WAY.index(state) + 1]), since + step
            row = self._set(row, state, since)
        return row

    def _set(self, row: Row, state: str, since: float, **more: Any) -> Row:
        row = row | {"held": False} | more | {"state": state, "since": since}
        if state == "replied" and row["replied_at"] is None:
            row |= {"replied_at": since, "reply": row["reply"] or REPLY}
        return self._keep(row)

    def _keep(self, row: Row) -> Row:
        self._city.execute(SAVE, (row["serial"], row["made"], json.dumps(row)))
        return row

    def change(self, values: Mapping[str, Any]) -> Row:
        """Give one a state by hand: ``number`` or ``serial``, ``state``, ``extension``, ``reply``.

        It then stays so. With an ``extension`` its time is extended and people go on with it.
        ``LookupError`` for none, ``ValueError`` for what is wrong.
        """
        state, cause = str(values.get("state") or "processing"), values.get("extension") or None
        if state not in STATES or cause not in (None, *EXTENSIONS):
            raise ValueError(f"state is one of {', '.join(STATES)}; extension one of {', '.join(EXTENSIONS)}")
        given = str(values.get("serial") or values.get("number") or "")
        rows = (json.loads(row) for (row,) in self._city.execute("SELECT row FROM work_order"))
        row = next((row for row in rows if given and given in (row["serial"], row["number"])), None)
        if row is None:
            raise LookupError
        more: Row = {"held": True} | ({"extension": cause} if cause else {})
        more |= {"reply": str(values["reply"])} if values.get("reply") else {}
        return self._set(row | more, state, self._clock(), **more)

    def listed(self) -> list[Row]:
        """The newest ones, for the page: without whose they are."""
        query = "SELECT row FROM work_order ORDER BY made DESC LIMIT ?"
        rows = [self._now(json.loads(row)) for (row,) in self._city.execute(query, (LISTED,)).fetchall()]
        names = ("serial", "number", "kind", "text", "state", "extension", "grade")
        return [{**{name: row[name] for name in names}, "named": bool(row["AAC002"])} for row in rows]

    def close(self) -> None:
        """Let the file go."""
        self._city.close()


class WorkOrderDoor(SignedDoor):
    """The platform's addresses, and those to see what was handed in and to decide about it."""

    def __init__(
        self, credentials: Credentials, orders: WorkOrders, faults: Faults, calls: Counter[str]
    ) -> None:
        account = Account(credentials.work_order_app_id, credentials.work_order_secret)
        actions = {
            "workorder/query": orders.query,
            "workorder/register": orders.register,
            "workorder/supplement": orders.supplement,
            "workorder/withdraw": orders.withdraw,
            "workorder/reopen": orders.reopen,
            "workorder/rate": orders.rate,
        }
        super().__init__("work_order_platform", account, actions, MESSAGES, faults, calls, ("serial",))
        faults.know("work_order_platform", actions.keys() - {"workorder/query"}, ())
        self._orders = orders
        self._paths = [f"/{path}" for path in actions]

    def routes(self) -> list[web.RouteDef]:
        """All its addresses."""
        return [
            *(web.post(path, self.handle) for path in self._paths),
            web.get("/_sandbox/work-orders", self.get_orders),
            web.post("/_sandbox/work-orders", self.post_orders),
        ]

    async def get_orders(self, _request: web.Request) -> web.Response:
        """See ``WorkOrders.listed``."""
        return as_json(self._orders.listed())

    async def post_orders(self, request: web.Request) -> web.Response:
        """See ``WorkOrders.change``; the answer is the order as it is then."""
        try:
            return done(request, _shown(self._orders.change(await read(request))))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        except LookupError:
            raise web.HTTPNotFound(text="there is no such work order") from None


def _shown(row: Row) -> dict[str, Any]:
    names = ("serial", "number", "kind", "state", "extension", "grade", "parts", "reply")
    moments = {name: _written(row[name]) for name in ("since", "replied_at", "reopened_at")}
    return {name: row[name] for name in (*names, "handler", "respondent")} | moments


def _written(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, CHINA).isoformat(timespec="milliseconds")


def _answer(code: str) -> Answer:
    return {"code": code, "message": MESSAGES[code]}

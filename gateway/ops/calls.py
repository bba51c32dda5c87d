"""People to be called or visited, by their wish or because no notice reached them: whom, why, since when,
and that it was done.

The list masks everybody. A number is shown in full to whoever says why, one at a
time, and that is on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Row, select

from gateway import audit
from gateway.broadcasts import tickets
from gateway.citizens import register
from gateway.ops import page, words
from gateway.runtime import Runtime
from gateway.security import mask_mobile, mask_name, redact
from gateway.transactions import call_backs
from gateway.transactions.model import Words
from gateway.transactions.store import transactions

SHOWN = 100
REASONS: Mapping[str, Words] = {
    "call": Words("现在就打电话", "to call now"),
    "visit": Words("安排上门", "to arrange a visit"),
    "check": Words("核对登记的号码", "to check the number in the register"),
}
KINDS: Mapping[str, Words] = {
    "call_back": Words("回电", "call"),
    "home_visit": Words("上门", "visit"),
    call_backs.UNREACHED: Words("通知没送到，请打电话告知", "no notice reached them: call and tell them"),
}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/calls`` and its two buttons."""

    @routes.get("/calls")
    def calls() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            rows = _listed(tx, runtime)
        return page.show("calls.html", rows=rows, full=len(rows) >= SHOWN)

    @routes.post("/calls/done")
    def call_done() -> ResponseReturnValue:
        key = _key()
        with runtime.db.write() as tx:
            if call_backs.done(tx, runtime, key):
                _record(tx, runtime, "done", str(key))
        return redirect(url_for("ops.calls"), 303)

    @routes.post("/calls/number")
    def call_number() -> ResponseReturnValue:
        """First the question why; with a reason the number, and a row in the audit chain."""
        key, reason = _key(), request.form.get("reason", "")
        with runtime.db.write() as tx:
            row = next((row for row in _listed(tx, runtime) if row["id"] == key), None)
            if row is None:
                abort(404)
            number = row["number"] if reason in REASONS else ""
            if reason in REASONS:
                _record(tx, runtime, "number", f"{reason} {key}")
        return render_template("ops/number.html", row=row, number=number, reasons=REASONS, asked=bool(reason))


def _listed(tx: Connection, runtime: Runtime) -> list[dict[str, Any]]:
    """The open wishes and tickets with masked names; a few queries for all."""
    rows = call_backs.open_ones(tx, SHOWN)
    asked = [row for row in rows if row.broadcast_id is None]
    unreached = [row for row in rows if row.broadcast_id is not None]
    shown = {**_wishes(tx, runtime, asked), **_tickets(tx, runtime, unreached)}
    where = page.zone(runtime)
    return [
        {
            "id": row.id,
            "kind": KINDS.get(row.kind, Words(row.kind, row.kind)),
            "since": page.date_time(row.created_at, where),
            **shown[row.id],
        }
        for row in rows
    ]


def _wishes(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, dict[str, Any]]:
    """Who asked for it, and in which transaction."""
    citizens, keys = [row.citizen_id for row in rows], [row.transaction_id for row in rows]
    who = register.people(tx, runtime.vault, citizens)
    mobiles = register.addresses(tx, runtime.vault, "mobile", citizens)
    named = select(transactions.c.id, transactions.c.reference).where(transactions.c.id.in_(keys))
    about = {row.id: row.reference for row in tx.execute(named)}
    return {
        row.id: {
            "name": mask_name(who[row.citizen_id].name) if row.citizen_id in who else "*",
            "number": mobiles.get(row.citizen_id, ""),
            "mobile": mask_mobile(mobiles.get(row.citizen_id, "")),
            "reference": about.get(row.transaction_id, ""),
            "tried": (),
        }
        for row in rows
    }


def _tickets(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, dict[str, Any]]:
    """Whom a broadcast did not reach, which one, and what it tried."""
    return {
        key: {
            "name": one.name,
            "number": one.number,
            "mobile": mask_mobile(one.number),
            "reference": one.about,
            "tried": [(words.CHANNELS[channel], words.ENDS[status]) for channel, status in one.tried],
        }
        for key, one in tickets.told(tx, runtime, rows).items()
    }


def _key() -> UUID:
    try:
        return UUID(request.form.get("id", ""))
    except ValueError:
        abort(400)


def _record(tx: Connection, runtime: Runtime, what: str, subject: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), g.operator, f"call_back.{what}", redact(subject))
